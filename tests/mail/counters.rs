//! One suite for both kinds of counters.

use std::sync::Arc;

use clientele::domain::limits::{Unit, Window};
use clientele::mail::counters::{Account, Counters, Full, Place, REMEMBERED, Take, Taken};
use futures::future::join_all;

use crate::redis::Redis;
use crate::world::Folder;

const HOUR: i64 = 3600;
pub const NOW: i64 = 500_000 * HOUR + 600;

pub fn account(name: &str, now: i64, caps: [Option<u64>; 3]) -> Account {
    let window = |length: i64| {
        let start = now - now.rem_euclid(length);
        Window {
            start,
            end: start + length,
        }
    };
    Account {
        name: name.into(),
        windows: [window(HOUR), window(24 * HOUR), window(720 * HOUR)],
        caps,
    }
}

pub fn take(now: i64, recipients: u64, key: Option<u128>, caps: [Option<u64>; 2]) -> Take {
    Take {
        accounts: vec![
            account("a", now, [caps[0], None, None]),
            account("shared", now, [None, caps[1], None]),
        ],
        recipients,
        key: key.map(u128::to_be_bytes),
        choice: 3,
        now,
    }
}

const GRANTED: Result<Taken, clientele::mail::counters::Unavailable> =
    Ok(Taken::Granted { choice: 3 });

/// Runs a test on both, each new and empty.
async fn on_both<F: Future<Output = ()>>(test: impl Fn(Counters, Place) -> F) {
    let folder = Folder::new();
    test(
        Counters::open(&folder.place()).await.expect("counters"),
        folder.place(),
    )
    .await;
    if let Some(redis) = Redis::start() {
        test(
            Counters::open(&redis.place()).await.expect("counters"),
            redis.place(),
        )
        .await;
    }
}

async fn used(counters: &Counters, name: &str, now: i64) -> [u64; 3] {
    let all = counters.used(vec![name.into()], now).await.expect("known");
    all[0].map(|slot| slot.used)
}

