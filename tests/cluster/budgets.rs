//! What the operator may cost, counted at the API server: calls by verb and resource, no times.
//!
//! These tests run alone, and count what concerns their own partner and its tenants: what other tests have left behind
//! (a namespace in the way that is tried again, a Secret that is looked for) has a budget of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use clientele::api::{ContainerDefaults, Customer, Partner, Role};
use futures::future::join_all;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::steps::{change, config_map, offer, settled, until_so};
use crate::support::{
    AuditEvent, Calls, Mark, OPERATOR_USER, PATIENCE, Report as _, World, customer, eventually,
    home, namespace_of, tenant, until, user,
};

/// How many customers a test makes: enough to tell a call each from a call in all.
const SOME: usize = 4;

/// How long nothing may be heard of the operator for its work to count as done.
const SILENCE: Duration = Duration::from_secs(2);

/// What a test is about: a partner with a plan, and the customers it is given.
struct Measured {
    world: World,
    partner: Partner,
    plan: String,
}

impl Measured {
    async fn begin() -> Self {
        let world = World::alone().await;
        let amounts = |cpu: &str| [("cpu".to_owned(), Quantity(cpu.to_owned()))].into();
        let plan = offer(&world, |plan| {
            plan.container_defaults = Some(ContainerDefaults {
                limits: amounts("500m"),
                requests: amounts("50m"),
            });
        })
        .await;
        let partner = world.provider().await;
        let domain = format!("one.{}.example", partner.name_any());
        let partner = change(&world, &partner, json!({"spec": {"domain": domain}})).await;
        world.ready(&partner).await;
        let measured = Self {
            world,
            partner,
            plan: plan.name_any(),
        };
        measured.silence().await;
        measured
    }

    fn customers(&self) -> Vec<Customer> {
        let customer = |number| {
            let mut customer = customer(&self.partner, &format!("customer-{number}"));
            customer.spec.plan = Some(self.plan.clone());
            customer
        };
        (0..SOME).map(customer).collect()
    }

    /// Makes all customers, and waits until they are Ready and nothing more follows from it.
    async fn settle(&self) -> Vec<Customer> {
        let customers = self.customers();
        let customers = join_all(customers.iter().map(|one| settled(&self.world, one))).await;
        // Counts follow within seconds; a world that still counts is not settled.
        until_so(&self.world, &self.partner, "counted", |partner| {
            let status = partner.status.as_ref();
            status.is_some_and(|status| usize::try_from(status.customers) == Ok(SOME))
        })
        .await;
        self.silence().await;
        customers
    }

    async fn mark(&self) -> Mark {
        self.world.plane.audit().mark().await
    }

    /// Whether a call is one of the operator's own that concerns the partner, its customers or their tenants.
    fn concerns(&self, call: &AuditEvent) -> bool {
        let tenants = format!("{}--", self.partner.name_any());
        let home = home(&self.partner);
        let ours = |name: &str| name == home || name.starts_with(&tenants);
        let partner = call.resource.starts_with("partners") && call.name == self.partner.name_any();
        let place =
            partner || ours(&call.namespace) || (call.resource == "namespaces" && ours(&call.name));
        place && call.user == OPERATOR_USER && !call.impersonated
    }

    async fn silence(&self) {
        let audit = self.world.plane.audit();
        let silent = audit
            .quiet(SILENCE, PATIENCE, |call| self.concerns(call))
            .await;
        assert!(silent, "the operator does not come to rest");
    }

    /// What the operator has called for since the mark, counted.
    async fn counts(&self, since: Mark) -> BTreeMap<String, usize> {
        self.calls(since).await.counts()
    }

    async fn calls(&self, since: Mark) -> Calls {
        let calls = self.world.plane.audit().since(since).await;
        calls.only(|call| self.concerns(call))
    }
}

/// Asserts that exactly these calls were made, each so often.
#[track_caller]
fn exactly(counts: BTreeMap<String, usize>, wanted: &[(&str, usize)]) {
    let wanted = wanted
        .iter()
        .map(|(call, count)| ((*call).to_owned(), *count));
    assert_eq!(counts, wanted.collect());
}

#[tokio::test]
async fn a_customer_costs_a_write_for_each_of_its_parts_a_status_and_no_read() {
    let measured = Measured::begin().await;
    let before = measured.mark().await;
    measured.settle().await;
    let mut counts = measured.counts(before).await;
    // How many customers it has is written to a partner at most every five seconds, whatever their number.
    let counted = counts.remove("patch partners/status").unwrap_or_default();
    assert!(counted <= 2, "{counted} writes of the partner's status");
    exactly(
        counts,
        &[
            ("create namespaces", SOME),
            ("patch configmaps", SOME),
            ("patch customers/status", SOME),
            ("patch limitranges", SOME),
            ("patch networkpolicies", SOME),
            ("patch resourcequotas", SOME),
            ("patch serviceaccounts", SOME),
        ],
    );
}

