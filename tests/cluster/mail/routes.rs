//! Mail goes where its customer's route leads, with that route's credentials, and nowhere else.

use clientele::api::RouteTls;
use futures::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::client::{Letter, Login};
use super::post::{Post, enrol};
use super::{Scene, arrived, relay, route_to, sender, subject, words};
use crate::steps::{annotate, change, until_so};
use crate::support::relay::{Encryption, Manner, Relay};
use crate::support::{PATIENCE, World, eventually, home};

#[tokio::test]
async fn customers_of_two_partners_who_share_a_relay_each_send_with_their_partners_credentials() {
    let world = World::shared().await;
    let Some(post) = Post::open(&world).await else {
        return;
    };
    let credentials = [("emea", "secret-of-emea"), ("apac", "secret-of-apac")];
    let shared = relay(Encryption::StartTls, &credentials);
    let spare = relay(Encryption::Implicit, &[("spare", "secret-of-spare")]);
    let mut logins = Vec::new();
    for (username, password) in credentials {
        let partner = world.provider().await;
        let way = (&shared, RouteTls::StartTls);
        route_to(&world, &post, &partner, "relay", way, (username, password)).await;
        let way = (&spare, RouteTls::Implicit);
        let spare = ("spare", "secret-of-spare");
        route_to(&world, &post, &partner, "spare", way, spare).await;
        let (_, login) = sender(&world, &post, &partner, "globex", &["relay", "spare"]).await;
        logins.push((username, login));
    }

    // Both at once, so that Postfix has connections to keep and to confuse; every third in the other one's name.
    let post = &post;
    let sending = logins.iter().flat_map(|(username, login)| {
        (0..12).map(move |number| async move {
            let from = ["a@emea.example", "b@emea.example", "c@apac.example"][number % 3];
            let letter = Letter::to(1, &format!("{username} {number}")).from(from);
            post.sent(login, &letter).await;
        })
    });
    join_all(sending).await;
    for mail in arrived(post, &shared, 24).await {
        let (login, subject) = (mail.login.clone().unwrap_or_default(), subject(&mail));
        assert!(
            mail.encrypted && subject.starts_with(&format!("{login} ")),
            "{subject} was sent as {login}"
        );
    }

    // By the other route, since it is asked for by name.
    let (_, login) = &logins[0];
    post.sent(&login.by("spare"), &Letter::to(1, "the other way"))
        .await;
    let mails = arrived(post, &spare, 1).await;
    assert!(
        mails[0].encrypted && mails[0].login.as_deref() == Some("spare"),
        "{mails:?}"
    );
    let said = post
        .refused(&login.by("nothing"), &Letter::to(1, "no way"), 550)
        .await;
    assert!(
        said.contains("has no mail route of the name after the +"),
        "{said}"
    );
}

#[tokio::test]
async fn nobody_sends_without_a_login() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        post, relay, login, ..
    } = &scene;
    let letter = Letter::to(1, "not to be sent");
    let wrong = Login {
        password: "a guess".to_owned(),
        ..login.clone()
    };
    let unknown = Login {
        username: "emea--nobody".to_owned(),
        ..login.clone()
    };
    for bad in [&wrong, &unknown] {
        let refused = post.send(bad, &letter).await.expect_err("a wrong password");
        assert_eq!(refused.code, 535, "{refused:?}");
    }
    let mut stranger = post.stranger().await.expect("anybody may connect");
    let refused = stranger.send(&letter).await.expect_err("no login");
    assert_eq!(refused.code, 554, "{refused:?}");

    // With the right one it goes, also to a name that is this Postfix's own: it has no mailboxes.
    let mut own = Letter::to(1, "to be sent");
    own.to = vec!["root@smtp.example.com".to_owned()];
    post.sent(login, &own).await;
    assert_eq!(words(&arrived(post, relay, 1).await), ["to be sent"]);
}

