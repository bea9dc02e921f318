//! Waiting for what must come, and looking at refusals.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use kube::core::Status;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long a test waits for anything. Far more than it ever takes: only a failure waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Watches one object until it is as wanted (`None`: it does not exist) and returns it.
///
/// # Panics
/// When that does not come about within [`PATIENCE`], with the object as last seen.
#[track_caller]
pub fn until<K>(
    api: Api<K>,
    name: &str,
    what: &str,
    wanted: impl Fn(Option<&K>) -> bool,
) -> impl Future<Output = Option<K>>
where
    K: Resource + Clone + Debug + DeserializeOwned + Serialize + Send + 'static,
{
    until_for(Location::caller(), api, name, what, wanted)
}

/// [`until`] for helpers that wait on behalf of their own caller.
pub(super) async fn until_for<K>(
    caller: &Location<'_>,
    api: Api<K>,
    name: &str,
    what: &str,
    wanted: impl Fn(Option<&K>) -> bool,
) -> Option<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Serialize + Send + 'static,
{
    let mut seen = String::from("nothing");
    let mut stream = pin!(watcher::watch_object(api, name).default_backoff());
    let waiting = async {
        while let Some(event) = stream.next().await {
            match event {
                Ok(object) if wanted(object.as_ref()) => return object,
                Ok(object) => seen = show(object),
                Err(error) => seen = error.to_string(),
            }
        }
        unreachable!("a watcher does not end by itself")
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(object) => object,
        Err(_) => panic!("{caller}: {name}: not {what} within {PATIENCE:?}; last seen:\n{seen}"),
    }
}

/// Asks again and again until the answer is good. For what is spread over several objects, or is not an object;
/// [`until`] is better for one.
///
/// # Panics
/// When no good answer comes in time, with the last reason.
#[track_caller]
pub fn eventually<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        let mut reason = String::from("no answer");
        let asking = async {
            loop {
                match ask().await {
                    Ok(answer) => return answer,
                    Err(why) => reason = why,
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(patience, asking).await {
            Ok(answer) => answer,
            Err(_) => panic!("{caller}: not within {patience:?}: {what}: {reason}"),
        }
    }
}

/// The API server's refusal of a call that must not succeed. Its message contains `part`.
///
/// # Panics
/// When the call succeeds, fails without an answer, or is refused in other words.
#[track_caller]
pub fn refused<T: Debug>(result: kube::Result<T>, part: &str) -> Status {
    match result {
        Ok(object) => panic!("accepted, but was to be refused with {part:?}: {object:?}"),
        Err(kube::Error::Api(status)) if status.message.contains(part) => *status,
        Err(error) => panic!("was to be refused with {part:?}, but: {error}"),
    }
}

/// Turns an error into the reason [`eventually`] asks for.
pub trait Report<T> {
    /// The same result, with its error as text.
    fn report(self) -> Result<T, String>;
}

impl<T, E: std::fmt::Display> Report<T> for Result<T, E> {
    fn report(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

fn show<K: Resource + Serialize>(object: Option<K>) -> String {
    object.map_or_else(
        || "nothing".to_owned(),
        |mut object| {
            object.managed_fields_mut().clear();
            serde_yaml::to_string(&object).unwrap_or_else(|error| error.to_string())
        },
    )
}
