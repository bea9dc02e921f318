//! Who asks for a deletion in the spec of a Customer: `clientele-wish-stamps` and `clientele-wishes`, as people of a partner with the
//! rights that are shipped for them.

use serde_json::{Value, json};

use super::deletion::staff;
use super::{customer, platform};
use crate::attempt::{
    ALLOWED, Call, call, create, delete, get, patch, put, try_all, until_refused,
};
use crate::support::{PATIENCE, Report as _, World, eventually};
use crate::tenancy::Tenant;

const CUSTOMERS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers";
const ASKED: &str = "clientele.dev/deletion-requested-by";
const WITHDRAWN: &str = "clientele.dev/deletion-withdrawn-by";

fn wish(reason: &str) -> Value {
    json!({"deletion": {"requested": {"reason": reason}}})
}

fn forged() -> Value {
    json!({ASKED: "somebody@else.example", WITHDRAWN: "somebody@else.example"})
}

/// A Customer of this name that asks to be deleted.
fn leaving(name: &str) -> Value {
    let mut customer = customer(name);
    customer["spec"]["deletion"] = wish("ended")["deletion"].clone();
    customer
}

/// The stamps on what was answered: who asked, and who took it back.
fn stamps(answer: kube::Result<Value>) -> [Option<String>; 2] {
    let object = answer.expect("taken");
    let annotations = &object["metadata"]["annotations"];
    [ASKED, WITHDRAWN].map(|key| annotations[key].as_str().map(str::to_owned))
}

#[tokio::test]
async fn who_asks_in_the_spec_and_who_takes_it_back_is_stamped_and_stays() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let seller = staff(&world, &tenant, "clientele-seller").await;
    let provider = staff(&world, &tenant, "clientele-provider").await;
    let platform = platform(&world).await;
    let [sells, provides] = ["clientele-seller", "clientele-provider"]
        .map(|role| Some(format!("{role}@{}.example", tenant.partner)));
    let path = tenant.fill(&format!("{CUSTOMERS}/a"));

    let mut forgery = customer("a");
    forgery["metadata"]["annotations"] = forged();
    let made = call(&seller, &create(forgery).about(&tenant)).await;
    assert_eq!(stamps(made), [None, None]);
    let forge = patch(&path, json!({"metadata": {"annotations": forged()}}));
    let asks = |reason: &str| {
        let spec = wish(reason);
        patch(
            &path,
            json!({"metadata": {"annotations": forged()}, "spec": spec}),
        )
    };
    let asked = call(&seller, &asks("ended")).await;
    assert_eq!(stamps(asked), [sells.clone(), None]);
    // Nobody changes that afterwards, whatever else they may do here, and however they write.
    for person in [&seller, &provider, &platform] {
        assert_eq!(stamps(call(person, &forge).await), [sells.clone(), None]);
        assert_eq!(
            stamps(call(person, &asks("ended")).await),
            [sells.clone(), None]
        );
        let bare = patch(&path, json!({"metadata": {"annotations": null}}));
        assert_eq!(stamps(call(person, &bare).await), [sells.clone(), None]);
    }
    let replaced = eventually("it is replaced", PATIENCE, async || {
        let found = call(&provider, &get(&path)).await.report()?;
        let mut file = leaving("a");
        file["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
        call(&provider, &put(&path, file).about(&tenant))
            .await
            .report()
    })
    .await;
    assert_eq!(stamps(Ok(replaced)), [sells.clone(), None]);

    // Who says something else is the one who says it; who takes it back, too, until the next one asks.
    let changed = call(&provider, &asks("moved")).await;
    assert_eq!(stamps(changed), [provides.clone(), None]);
    for no_more in [
        json!({"deletion": null}),
        json!({"deletion": {"requested": null}}),
    ] {
        call(&provider, &asks("again")).await.expect("asked");
        let no_more = json!({"metadata": {"annotations": forged()}, "spec": no_more});
        let withdrawn = call(&seller, &patch(&path, no_more)).await;
        assert_eq!(stamps(withdrawn), [None, sells.clone()]);
        assert_eq!(stamps(call(&provider, &forge).await), [None, sells.clone()]);
    }
    let again = call(&provider, &asks("after all")).await;
    assert_eq!(stamps(again), [provides, None]);
    let made = call(&seller, &create(leaving("b")).about(&tenant)).await;
    assert_eq!(stamps(made), [sells, None]);
}

