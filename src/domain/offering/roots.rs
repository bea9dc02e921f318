//! What expressions begin with: which fields each root has, and its value for one customer.
//!
//! The fields are in one table, so that an offering that names another is refused when it is reconciled. Who fills the roots is
//! elsewhere; a test there holds it to the table. The fields of `params` are the offering's own schema's.

use serde_json::{Map, Value, json};

use super::parameters::{Below, Schema};

/// What an expression can begin with.
pub const ROOTS: [&str; 5] = ["customer", "partner", "plan", "namespace", "params"];

/// What a field of a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// True or false.
    Flag,
    /// A list of strings.
    Texts,
    /// Strings by keys of anybody's choice.
    Map,
}

/// A field of a root.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it is always there.
    pub always: bool,
}

const fn always(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        always: true,
    }
}

const fn maybe(name: &'static str) -> Field {
    Field {
        name,
        kind: Kind::Text,
        always: false,
    }
}

/// The fields of the roots that have any, but for `params`.
pub const FIELDS: [(&str, &[Field]); 3] = [
    (
        "customer",
        &[
            always("name", Kind::Text),
            always("displayName", Kind::Text),
            always("email", Kind::Text),
            always("testAccount", Kind::Flag),
            always("attributes", Kind::Map),
            maybe("number"),
            maybe("externalID"),
            maybe("domain"),
            maybe("ingressDomain"),
            maybe("locale"),
            maybe("currency"),
            maybe("seller"),
        ],
    ),
    (
        "partner",
        &[
            always("name", Kind::Text),
            always("displayName", Kind::Text),
            always("path", Kind::Texts),
        ],
    ),
    ("plan", &[maybe("name"), maybe("displayName")]),
];

/// What expressions begin with, each as JSON.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// The customer.
    pub customer: Value,
    /// The partner it belongs to.
    pub partner: Value,
    /// The plan in force.
    pub plan: Value,
    /// The name of the tenant namespace.
    pub namespace: String,
    /// The effective parameters of the service.
    pub params: Map<String, Value>,
}

/// What is known of the roots before there is a customer.
#[derive(Debug)]
pub struct Shapes<'s> {
    own: Option<Schema>,
    params: Option<&'s Schema>,
}

impl<'s> Shapes<'s> {
    /// With this schema of the parameters, if it is one.
    pub(super) fn new(params: Option<&'s Schema>) -> Self {
        let mut roots = Map::from_iter([("namespace".to_owned(), Kind::Text.schema())]);
        for (root, fields) in FIELDS {
            let fields = fields.iter();
            let fields = fields.map(|field| (field.name.to_owned(), field.kind.schema()));
            roots.insert(root.to_owned(), object(fields.collect()));
        }
        let own = object(roots);
        Self {
            own: own.as_object().and_then(|own| Schema::parse(own).ok()),
            params,
        }
    }

    /// What is known of a root.
    pub(super) fn of(&self, root: &str) -> Below<'_> {
        match root {
            "params" => self.params.map_or(Below::Anything, Below::Like),
            root => (self.own.as_ref()).map_or(Below::Anything, |own| own.below(root)),
        }
    }
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        }
    }
}

fn object(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": properties })
}
