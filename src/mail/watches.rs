//! The three watches that feed the directory, for as long as the process lives. What fails is tried again; what stays silent or
//! refused is the watchdog's, who ends the process: a directory that is old must not go on letting mail through.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::directory::Directory;
use crate::error::chain;
use crate::observe::tolerant::Tolerant;

/// Starts them.
pub fn start(client: &Client, directory: &Arc<Directory>) {
    follow(client, directory, Directory::customer);
    follow(client, directory, Directory::partner);
    follow(client, directory, Directory::route);
}

fn follow<K>(
    client: &Client,
    directory: &Arc<Directory>,
    take_in: fn(&Directory, Event<Tolerant<K>>),
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let api: Api<Tolerant<K>> = Api::all(client.clone());
    let directory = Arc::clone(directory);
    tokio::spawn(async move {
        let config = Config::default().streaming_lists();
        let mut events = std::pin::pin!(watcher(api, config).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => take_in(&directory, event),
                Err(error) => {
                    let watch = K::plural(&());
                    tracing::warn!(%watch, "watch interrupted, starting it again: {}", chain(&error));
                }
            }
        }
    });
}
