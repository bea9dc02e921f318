mod ceiling;

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::{NamePolicy, Partner, PartnerSpec, PolicyKind, ServiceVisibility};

/// A small world: a provider with a reseller, offerings, and what one customer says.
#[derive(Clone, Default)]
struct World {
    top: PartnerSpec,
    below: PartnerSpec,
    offerings: BTreeMap<String, (ServiceOfferingSpec, bool)>,
    plan: Vec<String>,
    services: Vec<CustomerService>,
    used: BTreeMap<String, Used>,
    trial_ends_at: Option<Timestamp>,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn only(names: &[&str]) -> Option<NamePolicy> {
    let names = names.iter().map(ToString::to_string).collect();
    Some(NamePolicy {
        policy: PolicyKind::Only,
        names,
    })
}

fn except(names: &[&str]) -> Option<NamePolicy> {
    let policy = only(names).unwrap();
    Some(NamePolicy {
        policy: PolicyKind::Except,
        ..policy
    })
}

impl World {
    fn offering(mut self, name: &str, change: impl FnOnce(&mut ServiceOfferingSpec)) -> Self {
        let mut spec = ServiceOfferingSpec::default();
        change(&mut spec);
        self.offerings.insert(name.into(), (spec, true));
        self
    }

    fn asks(mut self, name: &str, activation: Activation) -> Self {
        self.services.push(CustomerService {
            name: name.into(),
            activation,
            ..CustomerService::default()
        });
        self
    }

    fn used(mut self, name: &str, out_since: Option<Timestamp>) -> Self {
        self.used.insert(name.into(), Used { out_since });
        self
    }

    fn all(&self, now: Timestamp) -> Vec<Service> {
        let partner = |name: &str, spec: &PartnerSpec| Arc::new(Partner::new(name, spec.clone()));
        let lineage = Lineage::new(vec![
            partner("provider", &self.top),
            partner("emea", &self.below),
        ]);
        let offerings = self.offerings.iter();
        effective(&Asked {
            lineage: &lineage,
            offerings: offerings
                .map(|(name, (spec, in_order))| {
                    (
                        name.as_str(),
                        Offered {
                            spec,
                            in_order: *in_order,
                        },
                    )
                })
                .collect(),
            plan: &self.plan,
            services: &self.services,
            used: &self.used,
            trial_ends_at: self.trial_ends_at,
            now,
        })
    }

    fn one(&self, name: &str) -> Service {
        self.all(at(0))
            .into_iter()
            .find(|service| service.name == name)
            .expect("listed")
    }

