//! Customers, partners and routes as they are watched, and a process that answers about them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use clientele::mail::counters::{Counters, Place};
use clientele::mail::decide::{Decider, Message, Verdict};
use clientele::mail::directory::Directory;
use clientele::mail::serve::{Protocol, serve};
use clientele::ops::clock::Clock;
use clientele::ops::shutdown::Shutdown;
use futures::FutureExt;
use jiff::Timestamp;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// When all stories begin.
pub const BEGIN: &str = "2026-11-23T10:20:00Z";

/// A clock that stands until it is moved.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>);

impl Hands {
    pub fn at(time: &str) -> Self {
        let second = time.parse::<Timestamp>().expect("a time").as_second();
        Self(Arc::new(AtomicI64::new(second)))
    }

    pub fn set(&self, time: &str) {
        let second = time.parse::<Timestamp>().expect("a time").as_second();
        self.0.store(second, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || Timestamp::from_second(hands.0.load(Ordering::SeqCst)).expect("a time"))
    }
}

pub fn customer(name: &str) -> Value {
    json!({
        "apiVersion": "clientele.dev/v1alpha1", "kind": "Customer",
        "metadata": {"name": name, "namespace": "partner-emea", "uid": format!("uid-{name}"), "resourceVersion": "1"},
        "spec": {"displayName": name, "contact": {"email": "a@b.example"}},
        "status": {
            "observedGeneration": 1, "namespace": format!("emea--{name}"), "path": ["top", "emea"], "access": "Open", "postalRoutes": ["eu", "spare"],
            "sending": {"allowed": true, "login": {"username": format!("emea--{name}"), "issuedAt": "2026-11-01T00:00:00Z"}},
        },
    })
}

pub fn partner(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "clientele.dev/v1alpha1", "kind": "Partner",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"},
        "spec": {"displayName": name},
    })
}

pub fn route(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "clientele.dev/v1alpha1", "kind": "PostalRoute",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1",
            "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"host": "smtp.relay.example", "port": 587, "credentialsSecret": {"name": name}, "inheritable": true},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "reason": "Settled",
            "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
    })
}

/// Merges `change` into an object (RFC 7396).
pub fn with(mut object: Value, change: Value) -> Value {
    fn merge(into: &mut Value, change: Value) {
        match (into, change) {
            (Value::Object(into), Value::Object(change)) => {
                for (key, value) in change {
                    if value.is_null() {
                        into.remove(&key);
                    } else {
                        merge(into.entry(key).or_insert(Value::Null), value);
                    }
                }
            }
            (into, change) => *into = change,
        }
    }
    merge(&mut object, change);
    object
}

fn object<K: serde::de::DeserializeOwned>(value: &Value) -> K {
    serde_json::from_str(&value.to_string()).expect("tolerant")
}

/// Has the directory see an object as its watch would.
pub fn see(directory: &Directory, value: &Value) {
    match value["kind"].as_str() {
        Some("Customer") => directory.customer(Event::Apply(object(value))),
        Some("Partner") => directory.partner(Event::Apply(object(value))),
        Some("PostalRoute") => directory.route(Event::Apply(object(value))),
        other => panic!("{other:?}"),
    }
}

pub fn listed(directory: &Directory) {
    directory.customer(Event::Init);
    directory.customer(Event::InitDone);
    directory.partner(Event::Init);
    directory.partner(Event::InitDone);
    directory.route(Event::Init);
    directory.route(Event::InitDone);
}

/// Two partners, two routes, and these customers.
pub fn directory(customers: &[Value]) -> Arc<Directory> {
    let directory = Arc::new(Directory::default());
    listed(&directory);
    see(&directory, &partner("clientele-partners", "top"));
    see(
        &directory,
        &with(
            partner("partner-top", "emea"),
            json!({"spec": {"timeZone": "Europe/Berlin"}}),
        ),
    );
    see(&directory, &route("partner-emea", "eu"));
    see(&directory, &route("partner-top", "spare"));
    customers
        .iter()
        .for_each(|customer| see(&directory, customer));
    directory
}

/// A folder that nobody else has, gone with its owner.
pub struct Folder(pub std::path::PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: Mutex<u32> = Mutex::new(0);
        let mut next = NEXT.lock().expect("no panic");
        *next += 1;
        let path =
            std::env::temp_dir().join(format!("clientele-mail-{}-{next}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub fn place(&self) -> Place {
        Place::File(self.0.clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody who decides, over a file.
pub struct World {
    pub decider: Arc<Decider>,
    pub hands: Hands,
    _folder: Folder,
}

impl World {
    pub async fn of(customers: &[Value]) -> Self {
        let (folder, hands) = (Folder::new(), Hands::at(BEGIN));
        let counters = Counters::open(&folder.place()).await.expect("counters");
        let decider = Decider::new(
            directory(customers),
            counters,
            hands.clock(),
            Arc::default(),
            clientele::mail::metrics::Metrics::default(),
        );
        Self {
            decider: Arc::new(decider),
            hands,
            _folder: folder,
        }
    }

    pub fn see(&self, value: &Value) {
        see(&self.decider.directory, value);
    }

    /// What is said to a message: `send ROUTE`, `later TEXT` or `refuse TEXT`.
    pub async fn send(&self, login: &str, recipients: u64) -> String {
        let verdict = self
            .decider
            .decide(&Message {
                login,
                recipients,
                id: None,
            })
            .await;
        match verdict {
            Verdict::Send(route) => format!("send {}", route.id),
            Verdict::Later { text, .. } => format!("later {text}"),
            Verdict::Refuse { text } => format!("refuse {text}"),
        }
    }
}

/// A protocol that is served until this goes.
pub struct Served {
    pub address: SocketAddr,
    pub stop: Option<oneshot::Sender<()>>,
    pub task: tokio::task::JoinHandle<()>,
}

pub fn until() -> (oneshot::Sender<()>, Shutdown) {
    let (stop, stopped) = oneshot::channel::<()>();
    (stop, stopped.map(|_| ()).boxed().shared())
}

pub async fn served<P: Protocol>(protocol: P) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, shutdown) = until();
    let task = tokio::spawn(serve(listener, Arc::new(protocol), shutdown));
    Served {
        address,
        stop: Some(stop),
        task,
    }
}
