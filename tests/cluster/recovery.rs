//! What comes after a loss: a Customer that is deleted and applied again, and a partner's namespace that goes.

use clientele::api::{Customer, Partner, Role};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ResourceQuota};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

use crate::attempt::{call, create};
use crate::steps::{
    Who, annotate, change, config_map, delete, do_as_told, message, namespace, namespaces, offer,
    pod, settled, until_may, until_so,
};
use crate::support::{
    PATIENCE, World, customer, eventually, home, refused, tenant, unique, until, user,
};

/// A customer with a plan, an admin, and something of its own in its tenant.
struct Business {
    partner: Partner,
    globex: Customer,
    ada: String,
    place: Namespace,
}

impl Business {
    async fn running(world: &World) -> Self {
        let plan = offer(world, |_| ()).await;
        let partner = world.provider().await;
        let mut globex = customer(&partner, "globex");
        globex.spec.plan = Some(plan.name_any());
        let globex = settled(world, &globex).await;
        let ada = settled(world, &user(&globex, "ada", Role::Admin))
            .await
            .spec
            .email;
        let place = tenant(&globex);
        world.create(&config_map(&place, "theirs")).await;
        let app = call(&world.admin, &create(pod("app", &place))).await;
        app.expect("the plan has room");
        Self {
            partner,
            globex,
            ada,
            place: namespace(world, &place).await,
        }
    }

    fn number(&self) -> Option<String> {
        self.globex
            .status
            .as_ref()
            .and_then(|status| status.customer_number.clone())
    }

    /// The same customer, as Git has it.
    fn again(&self) -> Customer {
        let mut again = customer(&self.partner, "globex");
        again.spec = self.globex.spec.clone();
        again
    }

    /// Fails if anything of the customer's own was touched.
    async fn data_is_untouched(&self, world: &World) {
        let place = self.place.name_any();
        let now = namespace(world, &place).await;
        assert_eq!(now.uid(), self.place.uid());
        assert!(now.metadata.deletion_timestamp.is_none());
        let maps = world.api::<ConfigMap>(&place);
        assert!(maps.get_opt("theirs").await.expect("an answer").is_some());
        let app = world
            .api::<Pod>(&place)
            .get("app")
            .await
            .expect("still there");
        assert!(app.metadata.deletion_timestamp.is_none());
    }

    async fn ada_gets_in(&self, world: &World, wanted: bool) {
        until_may(
            world,
            &Who::User(&self.ada),
            "list",
            "pods",
            &self.place.name_any(),
            wanted,
        )
        .await;
    }
}

#[tokio::test]
async fn a_customer_that_is_deleted_leaves_its_tenant_locked_and_kept() {
    let world = World::shared().await;
    let business = Business::running(&world).await;
    let place = business.place.name_any();
    let told = world.kubectl(&[
        "delete",
        "customer",
        "globex",
        "-n",
        &home(&business.partner),
        "--timeout=30s",
    ]);
    assert!(told.contains("deleted"), "{told}");

    let kept = namespace(&world, &place).await;
    assert_eq!(kept.labels()["clientele.dev/access"], "Locked");
    assert_eq!(kept.labels()["clientele.dev/retained"], "true");
    assert_eq!(
        kept.annotations()["clientele.dev/customer-number"],
        business.number().expect("a number")
    );
    let bindings = world.api::<RoleBinding>(&place);
    let left = bindings.list(&ListParams::default()).await.expect("a list");
    assert_eq!(left.items.len(), 0, "{left:?}");
    business.ada_gets_in(&world, false).await;
    business.data_is_untouched(&world).await;
    // It stays shut off as it was, too.
    let quotas = world.api::<ResourceQuota>(&place);
    assert!(
        quotas
            .get_opt("clientele")
            .await
            .expect("an answer")
            .is_some()
    );
}

