//! What was observed of the cluster for one object: values, gathered once, judged nowhere but in the plan.

pub mod deletion;
pub mod lists;
pub mod routes;
pub mod services;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use self::deletion::RequestSeen;
use self::lists::ListSeen;
use self::services::ServicesSeen;
use crate::api::{Customer, CustomerUser, Partner, Role, ServicePlan, meta};
use crate::domain::claims::Claim;
use crate::domain::fingerprint::{self, ChildKind};
use crate::domain::lineage::Place;
use crate::domain::people::Person;

/// For how long it is believed that a namespace in the way is still there; nothing tells us when it goes.
pub const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Most characters of what holds a namespace.
const MAX_HELD_BY: usize = 240;

/// A namespace that carries Clientele's labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceSeen {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// All its labels.
    pub labels: BTreeMap<String, String>,
    /// All its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What holds it while it is being deleted, in Kubernetes' own words.
    pub held_by: Vec<String>,
}

impl NamespaceSeen {
    /// Whether this is the own namespace of the partner of this name and UID, whose object is in `parent`.
    pub fn is_own_of(&self, partner: &str, parent: &str, uid: &str) -> bool {
        self.label(meta::LABEL_TYPE) == meta::TYPE_PARTNER
            && self.label(meta::LABEL_PARTNER) == partner
            && self.label(meta::LABEL_PARENT) == parent
            && self.annotation(meta::ANNOTATION_PARTNER_UID) == uid
    }

    /// A label's value, or the empty text.
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }

    /// An annotation's value, or the empty text.
    pub fn annotation(&self, key: &str) -> &str {
        self.annotations.get(key).map_or("", String::as_str)
    }
}

/// What is kept of an object in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildSeen {
    /// Its UID.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// The fingerprint of what is governed.
    pub fingerprint: u64,
    /// ResourceQuota: whether the quota controller enforces `spec.hard` as it is now.
    pub hard_in_force: bool,
    /// RoleBinding: the name of the role bound.
    pub role: String,
    /// RoleBinding: names of the subjects.
    pub subjects: Vec<String>,
}

/// Objects seen in one namespace.
pub type Children = BTreeMap<(ChildKind, String), ChildSeen>;

/// A user of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSeen {
    /// What decides about letting it in.
    pub person: Person,
    /// Its role.
    pub role: Role,
}

/// Why an object with a deletion timestamp is going (DESIGN: "Not a deletion of customers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Somebody deleted this object.
    Deleted,
    /// Its CRD or its namespace is going: nobody wished this object away.
    SweptAlong,
}

/// Whether a route can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// It can.
    Accepted,
    /// That is being found out.
    Pending,
    /// It cannot; its status says why.
    Refused,
}

/// A route that a customer asks for, as found along its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSeen {
    /// The name asked for.
    pub name: String,
    /// The partner namespace where it was found, and whether it can be used.
    pub found: Option<(String, RouteState)>,
    /// Whether it was found only because it is in force: the path no longer leads to it.
    pub withdrawn: bool,
}

/// Where tenants send their mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Everything about one customer.
#[derive(Clone, Debug)]
pub struct CustomerObserved {
    /// The object.
    pub customer: Arc<Customer>,
    /// The namespace it is in.
    pub home: Place,
    /// The namespace of its tenant's name, if it carries our labels.
    pub tenant: Option<NamespaceSeen>,
    /// Whether a namespace of its tenant's name exists without our labels.
    pub foreign_namespace: bool,
    /// Our objects in the tenant namespace.
    pub children: Children,
    /// The plan asked for.
    pub plan: Option<Arc<ServicePlan>>,
    /// The plan recorded as in force.
    pub plan_in_force: Option<Arc<ServicePlan>>,
    /// The routes asked for, best first.
    pub routes: Vec<RouteSeen>,
    /// Where it sends its mail, if logins are made at all.
    pub smtp: Option<SmtpServer>,
    /// Namespace of the operator's ServiceAccount.
    pub operator_namespace: String,
    /// Whether the operator may write what logins are checked against, in the namespace of the partner.
    pub logins_open: bool,
    /// The users of this customer, from both places.
    pub users: Vec<UserSeen>,
    /// The contact lists in its tenant.
    pub lists: Vec<ListSeen>,
    /// What its services are decided on.
    pub services: ServicesSeen,
    /// A number nobody has, for a customer that was given none.
    pub free_number: String,
    /// Other claims to the number this customer has or asks for, under the same provider.
    pub number_claims: Vec<Claim>,
    /// Claims of other customers to domains that are in the way of this one's.
    pub domain_claims: Vec<Claim>,
    /// Requests to delete it, or another one of its name, oldest first.
    pub requests: Vec<RequestSeen>,
    /// Set while the object has a deletion timestamp.
    pub departure: Option<Departure>,
    /// Bindings name people of whom there is no user any more, because all users beside the customer are going: with the CRD, or
    /// with the partner's namespace. Nobody wished these people out.
    pub users_swept_along: bool,
    /// The request on which the deletion of its tenant hangs is gone with its CRD or namespace. Nobody has taken it back.
    pub request_swept_along: bool,
}

