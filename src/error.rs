//! What can go wrong, one variant a step, and what a failed API call means.
//!
//! Two types, two questions. [`Error`] ends the process and knows its exit code; [`Cause`] says of one failed API
//! call whether trying again can help. Both give one stable lower-case name (`category`, `as_str`), which is what
//! logs, metrics and Events carry; the text beside it is for people and may change.

use std::{error::Error as StdError, fmt, net::SocketAddr, time::Duration};

/// The exit codes, as `clientele --help` shows them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done, or stopped by SIGTERM or SIGINT
  1  failed, in a way that has no code of its own
  2  wrong flags, environment or kubeconfig
  3  the API server cannot be reached
  4  a right is missing, or the credentials are refused
  5  the leader election Lease was lost; another replica may be at work
  6  a watch went silent or went back in time; a new process starts clean
130  told to stop twice";

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting has a value that cannot work.
    #[error("{setting}: {reason}")]
    Setting {
        /// The flag.
        setting: &'static str,
        /// What is wrong with it, and what would do.
        reason: String,
    },

    /// No usable kubeconfig, and not in a Pod either.
    #[error("no access to a cluster is configured: {0}")]
    Kubeconfig(String),

    /// An address to be listened on cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },

    /// What was sent cannot be counted.
    #[error("cannot count in {place}: {reason}")]
    Counters {
        /// Where.
        place: String,
        /// Why not.
        reason: String,
    },

    /// What was asked for cannot be printed.
    #[error("cannot print: {0}")]
    Output(#[source] std::io::Error),

    /// The system does not let us hear its signals.
    #[error("cannot listen for signals: {source}")]
    Signals {
        /// What the system says.
        source: std::io::Error,
    },

    /// The API server does not answer.
    #[error("cannot reach the API server at {server}: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What happened instead of an answer.
        reason: String,
    },

    /// The API server answers, but takes us for nobody.
    #[error("the API server at {server} refuses our credentials: {reason}")]
    Unauthorized {
        /// Its address.
        server: String,
        /// What it says.
        reason: String,
    },

    /// RBAC does not let us do what we cannot do without.
    #[error("missing right: {verb} {resource} (refused for {} s); deploy/ has the roles that the operator needs", during.as_secs())]
    MissingRight {
        /// The verb, as RBAC calls it.
        verb: &'static str,
        /// The resource, as RBAC calls it, with its API group.
        resource: String,
        /// How long it has been refused, again and again.
        during: Duration,
    },

    /// The Lease could not be renewed in time, or somebody else has it.
    #[error("lost the leader election Lease {lease}: {reason}")]
    LeaseLost {
        /// Its namespace and name.
        lease: String,
        /// How it was lost.
        reason: String,
    },

    /// A watch that gives no sign of life: what is cached may be old, so nothing may be decided on it.
    #[error("no sign of life from the watch on {watch} for {} minutes; starting clean", silent.as_secs() / 60)]
    WatchSilent {
        /// What is watched.
        watch: String,
        /// How long.
        silent: Duration,
    },

    /// The cluster is older than it was (restored from a backup, or a stale replica answered): what is cached
    /// never happened.
    #[error("the watch on {watch} went back from version {seen} to {listed}; starting clean")]
    WentBack {
        /// What is watched.
        watch: String,
        /// The highest version seen.
        seen: u128,
        /// The version of the latest list.
        listed: u128,
    },

    /// An API call failed in a step that has no way round it.
    #[error("{step}: {}", chain(source))]
    Call {
        /// The step.
        step: &'static str,
        /// What the client says.
        source: kube::Error,
    },

    /// A part of the process that never ends did.
    #[error("{0} ended before its time")]
    Ended(&'static str),
}

impl Error {
    /// The one stable name, for logs, metrics and Events.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "setting",
            Self::Kubeconfig(_) => "kubeconfig",
            Self::Listen { .. } => "listen",
            Self::Counters { .. } => "counters",
            Self::Output(_) => "output",
            Self::Signals { .. } => "signals",
            Self::Unreachable { .. } => Cause::Unreachable.as_str(),
            Self::Unauthorized { .. } => Cause::Unauthorized.as_str(),
            Self::MissingRight { .. } => Cause::Forbidden.as_str(),
            Self::LeaseLost { .. } => "lease-lost",
            Self::WatchSilent { .. } => "watch-silent",
            Self::WentBack { .. } => "watch-went-back",
            Self::Call { source, .. } => Cause::of(source).as_str(),
            Self::Ended(_) => "ended",
        }
    }

    /// The code the process exits with; [`EXIT_CODES`] documents them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Setting { .. } | Self::Kubeconfig(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Unauthorized { .. } | Self::MissingRight { .. } => 4,
            Self::LeaseLost { .. } => 5,
            Self::WatchSilent { .. } | Self::WentBack { .. } => 6,
            Self::Call { source, .. } => match Cause::of(source) {
                Cause::Unreachable | Cause::TimedOut => 3,
                Cause::Unauthorized | Cause::Forbidden => 4,
                _ => 1,
            },
            Self::Listen { .. }
            | Self::Counters { .. }
            | Self::Output(_)
            | Self::Signals { .. }
            | Self::Ended(_) => 1,
        }
    }
}

