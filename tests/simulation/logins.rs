//! SMTP logins: what the tenant reads and what that is checked against fit at every moment, whenever the operator dies.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientele::domain::credential::Credential;
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, plan, route};
use crate::scenes::{EMEA, GLOBEX, minutes, seconds};
use crate::server::Pacing;
use crate::server::faults::death_at_write;
use crate::sim::{Sim, story, told};

const ROTATE: &str = "clientele.dev/rotate-smtp";

fn text(secret: &Value, key: &str) -> String {
    let value = secret["data"][key].as_str().unwrap_or_default();
    String::from_utf8(STANDARD.decode(value).expect("base64")).expect("text")
}

/// The Secret that the tenant reads.
fn inside(sim: &Sim) -> Value {
    sim.see("secrets", GLOBEX, "smtp")
}

/// The Secret that passwords are checked against.
fn beside(sim: &Sim) -> Value {
    sim.see("secrets", EMEA, "smtp-globex")
}

fn password(sim: &Sim) -> String {
    text(&inside(sim), "password")
}

/// Whether a password is taken, as `clientele mail` finds out.
fn fits(sim: &Sim, password: &str) -> bool {
    let check = beside(sim);
    let fits = |key: &str| {
        let credential = Credential::parse(&text(&check, key));
        credential.is_some_and(|credential| credential.fits(password.as_bytes()))
    };
    let until = text(&check, "previous-until").parse::<jiff::Timestamp>();
    let overlaps = until.is_ok_and(|until| sim.server.now() < until);
    fits("hash") || (overlaps && fits("previous-hash"))
}

fn login(sim: &Sim) -> Value {
    sim.see("customers", EMEA, "globex")["status"]["sending"]["login"].clone()
}

/// Status and Secret say the same time: who checks passwords keeps what it has read until they do not.
fn agree(sim: &Sim) {
    assert_eq!(login(sim)["issuedAt"], text(&beside(sim), "issued-at"));
    assert_eq!(login(sim)["username"], GLOBEX);
}

/// A customer with a route, under an operator that makes logins.
async fn sender(sim: &Sim) {
    sim.smtp_host.replace(Some("mail.example".to_owned()));
    sim.start();
    sim.wait(seconds(1)).await;
    sim.create(&plan("business"));
    sim.create(&partner(ROOT, "emea"));
    sim.settle().await;
    sim.create(&route(EMEA, "relay"));
    let mut globex = customer(EMEA, "globex");
    globex.spec.postal_routes = Some(vec!["relay".into()]);
    sim.create(&globex);
    sim.settle().await;
    assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
}

fn rotate(sim: &Sim, wish: &str) {
    sim.annotate("customers", EMEA, "globex", ROTATE, Some(wish));
}

#[test]
fn a_customer_with_a_route_gets_a_login_that_works() {
    story(Pacing::default(), |sim| async move {
        sender(&sim).await;
        let secret = inside(&sim);
        assert_eq!(secret["type"], "Opaque");
        assert_eq!(text(&secret, "host"), "mail.example");
        assert_eq!(text(&secret, "port"), "1");
        assert_eq!(text(&secret, "username"), GLOBEX);
        assert_eq!(beside(&sim)["type"], "clientele.dev/smtp-login");
        assert!(password(&sim).len() >= 40 && fits(&sim, &password(&sim)));
        assert!(!fits(&sim, "x"));
        agree(&sim);
        let card = sim.see("configmaps", GLOBEX, "customer")["data"].clone();
        assert_eq!(card["smtpServer"], "mail.example:1");
        // Nothing that people in the tenant read tells what is checked.
        let hash = text(&beside(&sim), "hash");
        for object in [sim.see("namespaces", "", GLOBEX), card] {
            let told = object.to_string();
            assert!(!told.contains(&hash) && !told.contains(&password(&sim)));
        }
        let mark = sim.mark();
        sim.restart();
        sim.settle().await;
        let writes = sim.writes_since(mark);
        assert!(writes.is_empty(), "{}", told(writes.iter()));
    });
}

#[test]
fn without_a_route_or_a_server_there_is_no_login_and_a_stopped_tenant_keeps_its_own() {
    story(Pacing::default(), |sim| async move {
        sender(&sim).await;
        sim.create(&partner(ROOT, "apac"));
        sim.settle().await;
        sim.create(&customer("partner-apac", "initech"));
        sim.settle().await;
        assert_eq!(sim.find("secrets", "apac--initech", "smtp"), None);
        assert!(sim.names("rolebindings", "partner-apac").is_empty());
        assert_eq!(
            sim.names("rolebindings", EMEA),
            ["clientele-mail", "clientele-smtp-logins"]
        );
        assert!(sim.names("rolebindings", "apac--initech").is_empty());

        let (before, over) = (password(&sim), "2026-01-01T00:00:00Z");
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "endsAt": over } }),
        );
        sim.settle().await;
        rotate(&sim, "1");
        sim.settle().await;
        assert_eq!(password(&sim), before);
        assert!(sim.names("rolebindings", GLOBEX).is_empty());
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "mode": "None", "endsAt": null } }),
        );
        sim.settle().await;
        assert_ne!(password(&sim), before);
        assert!(fits(&sim, &before));
    });
}

#[test]
fn another_password_is_made_once_a_wish_and_the_one_before_is_good_for_an_hour() {
    story(Pacing::default(), |sim| async move {
        sender(&sim).await;
        let first = password(&sim);
        rotate(&sim, "please");
        sim.settle().await;
        let second = password(&sim);
        assert!(first != second && fits(&sim, &first) && fits(&sim, &second));
        agree(&sim);
        // The same wish is no new one.
        sim.restart();
        sim.settle().await;
        assert_eq!(password(&sim), second);
        sim.wait(minutes(61)).await;
        assert!(!fits(&sim, &first) && fits(&sim, &second));
    });
}

#[test]
fn what_is_said_of_the_server_follows_and_the_password_stays() {
    story(Pacing::default(), |sim| async move {
        sender(&sim).await;
        let before = password(&sim);
        sim.smtp_host.replace(Some("other.example".to_owned()));
        sim.restart();
        sim.settle().await;
        assert_eq!(text(&inside(&sim), "host"), "other.example");
        assert_eq!(password(&sim), before);
        assert!(fits(&sim, &before));
        agree(&sim);
    });
}

#[test]
fn whenever_it_dies_the_password_that_the_tenant_has_works() {
    for at in 0..=2 {
        for before in [true, false] {
            story(Pacing::default(), |sim: Rc<Sim>| async move {
                sender(&sim).await;
                let first = password(&sim);
                sim.server.set_fault(death_at_write(at, before));
                rotate(&sim, "now");
                sim.wait(seconds(10)).await;
                assert!(!sim.server.is_alive(), "{at} {before}");
                let read = password(&sim);
                assert!(fits(&sim, &read) && fits(&sim, &first), "{at} {before}");
                sim.wake();
                sim.settle().await;
                let last = password(&sim);
                assert!(last != first && fits(&sim, &last), "{at} {before}");
                // What was read before anything happened is good for its hour.
                assert!(fits(&sim, &first), "{at} {before}");
                agree(&sim);
            });
        }
    }
}
