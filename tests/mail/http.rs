//! Usage and counting over HTTP, with the SMTP login.

use std::net::SocketAddr;
use std::sync::Arc;

use clientele::mail::http::{Pages, serve};
use clientele::mail::logins::Logins;
use clientele::mail::vault::Vault;
use clientele::ops::http::Health;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::api::ApiServer;
use crate::sasl::{ISSUED, login_secret};
use crate::world::{World, customer, until, with};

struct Site {
    address: SocketAddr,
    world: World,
    _stop: tokio::sync::oneshot::Sender<()>,
}

async fn site() -> Site {
    let limited = with(
        customer("globex"),
        json!({"status": {"sending": {"limits": {"hourly": 10}}}}),
    );
    let world = World::of(&[limited]).await;
    let api = ApiServer::default();
    login_secret(&api, "right", ISSUED, None);
    let vault = Arc::new(Vault::new(api.client()));
    let decider = Arc::clone(&world.decider);
    let logins = Logins::new(
        Arc::clone(&decider.directory),
        vault,
        world.hands.clock(),
        decider.metrics.clone(),
    );
    let pages = Pages {
        decider,
        logins: Arc::new(logins),
        calls: Default::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, shutdown) = until();
    tokio::spawn(serve(listener, pages, Health::default(), shutdown));
    Site {
        address,
        world,
        _stop: stop,
    }
}

impl Site {
    /// Status code, headers and body.
    async fn ask(&self, line: &str, login: &str, body: &str) -> (u16, String, String) {
        let login = json!(k8s_openapi::ByteString(login.as_bytes().to_vec()));
        let login = login.as_str().expect("base64");
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        let request = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic {login}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (
            head[9..12].parse().expect("a code"),
            head.to_owned(),
            body.to_owned(),
        )
    }

    async fn consume(&self, body: Value) -> (u16, String, Value) {
        let (code, head, body) = self
            .ask("POST /v1/consume", "emea--globex:right", &body.to_string())
            .await;
        (code, head, serde_json::from_str(&body).expect("JSON"))
    }
}

#[tokio::test]
async fn an_application_counts_like_postfix_and_sees_what_is_left() {
    let site = site().await;
    let (code, _, page) = site.consume(json!({"recipients": 6, "id": "m1"})).await;
    assert_eq!(code, 200);
    assert_eq!(
        page["route"],
        json!({"name": "eu", "host": "smtp.relay.example", "port": 587, "tls": "StartTLS"})
    );
    assert_eq!(
        site.consume(json!({"recipients": 6, "id": "m1"})).await.0,
        200,
        "the same message"
    );
    assert_eq!(
        site.world.send("emea--globex", 3).await,
        "send partner-emea/eu"
    );
    let (code, head, page) = site
        .consume(json!({"recipients": 2, "id": "m2", "route": "eu"}))
        .await;
    assert_eq!(code, 429, "{page}");
    assert!(head.to_lowercase().contains("retry-after: 2400"), "{head}");
    assert_eq!(page["opens"], "2026-11-23T11:00:00Z");
    let (code, _, page) = site.ask("GET /v1/usage", "emea--globex:right", "").await;
    let page: Value = serde_json::from_str(&page).expect("JSON");
    assert_eq!(code, 200);
    assert_eq!(
        page["hourly"],
        json!({"used": 9, "limit": 10, "ends": "2026-11-23T11:00:00Z"})
    );
    assert_eq!(
        page["daily"],
        json!({"used": 9, "limit": null, "ends": "2026-11-23T23:00:00Z"})
    );
}

#[tokio::test]
async fn wrong_questions_get_right_codes() {
    let site = site().await;
    assert_eq!(
        site.ask("GET /v1/usage", "emea--globex:wrong", "").await.0,
        401
    );
    assert_eq!(site.ask("GET /v1/usage", "", "").await.0, 401);
    for wrong in [
        json!({}),
        json!({"recipients": 0}),
        json!({"recipients": -1}),
        json!({"recipients": 1, "id": ""}),
        json!({"recipients": 1, "x": 1}),
    ] {
        assert_eq!(site.consume(wrong.clone()).await.0, 400, "{wrong}");
    }
    assert_eq!(
        site.consume(json!({"recipients": 11})).await.0,
        403,
        "never"
    );
    assert_eq!(
        site.consume(json!({"recipients": 1, "route": "none"}))
            .await
            .0,
        403
    );
    let (code, ..) = site
        .ask("POST /v1/consume", "emea--globex:right", &"x".repeat(5000))
        .await;
    assert_eq!(code, 413);
}

#[tokio::test]
async fn metrics_say_exactly_what_was_sent() {
    let site = site().await;
    site.world.send("emea--globex", 4).await;
    let (code, _, page) = site.ask("GET /metrics", "", "").await;
    assert_eq!(code, 200);
    for line in [
        "clientele_send_used{customer=\"emea--globex\",window=\"hourly\"} 4",
        "clientele_send_used{partner=\"partner-top/emea\",window=\"daily\"} 4",
        "clientele_send_used{route=\"partner-emea/eu\",window=\"monthly\"} 4",
        "clientele_mail_decisions_total{verdict=\"send\"} 1",
    ] {
        assert!(
            page.lines().any(|found| found == line),
            "{line}\nis missing in\n{page}"
        );
    }
    assert!(page.ends_with("# EOF\n"));
}