#[tokio::test]
async fn all_or_none_is_taken_and_windows_end() {
    on_both(|counters, _| async move {
        let take =
            |now, recipients| counters.take(take(now, recipients, None, [Some(10), Some(15)]));
        assert_eq!(take(NOW, 7).await, GRANTED);
        let end = NOW - NOW.rem_euclid(HOUR) + HOUR;
        let full = Full {
            account: 0,
            unit: Unit::Hour,
            opens: end,
            used: 7,
            cap: 10,
        };
        assert_eq!(take(NOW, 4).await, Ok(Taken::Full(full)));
        assert_eq!(take(NOW, 3).await, GRANTED);
        assert_eq!(used(&counters, "a", NOW).await, [10, 10, 10]);
        assert_eq!(used(&counters, "shared", NOW).await, [10, 10, 10]);
        // A new hour, and now the shared day is the one without room.
        assert!(matches!(
            take(end, 6).await,
            Ok(Taken::Full(Full {
                account: 1,
                unit: Unit::Day,
                ..
            }))
        ));
        assert_eq!(take(end, 5).await, GRANTED);
        assert_eq!(used(&counters, "a", end).await, [5, 15, 15]);
        assert_eq!(used(&counters, "nobody", end).await, [0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn a_message_is_counted_once_however_often_it_is_asked_about() {
    on_both(|counters, _| async move {
        for _ in 0..3 {
            assert_eq!(
                counters
                    .take(take(NOW, 10, Some(7), [Some(10), None]))
                    .await,
                GRANTED
            );
        }
        assert_eq!(used(&counters, "a", NOW).await[0], 10);
        assert!(matches!(
            counters.take(take(NOW, 1, Some(8), [Some(10), None])).await,
            Ok(Taken::Full(_))
        ));
        // One that had no room is looked at anew.
        assert_eq!(
            counters.take(take(NOW, 1, Some(8), [Some(11), None])).await,
            GRANTED
        );
    })
    .await;
}

#[tokio::test]
async fn clocks_that_jump_open_nothing_early() {
    on_both(|counters, _| async move {
        let ask = |now| counters.take(take(now, 10, None, [Some(10), None]));
        let start = NOW - NOW.rem_euclid(HOUR);
        assert_eq!(ask(start).await, GRANTED);
        assert!(
            matches!(ask(start - 30).await, Ok(Taken::Full(_))),
            "back over the hour by a little"
        );
        assert_eq!(ask(start + 5000 * HOUR).await, GRANTED, "far ahead");
        let Ok(Taken::Full(full)) = ask(start).await else {
            panic!("what was counted last stays")
        };
        assert_eq!(full.opens, start + HOUR, "and ends when it should");
    })
    .await;
}

#[tokio::test]
async fn another_time_zone_opens_nothing_early() {
    on_both(|counters, _| async move {
        assert_eq!(
            counters.take(take(NOW, 10, None, [Some(10), None])).await,
            GRANTED
        );
        let mut moved = take(NOW + 60, 1, None, [Some(10), None]);
        moved.accounts[0].windows[0] = Window {
            start: NOW,
            end: NOW + HOUR,
        };
        assert!(matches!(counters.take(moved).await, Ok(Taken::Full(_))));
    })
    .await;
}

#[tokio::test]
async fn sixty_four_senders_at_once_are_never_over_a_cap() {
    on_both(|counters, _| async move {
        let senders = (0..64_u64).map(|sender| {
            let counters = counters.clone();
            tokio::spawn(async move {
                let mut granted = 0;
                for message in 0..20_u64 {
                    let recipients = 1 + (sender + message) % 5;
                    if counters
                        .take(take(NOW, recipients, None, [Some(1000), Some(997)]))
                        .await
                        == GRANTED
                    {
                        granted += recipients;
                    }
                }
                granted
            })
        });
        let granted: u64 = futures::future::join_all(senders)
            .await
            .into_iter()
            .map(|sum| sum.expect("no panic"))
            .sum();
        assert!((993..=997).contains(&granted), "{granted}");
        assert_eq!(used(&counters, "shared", NOW).await[1], granted);
    })
    .await;
}

#[tokio::test]
async fn what_was_counted_outlives_the_process() {
    let folder = Folder::new();
    let counters = Counters::open(&folder.place()).await.expect("counters");
    assert_eq!(
        counters
            .take(take(NOW, 10, Some(1), [Some(10), None]))
            .await,
        GRANTED
    );
    assert!(
        Counters::open(&folder.place()).await.is_err(),
        "two processes never share a folder"
    );
    drop(counters);
    let counters = loop {
        // Its thread lets go of the folder a moment after the last question.
        match Counters::open(&folder.place()).await {
            Ok(counters) => break counters,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(used(&counters, "a", NOW).await[0], 10);
    assert_eq!(
        counters
            .take(take(NOW, 10, Some(1), [Some(10), None]))
            .await,
        GRANTED,
        "the key, too"
    );
    assert!(matches!(
        counters.take(take(NOW, 1, None, [Some(10), None])).await,
        Ok(Taken::Full(_))
    ));
}

#[tokio::test]
async fn a_folder_of_something_else_is_refused_not_emptied() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("counters.log"), "somebody's text").expect("a file");
    assert!(Counters::open(&folder.place()).await.is_err());
    assert_eq!(
        std::fs::read_to_string(folder.0.join("counters.log")).expect("a file"),
        "somebody's text"
    );
}

#[tokio::test]
async fn a_redis_that_dies_is_waited_for_and_forgets_nothing() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let counters = Arc::new(Counters::open(&redis.place()).await.expect("counters"));
    assert_eq!(
        counters.take(take(NOW, 9, None, [Some(10), None])).await,
        GRANTED
    );
    redis.kill_and_restart();
    let mut last = counters.take(take(NOW, 1, Some(5), [Some(10), None])).await;
    for _ in 0..100 {
        if last == GRANTED {
            break;
        }
        assert!(last.is_err(), "{last:?}");
        last = counters.take(take(NOW, 1, Some(5), [Some(10), None])).await;
    }
    assert_eq!(last, GRANTED);
    assert_eq!(used(&counters, "a", NOW).await[0], 10);
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_no_grant() {
    let place = Place::Redis("redis+unix:///nowhere/at/all".to_owned());
    let counters = Counters::open(&place).await.expect("it may come");
    assert!(
        counters
            .take(take(NOW, 1, None, [None, None]))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn messages_at_the_same_time_are_judged_one_after_the_other() {
    on_both(|counters, _| async move {
        let counters = &counters;
        // Many ask for the same message, and many for messages of their own of which only some have room.
        let same =
            join_all((0..40).map(|_| counters.take(take(NOW, 2, Some(7), [Some(30), None]))));
        let others = join_all(
            (0..40_u128).map(|key| counters.take(take(NOW, 3, Some(100 + key), [Some(30), None]))),
        );
        let (same, others) = tokio::join!(same, others);
        assert!(same.iter().all(|taken| *taken == GRANTED), "{same:?}");
        let granted = others.iter().filter(|taken| **taken == GRANTED).count();
        assert_eq!(granted, 9, "{others:?}");
        assert_eq!(used(counters, "a", NOW).await, [29; 3]);
        assert_eq!(used(counters, "shared", NOW).await, [29; 3]);
    })
    .await;
}

#[tokio::test]
async fn a_count_that_cannot_be_read_stops_nobody_else() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let counters = Counters::open(&redis.place()).await.expect("counters");
    redis.spoil("spoilt");
    let of = |name: &str| {
        let mut take = take(NOW, 1, None, [Some(100), None]);
        take.accounts = vec![account(name, NOW, [Some(100), None, None])];
        take
    };
    let names = (0..40).map(|one| if one % 8 == 0 { "spoilt" } else { "whole" });
    let all = join_all(names.map(|name| counters.take(of(name)))).await;
    for (one, taken) in all.iter().enumerate() {
        assert_eq!(taken.is_err(), one % 8 == 0, "{one}: {taken:?}");
    }
    assert_eq!(used(&counters, "whole", NOW).await, [35; 3]);
}

#[tokio::test]
async fn limits_that_change_between_two_messages_hold_from_then_on() {
    on_both(|counters, _| async move {
        let counters = &counters;
        // Together, and in this order: every other one is asked for with a smaller limit.
        let cap = |one: u64| if one.is_multiple_of(2) { 10 } else { 30 };
        let all =
            join_all((0..20).map(|one| counters.take(take(NOW, 3, None, [Some(cap(one)), None]))));
        let all = all.await;
        let granted: Vec<usize> = (0..20).filter(|one| all[*one] == GRANTED).collect();
        assert_eq!(granted, [0, 1, 2, 3, 5, 7, 9, 11, 13, 15], "{all:?}");
        assert_eq!(used(counters, "a", NOW).await, [30; 3]);
    })
    .await;
}

#[tokio::test]
async fn a_message_is_known_again_for_hours_whenever_it_came() {
    on_both(|counters, _| async move {
        for (key, later) in [(1, 0), (2, REMEMBERED / 2), (3, REMEMBERED - 1)] {
            let first =
                NOW + 10 * i64::from(u8::try_from(key).expect("small")) * REMEMBERED + later;
            let take = |now| counters.take(take(now, 1, Some(key), [None, None]));
            assert_eq!(take(first).await, GRANTED);
            let before = used(&counters, "a", first).await;
            assert_eq!(take(first + REMEMBERED - 1).await, GRANTED);
            assert_eq!(used(&counters, "a", first).await, before, "{key}");
        }
    })
    .await;
}

#[tokio::test]
async fn redis_keeps_messages_of_the_last_hours_alone() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let counters = Counters::open(&redis.place()).await.expect("counters");
    for time in 0..10_u128 {
        let now = NOW + i64::try_from(time).expect("small") * REMEMBERED;
        for key in 0..3 {
            let taken = counters.take(take(now, 1, Some(10 * time + key), [None, None]));
            assert_eq!(taken.await, GRANTED);
        }
    }
    // Two accounts, and two times.
    assert_eq!(redis.keys(), 4);
}
