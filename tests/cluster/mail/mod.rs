//! Mail from end to end: a mail program, a real Postfix with the configuration that is shipped, the real `clientele mail`, the real
//! API server with the operator, and a relay that keeps what it gets.

mod client;
mod crashes;
mod install;
mod limits;
mod post;
mod postfix;
mod routes;
mod stops;

use clientele::api::{Customer, Partner, PostalRoute, RouteTls};
use serde_json::json;

use self::client::Login;
use self::post::{Post, enrol};
use crate::steps::settled;
use crate::support::relay::{Encryption, Mail, Manner, Relay};
use crate::support::{PATIENCE, World, customer, eventually, route_with_credentials};

/// A relay as they are: encrypted, and with logins of its own.
fn relay(encryption: Encryption, logins: &[(&str, &str)]) -> Relay {
    let mut logins = logins
        .iter()
        .map(|(username, password)| ((*username).to_owned(), (*password).to_owned()));
    Relay::start(Manner {
        encryption,
        login: logins.next(),
        more_logins: logins.collect(),
        ..Manner::default()
    })
}

/// A route to a relay, with one of its logins; Ready.
async fn route_to(
    world: &World,
    post: &Post,
    of: &Partner,
    name: &str,
    (relay, tls): (&Relay, RouteTls),
    (username, password): (&str, &str),
) -> PostalRoute {
    let (mut route, mut secret) = route_with_credentials(of, name);
    route.spec.port = relay.address.port().into();
    route.spec.tls = tls;
    secret.string_data = Some(
        [("username", username), ("password", password)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    );
    world.create(&secret).await;
    let route = settled(world, &route).await;
    post.name(world, of, name).await;
    route
}

/// A customer that uses these routes, and its login.
async fn sender(
    world: &World,
    post: &Post,
    of: &Partner,
    name: &str,
    routes: &[&str],
) -> (Customer, Login) {
    let mut customer = customer(of, name);
    let routes: Vec<_> = routes.iter().map(|&route| route.to_owned()).collect();
    customer.spec.postal_routes = Some(routes);
    let customer = settled(world, &customer).await;
    let login = enrol(world, post, &customer).await;
    (customer, login)
}

/// What a relay has once so many messages have come. More do not come.
async fn arrived(post: &Post, relay: &Relay, count: usize) -> Vec<Mail> {
    eventually("mail arrives", PATIENCE, async || {
        let mails = relay.mails();
        if mails.len() >= count {
            Ok(())
        } else {
            Err(format!(
                "{} of {count}\nqueue: {}\n{}",
                mails.len(),
                post.queue(),
                post.log()
            ))
        }
    })
    .await;
    // Whatever else there was is through when nothing waits any more.
    eventually("the queue is empty", PATIENCE, async || {
        let queue = post.queue();
        if queue.is_empty() { Ok(()) } else { Err(queue) }
    })
    .await;
    let mails = relay.mails();
    assert_eq!(mails.len(), count, "{:?}", words(&mails));
    mails
}

/// The words by which messages are known, in order of the alphabet.
fn words(mails: &[Mail]) -> Vec<String> {
    let mut words: Vec<_> = mails.iter().map(subject).collect();
    words.sort();
    words
}

fn subject(mail: &Mail) -> String {
    let line = mail
        .data
        .lines()
        .find_map(|line| line.strip_prefix("Subject: "));
    line.expect("a subject").to_owned()
}

/// One partner, one relay, one customer: what most tests need.
struct Scene {
    world: World,
    post: Post,
    partner: Partner,
    relay: Relay,
    customer: Customer,
    login: Login,
}

impl Scene {
    /// None where there is no Postfix.
    async fn set() -> Option<Self> {
        let world = World::shared().await;
        let post = Post::open(&world).await?;
        let partner = world.provider().await;
        let relay = relay(Encryption::StartTls, &[("emea", "secret-of-emea")]);
        let way = (&relay, RouteTls::StartTls);
        route_to(
            &world,
            &post,
            &partner,
            "relay",
            way,
            ("emea", "secret-of-emea"),
        )
        .await;
        let (customer, login) = sender(&world, &post, &partner, "globex", &["relay"]).await;
        Some(Self {
            world,
            post,
            partner,
            relay,
            customer,
            login,
        })
    }

    /// Changes the customer's spec, and no more.
    async fn change(&self, spec: serde_json::Value) -> Customer {
        crate::steps::change(&self.world, &self.customer, json!({"spec": spec})).await
    }

    /// Limits the customer, and waits until that is in force.
    async fn limit(&self, limits: serde_json::Value) {
        self.change(json!({"sending": {"limits": limits}})).await;
        self.post.knows(&self.login, &limits).await;
    }
}
