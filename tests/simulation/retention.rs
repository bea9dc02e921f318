//! Customers that go and come back: their tenants stay, closed, and only the same company gets one back.

use clientele::api::{Customer, Role};
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex, minutes};
use crate::server::Pacing;
use crate::server::resources::Verb;
use crate::sim::{Sim, story};

fn labels(sim: &Sim) -> Value {
    sim.see("namespaces", "", GLOBEX)["metadata"]["labels"].clone()
}

fn number(sim: &Sim) -> Value {
    sim.see("namespaces", "", GLOBEX)["metadata"]["annotations"]["clientele.dev/customer-number"]
        .clone()
}

fn uid(sim: &Sim) -> Value {
    sim.see("customers", EMEA, "globex")["metadata"]["uid"].clone()
}

fn other_mail() -> Customer {
    let mut other = customer(EMEA, "globex");
    other.spec.contact.email = "boss@other.example".into();
    other
}

/// `globex` was deleted, and its tenant is kept.
async fn retained(sim: &Sim) {
    globex(sim).await;
    sim.delete("customers", EMEA, "globex");
    sim.settle().await;
    sim.wait(minutes(2)).await;
}

#[test]
fn a_customer_that_is_deleted_leaves_its_tenant_locked_and_marked() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mark = sim.mark();
        let quota = sim.see("resourcequotas", GLOBEX, "clientele");
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!(sim.find("customers", EMEA, "globex"), None);
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(labels(&sim)["clientele.dev/access"], "Locked");
        assert_eq!(labels(&sim)["clientele.dev/retained"], "true");
        assert_eq!(sim.see("resourcequotas", GLOBEX, "clientele"), quota);
        let verbs: Vec<_> = sim
            .writes_since(mark)
            .iter()
            .filter(|c| c.subresource.is_empty())
            .map(|c| c.verb)
            .collect();
        assert_eq!(
            verbs,
            [Verb::Create, Verb::Delete, Verb::Merge, Verb::Merge],
            "a request filed, unbound, marked, let go"
        );
        sim.wait(minutes(2)).await;
        sim.restart();
        let mark = sim.mark();
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty());
    });
}

#[test]
fn the_same_company_gets_its_tenant_back_with_number_and_all() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let before = (
            number(&sim),
            sim.see("customers", EMEA, "globex")["status"]["customerSince"].clone(),
        );
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        sim.wait(minutes(90)).await;
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        let status = sim.see("customers", EMEA, "globex")["status"].clone();
        assert_eq!(
            (
                status["customerNumber"].clone(),
                status["customerSince"].clone()
            ),
            before
        );
        assert_eq!(number(&sim), before.0);
        assert_eq!(labels(&sim)["clientele.dev/retained"], Value::Null);
        assert_eq!(labels(&sim)["clientele.dev/customer-uid"], uid(&sim));
        for (plural, name) in [
            ("resourcequotas", "clientele"),
            ("configmaps", "customer"),
            ("rolebindings", "globex-admin"),
        ] {
            let child = sim.see(plural, GLOBEX, name);
            assert_eq!(
                child["metadata"]["labels"]["clientele.dev/customer-uid"],
                uid(&sim),
                "{plural}"
            );
        }
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
    });
}

#[test]
fn another_company_of_the_name_does_not_get_the_tenant_unless_it_is_told_to_it() {
    story(Pacing::default(), |sim| async move {
        retained(&sim).await;
        let before = (sim.see("namespaces", "", GLOBEX), number(&sim));
        sim.create(&other_mail());
        sim.settle().await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False TenantRetained"
        );
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "False Progressing");
        assert_eq!(sim.see("namespaces", "", GLOBEX), before.0);
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);

        sim.annotate(
            "customers",
            EMEA,
            "globex",
            "clientele.dev/adopt-retained",
            Some("another-uid"),
        );
        sim.settle().await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False TenantRetained"
        );
        let tenant = before.0["metadata"]["uid"].as_str().unwrap();
        sim.annotate(
            "customers",
            EMEA,
            "globex",
            "clientele.dev/adopt-retained",
            Some(tenant),
        );
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(number(&sim), before.1);
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
    });
}

#[test]
fn the_same_mail_with_another_number_is_another_company() {
    story(Pacing::default(), |sim| async move {
        retained(&sim).await;
        let kept = number(&sim);
        let mut other = customer(EMEA, "globex");
        other.spec.customer_number = Some("C-OTHER".into());
        sim.create(&other);
        sim.settle().await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False TenantRetained"
        );
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "customerNumber": kept }),
        );
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn a_crd_that_goes_takes_the_finalizers_off_and_does_nothing_else() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let before = (
            sim.see("namespaces", "", GLOBEX),
            sim.see("rolebindings", GLOBEX, "globex-admin"),
        );
        let crd = sim.see("customresourcedefinitions", "", "customers.clientele.dev");
        let mark = sim.mark();
        sim.delete("customresourcedefinitions", "", "customers.clientele.dev");
        sim.wait(minutes(5)).await;
        assert_eq!(
            sim.find("customresourcedefinitions", "", "customers.clientele.dev"),
            None
        );
        assert_eq!(sim.see("namespaces", "", GLOBEX), before.0);
        assert_eq!(sim.see("rolebindings", GLOBEX, "globex-admin"), before.1);
        let writes = sim.writes_since(mark);
        let state_writes: Vec<_> = writes
            .iter()
            .filter(|call| call.subresource.is_empty())
            .map(|c| c.what())
            .collect();
        assert_eq!(state_writes, ["Merge customers partner-emea/globex"]);

        let kept = number(&sim);
        sim.create(&json!({ "kind": "CustomResourceDefinition", "metadata": { "name": crd["metadata"]["name"] } }));
        sim.create(&customer(EMEA, "globex"));
        sim.wait(minutes(5)).await;
        assert_eq!(
            sim.see("customers", EMEA, "globex")["status"]["customerNumber"],
            kept
        );
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
    });
}

