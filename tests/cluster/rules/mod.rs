//! What the API server itself says to objects of our kinds: the bounds and CEL rules of the CRDs, as tables.
//!
//! A row is a good object changed in one place, and the answer to it. Nothing is kept (dry run), so a table takes a
//! second. A refusal must point at the field, say what to do, and be the only one: an error that comes with others hides
//! among them. What changes over time (numbers, statuses) stands in [`changes`].

mod changes;
// Tables, of one row a line.
#[rustfmt::skip]
mod contact_list;
#[rustfmt::skip]
mod customer;
#[rustfmt::skip]
mod customer_user;
#[rustfmt::skip]
mod deletion_request;
#[rustfmt::skip]
mod partner;
#[rustfmt::skip]
mod postal_route;
#[rustfmt::skip]
mod service_offering;
#[rustfmt::skip]
mod service_plan;

use clientele::api::meta::{ANNOTATION_PAUSED, BREAK_GLASS_GROUP};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, Resource, Status};
use serde_json::{Value, json};

use crate::support::{World, unique};

/// What is written in place of a field's value, and what the API server answers.
pub struct Row {
    what: &'static str,
    change: Value,
    answer: Answer,
}

enum Answer {
    Accepted,
    Refused {
        at: &'static str,
        with: &'static str,
    },
}

/// A row that is taken. The change is a JSON merge patch (RFC 7396) of the good object.
pub fn taken(what: &'static str, change: Value) -> Row {
    let answer = Answer::Accepted;
    Row {
        what,
        change,
        answer,
    }
}

/// A row that is refused: at this field, with a message that contains this.
pub fn refused(what: &'static str, change: Value, at: &'static str, with: &'static str) -> Row {
    let answer = Answer::Refused { at, with };
    Row {
        what,
        change,
        answer,
    }
}

/// Tries to create the good object with each row's change, and reports all rows that were answered otherwise.
pub async fn check<K>(good: Value, rows: Vec<Row>)
where
    K: Resource<DynamicType = ()>,
{
    let world = World::without_operator().await;
    let api = api::<K>(&world).await;
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let good = merged(
        json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": "good"}}),
        &good,
    );
    let mut wrong = Vec::new();
    for row in rows {
        let object = merged(good.clone(), &row.change);
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let result = api.create(&dry_run, &object).await.map(drop);
        wrong.extend(verdict(&row, result));
    }
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// An API of one kind: in the namespace `default`, which is no partner's, or in the cluster. Whom the policies let through, so
/// that only the CRD speaks.
pub async fn api<K>(world: &World) -> Api<DynamicObject>
where
    K: Resource<DynamicType = ()>,
{
    let groups = ["system:masters", BREAK_GLASS_GROUP];
    let client = world.as_user("rules@staff.example", &groups).await;
    let resource = ApiResource::erase::<K>(&());
    if ["serviceplans", "serviceofferings"].contains(&&*K::plural(&())) {
        Api::all_with(client, &resource)
    } else {
        Api::namespaced_with(client, "default", &resource)
    }
}

/// Makes the object, gives it this status, tries each row's change on it (or on its subresource) without effect, and reports all
/// rows that were answered otherwise.
pub async fn check_changes<K>(
    mut object: Value,
    status: Value,
    subresource: Option<&str>,
    rows: Vec<Row>,
) where
    K: Resource<DynamicType = ()>,
{
    let world = World::without_operator().await;
    let api = api::<K>(&world).await;
    let name = unique("ruled-");
    object["apiVersion"] = K::api_version(&()).into();
    object["kind"] = K::kind(&()).into();
    // Should an operator run beside this test, it leaves the object alone.
    object["metadata"] = json!({"name": name, "annotations": {ANNOTATION_PAUSED: "true"}});
    let object = serde_json::from_value(object).expect("an object");
    api.create(&PostParams::default(), &object)
        .await
        .expect("a good object");
    api.patch_status(
        &name,
        &PatchParams::default(),
        &Patch::Merge(json!({"status": status})),
    )
    .await
    .expect("a good status");

    let dry_run = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let mut wrong = Vec::new();
    for row in rows {
        let patch = Patch::Merge(row.change.clone());
        let result = match subresource {
            None => api.patch(&name, &dry_run, &patch).await,
            Some(part) => api.patch_subresource(part, &name, &dry_run, &patch).await,
        };
        wrong.extend(verdict(&row, result.map(drop)));
    }
    api.delete(&name, &DeleteParams::default())
        .await
        .expect("the object is there");
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is wrong with the answer to a row, if anything is.
pub fn verdict(row: &Row, result: kube::Result<()>) -> Option<String> {
    let what = row.what;
    match (&row.answer, result) {
        (Answer::Accepted, Ok(())) => None,
        (Answer::Accepted, Err(error)) => Some(format!("{what}: refused: {error}")),
        (Answer::Refused { with, .. }, Ok(())) => {
            Some(format!("{what}: taken, but was to be refused: {with}"))
        }
        (Answer::Refused { at, with }, Err(kube::Error::Api(status))) => {
            let causes = causes(&status);
            let as_told = matches!(&causes[..], [(field, message)]
                if field == at && message.contains(with));
            (!as_told).then(|| format!("{what}: not refused at {at} with {with:?}: {causes:?}"))
        }
        (Answer::Refused { .. }, Err(error)) => Some(format!("{what}: no answer: {error}")),
    }
}

/// Where and why the API server refuses, without what it says of no field: that rules wait for the schema to be kept.
fn causes(status: &Status) -> Vec<(String, String)> {
    status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .filter(|cause| cause.field != "<nil>")
        .map(|cause| (cause.field.clone(), cause.message.clone()))
        .collect()
}

/// A JSON merge patch, applied.
pub fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut target = match target {
        Value::Object(target) => target,
        _ => serde_json::Map::new(),
    };
    for (key, change) in patch {
        if change.is_null() {
            target.remove(key);
        } else {
            let old = target.remove(key).unwrap_or_default();
            target.insert(key.clone(), merged(old, change));
        }
    }
    Value::Object(target)
}

/// As many list items or map entries as wanted.
pub fn many<T: FromIterator<I>, I>(count: usize, item: impl Fn(usize) -> I) -> T {
    (0..count).map(item).collect()
}

#[tokio::test]
async fn fields_that_do_not_exist_are_refused_by_kubectl() {
    let world = World::without_operator().await;
    let object = "{apiVersion: clientele.dev/v1alpha1, kind: Partner, metadata: {name: typo}, spec: {displayName: Typo, domian: typo.example}}";
    let said = world
        .plane
        .kubectl_with_input(&["apply", "--dry-run=server", "-f", "-"], object)
        .unwrap_err();
    assert!(said.contains(r#"unknown field "spec.domian""#), "{said}");
}

#[tokio::test]
async fn all_kinds_are_installed_without_a_warning() {
    let world = World::without_operator().await;
    let said = world.kubectl(&[
        "apply",
        "--server-side",
        "--dry-run=server",
        "--force-conflicts",
        "--warnings-as-errors",
        "-k",
        "crds/",
    ]);
    assert_eq!(said.lines().count(), 8, "{said}");
}