/// Everything about one partner.
#[derive(Clone, Debug)]
pub struct PartnerObserved {
    /// The object.
    pub partner: Arc<Partner>,
    /// The namespace it is in.
    pub above: Place,
    /// The namespace of its name, if it carries our labels.
    pub own: Option<NamespaceSeen>,
    /// Whether a namespace of its name exists without our labels.
    pub foreign_namespace: bool,
    /// Our objects in its namespace.
    pub children: Children,
    /// Names of all plans in the cluster.
    pub plans: Vec<String>,
    /// Names of all service offerings in the cluster.
    pub offerings: Vec<String>,
    /// How many customers in its namespace and below have a service stopped that their path no longer offers, by service.
    pub withdrawn: BTreeMap<String, i64>,
    /// Names of the routes usable in its namespace.
    pub routes: Vec<String>,
    /// Whether a route in its namespace has credentials to read.
    pub has_secrets: bool,
    /// Whether a mail service is to read Secrets in its namespace.
    pub has_mail: bool,
    /// Whether logins are made for customers in its namespace.
    pub has_logins: bool,
    /// Customers in its namespace and below.
    pub customers: i64,
    /// Partners below.
    pub partners: i64,
    /// Tenants without a Customer in its namespace and below.
    pub retained: i64,
    /// When the counts were last written by this process.
    pub counted_at: Option<Timestamp>,
    /// Namespace of the operator's ServiceAccount.
    pub operator_namespace: String,
    /// Set while the object has a deletion timestamp.
    pub departure: Option<Departure>,
}

/// Everything about one user.
#[derive(Clone, Debug)]
pub struct UserObserved {
    /// The object.
    pub user: Arc<CustomerUser>,
    /// Whether it is in a tenant namespace (then its customer is implied).
    pub in_tenant: bool,
    /// The namespace it is in.
    pub place: Place,
    /// The customer it belongs to, if that exists and can be read.
    pub customer: Option<Arc<Customer>>,
    /// Whether that customer exists and cannot be read.
    pub customer_unreadable: bool,
    /// All users of that customer.
    pub users: Vec<UserSeen>,
    /// The plan in force there.
    pub plan: Option<Arc<ServicePlan>>,
    /// Our objects in the tenant namespace.
    pub children: Children,
}

/// Everything about one plan.
#[derive(Clone, Debug)]
pub struct ServicePlanObserved {
    /// The object.
    pub plan: Arc<ServicePlan>,
    /// How many customers have it in force.
    pub customers: i64,
    /// When the count was last written by this process.
    pub counted_at: Option<Timestamp>,
}

impl NamespaceSeen {
    /// What is seen of a namespace, from its JSON. Never fails: what is not there or not of its type counts as empty.
    pub fn read(object: &Value) -> Self {
        let metadata = &object["metadata"];
        Self {
            name: text(metadata, "name"),
            uid: text(metadata, "uid"),
            resource_version: text(metadata, "resourceVersion"),
            labels: texts(&metadata["labels"]),
            annotations: texts(&metadata["annotations"]),
            // A time that nobody can parse is a time all the same.
            deleting: !metadata["deletionTimestamp"].is_null(),
            held_by: held_by(&object["status"]["conditions"]),
        }
    }
}

impl ChildSeen {
    /// What is seen of an object of this kind, from its JSON. Never fails.
    pub fn read(kind: ChildKind, object: &Value) -> Self {
        let metadata = &object["metadata"];
        let hard = object.pointer("/spec/hard");
        let in_force = object.pointer("/status/hard");
        let subjects = object["subjects"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        Self {
            uid: text(metadata, "uid"),
            resource_version: text(metadata, "resourceVersion"),
            fingerprint: fingerprint::of(kind, object),
            hard_in_force: kind == ChildKind::ResourceQuota
                && hard.is_some()
                && fingerprint::of_quantities(hard) == fingerprint::of_quantities(in_force),
            role: text(&object["roleRef"], "name"),
            subjects: subjects
                .iter()
                .map(|subject| text(subject, "name"))
                .collect(),
        }
    }
}

/// What the namespace controller says is left, and why it cannot be taken away.
fn held_by(conditions: &Value) -> Vec<String> {
    let conditions = conditions.as_array().into_iter().flatten();
    conditions
        .filter(|condition| condition["status"] == "True")
        .filter_map(|condition| condition["message"].as_str())
        .map(|message| message.chars().take(MAX_HELD_BY).collect())
        .collect()
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}

fn texts(object: &Value) -> BTreeMap<String, String> {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn quota(status: &Value) -> ChildSeen {
        let object = json!({
            "spec": {"hard": {"requests.memory": "1Gi", "pods": "5"}},
            "status": {"hard": status},
        });
        ChildSeen::read(ChildKind::ResourceQuota, &object)
    }

    #[test]
    fn a_quota_is_in_force_when_its_status_says_so_in_any_spelling() {
        assert!(quota(&json!({"requests.memory": "1024Mi", "pods": "5"})).hard_in_force);
        assert!(!quota(&json!({"requests.memory": "1Gi"})).hard_in_force);
        assert!(!quota(&Value::Null).hard_in_force);
    }

    #[test]
    fn a_namespace_with_a_deletion_time_that_nobody_can_parse_is_going() {
        let seen = NamespaceSeen::read(
            &json!({"metadata": {"name": "n", "deletionTimestamp": "9999-99-99"}}),
        );
        assert!(seen.deleting && seen.name == "n");
        assert!(!NamespaceSeen::read(&json!({"metadata": {"name": 1}})).deleting);
    }
}
