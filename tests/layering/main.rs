//! Who may use whom: the table in src/lib.rs, held. What breaks it fails here, with the reason and a way out.
//!
//! Tests inside a file count as the file.

mod source;

use std::{fmt::Write as _, path::Path};

use source::{module_of, paths, read, rust_files};

/// A module of the crate, and what its files may use.
struct Layer {
    name: &'static str,
    /// Own modules, or parts of them.
    uses: &'static [&'static str],
    /// Libraries, or parts of them, that it must not know.
    never: &'static [&'static [&'static str]],
    /// The idea, for whoever breaks it, and the way out.
    why: &'static str,
}

/// What reaches the cluster.
const CLUSTER: &[&str] = &["kube::Client", "kube::Api", "kube::client", "kube::runtime"];
/// What waits, speaks, or knows the time.
const EFFECTS: &[&str] = &[
    "async",
    "tokio",
    "futures",
    "tower",
    "tracing",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::env",
    "std::fs",
];
/// What a write is made with.
const WRITES: &[&str] = &[
    "kube::api::Patch",
    "kube::api::PatchParams",
    "kube::api::PostParams",
    "kube::api::DeleteParams",
    "kube::api::Request",
    "kube::core::Request",
];

const LAYERS: &[Layer] = &[
    Layer {
        name: "api",
        uses: &[],
        never: &[CLUSTER, EFFECTS],
        why: "what users write has no behaviour; rules are domain's",
    },
    Layer {
        name: "domain",
        uses: &["api"],
        never: &[CLUSTER, EFFECTS],
        why: "rules are pure; hand them what they need, the time too",
    },
    Layer {
        name: "plan",
        uses: &["api", "domain"],
        never: &[CLUSTER, EFFECTS],
        why: "deciding is pure; let observe find out and apply do",
    },
    Layer {
        name: "observe",
        uses: &[
            "api",
            "domain",
            "error",
            "plan::observed",
            "plan::Key",
            "plan::Kind",
            "plan::Written",
        ],
        never: &[WRITES],
        why: "looking changes and judges nothing; rules are plan's, writes apply's",
    },
    Layer {
        name: "apply",
        uses: &[
            "api",
            "error",
            "plan::observed",
            "plan::step",
            "plan::notes",
            "plan::Key",
            "plan::Kind",
            "plan::Subject",
            "plan::Step",
            "plan::Written",
        ],
        never: &[],
        why: "the plan has decided; let it say what apply would have to find out",
    },
    Layer {
        name: "controller",
        uses: &[
            "api", "domain", "plan", "observe", "apply", "error", "ops", "settings",
        ],
        never: &[WRITES, &["crate::plan::objects"]],
        why: "it drives the flow; objects are made by plan and written by apply",
    },
    Layer {
        name: "mail",
        uses: &["api", "domain", "observe", "error", "ops", "settings"],
        never: &[],
        why: "it answers a mail server; what the operator decides it reads from statuses",
    },
    Layer {
        name: "ops",
        uses: &["error", "settings"],
        never: &[],
        why: "what a process needs around its work does not know the work",
    },
    Layer {
        name: "settings",
        uses: &["error"],
        never: &[CLUSTER],
        why: "settings are values; whoever acts on them is elsewhere",
    },
    Layer {
        name: "error",
        uses: &[],
        never: &[],
        why: "everybody names errors, so they name nobody",
    },
];

/// What one file may use beyond its layer, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "src/controller/bootstrap.rs",
    "kube::api::PostParams",
    "the namespace of the top-level partners is made, and the fence tried, before there is anything to plan for",
)];

#[test]
fn modules_use_only_what_their_layer_may() {
    let mut broken = String::new();
    let mut excused = Vec::new();
    for file in rust_files("src") {
        let Some(layer) = layer_of(&file) else {
            continue;
        };
        for (line, path) in paths(&read(&file), &file) {
            let Err(complaint) = layer.judge(&path) else {
                continue;
            };
            match EXCEPTIONS
                .iter()
                .find(|(place, what, _)| file.as_path() == Path::new(place) && path == **what)
            {
                Some(exception) => excused.push(exception),
                None => writeln!(broken, "{}:{line}: {complaint}", file.display()).expect("text"),
            }
        }
    }
    assert!(
        broken.is_empty(),
        "what src/lib.rs says of its layers does not hold:\n{broken}"
    );
    for exception in EXCEPTIONS {
        assert!(
            excused.contains(&exception),
            "an exception that nobody needs: {exception:?}"
        );
    }
}

#[test]
fn the_crate_shows_this_table() {
    let docs = read(Path::new("src/lib.rs"));
    for layer in LAYERS {
        let uses = match layer.uses {
            [] => "nothing".to_owned(),
            parts => format!("`{}`", parts.join("` `")),
        };
        let row = format!("//! | `{}` | {uses} | {} |", layer.name, layer.why);
        assert!(docs.contains(&row), "src/lib.rs lacks the row\n{row}");
    }
}

#[test]
fn every_module_has_a_layer() {
    for file in rust_files("src") {
        let root = ["src/lib.rs", "src/main.rs"]
            .iter()
            .any(|root| file.as_path() == Path::new(root));
        assert!(
            root || layer_of(&file).is_some(),
            "{} is in no layer: give its module a row in tests/layering/main.rs",
            file.display()
        );
    }
}

#[test]
fn files_stay_short() {
    const LONGEST: usize = 400;
    for folder in ["src", "tests", "benches"] {
        for file in rust_files(folder) {
            let lines = read(&file).lines().count();
            assert!(
                lines <= LONGEST,
                "{} has {lines} lines; over {LONGEST} it is two ideas: give each its file",
                file.display()
            );
        }
    }
}

impl Layer {
    fn judge(&self, path: &str) -> Result<(), String> {
        let own = path
            .strip_prefix("crate::")
            .filter(|own| LAYERS.iter().any(|layer| within(own, layer.name)));
        let allowed = own.is_none_or(|own| {
            within(own, self.name) || self.uses.iter().any(|part| within(own, part))
        });
        let forbidden = self
            .never
            .iter()
            .copied()
            .flatten()
            .any(|part| within(path, part));
        if allowed && !forbidden {
            return Ok(());
        }
        let uses = if self.uses.is_empty() {
            "nothing of this crate".to_owned()
        } else {
            self.uses.join(", ")
        };
        Err(format!(
            "`{}` must not use `{path}`: {} (it may use {uses})",
            self.name, self.why
        ))
    }
}

/// Whether a path is this one or below it.
fn within(path: &str, part: &str) -> bool {
    path.strip_prefix(part)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn layer_of(file: &Path) -> Option<&'static Layer> {
    let module = module_of(file).into_iter().next()?;
    LAYERS.iter().find(|layer| layer.name == module)
}

#[test]
fn a_broken_layer_is_named_with_a_way_out() {
    let domain = LAYERS
        .iter()
        .find(|layer| layer.name == "domain")
        .expect("a layer");
    domain.judge("crate::api::Customer").expect("allowed");
    domain.judge("kube::ResourceExt").expect("allowed");
    for path in [
        "crate::ops::clock",
        "kube::Client",
        "std::time::Instant::now",
        "async",
    ] {
        let complaint = domain.judge(path).expect_err(path);
        assert!(
            complaint.contains("hand them what they need"),
            "{complaint}"
        );
    }
}
