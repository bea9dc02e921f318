//! What was read of contact lists that say where they can be read.
//!
//! A ConfigMap or Secret of a tenant's is not watched: it is read when its list is new or has another digest, and what is found in it stays true of
//! that digest, so it is never read again, nor after a restart, which finds it in the status. Only what is missing, or another list's, is
//! read again after a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::{Client, ResourceExt};

use crate::api::{ContactList, meta};
use crate::observe::live;
use crate::plan::contact_list::reread;
use crate::plan::observed::lists::ContentsSeen;
use crate::plan::observed::routes::Tried;

/// Most lists of which it is remembered what was not in order; of others it is asked again sooner.
const REMEMBERED: usize = 10_000;

/// A list, by namespace and name.
type Id = (String, String);

/// Which version of a list was looked at.
type Version = (Option<String>, Option<i64>, Option<String>);

/// What was not in order when it was read last.
#[derive(Debug, Default)]
pub struct Lists(Mutex<HashMap<Id, (Version, Tried<ContentsSeen>)>>);

impl Lists {
    /// What a list contains.
    pub async fn of(
        &self,
        client: &Client,
        list: &ContactList,
        now: Timestamp,
    ) -> Tried<ContentsSeen> {
        let id = (list.namespace().unwrap_or_default(), list.name_any());
        let known = |seen| Tried {
            seen,
            at: now,
            bad_since: None,
        };
        let sha256 = &list.spec.sha256;
        let Some(contents) = &list.spec.contents else {
            self.remembered().remove(&id);
            return known(ContentsSeen::NotNamed);
        };
        let told = list.status.as_ref().and_then(|told| told.checked.as_ref());
        if let Some(checked) = told.filter(|checked| checked.sha256 == *sha256) {
            self.remembered().remove(&id);
            return known(ContentsSeen::Found(checked.clone()));
        }
        let version = (
            list.uid(),
            list.metadata.generation,
            list.annotations()
                .get(meta::ANNOTATION_RECONCILE_AT)
                .cloned(),
        );
        let before = self.remembered().get(&id).cloned();
        let before = before.filter(|(of, _)| *of == version).map(|(_, it)| it);
        if let Some(before) = &before
            && reread(before, sha256).is_some_and(|limit| before.age(now) < limit)
        {
            return before.clone();
        }
        let seen = live::contents(client, &id.0, contents).await;
        let good = matches!(&seen, ContentsSeen::Found(checked) if checked.sha256 == *sha256);
        let bad_since = before.and_then(|before| before.bad_since).unwrap_or(now);
        let tried = Tried {
            seen,
            at: now,
            bad_since: (!good).then_some(bad_since),
        };
        let mut all = self.remembered();
        if good {
            all.remove(&id);
        } else {
            if all.len() >= REMEMBERED {
                all.clear();
            }
            all.insert(id, (version, tried.clone()));
        }
        tried
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<Id, (Version, Tried<ContentsSeen>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
