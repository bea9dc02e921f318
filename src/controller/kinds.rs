//! The wiring of each kind: what is asked before its plan, and which plan.

use jiff::Timestamp;
use kube::Resource;

use super::reconcile::{Context, Controlled};
use crate::api::{
    ContactList, ContactListStatus, Customer, CustomerStatus, CustomerUser, CustomerUserStatus,
    DeletionRequest, DeletionRequestStatus, Partner, PartnerStatus, PostalRoute, PostalRouteStatus,
    ServicePlan, ServicePlanStatus,
};
use crate::domain::deletion::CLOCK_TOLERANCE;
use crate::observe::live;
use crate::observe::views::SweptAlong;
use crate::plan::observed::Departure;
use crate::plan::observed::lists::ContentsSeen;
use crate::plan::observed::routes::{RouteChecked, Tried};
use crate::plan::{
    Key, Kind, Plan, contact_list, customer, customer_user, deletion, partner, postal_route,
    service_plan,
};

/// Why an object goes, if it does.
async fn departure<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
) -> kube::Result<Option<Departure>> {
    if object.meta().deletion_timestamp.is_none() {
        return Ok(None);
    }
    let namespace = object.meta().namespace.as_deref().unwrap_or_default();
    live::departure::<K>(&context.client, namespace)
        .await
        .map(Some)
}

/// Whether objects of a kind in a namespace went with their CRD or with the namespace, rather than by anybody's wish.
async fn went<K: Resource<DynamicType = ()>>(
    context: &Context,
    namespace: &str,
) -> kube::Result<bool> {
    let departure = live::departure::<K>(&context.client, namespace).await?;
    Ok(departure == Departure::SweptAlong)
}

impl Controlled for Customer {
    type Status = CustomerStatus;
    type Gathered = (Option<Departure>, SweptAlong);

    fn status(&self) -> Option<&CustomerStatus> {
        self.status.as_ref()
    }

    async fn gather(context: &Context, object: &Self) -> kube::Result<Self::Gathered> {
        let key = Key::new(
            Kind::Customer,
            object.metadata.namespace.as_deref().unwrap_or_default(),
            object.metadata.name.as_deref().unwrap_or_default(),
        );
        let (people, request) = {
            let world = context.world();
            (world.has_lost_people(&key), world.has_lost_request(&key))
        };
        let swept = SweptAlong {
            users: people && went::<CustomerUser>(context, &key.namespace).await?,
            request: request && went::<DeletionRequest>(context, &key.namespace).await?,
        };
        Ok((departure(context, object).await?, swept))
    }

    fn plan(
        context: &Context,
        key: &Key,
        (departure, swept): Self::Gathered,
        now: Timestamp,
    ) -> Option<Plan<CustomerStatus>> {
        let (operator, smtp) = (&*context.namespace, context.smtp.as_ref());
        let world = context.world();
        if !world.is_number_open(key) {
            let observed = world.customer(key, departure, swept, operator, smtp, now)?;
            drop(world);
            return Some(customer::plan(&observed, now));
        }
        drop(world);
        // Nobody else may look between the decision and the note of it.
        let mut world = context.world_mut();
        let observed = world.customer(key, departure, swept, operator, smtp, now)?;
        let plan = customer::plan(&observed, now);
        let fields = plan.draft.as_ref().map(|draft| &draft.fields);
        let given = fields.and_then(|fields| fields.customer_number.as_deref());
        let waiting = world.promise_number(key, given);
        drop(world);
        context.ask(waiting);
        Some(plan)
    }
}

impl Controlled for Partner {
    type Status = PartnerStatus;
    type Gathered = Option<Departure>;

    fn status(&self) -> Option<&PartnerStatus> {
        self.status.as_ref()
    }

    async fn gather(context: &Context, object: &Self) -> kube::Result<Self::Gathered> {
        departure(context, object).await
    }

