//! Limits hold where mail is sent, and the person who sends is told.

use serde_json::json;

use super::client::Letter;
use super::{Scene, arrived, words};
use crate::steps::{change, condition, message, until_so};

#[tokio::test]
async fn one_recipient_over_the_limit_waits_with_a_reason_until_there_is_room() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        world,
        post,
        relay,
        customer,
        login,
        ..
    } = &scene;
    scene.limit(json!({"monthly": 3})).await;
    // What is more than all of it would wait for ever, and so is refused: the limit is known.
    let said = post.refused(login, &Letter::to(4, "never"), 550).await;
    assert!(
        said.contains("may write to 3 at most, its monthly limit"),
        "{said}"
    );

    post.sent(login, &Letter::to(2, "first")).await;
    // All of it or nothing.
    let said = post
        .refused(login, &Letter::to(2, "both or none"), 451)
        .await;
    assert!(
        said.contains("The monthly limit of 3 recipients is reached"),
        "{said}"
    );
    post.sent(login, &Letter::to(1, "second")).await;
    let third = Letter::to(1, "third");
    let said = post.refused(login, &third, 451).await;
    assert!(
        said.contains("(3 used)") && said.contains("sending opens again at "),
        "{said}"
    );
    assert_eq!(words(&arrived(post, relay, 2).await), ["first", "second"]);
    let told = until_so(world, customer, "told", |customer| {
        condition(customer, "SendLimited").is_some()
    })
    .await;
    let sending = told.status.as_ref().and_then(|it| it.sending.as_ref());
    let used = sending
        .and_then(|sending| sending.used)
        .map(|it| it.monthly);
    assert_eq!(used, Some(3));
    let said = message(&told, "SendLimited");
    assert!(said.contains("The monthly limit of 3"), "{said}");

    scene.limit(json!({"monthly": 4})).await;
    post.sent(login, &third).await;
    post.refused(login, &Letter::to(1, "fourth"), 451).await;
    scene.limit(json!({"monthly": 100})).await;
    until_so(world, customer, "not limited any more", |customer| {
        condition(customer, "SendLimited").is_none()
    })
    .await;
    let mails = arrived(post, relay, 3).await;
    assert_eq!(words(&mails), ["first", "second", "third"]);
    assert_eq!(mails.iter().map(|mail| mail.to.len()).sum::<usize>(), 4);
}

#[tokio::test]
async fn a_message_to_more_than_may_be_is_refused_whole() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        post, relay, login, ..
    } = &scene;
    scene.limit(json!({"recipientsPerMessage": 20})).await;
    let letter = Letter::to(50, "to fifty");
    let said = post.refused(login, &letter, 550).await;
    assert!(
        said.contains("This message has 50 recipients")
            && said.contains("may write to 20 at a time"),
        "{said}"
    );
    scene
        .limit(json!({"recipientsPerMessage": 50, "monthly": 51}))
        .await;
    post.sent(login, &letter).await;
    let mails = arrived(post, relay, 1).await;
    let mut to = mails[0].to.clone();
    to.sort();
    to.dedup();
    assert_eq!(to.len(), 50);
    // Each of them counts.
    post.refused(login, &Letter::to(2, "two more"), 451).await;
    post.sent(login, &Letter::to(1, "one more")).await;
}

#[tokio::test]
async fn whose_limit_it_is_says_the_login_and_not_the_sender() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        world,
        post,
        partner,
        relay,
        login,
        ..
    } = &scene;
    let (initech, other) = super::sender(world, post, partner, "initech", &["relay"]).await;
    scene.limit(json!({"monthly": 1})).await;
    change(
        world,
        &initech,
        json!({"spec": {"sending": {"limits": {"monthly": 1}}}}),
    )
    .await;
    post.knows(&other, &json!({"monthly": 1})).await;
    // Both limits are in force: neither could be sent by anybody.
    for login in [login, &other] {
        post.refused(login, &Letter::to(2, "never"), 550).await;
    }
    post.sent(
        login,
        &Letter::to(1, "in another's name").from("ops@initech.example"),
    )
    .await;
    let said = post
        .refused(
            login,
            &Letter::to(1, "again").from("ops@initech.example"),
            451,
        )
        .await;
    assert!(said.contains(&login.username), "{said}");
    post.sent(
        &other,
        &Letter::to(1, "in its own").from("ops@initech.example"),
    )
    .await;
    assert_eq!(
        words(&arrived(post, relay, 2).await),
        ["in another's name", "in its own"]
    );
}