#[tokio::test]
async fn another_password_is_in_force_at_once_and_the_one_before_for_an_hour() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        world,
        post,
        customer,
        login: before,
        ..
    } = &scene;
    annotate(world, customer, "clientele.dev/rotate-smtp", Some("1")).await;
    let after = eventually("another password", PATIENCE, async || {
        let login = enrol(world, post, customer).await;
        if login == *before {
            Err("the same".to_owned())
        } else {
            Ok(login)
        }
    })
    .await;
    for login in [&after, before] {
        post.sent(login, &Letter::to(1, "hello")).await;
    }
    annotate(world, customer, "clientele.dev/rotate-smtp", Some("2")).await;
    eventually("the first one is over", PATIENCE, async || {
        match post.session(before).await {
            Err(refused) if refused.code == 535 => Ok(()),
            other => Err(format!("{:?}", other.map(drop))),
        }
    })
    .await;
    post.sent(&after, &Letter::to(1, "hello")).await;
}

#[tokio::test]
async fn other_credentials_of_a_relay_are_used_from_the_next_connection_on() {
    let world = World::shared().await;
    let Some(post) = Post::open(&world).await else {
        return;
    };
    let partner = world.provider().await;
    let credentials = [("before", "secret-before"), ("after", "secret-after")];
    let relay = relay(Encryption::StartTls, &credentials);
    let way = (&relay, RouteTls::StartTls);
    route_to(&world, &post, &partner, "relay", way, credentials[0]).await;
    let (_, login) = sender(&world, &post, &partner, "globex", &["relay"]).await;
    post.sent(&login, &Letter::to(1, "first")).await;
    let by = |mails: &[crate::support::relay::Mail]| mails.last().and_then(|it| it.login.clone());
    assert_eq!(
        by(&arrived(&post, &relay, 1).await).as_deref(),
        Some("before")
    );

    let secret = world.api::<Secret>(&home(&partner));
    let (username, password) = credentials[1];
    let rotated = json!({"stringData": {"username": username, "password": password}});
    secret
        .patch("relay", &PatchParams::default(), &Patch::Merge(&rotated))
        .await
        .expect("rotated");
    eventually("the other credentials are used", PATIENCE, async || {
        let count = relay.mails().len();
        post.sent(&login, &Letter::to(1, "second")).await;
        let mails = arrived(&post, &relay, count + 1).await;
        match by(&mails) {
            Some(login) if login == username => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn while_the_first_route_is_not_ready_mail_takes_the_second() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        world,
        post,
        partner,
        login,
        ..
    } = &scene;
    let spare = relay(Encryption::Implicit, &[("spare", "secret-of-spare")]);
    let way = (&spare, RouteTls::Implicit);
    route_to(
        world,
        post,
        partner,
        "spare",
        way,
        ("spare", "secret-of-spare"),
    )
    .await;
    scene
        .change(json!({"postalRoutes": ["relay", "spare"]}))
        .await;
    post.sent(login, &Letter::to(1, "first")).await;
    arrived(post, &scene.relay, 1).await;

    let first = world
        .api::<clientele::api::PostalRoute>(&home(partner))
        .get("relay")
        .await
        .expect("a route");
    let missing = json!({"spec": {"credentialsSecret": {"name": "no-such-secret"}}});
    let first = change(world, &first, missing).await;
    world.stalled(&first, "SecretNotFound").await;
    until_so(world, &scene.customer, "on the second", |it| {
        it.status
            .as_ref()
            .is_some_and(|status| status.postal_routes == ["spare"])
    })
    .await;
    eventually("by the second", PATIENCE, async || {
        post.sent(login, &Letter::to(1, "second")).await;
        if spare.mails().is_empty() {
            Err(post.log())
        } else {
            Ok(())
        }
    })
    .await;

    let right = json!({"spec": {"credentialsSecret": {"name": "relay"}}});
    let first = change(world, &first, right).await;
    world.ready(&first).await;
    eventually("by the first", PATIENCE, async || {
        post.sent(login, &Letter::to(1, "first again")).await;
        if words(&scene.relay.mails()).contains(&"first again".to_owned()) {
            Ok(())
        } else {
            Err(post.log())
        }
    })
    .await;
}

#[tokio::test]
async fn mail_waits_while_another_server_is_in_its_relays_place() {
    let world = World::shared().await;
    let Some(post) = Post::open(&world).await else {
        return;
    };
    let partner = world.provider().await;
    let credentials = ("emea", "secret-of-emea");
    let manner = Manner {
        encryption: Encryption::StartTls,
        login: Some((credentials.0.to_owned(), credentials.1.to_owned())),
        ..Manner::default()
    };
    let relay = Relay::start(manner.clone());
    let address = relay.address;
    let way = (&relay, RouteTls::StartTls);
    route_to(&world, &post, &partner, "relay", way, credentials).await;
    let (_, login) = sender(&world, &post, &partner, "globex", &["relay"]).await;

    // It takes whoever comes, and has a certificate of its own making.
    relay.end().await;
    let impostor = Relay::start_at(
        address,
        Manner {
            untrusted: true,
            ..manner.clone()
        },
    );
    post.sent(&login, &Letter::to(1, "not for everybody")).await;
    eventually("it waits", PATIENCE, async || {
        let queue = post.queue();
        if queue.contains("deferred") {
            Ok(queue)
        } else {
            Err(queue)
        }
    })
    .await;
    assert!(impostor.mails().is_empty());
    impostor.end().await;
    let relay = Relay::start_at(address, manner);
    post.flushed().await;
    assert_eq!(words(&relay.mails()), ["not for everybody"]);
}

#[tokio::test]
async fn what_has_no_way_now_waits_and_is_not_lost() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        world,
        post,
        partner,
        ..
    } = &scene;
    // A customer that has no route any more: its mail program keeps the message until there is one.
    let (initech, login) = sender(world, post, partner, "initech", &["relay"]).await;
    change(world, &initech, json!({"spec": {"postalRoutes": null}})).await;
    let said = post.refused(&login, &Letter::to(1, "before"), 451).await;
    assert!(
        said.contains("has no mail route; its partner has to give it one"),
        "{said}"
    );
    change(
        world,
        &initech,
        json!({"spec": {"postalRoutes": ["relay"]}}),
    )
    .await;
    post.sent(&login, &Letter::to(1, "after")).await;
    eventually("it arrives", PATIENCE, async || {
        let words = words(&scene.relay.mails());
        if words.contains(&"after".to_owned()) {
            Ok(())
        } else {
            Err(post.log())
        }
    })
    .await;

    // A relay that goes away between two of the operator's looks: what Postfix has taken it keeps.
    let manner = Manner {
        encryption: Encryption::StartTls,
        login: Some(("late".to_owned(), "secret-of-late".to_owned())),
        ..Manner::default()
    };
    let late = Relay::start(manner.clone());
    let address = late.address;
    let way = (&late, RouteTls::StartTls);
    route_to(
        world,
        post,
        partner,
        "late",
        way,
        ("late", "secret-of-late"),
    )
    .await;
    change(world, &initech, json!({"spec": {"postalRoutes": ["late"]}})).await;
    eventually("by the new route", PATIENCE, async || {
        post.sent(&login, &Letter::to(1, "by the new one")).await;
        if late.mails().is_empty() {
            Err(post.log())
        } else {
            Ok(())
        }
    })
    .await;
    late.end().await;
    post.sent(&login, &Letter::to(1, "meanwhile")).await;
    eventually("it waits", PATIENCE, async || {
        let queue = post.queue();
        if queue.contains("deferred") {
            Ok(())
        } else {
            Err(queue)
        }
    })
    .await;
    let late = Relay::start_at(address, manner);
    post.flushed().await;
    let mut words = words(&late.mails());
    words.retain(|words| words == "meanwhile");
    assert_eq!(words.len(), 1);
}