    fn plan(
        context: &Context,
        key: &Key,
        gathered: Self::Gathered,
        now: Timestamp,
    ) -> Option<Plan<PartnerStatus>> {
        let (namespace, smtp) = (&context.namespace, context.smtp.as_ref());
        let observed = context
            .world()
            .partner(key, namespace, smtp, gathered, now)?;
        Some(partner::plan(&observed, now))
    }
}

impl Controlled for PostalRoute {
    type Status = PostalRouteStatus;
    type Gathered = RouteChecked;

    fn status(&self) -> Option<&PostalRouteStatus> {
        self.status.as_ref()
    }

    async fn gather(context: &Context, object: &Self) -> kube::Result<Self::Gathered> {
        Ok(context.relays.of(&context.client, object).await)
    }

    fn plan(
        context: &Context,
        key: &Key,
        gathered: Self::Gathered,
        now: Timestamp,
    ) -> Option<Plan<PostalRouteStatus>> {
        let observed = context.world().route(key, gathered)?;
        Some(postal_route::plan(&observed, now))
    }
}

impl Controlled for CustomerUser {
    type Status = CustomerUserStatus;
    type Gathered = ();

    fn status(&self) -> Option<&CustomerUserStatus> {
        self.status.as_ref()
    }

    async fn gather(_: &Context, _: &Self) -> kube::Result<()> {
        Ok(())
    }

    fn plan(
        context: &Context,
        key: &Key,
        (): (),
        _: Timestamp,
    ) -> Option<Plan<CustomerUserStatus>> {
        let observed = context.world().user(key)?;
        Some(customer_user::plan(&observed))
    }
}

impl Controlled for ServicePlan {
    type Status = ServicePlanStatus;
    type Gathered = ();

    fn status(&self) -> Option<&ServicePlanStatus> {
        self.status.as_ref()
    }

    async fn gather(_: &Context, _: &Self) -> kube::Result<()> {
        Ok(())
    }

    fn plan(
        context: &Context,
        key: &Key,
        (): (),
        now: Timestamp,
    ) -> Option<Plan<ServicePlanStatus>> {
        let observed = context.world().plan(key)?;
        Some(service_plan::plan(&observed, now))
    }
}

impl Controlled for DeletionRequest {
    type Status = DeletionRequestStatus;
    type Gathered = Option<Departure>;

    fn status(&self) -> Option<&DeletionRequestStatus> {
        self.status.as_ref()
    }

    async fn gather(context: &Context, object: &Self) -> kube::Result<Self::Gathered> {
        departure(context, object).await
    }

    fn plan(
        context: &Context,
        key: &Key,
        gathered: Self::Gathered,
        now: Timestamp,
    ) -> Option<Plan<DeletionRequestStatus>> {
        let agrees = context.clock.agrees(CLOCK_TOLERANCE);
        // Nobody else may look between the decision and the note of it: how many go at once, and in an hour, is counted.
        let mut world = context.world_mut();
        let observed = world.request(key, gathered, agrees, now)?;
        let plan = deletion::plan(&observed, now);
        if deletion::begins_purge(&plan) {
            world.purge_begins(key);
        }
        Some(plan)
    }
}

impl Controlled for ContactList {
    type Status = ContactListStatus;
    type Gathered = Tried<ContentsSeen>;

    fn status(&self) -> Option<&ContactListStatus> {
        self.status.as_ref()
    }

    async fn gather(context: &Context, object: &Self) -> kube::Result<Self::Gathered> {
        let now = context.clock.now();
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        if !context.world().is_tenant(namespace) {
            return Ok(Tried {
                seen: ContentsSeen::NotNamed,
                at: now,
                bad_since: None,
            });
        }
        Ok(context.lists.of(&context.client, object, now).await)
    }

    fn plan(
        context: &Context,
        key: &Key,
        gathered: Self::Gathered,
        now: Timestamp,
    ) -> Option<Plan<ContactListStatus>> {
        let observed = context.world().list(key, gathered)?;
        Some(contact_list::plan(&observed, now))
    }
}