#[tokio::test]
async fn the_same_company_applied_again_has_its_tenant_back() {
    let world = World::shared().await;
    let business = Business::running(&world).await;
    delete(&world, &business.globex).await;
    business.ada_gets_in(&world, false).await;

    let back = settled(&world, &business.again()).await;
    assert_ne!(back.uid(), business.globex.uid());
    let (status, before) = (back.status.as_ref(), business.globex.status.as_ref());
    assert_eq!(
        status.map(|status| &status.customer_number),
        before.map(|status| &status.customer_number)
    );
    assert_eq!(
        status.map(|status| &status.customer_since),
        before.map(|status| &status.customer_since)
    );
    business.data_is_untouched(&world).await;
    let now = namespace(&world, &business.place.name_any()).await;
    assert!(!now.labels().contains_key("clientele.dev/retained"));
    assert_eq!(now.labels()["clientele.dev/access"], "Open");
    assert_eq!(
        now.labels()["clientele.dev/customer-uid"],
        back.uid().expect("a UID")
    );
    business.ada_gets_in(&world, true).await;
    // What the operator made before carries the new mark, so that it is still kept as it should be.
    let quotas = world.api::<ResourceQuota>(&business.place.name_any());
    let quota = quotas.get("clientele").await.expect("a quota");
    assert_eq!(
        quota.labels()["clientele.dev/customer-uid"],
        back.uid().expect("a UID")
    );
}

#[tokio::test]
async fn another_company_of_that_name_gets_the_tenant_only_when_a_person_says_so() {
    let world = World::shared().await;
    let business = Business::running(&world).await;
    delete(&world, &business.globex).await;
    let kept = namespace(&world, &business.place.name_any()).await;

    let mut other = business.again();
    other.spec.contact.email = "boss@other-globex.example".to_owned();
    let other = world.create(&other).await;
    let stalled = world.stalled(&other, "TenantRetained").await;
    assert_eq!(
        stalled
            .status
            .as_ref()
            .and_then(|status| status.customer_number.clone()),
        None
    );
    let now = namespace(&world, &business.place.name_any()).await;
    assert_eq!(now.resource_version(), kept.resource_version());
    business.ada_gets_in(&world, false).await;

    let said = message(&stalled, "Stalled");
    assert!(said.contains("another name"), "{said}");
    // The command is for this tenant alone: another UID does not open it.
    let wrong = annotate(
        &world,
        &other,
        "clientele.dev/adopt-retained",
        Some("another-uid"),
    )
    .await;
    world.stalled(&wrong, "TenantRetained").await;
    annotate(&world, &other, "clientele.dev/adopt-retained", None).await;
    do_as_told(&world, &said);
    let taken = world.ready(&other).await;
    let number = taken
        .status
        .as_ref()
        .and_then(|status| status.customer_number.clone());
    assert_eq!(number, business.number());
    business.data_is_untouched(&world).await;
    let now = namespace(&world, &business.place.name_any()).await;
    assert_eq!(
        now.annotations()["clientele.dev/contact-email"],
        "boss@other-globex.example"
    );
}

#[tokio::test]
async fn a_number_that_is_not_the_recorded_one_does_not_open_a_kept_tenant() {
    let world = World::shared().await;
    let business = Business::running(&world).await;
    delete(&world, &business.globex).await;
    let mut other = business.again();
    other.spec.customer_number = Some(unique("N-"));
    let other = world.create(&other).await;
    world.stalled(&other, "TenantRetained").await;
    delete(&world, &other).await;
    // Its coming and going changed nothing.
    let mut same = business.again();
    same.spec.customer_number = business.number();
    let same = settled(&world, &same).await;
    assert_eq!(
        same.status.and_then(|status| status.customer_number),
        business.number()
    );
    business.data_is_untouched(&world).await;
}

