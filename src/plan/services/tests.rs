use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::api::{
    Activation, CustomerSpec, NamePolicy, Partner, PartnerSpec, PolicyKind, Reason, ServiceOffering,
};
use crate::domain::offering::Offering;
use crate::plan::observed::services::{OfferingSeen, PieceSeen, RefusedSeen};
use crate::plan::step::{Deed, PieceKind, PieceStep};

const NAMESPACE: &str = "emea--globex";
const UID: &str = "customer";

/// A customer that asks for `web`: a ConfigMap, a Deployment and a claim to storage.
#[derive(Clone)]
struct World {
    seen: ServicesSeen,
    offered: bool,
    asked: Vec<CustomerService>,
    included: Option<Vec<String>>,
    records: ServiceRecords,
    former: String,
    now: Timestamp,
}

fn object(api_version: &str, kind: &str) -> Value {
    json!({ "object": { "apiVersion": api_version, "kind": kind, "metadata": { "name": "web" }, "spec": {} } })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

impl World {
    fn new() -> Self {
        let spec = json!({ "displayName": "Web", "pruneAfter": "1h", "manifests": [
            object("v1", "ConfigMap"), object("apps/v1", "Deployment"), object("v1", "PersistentVolumeClaim"),
        ]});
        let spec = serde_json::from_value(spec).unwrap();
        let compiled = Offering::compile("web", &spec).unwrap();
        let offering = OfferingSeen {
            object: Arc::new(ServiceOffering::new("web", spec)),
            compiled: Some(Arc::new(compiled)),
            in_order: true,
        };
        let plurals = [
            ("v1", "ConfigMap", "configmaps"),
            ("apps/v1", "Deployment", "deployments"),
            ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
        ];
        let plurals =
            plurals.map(|(api, kind, plural)| (PieceKind::new(api, kind), plural.to_owned()));
        Self {
            seen: ServicesSeen {
                offerings: Arc::new([("web".to_owned(), offering)].into()),
                plurals: Arc::new(plurals.into()),
                ..ServicesSeen::default()
            },
            offered: true,
            asked: vec![CustomerService {
                name: "web".into(),
                ..CustomerService::default()
            }],
            included: Some(Vec::new()),
            records: ServiceRecords::default(),
            former: UID.into(),
            now: at(0),
        }
    }

    fn decide(&self) -> Services {
        let policy = if self.offered {
            PolicyKind::All
        } else {
            PolicyKind::Only
        };
        let spec = PartnerSpec {
            services: Some(NamePolicy {
                policy,
                names: Vec::new(),
            }),
            ..PartnerSpec::default()
        };
        let lineage = Lineage::new(vec![Arc::new(Partner::new("emea", spec))]);
        let owner = Owner {
            partner: "emea".into(),
            customer: Some(("globex".into(), UID.into())),
        };
        let spec = CustomerSpec::default();
        decide(&Given {
            seen: &self.seen,
            lineage: &lineage,
            asked: &self.asked,
            told: None,
            included: self.included.as_deref(),
            records: &self.records,
            former: &self.former,
            owner: &owner,
            namespace: NAMESPACE,
            about: About {
                name: "globex",
                spec: &spec,
                number: None,
                domain: None,
                ingress_domain: None,
                locale: None,
                currency: None,
                partner: "emea",
                partner_title: "EMEA",
                path: vec!["emea".into()],
                plan: None,
                namespace: NAMESPACE,
            },
            stopped: false,
            trial_ends_at: None,
            now: self.now,
        })
    }

    /// Everything that is decided is done, and seen.
    fn done(mut self) -> Self {
        let decided = self.decide();
        self.records = decided.records;
        for step in pieces(&decided.making) {
            let Deed::Apply { body, seal, .. } = step.deed else {
                continue;
            };
            let id = step.kind.id(&step.name);
            let stored = u64::from_str_radix(seal.split(':').nth(1).unwrap(), 16).unwrap();
            let seen = PieceSeen {
                uid: format!("uid of {}", id.kind),
                customer_uid: UID.into(),
                service: "web".into(),
                seal,
                stored,
                stopped: body["kind"] != "Deployment",
                ..PieceSeen::default()
            };
            self.seen.pieces.insert(id, seen);
        }
        self.records = self.decide().records;
        self
    }

    fn withdrawn(mut self) -> Self {
        self.offered = false;
        self
    }
}

fn pieces(stages: &[Vec<Step>]) -> Vec<PieceStep> {
    let steps = stages.iter().flatten();
    steps
        .filter_map(|step| match step {
            Step::Piece(step) => Some(step.clone()),
            _ => None,
        })
        .collect()
}

/// What is done to which kind, in words.
fn told(steps: &[Step]) -> BTreeSet<String> {
    let steps = pieces(&[steps.to_vec()]);
    let word = |deed: &Deed| match deed {
        Deed::Apply { .. } => "apply",
        Deed::Hold { .. } => "hold",
        Deed::Release { .. } => "release",
        Deed::Delete { .. } => "delete",
    };
    steps
        .iter()
        .map(|step| format!("{} {}", word(&step.deed), step.kind.kind))
        .collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_is_to_be_made_is_written_down_first_and_its_uids_after() {
    let world = World::new();
    let first = world.decide();
    let noted = |services: &Services| -> Vec<(String, bool)> {
        let pieces = services.records.services["web"].pieces.iter();
        pieces
            .map(|piece| (piece.kind.clone(), piece.uid.is_some()))
            .collect()
    };
    let kinds = ["ConfigMap", "PersistentVolumeClaim", "Deployment"];
    assert_eq!(noted(&first), kinds.map(|kind| (kind.to_owned(), false)));
    assert_eq!(pieces(&first.making).len(), 3);
    let after = world.done().decide();
    assert_eq!(noted(&after), kinds.map(|kind| (kind.to_owned(), true)));
    assert!(pieces(&after.making).is_empty() && after.ending.is_empty());
}

#[test]
fn only_what_is_written_down_with_its_uid_and_is_this_customers_is_ever_deleted() {
    let world = World::new().done().withdrawn();
    let due = |change: &dyn Fn(&mut World)| {
        let mut world = world.clone();
        world.records.services.get_mut("web").unwrap().out_since = Some(at(0));
        world.now = at(3600);
        change(&mut world);
        told(&world.decide().ending)
    };
    assert_eq!(
        due(&|_| {}),
        set(&["delete ConfigMap", "delete Deployment"])
    );
    let map = PieceKind::new("v1", "ConfigMap").id("web");
    let other_uid =
        |world: &mut World| world.seen.pieces.get_mut(&map).unwrap().uid = "another".into();
    assert_eq!(due(&other_uid), set(&["delete Deployment"]));
    let others = |world: &mut World| {
        world.seen.pieces.get_mut(&map).unwrap().customer_uid = "another".into()
    };
    assert_eq!(due(&others), set(&["delete Deployment"]));
    let formers = |world: &mut World| {
        world.seen.pieces.get_mut(&map).unwrap().customer_uid = "before".into();
        world.records.former = vec!["before".into()];
    };
    assert_eq!(
        due(&formers),
        set(&["delete ConfigMap", "delete Deployment"])
    );
    let unrecorded = |world: &mut World| {
        let record = world.records.services.get_mut("web").unwrap();
        record.pieces.retain(|piece| piece.kind != "ConfigMap");
    };
    assert_eq!(due(&unrecorded), set(&["delete Deployment"]));
    let early = |world: &mut World| world.now = at(3599);
    assert_eq!(due(&early), set(&["hold Deployment"]));
}

#[test]
fn a_withdrawal_holds_what_runs_and_wakes_when_more_may_be_done() {
    let decided = World::new().done().withdrawn().decide();
    assert_eq!(told(&decided.ending), set(&["hold Deployment"]));
    assert!(pieces(&decided.making).is_empty());
    // Not taken back by then, it may be destroyed; this one is pruned after an hour.
    assert_eq!(decided.wake, Some(Duration::from_secs(600)));
    assert_eq!(decided.records.services["web"].out_since, Some(at(0)));
    let mut later = World::new().done().withdrawn();
    later.records = decided.records.clone();
    later.now = at(700);
    assert_eq!(later.decide().wake, Some(Duration::from_secs(2900)));
    let (_, _, reason, message) = report::condition(&decided.reports);
    assert_eq!(reason, Reason::ServiceWithdrawn);
    assert!(message.contains("emea no longer offers it"), "{message}");
    assert_eq!(report::mistake(&decided.reports), None);
}

#[test]
fn what_was_never_granted_is_a_mistake_and_makes_nothing() {
    let decided = World::new().withdrawn().decide();
    assert!(decided.ending.is_empty() && pieces(&decided.making).is_empty());
    assert!(decided.records.is_empty());
    assert_eq!(
        report::mistake(&decided.reports).map(|(reason, _)| reason),
        Some(Reason::ServiceNotOffered)
    );
}

#[test]
fn a_refusal_is_told_and_not_tried_again_before_its_time() {
    let mut world = World::new();
    let step = pieces(&world.decide().making).remove(0);
    let mut refuse = |again_in| {
        let refused = RefusedSeen {
            aim: step.aim().to_owned(),
            message: String::new(),
            taken: true,
            again_in: Duration::from_secs(again_in),
        };
        world.seen.refused = [(step.kind.id(&step.name), refused)].into();
        world.decide()
    };
    let held = refuse(7);
    assert_eq!(
        (pieces(&held.making).len(), held.wake),
        (2, Some(Duration::from_secs(7)))
    );
    let due = refuse(0);
    assert_eq!((pieces(&due.making).len(), due.wake), (3, None));
    for decided in [held, due] {
        assert!(!report::condition(&decided.reports).1);
        assert_eq!(
            report::mistake(&decided.reports).map(|(reason, _)| reason),
            Some(Reason::ServiceConflict)
        );
    }
}

#[test]
fn a_stop_that_was_refused_is_not_tried_again_before_its_time() {
    let mut world = World::new().done().withdrawn();
    for (again_in, steps) in [(7, set(&[])), (0, set(&["hold Deployment"]))] {
        let refused = RefusedSeen {
            aim: "hold".into(),
            message: String::new(),
            taken: false,
            again_in: Duration::from_secs(again_in),
        };
        let deployment = PieceKind::new("apps/v1", "Deployment").id("web");
        world.seen.refused = [(deployment, refused)].into();
        assert_eq!(told(&world.decide().ending), steps);
    }
}

#[test]
fn while_a_kind_is_not_watched_nothing_of_its_service_is_touched() {
    let mut world = World::new().done();
    Arc::make_mut(&mut world.seen.plurals).remove(&PieceKind::new("apps/v1", "Deployment"));
    world.seen.pieces.clear();
    let decided = world.decide();
    assert!(decided.ending.is_empty() && pieces(&decided.making).is_empty());
    assert_eq!(decided.records, world.records);
}

#[test]
fn when_the_object_of_a_plan_is_lost_what_it_included_goes_on() {
    let mut world = World::new().done();
    world.asked.clear();
    assert_eq!(told(&world.decide().ending), set(&["hold Deployment"]));
    world.included = None;
    let decided = world.decide();
    assert!(decided.ending.is_empty() && decided.list[0].runs());
}

#[test]
fn a_held_object_is_released_when_its_service_runs_again() {
    let mut world = World::new().done();
    let deployment = PieceKind::new("apps/v1", "Deployment").id("web");
    world.seen.pieces.get_mut(&deployment).unwrap().held = true;
    let steps: Vec<Step> = world.decide().making.concat();
    assert_eq!(told(&steps), set(&["release Deployment"]));
    world.asked[0].activation = Activation::Paused;
    let held = world.seen.pieces.get_mut(&deployment).unwrap();
    held.stopped = true;
    assert_eq!(told(&world.decide().ending), BTreeSet::new());
}