    fn state(&self, name: &str) -> ServiceState {
        self.one(name).state
    }
}

fn storage() -> World {
    World::default().offering("storage", |_| {})
}

#[test]
fn what_is_asked_for_and_offered_is_as_it_is_asked_for() {
    for (activation, state) in [
        (Activation::Active, ServiceState::Active),
        (Activation::Trial, ServiceState::Trial),
        (Activation::Paused, ServiceState::Paused),
        (Activation::Inactive, ServiceState::Preparation),
    ] {
        assert_eq!(
            storage().asks("storage", activation).state("storage"),
            state
        );
    }
}

#[test]
fn the_partner_nearest_to_the_top_that_refuses_is_named() {
    let mut world = storage().asks("storage", Activation::Active);
    world.below.services = except(&["storage"]);
    assert_eq!(world.one("storage").blocked_by.as_deref(), Some("emea"));
    world.top.services = only(&["dns"]);
    let service = world.one("storage");
    assert_eq!(
        (service.state, service.blocked_by.as_deref()),
        (ServiceState::Denied, Some("provider"))
    );
}

#[test]
fn nothing_below_lifts_a_ceiling() {
    let mut world = storage().asks("storage", Activation::Active);
    world.top.services = only(&["dns"]);
    world.below.services = only(&["storage"]);
    assert_eq!(world.state("storage"), ServiceState::Denied);
}

#[test]
fn never_granted_and_withdrawn_are_told_apart_by_use() {
    let mut never = storage().asks("storage", Activation::Active);
    never.top.services = only(&[]);
    assert!(!never.one("storage").withdrawn);
    assert!(never.used("storage", None).one("storage").withdrawn);
}

#[test]
fn the_source_is_the_customer_then_the_plan_then_everybody() {
    let mut world = World::default().offering("storage", |spec| spec.auto_enable = true);
    assert_eq!(world.one("storage").source, ServiceSource::AutoEnable);
    world.plan = vec!["storage".into()];
    assert_eq!(world.one("storage").source, ServiceSource::Plan);
    let world = world.asks("storage", Activation::Paused);
    let service = world.one("storage");
    assert_eq!(
        (service.source, service.state),
        (ServiceSource::Customer, ServiceState::Paused)
    );
}

#[test]
fn what_is_on_for_everybody_is_not_shown_where_it_is_not_offered() {
    let mut world = World::default().offering("storage", |spec| spec.auto_enable = true);
    world.below.services = except(&["storage"]);
    assert_eq!(world.all(at(0)), []);
    assert!(world.used("storage", None).one("storage").withdrawn);
}

#[test]
fn what_the_plan_includes_and_a_partner_refuses_is_denied() {
    let mut world = storage();
    world.plan = vec!["storage".into()];
    world.below.services = only(&[]);
    assert_eq!(world.state("storage"), ServiceState::Denied);
}

#[test]
fn a_trial_ends_to_the_second_at_the_earlier_of_both_ends() {
    for (own, account, end) in [
        (Some(10), None, 10),
        (None, Some(20), 20),
        (Some(10), Some(20), 10),
        (Some(30), Some(20), 20),
    ] {
        let mut world = storage().asks("storage", Activation::Trial);
        world.services[0].trial_ends_at = own.map(|own| Time(at(own)));
        world.trial_ends_at = account.map(at);
        let before = &world.all(at(end - 1))[0];
        assert_eq!(
            (before.state, before.changes_at),
            (ServiceState::Trial, Some(at(end)))
        );
        let after = &world.all(at(end))[0];
        assert_eq!(
            (after.state, after.changes_at),
            (ServiceState::TrialEnd, None)
        );
    }
}

#[test]
fn an_active_service_has_no_trial_to_end() {
    let mut world = storage().asks("storage", Activation::Active);
    world.trial_ends_at = Some(at(-1));
    assert_eq!(world.state("storage"), ServiceState::Active);
}

#[test]
fn what_was_used_and_is_no_longer_asked_for_stays_listed() {
    let world = storage().used("storage", None);
    assert_eq!(world.state("storage"), ServiceState::Deleted);
    assert_eq!(
        world.asks("storage", Activation::Inactive).state("storage"),
        ServiceState::Deleted
    );
}

#[test]
fn objects_out_of_use_are_pruned_only_where_the_offering_says_so() {
    let out = storage().used("storage", Some(at(-100)));
    assert_eq!(out.one("storage").remove_at, None);
    let out = out.offering("storage", |spec| spec.prune_after = Some(String::new()));
    assert_eq!(out.one("storage").remove_at, None);
    let out = out.offering("storage", |spec| spec.prune_after = Some("1m50s".into()));
    let service = out.one("storage");
    assert_eq!(
        (service.remove_at, service.changes_at),
        (Some(at(10)), Some(at(10)))
    );
    assert!(!service.is_due(at(9)) && service.is_due(at(10)));
    assert_eq!(
        out.asks("storage", Activation::Active)
            .one("storage")
            .remove_at,
        None
    );
}

#[test]
fn the_time_to_prune_begins_now_if_it_is_only_now_out() {
    let out = World::default().offering("storage", |spec| spec.prune_after = Some("5s".into()));
    assert_eq!(
        out.used("storage", None).one("storage").remove_at,
        Some(at(5))
    );
}

#[test]
fn who_requires_what_is_not_there_waits_and_so_does_who_requires_that() {
    let world = storage()
        .offering("dns", |_| {})
        .offering("mail", |spec| spec.requires = vec!["dns".into()])
        .offering("app", |spec| spec.requires = vec!["mail".into()])
        .asks("app", Activation::Active)
        .asks("mail", Activation::Trial);
    let waits = |name: &str| (world.state(name), world.one(name).blocked_by);
    assert_eq!(waits("mail"), (ServiceState::Waiting, Some("dns".into())));
    assert_eq!(waits("app"), (ServiceState::Waiting, Some("mail".into())));
    let world = world.asks("dns", Activation::Trial);
    assert_eq!(
        (world.state("app"), world.state("mail")),
        (ServiceState::Active, ServiceState::Trial)
    );
}

#[test]
fn offerings_that_require_each_other_wait_for_each_other() {
    let world = World::default()
        .offering("a", |spec| spec.requires = vec!["b".into()])
        .offering("b", |spec| spec.requires = vec!["a".into()])
        .asks("a", Activation::Active)
        .asks("b", Activation::Active);
    assert_eq!(
        (world.state("a"), world.state("b")),
        (ServiceState::Waiting, ServiceState::Waiting)
    );
}

#[test]
fn an_offering_out_of_order_holds_up_who_comes_and_not_who_is_there() {
    let mut world = storage().asks("storage", Activation::Active);
    world.offerings.get_mut("storage").unwrap().1 = false;
    assert_eq!(world.state("storage"), ServiceState::Waiting);
    assert_eq!(
        world.used("storage", None).state("storage"),
        ServiceState::Active
    );
}

#[test]
fn a_service_without_an_offering_waits_for_it() {
    let world = World::default().asks("storage", Activation::Active);
    let service = world.one("storage");
    assert_eq!(
        (service.state, service.blocked_by.as_deref()),
        (ServiceState::Waiting, Some("storage"))
    );
}

#[test]
fn visibility_is_the_nearest_that_says_so_until_overridden() {
    let says = |visibility| {
        vec![ServiceVisibility {
            name: "storage".into(),
            visibility,
        }]
    };
    let mut world = storage().asks("storage", Activation::Active);
    assert_eq!(world.one("storage").visibility, Visibility::Visible);
    world.top.visibility = says(Visibility::Hidden);
    assert_eq!(world.one("storage").visibility, Visibility::Hidden);
    world.below.visibility = says(Visibility::Visible);
    assert_eq!(world.one("storage").visibility, Visibility::Visible);
    world.services[0].visibility = VisibilityChoice::Hidden;
    assert_eq!(world.one("storage").visibility, Visibility::Hidden);
    world.below.visibility = Vec::new();
    world.top.visibility = Vec::new();
    assert_eq!(world.one("storage").visibility, Visibility::Hidden);
}

#[test]
fn the_phase_is_the_first_that_holds() {
    let phase_of = |world: &World, over| phase(&world.all(at(0)), over);
    let empty = storage();
    assert_eq!(phase_of(&empty, false), Phase::Preparation);
    assert_eq!(
        phase_of(&empty.clone().asks("storage", Activation::Paused), false),
        Phase::Preparation
    );
    let paused = empty
        .clone()
        .asks("storage", Activation::Paused)
        .used("storage", None);
    assert_eq!(phase_of(&paused, false), Phase::TrialEnd);
    let tried = paused
        .offering("dns", |_| {})
        .asks("dns", Activation::Trial);
    assert_eq!(phase_of(&tried, false), Phase::Trial);
    let active = tried
        .offering("app", |_| {})
        .asks("app", Activation::Active);
    assert_eq!(phase_of(&active, false), Phase::Active);
    assert_eq!(phase_of(&active, true), Phase::TrialEnd);
}
