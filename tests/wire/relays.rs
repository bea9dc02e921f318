//! Relays tried over real sockets, as far as that needs no cluster: where routes may not lead, and what is never sent.

use clientele::api::RouteTls;
use clientele::observe::relay::{Login, Network, Probe as _, Relay};
use clientele::plan::observed::routes::{RelayFault, RelaySeen};
use tokio::net::TcpListener;

const CAREFUL: Network = Network {
    allow_private: false,
};

fn relay(host: &str, port: u16) -> Relay {
    Relay {
        host: host.to_owned(),
        port,
        tls: RouteTls::None,
        login: None,
    }
}

#[tokio::test]
async fn nothing_is_connected_to_that_is_not_of_the_internet() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
        let seen = CAREFUL.look(relay(host, port)).await;
        assert!(
            matches!(&seen, RelaySeen::Fails(RelayFault::Private(_))),
            "{host}: {seen:?}"
        );
    }
    let came = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(came.is_err(), "somebody has connected");
}

#[tokio::test]
async fn no_password_is_sent_without_encryption() {
    let login = Login {
        username: "relay".to_owned(),
        password: "secret".to_owned(),
    };
    let relay = Relay {
        login: Some(login),
        ..relay("127.0.0.1", 25)
    };
    assert!(!format!("{relay:?}").contains("secret"));
    let seen = CAREFUL.look(relay).await;
    assert_eq!(seen, RelaySeen::Fails(RelayFault::ClearPassword));
}
