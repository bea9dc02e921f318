//! SMTP logins: a password in the tenant's Secret, and what it is checked against beside the Customer.
//!
//! Whatever is written when the process dies, the password that the tenant reads works: first comes what it is checked against, with the
//! password before still good for an hour, then the tenant's Secret, then the fact that says so. Before the fact is
//! written the same is done again, with another password; what the fact speaks of stays the one before.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::meta;
use crate::domain::credential::Credential;
use crate::domain::facts::LoginFact;
use crate::plan::observed::SmtpServer;

/// For how long the password before is good.
const OVERLAP: Duration = Duration::from_secs(3600);

/// Random bytes in a password.
const PASSWORD: usize = 32;

/// Random bytes that a password takes, with the salt.
pub const RANDOM: usize = PASSWORD + 16;

/// An SMTP login as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct LoginStep {
    /// The tenant namespace, whose name is the user name.
    pub tenant: String,
    /// Its UID.
    pub tenant_uid: String,
    /// The namespace of the Customer.
    pub home: String,
    /// The name of the Customer.
    pub customer: String,
    /// What both Secrets are labelled with.
    pub labels: BTreeMap<String, String>,
    /// Where mail is taken.
    pub server: SmtpServer,
    /// What will be written down, for the password that is in force or the one that is made now.
    pub fact: LoginFact,
    /// What is done.
    pub deed: LoginDeed,
}

/// What is done to an SMTP login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginDeed {
    /// Make a password; that of this time, if there is one, stays good for a while.
    Mint {
        /// When the password that is in force was made.
        replaces: Option<String>,
    },
    /// Leave the password, and say all else anew.
    Retell,
}

/// A password that was made, and all that is said of it.
#[derive(Clone)]
pub struct Minted {
    /// The Secret that it is checked against.
    pub check: Value,
    /// The tenant's Secret.
    pub tenants: Value,
    /// What is written down.
    pub fact: LoginFact,
}

impl LoginStep {
    /// Name of the Secret beside the Customer.
    pub fn check_name(&self) -> String {
        format!("{}{}", meta::SMTP_LOGIN_PREFIX, self.customer)
    }

    /// A password of these random bytes. `before` is the Secret that passwords are checked against, as it is.
    pub fn mint(&self, random: [u8; RANDOM], before: Option<&Value>) -> Minted {
        let (bytes, salt) = random.split_at(PASSWORD);
        let password = URL_SAFE_NO_PAD.encode(bytes);
        let replaces = match &self.deed {
            LoginDeed::Mint { replaces } => replaces.as_deref(),
            LoginDeed::Retell => None,
        };
        let read = |key: &str| read(before?, key);
        let mut fact = self.fact.clone();
        // Who checks passwords knows a new one by its time, to the second.
        if let Some(after) = read("issued-at").and_then(|last| following(&last, &fact.issued_at)) {
            fact.issued_at = after;
        }
        let mut check = BTreeMap::from([
            ("hash", Credential::of(&password, salt).to_string()),
            ("issued-at", fact.issued_at.clone()),
        ]);
        // Where the last time came to no end, the password that is in force is the one before already.
        let in_force = replaces.and_then(|replaces| {
            let as_said = read("issued-at").as_deref() == Some(replaces);
            read(if as_said { "hash" } else { "previous-hash" })
        });
        let until = later(&fact.issued_at, OVERLAP);
        if let Some((hash, until)) = in_force.zip(until) {
            check.insert("previous-hash", hash);
            check.insert("previous-until", until);
        }
        let tenants = BTreeMap::from([
            ("host", self.server.host.clone()),
            ("port", self.server.port.to_string()),
            ("username", self.tenant.clone()),
            ("password", password),
        ]);
        let mut check = self.secret(
            &self.home,
            &self.check_name(),
            meta::SECRET_TYPE_SMTP_LOGIN,
            &check,
        );
        // It goes with the tenant, and only with it.
        check["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "Namespace", "name": self.tenant, "uid": self.tenant_uid,
        }]);
        Minted {
            check,
            tenants: self.secret(&self.tenant, meta::SMTP, "Opaque", &tenants),
            fact,
        }
    }

    /// The changes (RFC 7396) to both Secrets that leave the password as it is: the tenant's, and the one beside the Customer.
    pub fn retold(&self) -> (Value, Value) {
        let labels = json!({ "metadata": { "labels": self.labels } });
        let mut tenants = labels.clone();
        tenants["data"] = json!({
            "host": STANDARD.encode(&self.server.host),
            "port": STANDARD.encode(self.server.port.to_string()),
        });
        (tenants, labels)
    }

    /// The change (RFC 7396) to the tenant namespace that writes a fact down.
    pub fn written_down(&self, fact: &LoginFact) -> Value {
        let fact = serde_json::to_string(fact).unwrap_or_default();
        json!({ "metadata": {
            "uid": self.tenant_uid,
            "annotations": { meta::ANNOTATION_SMTP_LOGIN: fact },
        }})
    }

    fn secret(
        &self,
        namespace: &str,
        name: &str,
        kind: &str,
        values: &BTreeMap<&str, String>,
    ) -> Value {
        let data: BTreeMap<_, _> = values
            .iter()
            .map(|(key, value)| (*key, STANDARD.encode(value)))
            .collect();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "namespace": namespace, "labels": self.labels },
            "type": kind,
            "data": data,
        })
    }
}

fn read(secret: &Value, key: &str) -> Option<String> {
    let bytes = STANDARD.decode(secret["data"][key].as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

fn later(time: &str, by: Duration) -> Option<String> {
    let time: Timestamp = time.parse().ok()?;
    Some(time.checked_add(by).ok()?.to_string())
}

/// The second after `last`, if `next` is not later anyway.
fn following(last: &str, next: &str) -> Option<String> {
    let (at, next): (Timestamp, Timestamp) = (last.parse().ok()?, next.parse().ok()?);
    (next <= at)
        .then(|| later(last, Duration::from_secs(1)))
        .flatten()
}
