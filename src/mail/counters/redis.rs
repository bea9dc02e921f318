//! Counts in Redis, shared by any number of processes.
//!
//! One script judges messages in the order they are handed to it, looks at all windows and at the message's key, and changes all or
//! none of them for each; Redis runs it as one step. Messages that come while it runs are handed over together by the next call, so
//! that a busy process asks less often, and what many customers share is read and written once. A call that is not answered in time
//! is [`Unavailable`]: it may have been done, and whoever asks again does so with the same key.
//! The rules are those of [`super::ledger`]; the script ([`super::script`]) says them again in Lua, and one test suite holds both to them.
//!
//! All keys have one hash tag, so that they are on one node of a Redis Cluster. Counts are as durable as Redis is told to be:
//! `appendonly yes`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, RedisResult};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::script::{PREFIX, Takes, slots};
use super::{Slots, Take, Taken, Unavailable, answered};
use crate::error::Error;

/// Longest wait for a connection and for an answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(2);

/// Questions that wait at the most, and are handed over together at the most.
const WAITING: usize = 1024;
const TOGETHER: usize = 128;

/// Calls at a time. With more of them each has less to hand over.
const CALLS: usize = 4;

/// Counts in Redis. Clones share a connection, which is made again when it breaks.
#[derive(Clone)]
pub struct Store {
    connection: ConnectionManager,
    questions: mpsc::Sender<Question>,
}

/// A message, and who waits for what comes of it.
type Question = (Take, oneshot::Sender<Result<Taken, Unavailable>>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// For the Redis of this URL. It need not be there yet.
    ///
    /// # Errors
    /// When it is no URL of a Redis.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let wrong = |error: redis::RedisError| Error::Counters {
            place: "redis".to_owned(),
            reason: error.to_string(),
        };
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_max_delay(Duration::from_secs(1));
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        let (questions, asked) = mpsc::channel(WAITING);
        tokio::spawn(hand_over(connection.clone(), asked));
        Ok(Self {
            connection,
            questions,
        })
    }

    /// See [`super::Counters::take`].
    ///
    /// # Errors
    /// When Redis does not answer, or not as it should.
    pub async fn take(&self, take: Take) -> Result<Taken, Unavailable> {
        answered(&self.questions, |answer| (take, answer)).await
    }

    /// See [`super::Counters::used`].
    ///
    /// # Errors
    /// When Redis does not answer, or not as it should.
    pub async fn used(&self, names: &[Arc<str>], now: i64) -> Result<Vec<Slots>, Unavailable> {
        let mut all = Vec::with_capacity(names.len());
        for some in names.chunks(500) {
            let mut call = redis::cmd("MGET");
            for name in some {
                call.arg(format!("{PREFIX}{name}"));
            }
            let mut connection = self.connection.clone();
            let stored: Vec<Option<Vec<u8>>> = within(call.query_async(&mut connection)).await?;
            all.extend(stored.iter().map(|account| slots(account.as_deref(), now)));
        }
        Ok(all)
    }
}

/// Hands over what has been asked, call after call, until nobody can ask any more. What comes while there is no room goes together.
async fn hand_over(connection: ConnectionManager, mut asked: mpsc::Receiver<Question>) {
    let room = Arc::new(Semaphore::new(CALLS));
    // Nobody closes the semaphore.
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let mut batch = Vec::new();
        if asked.recv_many(&mut batch, TOGETHER).await == 0 {
            return;
        }
        let connection = connection.clone();
        tokio::spawn(async move {
            answer(&connection, batch).await;
            drop(permit);
        });
    }
}

async fn answer(connection: &ConnectionManager, batch: Vec<Question>) {
    let (takes, waiting): (Vec<Take>, Vec<_>) = batch.into_iter().unzip();
    let mut waiting = waiting.into_iter();
    let mut rest = takes.as_slice();
    // What Redis has against one is not the others' fault: then each is asked about by itself.
    let mut alone = false;
    while !rest.is_empty() {
        let call = Takes::of(if alone { &rest[..1] } else { rest });
        let taken = match ask(connection, &call).await {
            Ok(taken) => taken.into_iter().map(Ok).collect(),
            Err(Failed::Refused(_)) if call.messages > 1 => {
                alone = true;
                continue;
            }
            Err(Failed::Refused(error)) => vec![Err(error)],
            // Nor does it answer the others.
            Err(Failed::Silent(error)) => vec![Err(error); rest.len()],
        };
        rest = &rest[taken.len()..];
        // Whoever asked may be gone; what was taken for them stays taken.
        for (taken, waiting) in taken.into_iter().zip(&mut waiting) {
            let _ = waiting.send(taken);
        }
    }
}

/// Why there is no answer.
enum Failed {
    /// Redis says no.
    Refused(Unavailable),
    /// Redis says nothing.
    Silent(Unavailable),
}

async fn ask(connection: &ConnectionManager, call: &Takes) -> Result<Vec<Taken>, Failed> {
    let mut connection = connection.clone();
    let answer: Vec<i64> = within(call.invoke(&mut connection)).await?;
    let read = call.read(&answer);
    read.ok_or_else(|| {
        let strange = format!("Redis gives a strange answer: {answer:?}");
        Failed::Refused(Unavailable(strange))
    })
}

/// A lazy connection waits for as long as it takes; here nothing may.
async fn within<A>(call: impl Future<Output = RedisResult<A>>) -> Result<A, Failed> {
    match tokio::time::timeout(CONNECT + ANSWER, call).await {
        Ok(answer) => answer.map_err(Failed::from),
        Err(_elapsed) => Err(Failed::Silent(Unavailable(
            "Redis does not answer".to_owned(),
        ))),
    }
}

impl From<RedisError> for Failed {
    fn from(error: RedisError) -> Self {
        let said = Unavailable(format!("Redis: {error}"));
        if error.code().is_some() {
            Self::Refused(said)
        } else {
            Self::Silent(said)
        }
    }
}

impl From<Failed> for Unavailable {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(error) | Failed::Silent(error) => error,
        }
    }
}
