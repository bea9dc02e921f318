//! The Dovecot auth protocol over a socket, as Postfix speaks it.

use std::sync::Arc;

use clientele::domain::credential::Credential;
use clientele::mail::logins::Logins;
use clientele::mail::metrics::Metrics;
use clientele::mail::sasl::Sasl;
use clientele::mail::vault::Vault;
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::api::ApiServer;
use crate::world::{BEGIN, Hands, Served, customer, directory, see, served, with};

pub const ISSUED: &str = "2026-11-01T00:00:00Z";
const TYPE: &str = "clientele.dev/smtp-login";

pub fn login_secret(api: &ApiServer, password: &str, issued: &str, previous: Option<(&str, &str)>) {
    let hash = Credential::of(password, b"salt of 16 bytes").to_string();
    let old =
        previous.map(|(old, until)| (Credential::of(old, b"another salt").to_string(), until));
    let mut values = vec![("hash", hash.as_str()), ("issued-at", issued)];
    if let Some((old, until)) = &old {
        values.extend([("previous-hash", old.as_str()), ("previous-until", until)]);
    }
    api.secret("partner-emea/smtp-globex", TYPE, &values);
}

struct Scene {
    api: ApiServer,
    directory: Arc<clientele::mail::directory::Directory>,
    hands: Hands,
    served: Served,
}

async fn scene() -> Scene {
    let (api, hands) = (ApiServer::default(), Hands::at(BEGIN));
    let directory = directory(&[customer("globex")]);
    let vault = Arc::new(Vault::new(api.client()));
    let logins = Logins::new(
        Arc::clone(&directory),
        vault,
        hands.clock(),
        Metrics::default(),
    );
    let served = served(Sasl::new(Arc::new(logins))).await;
    Scene {
        api,
        directory,
        hands,
        served,
    }
}

impl Scene {
    /// `OK …` or `FAIL …`, without the number.
    async fn log_in(&self, username: &str, password: &str) -> String {
        let mut stream = BufReader::new(
            TcpStream::connect(self.served.address)
                .await
                .expect("connected"),
        );
        let mut line = String::new();
        while line != "DONE\n" {
            line.clear();
            stream.read_line(&mut line).await.expect("a greeting");
        }
        let answer = json!(k8s_openapi::ByteString(
            format!("\0{username}\0{password}").into_bytes()
        ));
        let answer = answer.as_str().expect("base64");
        let hello = format!(
            "VERSION\t1\t1\nCPID\t9\nAUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=10.0.0.9\tsecured\tresp={answer}\n"
        );
        stream.write_all(hello.as_bytes()).await.expect("sent");
        line.clear();
        stream.read_line(&mut line).await.expect("an answer");
        line.trim_end().replacen("\t1\t", " ", 1).replace('\t', " ")
    }
}

const WRONG: &str = "FAIL user=emea--globex reason=Wrong user name or password";

#[tokio::test]
async fn the_right_password_and_no_other() {
    let scene = scene().await;
    login_secret(&scene.api, "right", ISSUED, None);
    assert_eq!(
        scene.log_in("emea--globex", "right").await,
        "OK user=emea--globex"
    );
    assert_eq!(
        scene.log_in("EMEA--Globex+spare", "right").await,
        "OK user=emea--globex+spare"
    );
    assert_eq!(scene.log_in("emea--globex", "wrong").await, WRONG);
    assert!(
        scene
            .log_in("emea--nobody", "right")
            .await
            .starts_with("FAIL")
    );
    assert_eq!(scene.api.state().reads, 1, "the Secret is kept");
}

#[tokio::test]
async fn a_secret_of_another_type_is_not_looked_into() {
    let scene = scene().await;
    let hash = Credential::of("right", b"salt").to_string();
    scene.api.secret(
        "partner-emea/smtp-globex",
        "Opaque",
        &[("hash", &hash), ("issued-at", ISSUED)],
    );
    assert_eq!(scene.log_in("emea--globex", "right").await, WRONG);
}

#[tokio::test]
async fn a_new_password_holds_at_once_and_the_old_one_for_a_while() {
    let scene = scene().await;
    login_secret(&scene.api, "old", ISSUED, None);
    assert!(scene.log_in("emea--globex", "old").await.starts_with("OK"));
    let issued = "2026-11-23T10:30:00Z";
    login_secret(
        &scene.api,
        "new",
        issued,
        Some(("old", "2026-11-23T11:30:00Z")),
    );
    see(
        &scene.directory,
        &with(
            customer("globex"),
            json!({"status": {"sending": {"login": {"issuedAt": issued}}}}),
        ),
    );
    // What was read is read again after a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(scene.log_in("emea--globex", "new").await.starts_with("OK"));
    assert!(scene.log_in("emea--globex", "old").await.starts_with("OK"));
    scene.hands.set("2026-11-23T11:30:00Z");
    assert_eq!(scene.log_in("emea--globex", "old").await, WRONG);
    assert!(scene.log_in("emea--globex", "new").await.starts_with("OK"));
}

#[tokio::test]
async fn what_cannot_be_known_is_no_wrong_password() {
    let scene = scene().await;
    scene.api.state().refuses = Some(StatusCode::SERVICE_UNAVAILABLE);
    // The connection ends: to Postfix any FAIL is a wrong password.
    assert_eq!(scene.log_in("emea--globex", "right").await, "");
}

#[tokio::test]
async fn whoever_fails_too_often_has_to_wait() {
    let scene = scene().await;
    login_secret(&scene.api, "right", ISSUED, None);
    for _ in 0..10 {
        assert_eq!(scene.log_in("emea--globex", "wrong").await, WRONG);
    }
    assert!(
        scene
            .log_in("emea--globex", "right")
            .await
            .contains("Too many failed attempts")
    );
}