#[test]
fn a_partner_namespace_that_goes_leaves_its_tenants_as_they_are() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let before = (sim.see("namespaces", "", GLOBEX), number(&sim));
        sim.delete("namespaces", "", EMEA);
        sim.settle().await;
        assert_eq!(
            sim.find("customers", EMEA, "globex"),
            None,
            "its finalizer does not hold the namespace up"
        );
        assert_eq!(sim.see("namespaces", "", GLOBEX), before.0);
        assert_eq!(
            sim.ready("partners", ROOT, "emea"),
            "True Settled",
            "its namespace is made again"
        );
        sim.create(&customer(EMEA, "globex"));
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.settle().await;
        assert_eq!(number(&sim), before.1);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
    });
}

#[test]
fn a_tenant_namespace_that_is_removed_comes_back_with_the_number_people_know() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let before = sim.see("customers", EMEA, "globex")["status"].clone();
        sim.wait(minutes(30)).await;
        sim.delete("namespaces", "", GLOBEX);
        sim.settle().await;
        assert_eq!(number(&sim), before["customerNumber"]);
        let after = sim.see("customers", EMEA, "globex")["status"].clone();
        assert_eq!(after["customerNumber"], before["customerNumber"]);
        assert_eq!(after["customerSince"], before["customerSince"]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
    });
}

#[test]
fn a_number_once_recorded_is_not_changed_by_the_spec() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let kept = number(&sim);
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "customerNumber": "C-NEW" }),
        );
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False InvalidSpec");
        assert_eq!(number(&sim), kept);
    });
}

#[test]
fn a_partner_that_goes_and_comes_back_finds_its_namespace_and_customers() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.delete("partners", ROOT, "emea");
        sim.settle().await;
        assert_eq!(sim.find("partners", ROOT, "emea"), None);
        assert!(sim.find("namespaces", "", EMEA).is_some());
        sim.create(&partner(ROOT, "emea"));
        sim.settle().await;
        assert_eq!(sim.ready("partners", ROOT, "emea"), "True Settled");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        let uid = sim.see("partners", ROOT, "emea")["metadata"]["uid"].clone();
        assert_eq!(
            sim.see("namespaces", "", EMEA)["metadata"]["annotations"]["clientele.dev/partner-uid"],
            uid
        );
    });
}

#[test]
fn a_kept_tenant_keeps_its_domain_until_it_is_gone_or_the_company_is_back() {
    let with_domain = |name: &str| {
        let mut customer = customer(EMEA, name);
        customer.spec.domain = Some("globex.example".into());
        customer
    };
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&with_domain("globex"));
        sim.settle().await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        sim.create(&with_domain("rival"));
        sim.settle().await;
        let (conflict, settled) = ("False DomainConflict", "True Settled");
        assert_eq!(sim.ready("customers", EMEA, "rival"), conflict);
        sim.create(&with_domain("globex"));
        sim.settle().await;
        // Its object is younger than the rival's, the company is not.
        assert_eq!(sim.ready("customers", EMEA, "globex"), settled);
        assert_eq!(sim.ready("customers", EMEA, "rival"), conflict);
        sim.restart();
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), settled);
        assert_eq!(sim.ready("customers", EMEA, "rival"), conflict);
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        sim.delete("namespaces", "", GLOBEX);
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "rival"), settled);
    });
}

#[test]
fn a_customer_that_never_got_its_number_finds_its_tenant_again_when_it_is_made_again() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        for name in ["first", "globex"] {
            let mut customer = customer(EMEA, name);
            customer.spec.customer_number = Some("C-1".into());
            sim.create(&customer);
            sim.settle().await;
        }
        let again = sim.see("customers", EMEA, "globex")["spec"].clone();
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False NumberTaken");
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        let metadata = json!({ "name": "globex", "namespace": EMEA });
        sim.create(&json!({ "kind": "Customer", "metadata": metadata, "spec": again }));
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False NumberTaken");
        let labels = sim.see("namespaces", "", GLOBEX)["metadata"]["labels"].clone();
        let uid = sim.see("customers", EMEA, "globex")["metadata"]["uid"].clone();
        assert_eq!(labels["clientele.dev/customer-uid"], uid);
        assert_eq!(labels["clientele.dev/retained"], Value::Null);
    });
}
