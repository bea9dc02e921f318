//! `clientele mail` dies while mail is sent: what was taken arrives, and no limit is passed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::client::Letter;
use super::{Scene, arrived, words};
use crate::steps::change;
use crate::support::{PATIENCE, eventually};

/// Mail programs at work, and the messages that each has.
const PROGRAMS: usize = 4;
const EACH: usize = 12;

/// How many recipients may be written to, at first.
const LIMIT: usize = 30;

/// How often it dies.
const DEATHS: usize = 4;

#[tokio::test]
async fn killed_again_and_again_it_neither_loses_mail_nor_lets_too_much_through() {
    let Some(mut scene) = Scene::set().await else {
        return;
    };
    scene.limit(json!({"monthly": LIMIT})).await;
    let never = Letter::to(LIMIT + 1, "never");
    scene.post.refused(&scene.login, &never, 550).await;
    let (port, login) = (scene.post.port(), scene.login.clone());
    let (taken, end) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Which programs have nothing under way any more: they were told of the limit, or are through.
    let full = [const { AtomicBool::new(false) }; PROGRAMS];

    // As mail programs do, each tries again what was not taken until it is.
    let programs = join_all((0..PROGRAMS).map(async |program| {
        for number in 0..EACH {
            let letter = Letter::to(1, &format!("{program}-{number:02}"));
            loop {
                let sent = async {
                    super::client::Session::open(port, &login)
                        .await?
                        .send(&letter)
                        .await
                };
                match sent.await {
                    Ok(()) => break,
                    Err(refused) => {
                        assert!(refused.for_now(), "{refused:?}");
                        if refused.text.contains("limit of") {
                            full[program].store(true, Ordering::SeqCst);
                        }
                        assert!(!end.load(Ordering::SeqCst), "never taken: {refused:?}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
            taken.fetch_add(1, Ordering::SeqCst);
        }
        full[program].store(true, Ordering::SeqCst);
    }));
    let post = &mut scene.post;
    let (world, customer, relay) = (&scene.world, &scene.customer, &scene.relay);
    let more = json!({"sending": {"limits": {"monthly": PROGRAMS * EACH + DEATHS * PROGRAMS}}});
    let story = async {
        for death in 1..=DEATHS {
            // Some mail went through since the last time.
            let wanted = death * 4;
            eventually("mail is taken", 2 * PATIENCE, async || {
                match taken.load(Ordering::SeqCst) {
                    count if count >= wanted => Ok(()),
                    count => Err(format!("{count} of {wanted}; {}", post.log())),
                }
            })
            .await;
            post.kill();
            post.answer().await;
        }
        eventually("the limit is reached", 2 * PATIENCE, async || {
            if full.iter().all(|full| full.load(Ordering::SeqCst)) {
                Ok(())
            } else {
                Err(post.log())
            }
        })
        .await;
        let through = taken.load(Ordering::SeqCst);
        assert!(through <= LIMIT, "{through} of {LIMIT}");
        // A death costs at most the messages that were being answered: one a program.
        assert!(through + DEATHS * PROGRAMS >= LIMIT, "{through} of {LIMIT}");
        // While nobody answered, Postfix may have put off what it had taken already.
        post.flushed().await;
        arrived(post, relay, through).await;
        change(world, customer, json!({"spec": more})).await;
    };
    let patience = async {
        tokio::time::sleep(10 * PATIENCE).await;
        end.store(true, Ordering::SeqCst);
    };
    tokio::select! {
        _ = async { tokio::join!(programs, story) } => {}
        () = patience => panic!("not within {:?}", 10 * PATIENCE),
    }
    let mails = arrived(post, relay, PROGRAMS * EACH).await;
    let mut all: Vec<_> = (0..PROGRAMS)
        .flat_map(|program| (0..EACH).map(move |number| format!("{program}-{number:02}")))
        .collect();
    all.sort();
    assert_eq!(words(&mails), all);
}