#[tokio::test]
async fn a_user_costs_a_binding_and_at_most_two_statuses_each_way() {
    let measured = Measured::begin().await;
    let customers = measured.settle().await;
    for customer in &customers {
        let quotas = measured.world.api::<ResourceQuota>(&tenant(customer));
        until(quotas, "clientele", "in force", |quota| {
            quota.is_some_and(|quota| quota.status.as_ref().is_some_and(|s| s.hard.is_some()))
        })
        .await;
    }
    measured.silence().await;
    let before = measured.mark().await;
    for customer in &customers {
        settled(
            &measured.world,
            &user(
                customer,
                &format!("ada-{}", customer.name_any()),
                Role::Admin,
            ),
        )
        .await;
    }
    measured.silence().await;
    let mut counts = measured.counts(before).await;
    for kind in ["customers", "customerusers"] {
        let written = counts
            .remove(&format!("patch {kind}/status"))
            .unwrap_or_default();
        assert!(
            (SOME..=2 * SOME).contains(&written),
            "{written} statuses of {SOME} {kind}"
        );
    }
    exactly(counts, &[("patch rolebindings", SOME)]);
}

#[tokio::test]
async fn an_operator_that_starts_again_lists_each_kind_at_most_once_and_writes_nothing() {
    let measured = Measured::begin().await;
    measured.settle().await;
    let operator = measured.world.operator();
    operator.stop();
    let before = measured.mark().await;
    operator.start().expect("it started before");
    operator
        .await_ready()
        .unwrap_or_else(|reason| panic!("{reason}"));
    let all: Api<Customer> = Api::all(measured.world.admin.clone());
    let there = all
        .list_metadata(&ListParams::default())
        .await
        .expect("customers");
    eventually("every customer has been looked at", PATIENCE, async || {
        let looked_at = looked_at(&operator.get("/metrics").report()?.1);
        if looked_at < there.items.len() as f64 {
            return Err(format!("{looked_at} of {}", there.items.len()));
        }
        Ok(())
    })
    .await;
    measured.silence().await;

    exactly(measured.counts(before).await, &[]);
    let everything = measured
        .world
        .plane
        .audit()
        .since(before)
        .await
        .by(OPERATOR_USER);
    let lists = everything.only(|call| call.verb == "list").counts();
    assert!(lists.values().all(|&count| count <= 1), "{lists:?}");
}

/// How many customers an operator has reconciled, by its own metrics.
fn looked_at(metrics: &str) -> f64 {
    let lines = metrics.lines().filter(|line| {
        line.starts_with("controller_runtime_reconcile_total{") && line.contains("\"Customer\"")
    });
    let count = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    lines.filter_map(count).sum()
}

#[tokio::test]
async fn a_change_in_a_partner_costs_a_write_for_each_object_it_changes() {
    let measured = Measured::begin().await;
    let customers = measured.settle().await;
    let before = measured.mark().await;
    let two = format!("two.{}.example", measured.partner.name_any());
    change(
        &measured.world,
        &measured.partner,
        json!({"spec": {"domain": two}}),
    )
    .await;
    for customer in &customers {
        until_so(
            &measured.world,
            customer,
            "under the other domain",
            |customer| {
                let status = customer.status.as_ref();
                status.and_then(|status| status.domain.as_deref()) == Some(&two)
            },
        )
        .await;
    }
    measured.silence().await;
    let mut counts = measured.counts(before).await;
    let own = counts.remove("patch partners/status").unwrap_or_default();
    assert!(
        (1..=2).contains(&own),
        "{own} writes of the partner's status"
    );
    exactly(
        counts,
        &[
            // The partner's own, too.
            ("patch configmaps", SOME + 1),
            ("patch customers/status", SOME),
            ("patch namespaces", SOME),
        ],
    );
}

#[tokio::test]
async fn what_happens_in_a_tenant_costs_nothing() {
    let measured = Measured::begin().await;
    let customers = measured.settle().await;
    let counted = |quota: &ResourceQuota| {
        let status = quota.status.as_ref()?;
        status.used.as_ref()?.get("count/configmaps").cloned()
    };
    let mut used = Vec::new();
    for customer in &customers {
        let quotas = measured.world.api::<ResourceQuota>(&tenant(customer));
        let quota = until(quotas.clone(), "clientele", "in force", |quota| {
            quota.is_some_and(|quota| counted(quota).is_some())
        });
        used.push((
            tenant(customer),
            quotas,
            quota.await.as_ref().and_then(counted),
        ));
    }
    measured.silence().await;
    let before = measured.mark().await;
    for (place, quotas, used) in used {
        let maps = measured.world.api(&place);
        let own = config_map(&place, "own");
        maps.create(&PostParams::default(), &own)
            .await
            .expect("made");
        until(quotas, "clientele", "counting another ConfigMap", |quota| {
            quota.is_some_and(|quota| counted(quota) != used)
        })
        .await;
    }
    measured.silence().await;
    exactly(measured.counts(before).await, &[]);
    assert_eq!(namespace_of(&customers[0]), home(&measured.partner));
}
