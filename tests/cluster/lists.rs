//! Contact lists on a real API server: from the upload to the tenant's software, by the people who do it.

use clientele::api::{
    ConfigMapKey, ContactList, ContactListSpec, Customer, ListContents, Role, Staff, StaffRole,
};
use clientele::domain::contacts;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::steps::{annotate, change, config_map, delete, message, settled, until_so};
use crate::support::{
    OPERATOR_USER, PATIENCE, Report as _, World, customer, eventually, provider, tenant, until,
    user,
};
use crate::tenancy::counted;

const TWO: &[u8] = b"ada@globex.example\ninfo@globex.example\n";

fn list(customer: &Customer, name: &str, contents: &[u8]) -> ContactList {
    let found = contacts::checked(contents);
    let spec = ContactListSpec {
        entries: found.entries.max(1),
        sha256: found.sha256,
        source: "sign-up form".to_owned(),
        ..ContactListSpec::default()
    };
    let mut list = ContactList::new(name, spec);
    list.metadata.namespace = Some(tenant(customer));
    list
}

/// The list as one that can be read in a ConfigMap of its name.
fn readable(mut list: ContactList, key: &str) -> ContactList {
    let name = list.metadata.name.clone().expect("a name");
    let key = key.to_owned();
    list.spec.contents = Some(ListContents {
        config_map: Some(ConfigMapKey { name, key }),
        secret_key: None,
    });
    list
}

/// Names of the lists that the tenant's software is told of, once there are so many.
async fn told(world: &World, globex: &Customer, count: usize) -> Vec<String> {
    let named = |map: &ConfigMap| -> Vec<String> {
        let told = map.data.as_ref().and_then(|data| data.get("contactLists"));
        let told = told.map_or_else(Vec::new, |told| {
            serde_json::from_str::<Vec<Value>>(told).expect("JSON")
        });
        let names = told
            .iter()
            .map(|list| list["name"].as_str().expect("a name").to_owned());
        names.collect()
    };
    let maps = world.api::<ConfigMap>(&tenant(globex));
    let map = until(maps, "customer", "so many lists", |map| {
        map.is_some_and(|map| named(map).len() == count)
    })
    .await;
    named(&map.expect("it is there"))
}

async fn approve(client: &Client, list: &ContactList) -> kube::Result<ContactList> {
    let namespace = list.metadata.namespace.as_deref().expect("a namespace");
    let lists: Api<ContactList> = Api::namespaced(client.clone(), namespace);
    let patch = Patch::Merge(json!({"spec": {"approved": list.spec.sha256}}));
    let name = list.metadata.name.as_deref().expect("a name");
    lists.patch(name, &PatchParams::default(), &patch).await
}