/// What Flux does, also of what nobody may say.
#[tokio::test]
async fn a_pipeline_that_asks_the_same_again_changes_nothing() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let seller = staff(&world, &tenant, "clientele-seller").await;
    let path = tenant.fill(&format!("{CUSTOMERS}/a"));
    for mut said in [leaving("a"), customer("a")] {
        said["metadata"]["annotations"] = forged();
        let apply = Call::apply(&path, said).about(&tenant);
        let first = call(&seller, &apply).await.expect("applied");
        for again in [apply.clone().dry(), apply] {
            let answer = call(&seller, &again).await.expect("applied again");
            for part in ["annotations", "generation"] {
                assert_eq!(answer["metadata"][part], first["metadata"][part]);
            }
        }
    }
}

#[tokio::test]
async fn without_stamps_nobody_is_taken_at_their_word() {
    let world = World::alone().await;
    let tenant = Tenant::by_hand(&world).await;
    let person = platform(&world).await;
    let me = "platform@staff.example";
    let made = call(&person, &create(leaving("before")).about(&tenant)).await;
    assert_eq!(stamps(made), [Some(me.to_owned()), None]);
    let bindings = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings/clientele-wish-stamps";
    call(&world.admin, &delete(bindings))
        .await
        .expect("unbound");
    let with = |mut customer: Value, stamps: Value| {
        customer["metadata"]["annotations"] = stamps;
        create(customer).dry()
    };
    let wrong = "Who asked for the deletion of this customer and who took that back";
    let forgery = with(leaving("a"), json!({ASKED: "other"})).about(&tenant);
    until_refused(&person, &forgery, wrong).await;
    let change = |annotations: Value, spec: Value| {
        let change = json!({"metadata": {"annotations": annotations}, "spec": spec});
        patch(&format!("{CUSTOMERS}/before"), change).dry()
    };
    let (same, none, other) = (json!({}), json!({}), wish("moved"));
    let no_more = json!({"deletion": null});
    let attempts = vec![
        ("asks unseen", with(leaving("a"), json!({})), ALLOWED),
        (
            "asks, as who they are",
            with(leaving("a"), json!({ASKED: me})),
            ALLOWED,
        ),
        (
            "asks and takes it back",
            with(leaving("a"), json!({WITHDRAWN: me})),
            wrong,
        ),
        (
            "asks for nothing",
            with(customer("a"), json!({ASKED: me})),
            wrong,
        ),
        (
            "took back nothing",
            with(customer("a"), json!({WITHDRAWN: me})),
            wrong,
        ),
        ("labels it", change(none.clone(), same.clone()), ALLOWED),
        (
            "takes the stamp off",
            change(json!({ASKED: null}), same.clone()),
            ALLOWED,
        ),
        (
            "says it was another",
            change(json!({ASKED: "other"}), same.clone()),
            wrong,
        ),
        (
            "says it is taken back",
            change(json!({WITHDRAWN: me}), same),
            wrong,
        ),
        (
            "asks otherwise in their name",
            change(json!({ASKED: "other"}), other.clone()),
            wrong,
        ),
        ("asks otherwise", change(json!({ASKED: me}), other), ALLOWED),
        (
            "takes it back and asked",
            change(none, no_more.clone()),
            wrong,
        ),
        (
            "takes it back unseen",
            change(json!({ASKED: null}), no_more.clone()),
            ALLOWED,
        ),
        (
            "takes it back",
            change(json!({ASKED: null, WITHDRAWN: me}), no_more.clone()),
            ALLOWED,
        ),
        (
            "takes it back as another",
            change(json!({ASKED: null, WITHDRAWN: "other"}), no_more),
            wrong,
        ),
    ];
    try_all(&person, &tenant, attempts).await;
}
