//! The API server's audit log: who asked for what. Budgets are counted here, at the server, and not in the client
//! that must keep them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde::Deserialize;

use super::control_plane::{client, load};
use super::{PATIENCE, eventually};

/// Under which key of a user's `extra` the API server names the token that was shown.
pub const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// Far more than a line of the log has, in bytes.
const LONGEST_LINE: u64 = 256 * 1024;

/// The audit log of one control plane.
pub struct Audit {
    log: PathBuf,
    kubeconfig: PathBuf,
}

/// A place in the log: what was answered before it is not asked for again.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// One call, when it was answered (a watch: when it began).
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// `create`, `get`, `list`, `watch`, `patch`, …; a server-side apply is a `patch`.
    pub verb: String,
    /// Resource with its subresource, as in RBAC: `customers/status`. Empty where the path names none.
    pub resource: String,
    /// API group.
    pub group: String,
    /// Namespace of the object, or empty.
    pub namespace: String,
    /// Name of the object, or empty.
    pub name: String,
    /// Who asked. While impersonating: as whom.
    pub user: String,
    /// Which token was shown, where the API server tells; otherwise empty. Two processes of one user differ in it.
    pub credential: String,
    /// Whether somebody else asked in this user's name.
    pub impersonated: bool,
    /// Whether it was only to be tried (`dryRun=All`).
    pub dry_run: bool,
    /// HTTP status of the answer.
    pub code: u16,
    /// What admission and authorization have noted.
    pub annotations: BTreeMap<String, String>,
    /// When the call was received.
    pub received: Timestamp,
    /// When it was answered.
    pub answered: Timestamp,
}

impl AuditEvent {
    /// Whether the call changes something (if it is not refused).
    pub fn is_write(&self) -> bool {
        !self.dry_run && !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// Calls out of the log, to be narrowed down and counted.
#[derive(Clone, Debug)]
pub struct Calls(pub Vec<AuditEvent>);

impl Calls {
    /// Those of one user.
    pub fn by(self, user: &str) -> Self {
        self.only(|event| event.user == user)
    }

    /// Those made with one token.
    pub fn with(self, credential: &str) -> Self {
        self.only(|event| event.credential == credential)
    }

    /// Those that concern a namespace: the namespace itself, or what is in it.
    pub fn in_namespace(self, namespace: &str) -> Self {
        self.only(|event| {
            event.namespace == namespace
                || (event.resource == "namespaces" && event.name == namespace)
        })
    }

    /// Those that change something.
    pub fn writes(self) -> Self {
        self.only(AuditEvent::is_write)
    }

    /// Those for which this holds.
    pub fn only(mut self, wanted: impl Fn(&AuditEvent) -> bool) -> Self {
        self.0.retain(wanted);
        self
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many there are of each verb and resource: `"create namespaces" → 1`.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for event in &self.0 {
            let key = format!("{} {}", event.verb, event.resource);
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

impl Audit {
    pub(super) fn new(log: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { log, kubeconfig }
    }

    /// A place behind everything that has been answered so far. The log is written after the answer is sent, so a
    /// call of our own is made and waited for.
    pub async fn mark(&self) -> Mark {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("audit-mark-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        // What cannot be read is told of below.
        let before = self.end().unwrap_or_default();
        let maps: Api<ConfigMap> = Api::namespaced(client(load(&self.kubeconfig).await), "default");
        maps.get_opt(&name)
            .await
            .unwrap_or_else(|error| panic!("the audit log's mark: {error}"));
        eventually("the mark is in the audit log", PATIENCE, async || {
            let (events, end) = self.read(before)?;
            let marked = events.iter().any(|event| event.name == name);
            marked
                .then_some(Mark(end))
                .ok_or_else(|| "not yet".to_owned())
        })
        .await
    }

    /// Every call answered since the mark.
    pub async fn since(&self, mark: Mark) -> Calls {
        self.mark().await;
        match self.read(mark.0) {
            Ok((events, _)) => Calls(events),
            Err(error) => panic!("{error}"),
        }
    }

    /// Every call answered in this run.
    pub async fn all(&self) -> Calls {
        self.since(Mark(0)).await
    }

    /// Waits for a time in which nothing answers `noise`, and returns whether there was one before `patience` ended.
    pub async fn quiet(
        &self,
        time: Duration,
        patience: Duration,
        noise: impl Fn(&AuditEvent) -> bool,
    ) -> bool {
        let silence = async {
            loop {
                let mark = self.mark().await;
                tokio::time::sleep(time).await;
                if self.since(mark).await.only(&noise).count() == 0 {
                    return;
                }
            }
        };
        tokio::time::timeout(patience, silence).await.is_ok()
    }

    /// The offset behind the last whole line: one may just be being written.
    fn end(&self) -> std::io::Result<u64> {
        let length = std::fs::metadata(&self.log)?.len();
        let tail = length.saturating_sub(LONGEST_LINE);
        let bytes = self.bytes(tail)?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n');
        Ok(tail + whole.map_or(0, |end| end as u64 + 1))
    }

    fn bytes(&self, from: u64) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The calls logged from this offset on, and the offset behind the last whole line.
    fn read(&self, from: u64) -> Result<(Vec<AuditEvent>, u64), String> {
        let bytes = self
            .bytes(from)
            .map_err(|error| format!("{}: {error}", self.log.display()))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n');
        let whole = &bytes[..whole.map_or(0, |end| end + 1)];
        let mut events = Vec::new();
        for line in whole
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let raw: Raw = serde_json::from_slice(line)
                .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(line)))?;
            events.extend(raw.into_event());
        }
        Ok((events, from + whole.len() as u64))
    }
}

/// The part of an `audit.k8s.io/v1` Event that is read here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: RawUser,
    impersonated_user: Option<RawUser>,
    #[serde(default)]
    object_ref: RawObject,
    #[serde(default)]
    response_status: RawStatus,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
}

#[derive(Deserialize)]
struct RawUser {
    username: String,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

impl RawUser {
    fn credential(&self) -> String {
        let extra = self.extra.get(CREDENTIAL_ID).and_then(|ids| ids.first());
        extra.cloned().unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawObject {
    resource: String,
    subresource: String,
    api_group: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStatus {
    code: u16,
}

impl Raw {
    /// A watch is logged twice: it counts when it begins, for it may outlive the test.
    fn into_event(self) -> Option<AuditEvent> {
        let counted = if self.verb == "watch" {
            "ResponseStarted"
        } else {
            "ResponseComplete"
        };
        if self.stage != counted {
            return None;
        }
        let object = self.object_ref;
        let resource = if object.subresource.is_empty() {
            object.resource
        } else {
            format!("{}/{}", object.resource, object.subresource)
        };
        Some(AuditEvent {
            verb: self.verb,
            resource,
            group: object.api_group,
            namespace: object.namespace,
            name: object.name,
            credential: self.user.credential(),
            impersonated: self.impersonated_user.is_some(),
            user: self.impersonated_user.unwrap_or(self.user).username,
            dry_run: self.request_uri.contains("dryRun=All"),
            code: self.response_status.code,
            annotations: self.annotations,
            received: self.request_received_timestamp,
            answered: self.stage_timestamp,
        })
    }
}
