//! What the server serves: resources, and which of them a request is for.

use http::{Method, Request};

/// A resource of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
}

impl Resource {
    /// Whether it is one of Clientele's own kinds: with generation and a status subresource.
    pub fn is_own(&self) -> bool {
        self.group == "clientele.dev"
    }

    /// Whether it is gone without its CRD.
    pub fn has_crd(&self) -> bool {
        self.is_own() || self.group == "example.org"
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The resource of this plural name.
    pub fn named(plural: &str) -> &'static Self {
        RESOURCES
            .iter()
            .find(|resource| resource.plural == plural)
            .unwrap_or_else(|| panic!("the server does not serve {plural}"))
    }

    /// The resource of this kind.
    pub fn of_kind(kind: &str) -> &'static Self {
        RESOURCES
            .iter()
            .find(|resource| resource.kind == kind)
            .unwrap_or_else(|| panic!("the server does not serve {kind}"))
    }
}

const fn resource(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Resource {
    Resource {
        group,
        version,
        plural,
        kind,
        namespaced,
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io";

/// Everything the operator asks for.
pub static RESOURCES: [Resource; 27] = [
    resource("", "v1", "namespaces", "Namespace", false),
    resource("", "v1", "secrets", "Secret", true),
    resource("", "v1", "configmaps", "ConfigMap", true),
    resource("", "v1", "pods", "Pod", true),
    resource("", "v1", "services", "Service", true),
    resource(
        "",
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        true,
    ),
    resource("", "v1", "persistentvolumes", "PersistentVolume", false),
    resource("apps", "v1", "deployments", "Deployment", true),
    // Of somebody else's operator; there while its CRD is.
    resource("example.org", "v1", "widgets", "Widget", true),
    resource(
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        false,
    ),
    resource(
        "clientele.dev",
        "v1alpha1",
        "serviceofferings",
        "ServiceOffering",
        false,
    ),
    resource("", "v1", "resourcequotas", "ResourceQuota", true),
    resource("", "v1", "limitranges", "LimitRange", true),
    resource("", "v1", "serviceaccounts", "ServiceAccount", true),
    resource(
        "networking.k8s.io",
        "v1",
        "networkpolicies",
        "NetworkPolicy",
        true,
    ),
    resource(
        "rbac.authorization.k8s.io",
        "v1",
        "rolebindings",
        "RoleBinding",
        true,
    ),
    resource("events.k8s.io", "v1", "events", "Event", true),
    resource(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        false,
    ),
    resource(
        ADMISSION,
        "v1",
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        false,
    ),
    resource(
        ADMISSION,
        "v1",
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        false,
    ),
    resource(
        "clientele.dev",
        "v1alpha1",
        "serviceplans",
        "ServicePlan",
        false,
    ),
    resource("clientele.dev", "v1alpha1", "partners", "Partner", true),
    resource(
        "clientele.dev",
        "v1alpha1",
        "postalroutes",
        "PostalRoute",
        true,
    ),
    resource("clientele.dev", "v1alpha1", "customers", "Customer", true),
    resource(
        "clientele.dev",
        "v1alpha1",
        "customerusers",
        "CustomerUser",
        true,
    ),
    resource(
        "clientele.dev",
        "v1alpha1",
        "deletionrequests",
        "DeletionRequest",
        true,
    ),
    resource(
        "clientele.dev",
        "v1alpha1",
        "contactlists",
        "ContactList",
        true,
    ),
];

/// What is asked to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Apply,
    Merge,
    Replace,
    Delete,
}

impl Verb {
    /// Whether it may change something.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// A request, taken apart.
#[derive(Clone, Debug)]
pub struct Asked {
    pub verb: Verb,
    pub resource: &'static Resource,
    pub namespace: String,
    pub name: String,
    /// `status`, or nothing.
    pub subresource: String,
    pub query: Vec<(String, String)>,
}

impl Asked {
    /// Takes a request apart; `None` for a path that is not served.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        let mut segments = request.uri().path().trim_matches('/').split('/');
        let group = match segments.next()? {
            "api" => "",
            "apis" => segments.next()?,
            _ => return None,
        };
        let version = segments.next()?;
        let mut rest: Vec<&str> = segments.collect();
        let mut namespace = "";
        if let ["namespaces", within, _, ..] = rest[..] {
            namespace = within;
            rest.drain(..2);
        }
        let resource = RESOURCES.iter().find(|r| {
            r.group == group && r.version == version && Some(&r.plural) == rest.first()
        })?;
        let name = rest.get(1).copied().unwrap_or_default();
        let query = queries(request.uri().query().unwrap_or_default());
        let watches = query
            .iter()
            .any(|(key, value)| key == "watch" && value == "true");
        let content = request
            .headers()
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let verb = match *request.method() {
            Method::GET if watches => Verb::Watch,
            Method::GET if name.is_empty() => Verb::List,
            Method::GET => Verb::Get,
            Method::POST => Verb::Create,
            Method::PUT => Verb::Replace,
            Method::DELETE => Verb::Delete,
            Method::PATCH if content.contains("apply-patch") => Verb::Apply,
            Method::PATCH if content.contains("merge-patch+json") => Verb::Merge,
            _ => return None,
        };
        Some(Self {
            verb,
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: rest.get(2).copied().unwrap_or_default().to_owned(),
            query,
        })
    }

    /// A query parameter, or the empty text.
    pub fn parameter(&self, name: &str) -> &str {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }
}

fn queries(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

/// Percent-decoding, as far as selectors need it.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let hex = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).expect("two hex digits"));
                rest = &tail[2..];
                continue;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
        rest = tail;
    }
    String::from_utf8(bytes).expect("a query is UTF-8")
}

/// A label selector: `key` (there is one) and `key=value`, all of them.
#[derive(Clone, Debug, Default)]
pub struct Selector(Vec<(String, Option<String>)>);

impl Selector {
    /// Parses one.
    pub fn parse(text: &str) -> Self {
        let parts = text.split(',').filter(|part| !part.is_empty());
        Self(
            parts
                .map(|part| match part.split_once('=') {
                    Some((key, value)) => (
                        key.to_owned(),
                        Some(value.trim_start_matches('=').to_owned()),
                    ),
                    None => (part.to_owned(), None),
                })
                .collect(),
        )
    }

    /// Whether an object has the labels.
    pub fn matches(&self, object: &serde_json::Value) -> bool {
        self.0.iter().all(|(key, value)| {
            let found = object["metadata"]["labels"][key].as_str();
            found.is_some() && value.as_deref().is_none_or(|value| found == Some(value))
        })
    }
}
