//! The cluster as far as one order is concerned, so that it can be compared with that of another one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::order::Order;
use super::things::{OVER, TOP};
use crate::attempt::get;
use crate::support::normal::{Cluster, less_history, mask};

impl Order<'_> {
    /// The cluster as it is.
    pub async fn cluster(&self) -> Cluster {
        let mut cluster = BTreeMap::new();
        let mut namespaces = Vec::new();
        for namespace in self.items("/api/v1/namespaces").await {
            let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
            if name.contains(&self.mark) {
                namespaces.push(name.to_owned());
                cluster.insert(format!("namespaces {name}"), namespace);
            }
        }
        for plural in ["serviceplans", "serviceofferings"] {
            let path = format!("/apis/clientele.dev/v1alpha1/{plural}");
            for object in self.items(&path).await {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                if name.contains(&self.mark) {
                    cluster.insert(format!("{plural} {name}"), object);
                }
            }
        }
        let own = [
            "partners",
            "postalroutes",
            "customers",
            "customerusers",
            "contactlists",
            "deletionrequests",
        ]
        .map(|plural| ("/apis/clientele.dev/v1alpha1", plural, ""));
        let ours = "?labelSelector=app.kubernetes.io/managed-by%3Dclientele";
        let made = [
            // Those of services too.
            ("/api/v1", "configmaps", ""),
            ("/api/v1", "resourcequotas", ours),
            ("/api/v1", "limitranges", ours),
            ("/api/v1", "serviceaccounts", ours),
            ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", ours),
            ("/apis/networking.k8s.io/v1", "networkpolicies", ours),
        ];
        let places = namespaces.iter().map(String::as_str);
        for place in places {
            for (root, plural, query) in own.iter().chain(&made) {
                let path = format!("{root}/namespaces/{place}/{plural}{query}");
                for object in self.items(&path).await {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    cluster.insert(format!("{plural} {place}/{name}"), object);
                }
            }
        }
        // Of the top partners only one is this order's.
        let path = self.path(TOP);
        let top = self.ask(&get(&path)).await.unwrap_or_default();
        cluster.insert("partners clientele-partners/top".to_owned(), top);
        self.normal(cluster)
    }

    async fn items(&self, path: &str) -> Vec<Value> {
        let list = self.ask(&get(path)).await.expect("a list");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    fn normal(&self, mut cluster: Cluster) -> Cluster {
        for (id, object) in &mut cluster {
            mask(object);
            let annotations = &mut object["metadata"]["annotations"];
            // It may be the very second at which another one's trial ends.
            if let Some(began) = annotations.get_mut("clientele.dev/trial-began") {
                *began = "<time>".into();
            }
            let metadata = object["metadata"].as_object_mut();
            metadata.map(|fields| fields.remove("managedFields"));
            // Kubernetes counts when it gets to it.
            if id.starts_with("resourcequotas") {
                object["status"] = Value::Null;
            }
        }
        let cluster = less_history(cluster);
        let text = serde_json::to_string(&cluster).expect("JSON");
        let text = text
            .replace(&self.mark, "<mark>")
            .replace(self.end, "<the end>")
            .replace(OVER, "<long ago>");
        serde_json::from_str(&without_times(&text)).expect("still JSON")
    }
}

/// A text in which all times are alike.
fn without_times(text: &str) -> String {
    let mut rest = text;
    let mut told = String::new();
    while let Some((at, length)) = rest
        .char_indices()
        .find_map(|(at, _)| Some((at, time_at(&rest[at..])?)))
    {
        told.push_str(&rest[..at]);
        told.push_str("<time>");
        rest = &rest[at + length..];
    }
    told + rest
}

/// The length of the time with which a text begins, such as `2026-12-31T00:00:00Z`.
fn time_at(text: &str) -> Option<usize> {
    let shape = "0000-00-00T00:00:00";
    let fits = text.len() > shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            });
    let end = text.find('Z').filter(|_| fits)?;
    Some(end + 1)
}
