//! What a request to the API server is about, read from its method and path.

use http::{Method, Uri};

/// Verb and resource of a request, in RBAC's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: &'static str,
    /// API group; empty for the core group.
    pub group: String,
    /// Plural, with its subresource: `customers/status`. Empty for what is no resource (`/version`).
    pub resource: String,
    /// Namespace, where one is named.
    pub namespace: Option<String>,
    /// Name, where one object is meant.
    pub name: Option<String>,
}

impl Target {
    /// Reads a request's target. Total: what is no resource path has an empty resource.
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let path: Vec<&str> = uri
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        let (group, rest) = match path.as_slice() {
            ["api", _version, rest @ ..] => ("", rest),
            ["apis", group, _version, rest @ ..] => (*group, rest),
            _ => ("", [].as_slice()),
        };
        // `namespaces/x` and `namespaces/x/status` are about the Namespace, `namespaces/x/pods` is not.
        let (namespace, rest) = match rest {
            ["namespaces", namespace, resource, rest @ ..]
                if !matches!(*resource, "status" | "finalize") =>
            {
                (Some(*namespace), [&[*resource], rest].concat())
            }
            rest => (None, rest.to_vec()),
        };
        let name = rest.get(1).map(|name| (*name).to_owned());
        let resource = match rest.as_slice() {
            [resource, _name, sub, ..] => format!("{resource}/{sub}"),
            [resource, ..] => (*resource).to_owned(),
            [] => String::new(),
        };
        Self {
            verb: verb(method, name.is_some() || resource.is_empty(), is_watch(uri)),
            group: group.to_owned(),
            resource,
            namespace: namespace.map(str::to_owned),
            name,
        }
    }

    /// The resource with its group, as `kubectl auth can-i` takes it: `customers.clientele.dev`.
    pub fn qualified(&self) -> String {
        match (self.group.as_str(), self.resource.split_once('/')) {
            ("", _) => self.resource.clone(),
            (group, Some((resource, sub))) => format!("{resource}.{group}/{sub}"),
            (group, None) => format!("{}.{group}", self.resource),
        }
    }
}

/// The value of a query parameter, undecoded.
pub fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<&'u str> {
    uri.query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Whether a request opens a watch: its answer does not end by itself for minutes.
pub fn is_watch(uri: &Uri) -> bool {
    matches!(parameter(uri, "watch"), Some("true" | "1"))
}

fn verb(method: &Method, named: bool, watch: bool) -> &'static str {
    match (method.as_str(), named) {
        ("GET" | "HEAD", _) if watch => "watch",
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &Method, uri: &str) -> (String, Option<String>, Option<String>) {
        let target = Target::of(method, &uri.parse().expect("a URI"));
        (
            format!("{} {}", target.verb, target.qualified()),
            target.namespace,
            target.name,
        )
    }

    #[test]
    fn paths_are_read_as_rbac_reads_them() {
        let some = |text: &str| Some(text.to_owned());
        for (method, uri, said, namespace, name) in [
            (
                Method::GET,
                "/apis/clientele.dev/v1alpha1/customers?&limit=500",
                "list customers.clientele.dev",
                None,
                None,
            ),
            (
                Method::GET,
                "/api/v1/namespaces?&watch=true&timeoutSeconds=290",
                "watch namespaces",
                None,
                None,
            ),
            (
                Method::GET,
                "/api/v1/namespaces/a--b",
                "get namespaces",
                None,
                some("a--b"),
            ),
            (
                Method::PATCH,
                "/api/v1/namespaces/a--b/status?",
                "patch namespaces/status",
                None,
                some("a--b"),
            ),
            (
                Method::POST,
                "/api/v1/namespaces/a/pods",
                "create pods",
                some("a"),
                None,
            ),
            (
                Method::PATCH,
                "/apis/clientele.dev/v1alpha1/namespaces/partner-x/customers/y/status",
                "patch customers.clientele.dev/status",
                some("partner-x"),
                some("y"),
            ),
            (Method::GET, "/version", "get ", None, None),
        ] {
            assert_eq!(
                read(&method, uri),
                (said.to_owned(), namespace, name),
                "{uri}"
            );
        }
    }
}