/// What a failed API call means for whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// No connection, or it broke. A write may have been done all the same.
    Unreachable,
    /// No answer in time, here or behind the API server. A write may have been done all the same.
    TimedOut,
    /// 401. Also seen for a moment while a token is renewed.
    Unauthorized,
    /// 403. RBAC or a policy; also seen for a moment after an API server starts, so never taken for lasting.
    Forbidden,
    /// 403 because the namespace is going: nothing can be made in it any more.
    NamespaceGoing,
    /// 404. Also what a missing CRD answers, so never taken for "the object is gone" alone.
    NotFound,
    /// 409 on a create. Ours only if labels and UID say so.
    AlreadyExists,
    /// 409: somebody else wrote first.
    Conflict,
    /// 410: the version asked for is too old.
    Expired,
    /// 400, 405, 415, 422: the API server will never take this object. A policy's denial is one of these.
    Refused,
    /// The object is too big to be stored, which comes as 413 or, from etcd, as 500.
    TooLarge,
    /// 429: asked to slow down; nothing was done.
    Throttled,
    /// Any other 5xx.
    Server,
    /// An answer that is not what was asked for.
    Unreadable,
    /// The request never left: it could not be built or signed.
    Client,
}

impl Cause {
    /// What this failure means.
    pub fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(status),
            kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => Self::Unreachable,
            kube::Error::Service(source) if is_timeout(source.as_ref()) => Self::TimedOut,
            kube::Error::Service(_) => Self::Unreachable,
            kube::Error::SerdeError(_)
            | kube::Error::FromUtf8(_)
            | kube::Error::LinesCodecMaxLineLengthExceeded => Self::Unreadable,
            kube::Error::Auth(_) => Self::Unauthorized,
            _ => Self::Client,
        }
    }

    /// What this refusal by the API server means.
    pub fn of_status(status: &kube::core::Status) -> Self {
        let too_large = ["request is too large", "message larger than max"]
            .iter()
            .any(|text| status.message.contains(text));
        match status.code {
            _ if too_large => Self::TooLarge,
            401 => Self::Unauthorized,
            403 if has_cause(status, "NamespaceTerminating") => Self::NamespaceGoing,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 if status.reason == "AlreadyExists" => Self::AlreadyExists,
            409 => Self::Conflict,
            410 => Self::Expired,
            413 => Self::TooLarge,
            429 => Self::Throttled,
            408 | 504 => Self::TimedOut,
            400..=499 => Self::Refused,
            500..=599 => Self::Server,
            _ => Self::Unreadable,
        }
    }

    /// The one stable name, for logs, metrics and Events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NamespaceGoing => "namespace-going",
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::Conflict => "conflict",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::TooLarge => "too-large",
            Self::Throttled => "throttled",
            Self::Server => "server",
            Self::Unreadable => "unreadable",
            Self::Client => "client",
        }
    }

    /// Whether the same call can never succeed: its input must change first. Everything else is tried again,
    /// with backoff.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Refused | Self::TooLarge)
    }

    /// Whether a write that failed like this may have been done all the same.
    pub fn may_be_done(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::TimedOut | Self::Server | Self::Unreadable
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error and what is behind it as one line, without saying the same twice: many errors print their source, and
/// the client's wrappers ("ServiceError", "client error (Connect)") say nothing that a person can use.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        let text = match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => {
                return format!("{} ({})", status.message, status.code).replace('\n', " ");
            }
            Some(kube::Error::Service(_) | kube::Error::HyperError(_)) => continue,
            Some(_) | None => error.to_string(),
        };
        let wrapper = error.is::<hyper_util::client::legacy::Error>() && next.is_some();
        if !wrapper && !line.contains(&text) {
            line = if line.is_empty() {
                text
            } else {
                format!("{line}: {text}")
            };
        }
    }
    line.replace('\n', " ")
}

fn is_timeout(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| {
        error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    })
}

fn has_cause(status: &kube::core::Status, reason: &str) -> bool {
    status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .any(|cause| cause.reason == reason)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::{Value, json};

    use super::*;

    fn cause(status: Value) -> Cause {
        Cause::of_status(&serde_json::from_value::<Status>(status).expect("a Status"))
    }

    #[test]
    fn what_the_code_does_not_say_is_read_from_the_rest() {
        let going = json!({"causes": [{"reason": "NamespaceTerminating"}]});
        let exists = json!({"code": 409, "reason": "AlreadyExists"});
        let too_large = json!({"code": 500, "message": "etcdserver: request is too large"});
        assert_eq!(
            cause(json!({"code": 403, "details": going})),
            Cause::NamespaceGoing
        );
        assert_eq!(cause(exists), Cause::AlreadyExists);
        assert_eq!(cause(too_large), Cause::TooLarge);
    }

    #[test]
    fn a_line_says_nothing_twice_and_no_wrapper() {
        let refused = json!({"code": 422, "message": "no", "reason": "Invalid"});
        let status = serde_json::from_value::<Status>(refused).expect("a Status");
        assert_eq!(chain(&kube::Error::Api(status.boxed())), "no (422)");
        let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "late");
        assert_eq!(chain(&kube::Error::Service(late.into())), "late");
    }

    #[test]
    fn every_exit_code_is_documented() {
        let (server, reason) = (String::new(), String::new());
        let lease = String::new();
        for error in [
            Error::Ended("x"),
            Error::Kubeconfig(reason.clone()),
            Error::Unreachable {
                server: server.clone(),
                reason: reason.clone(),
            },
            Error::Unauthorized {
                server,
                reason: reason.clone(),
            },
            Error::LeaseLost { lease, reason },
            Error::WatchSilent {
                watch: String::new(),
                silent: Duration::ZERO,
            },
        ] {
            let line = format!("\n  {}  ", error.exit_code());
            assert!(EXIT_CODES.contains(&line), "{line}");
        }
    }
}
