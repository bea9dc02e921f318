//! What stops a customer stops its mail at the next message, also of a session that is open already.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use kube::api::ObjectMeta;
use serde_json::json;

use super::client::{Letter, Login, Session};
use super::post::{Post, enrol};
use super::{Scene, words};
use crate::steps::{delete, settled};
use crate::support::PATIENCE;

/// Sends in one session until it is refused: the words of what was taken, and what was said at the end.
async fn until_refused(session: &mut Session, taken: &mut Vec<String>) -> String {
    let began = Instant::now();
    loop {
        let words = format!("{:02}", taken.len());
        match session.send(&Letter::to(1, &words)).await {
            Ok(()) => taken.push(words),
            Err(refused) => {
                assert_eq!(refused.code, 550, "{refused:?}");
                return refused.text;
            }
        }
        assert!(began.elapsed() < PATIENCE, "mail is taken all the time");
    }
}

/// A session in which mail is taken.
async fn open(post: &Post, login: &Login, taken: &mut Vec<String>) -> Session {
    let words = format!("{:02}", taken.len());
    post.sent(login, &Letter::to(1, &words)).await;
    taken.push(words);
    post.session(login).await.expect("it works")
}

#[tokio::test]
async fn hold_trial_end_and_deletion_stop_mail_at_the_next_message_and_a_lift_restores_it() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let Scene {
        world,
        post,
        customer,
        login,
        ..
    } = &scene;
    let mut taken = Vec::new();

    let mut session = open(post, login, &mut taken).await;
    scene.change(json!({"onHold": true})).await;
    let said = until_refused(&mut session, &mut taken).await;
    assert!(said.contains("the customer is on hold"), "{said}");
    scene.change(json!({"onHold": false})).await;

    let mut session = open(post, login, &mut taken).await;
    let end = Timestamp::now() + SignedDuration::from_secs(4);
    scene
        .change(json!({"trial": {"endsAt": format!("{end:.0}")}}))
        .await;
    let end = end.duration_since(Timestamp::now()).unsigned_abs();
    tokio::time::sleep(end).await;
    let said = until_refused(&mut session, &mut taken).await;
    assert!(said.contains("the trial is over"), "{said}");
    scene
        .change(json!({"trial": {"endsAt": null, "mode": "None"}}))
        .await;

    let mut session = open(post, login, &mut taken).await;
    delete(world, customer).await;
    let said = until_refused(&mut session, &mut taken).await;
    assert!(
        said.contains("is being deleted") || said.contains("belongs to no customer"),
        "{said}"
    );
    let refused = post
        .send(login, &Letter::to(1, "never"))
        .await
        .expect_err("it is gone");
    assert_eq!(refused.code, 535, "{refused:?}");

    // Applied again it has everything that it had, its login too.
    let mut again = customer.clone();
    again.metadata = ObjectMeta {
        name: customer.metadata.name.clone(),
        namespace: customer.metadata.namespace.clone(),
        ..ObjectMeta::default()
    };
    again.status = None;
    let again = settled(world, &again).await;
    assert_eq!(enrol(world, post, &again).await, *login);
    open(post, login, &mut taken).await;

    // Everything that was taken arrives, and nothing else.
    let mails = super::arrived(post, &scene.relay, taken.len()).await;
    assert_eq!(words(&mails), taken);
}