#[tokio::test]
async fn deleted_and_applied_again_at_once_a_customer_loses_nothing() {
    let world = World::shared().await;
    let business = Business::running(&world).await;
    let customers = world.api::<Customer>(&home(&business.partner));
    customers
        .delete("globex", &DeleteParams::default())
        .await
        .expect("deleted");
    // As a pipeline does that prunes and applies: until the old object is gone, the new one is refused.
    let again = eventually("applied again", PATIENCE, async || {
        let made = customers
            .create(&PostParams::default(), &business.again())
            .await;
        made.map_err(|error| error.to_string())
    });
    let back = world.ready(&again.await).await;
    assert_eq!(
        back.status.and_then(|status| status.customer_number),
        business.number()
    );
    business.data_is_untouched(&world).await;
    business.ada_gets_in(&world, true).await;
}

#[tokio::test]
async fn a_partners_namespace_that_goes_takes_no_tenant_along() {
    let world = World::shared().await;
    let business = Business::running(&world).await;
    let (place, above) = (business.place.name_any(), home(&business.partner));
    let gone = namespace(&world, &above).await;
    let result = namespaces(&world)
        .delete(&above, &DeleteParams::default())
        .await;
    let refusal = refused(result.map(|_| ()), "destroys everything in it");
    let bindings = world.api::<RoleBinding>(&place);
    let ada = bindings.get("globex-admin").await.expect("a binding");
    let before = namespace(&world, &place).await;

    // Confirmed, it goes with all that is in it, and nobody takes that for a wish to end a customer.
    do_as_told(&world, &refusal.message);
    namespaces(&world)
        .delete(&above, &DeleteParams::default())
        .await
        .expect("confirmed");
    let anew = until(namespaces(&world), &above, "made anew", |namespace| {
        namespace.is_some_and(|namespace| namespace.uid() != gone.uid())
    });
    anew.await;
    world.ready(&business.partner).await;
    let now = namespace(&world, &place).await;
    assert_eq!(now.resource_version(), before.resource_version());
    let now = bindings
        .get("globex-admin")
        .await
        .expect("nobody was shut out");
    assert_eq!(now.resource_version(), ada.resource_version());

    let mut again = business.again();
    again.spec.on_hold = Some(false);
    let back = settled(&world, &again).await;
    assert_eq!(
        back.status
            .as_ref()
            .and_then(|status| status.customer_number.clone()),
        business.number()
    );
    settled(&world, &user(&back, "ada", Role::Admin)).await;
    business.ada_gets_in(&world, true).await;
    business.data_is_untouched(&world).await;
}

#[tokio::test]
async fn a_tenant_namespace_that_somebody_destroys_is_made_again_under_the_same_number() {
    let world = World::shared().await;
    let mut business = Business::running(&world).await;
    // A number that it would not be given again: that of an earlier object.
    delete(&world, &business.globex).await;
    business.globex = settled(&world, &business.again()).await;
    let place = business.place.name_any();
    let result = namespaces(&world)
        .delete(&place, &DeleteParams::default())
        .await;
    let refusal = refused(result.map(|_| ()), "To end a customer delete its Customer");
    do_as_told(&world, &refusal.message);
    namespaces(&world)
        .delete(&place, &DeleteParams::default())
        .await
        .expect("confirmed");
    until(namespaces(&world), &place, "made anew", |namespace| {
        namespace.is_some_and(|namespace| namespace.uid() != business.place.uid())
    })
    .await;
    let globex = until_so(&world, &business.globex, "whole again", |globex| {
        globex
            .status
            .as_ref()
            .is_some_and(|status| status.users == 1)
    })
    .await;
    let globex = world.ready(&globex).await;
    assert_eq!(
        globex.status.as_ref().map(|status| &status.customer_since),
        business
            .globex
            .status
            .as_ref()
            .map(|status| &status.customer_since)
    );
    assert_eq!(
        globex.status.and_then(|status| status.customer_number),
        business.number()
    );
    business.ada_gets_in(&world, true).await;
    let held = change(&world, &business.globex, json!({"spec": {"onHold": true}})).await;
    world.ready(&held).await;
    business.ada_gets_in(&world, false).await;
}