#[tokio::test]
async fn a_list_is_registered_by_the_customer_approved_by_the_partner_and_then_named() {
    let world = World::shared().await;
    counted(&world, "count/contactlists.clientele.dev").await;
    let mut partner = provider();
    partner.spec.staff = vec![Staff {
        group: Some("sales".to_owned()),
        role: StaffRole::Seller,
        ..Staff::default()
    }];
    let partner = settled(&world, &partner).await;
    let globex = settled(&world, &customer(&partner, "globex")).await;
    let bob = settled(&world, &user(&globex, "bob", Role::Member)).await;
    let bob = world.as_user(&bob.spec.email, &[]).await;
    let lists: Api<ContactList> = Api::namespaced(bob.clone(), &tenant(&globex));
    let news = list(&globex, "news", TWO);
    let news = eventually("a member registers it", PATIENCE, async || {
        lists.create(&PostParams::default(), &news).await.report()
    })
    .await;
    let news = world.ready(&news).await;
    assert!(message(&news, "Approved").contains(&news.spec.sha256));
    assert!(told(&world, &globex, 0).await.is_empty());
    approve(&bob, &news)
        .await
        .expect_err("it is not theirs to approve");
    let jane = world.as_user("jane@staff.example", &["sales"]).await;
    eventually("staff approves it", PATIENCE, async || {
        approve(&jane, &news).await.map(drop).report()
    })
    .await;
    assert_eq!(told(&world, &globex, 1).await, ["news"]);
    let shown = world.kubectl(&["get", "clist", "-n", &tenant(&globex)]);
    for part in ["news", "2", "Approved", "sign-up form"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    // Another list under its name waits again; so does the same one in another place.
    let other = list(&globex, "news", b"eve@globex.example\n").spec.sha256;
    let changed = change(
        &world,
        &news,
        json!({"spec": {"sha256": other, "entries": 1}}),
    )
    .await;
    until_so(&world, &changed, "pending", |list| {
        let status = list.status.as_ref();
        status.is_some_and(|status| status.approved.is_none())
    })
    .await;
    assert!(told(&world, &globex, 0).await.is_empty());
    change(
        &world,
        &globex,
        json!({"spec": {"sending": {"validateLists": false}}}),
    )
    .await;
    assert_eq!(told(&world, &globex, 1).await, ["news"]);
    delete(&world, &changed).await;
    assert!(told(&world, &globex, 0).await.is_empty());
}

#[tokio::test]
async fn a_list_in_a_config_map_is_checked_once_whatever_is_in_it() {
    let world = World::shared().await;
    counted(&world, "count/contactlists.clientele.dev").await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let place = tenant(&globex);
    let made = async |name: &str, contents: &[u8]| {
        let mut map = config_map(&place, name);
        map.binary_data = Some([("list".to_owned(), ByteString(contents.to_vec()))].into());
        world.create(&map).await;
        readable(list(&globex, name, contents), "list")
    };
    let good = made("good", TWO).await;
    let good = world.ready(&world.create(&good).await).await;
    let checked = good
        .status
        .as_ref()
        .and_then(|status| status.checked.clone())
        .expect("checked");
    assert_eq!((checked.entries, checked.role_accounts), (2, 1));

    // As large as a ConfigMap can be, and nothing of it text.
    let noise: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let noise = made("noise", &noise).await;
    world
        .stalled(&world.create(&noise).await, "ListInvalid")
        .await;
    let mut wrong = made("wrong", TWO).await;
    wrong.spec.sha256 = "0".repeat(64);
    world
        .stalled(&world.create(&wrong).await, "DigestMismatch")
        .await;
    let missing = readable(list(&globex, "missing", TWO), "list");
    world
        .stalled(&world.create(&missing).await, "ContentsNotFound")
        .await;

    // What was found is not looked for again.
    let mark = world.plane.audit().mark().await;
    let good = annotate(&world, &good, "example.com/a", Some("b")).await;
    let good = change(&world, &good, json!({"spec": {"source": "another form"}})).await;
    world.ready(&good).await;
    let calls = world.plane.audit().since(mark).await;
    let reads =
        calls.only(|call| call.user == OPERATOR_USER && call.verb == "get" && call.name == "good");
    assert_eq!(reads.count(), 0, "{reads:?}");
}

#[tokio::test]
async fn a_list_in_the_secret_for_lists_is_checked_and_no_other_secret_is_read() {
    let world = World::shared().await;
    counted(&world, "count/contactlists.clientele.dev").await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let place = tenant(&globex);
    let mut news = list(&globex, "news", TWO);
    news.spec.contents = Some(ListContents {
        config_map: None,
        secret_key: Some("news.csv".to_owned()),
    });
    let news = world.create(&news).await;
    let news = world.stalled(&news, "ContentsNotFound").await;
    let said = message(&news, "Ready");
    assert!(
        said.contains("Secret contact-lists, key news.csv"),
        "{said}"
    );
    let mut secret = Secret::default();
    secret.metadata.name = Some("contact-lists".to_owned());
    secret.metadata.namespace = Some(place.clone());
    secret.data = Some([("news.csv".to_owned(), ByteString(TWO.to_vec()))].into());
    world.create(&secret).await;
    let news = annotate(&world, &news, "clientele.dev/reconcile-at", Some("now")).await;
    let news = world.ready(&news).await;
    let checked = news.status.as_ref().and_then(|told| told.checked.clone());
    assert_eq!(checked.expect("checked").role_accounts, 1);

    let operator = world
        .plane
        .as_service_account("clientele-system", "clientele")
        .await;
    let secrets: Api<Secret> = Api::namespaced(operator, &place);
    secrets.get("contact-lists").await.expect("this one");
    secrets.get("theirs").await.expect_err("no other one");
    // With the last such list the right goes.
    delete(&world, &news).await;
    let bindings = world.api::<RoleBinding>(&place);
    until(bindings, "clientele-contact-lists", "gone", |it| {
        it.is_none()
    })
    .await;
}
