//! What others would suffer from, so it runs alone: the operator ends and comes back, a CRD is lost, an object is unreadable,
//! a policy is missing. Each leaves the cluster as it found it.

use clientele::api::{Customer, CustomerUser, Partner, Role};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, ResourceQuota};
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::attempt::{call, create, get, patch};
use crate::steps::{
    Who, break_glass, change, delete, namespace, namespaces, settled, until_may, until_so,
};
use crate::support::{
    PATIENCE, Report as _, World, customer, eventually, home, tenant, unique, until, user,
};
use crate::tenancy::OPERATOR;

/// How long kube's watcher may wait before it lists again what it could not list.
const WATCH_AGAIN: u32 = 3;

/// Starts the operator again, and waits until it is at work.
fn start(world: &World) {
    world.operator().start().expect("started");
    world.operator().await_ready().expect("ready");
}

/// A customer with an admin, both Ready.
async fn staffed(world: &World, partner: &Partner, name: &str) -> (Customer, CustomerUser) {
    let customer = world.customer(partner, name).await;
    let ada = settled(world, &user(&customer, &format!("ada-{name}"), Role::Admin)).await;
    (customer, ada)
}

fn number(customer: &Customer) -> Option<String> {
    customer.status.as_ref()?.customer_number.clone()
}

#[tokio::test]
async fn asked_to_end_it_ends_cleanly_and_gives_the_lease_back() {
    let world = World::alone().await;
    let ended = world.operator().stop().expect("it was running");
    assert_eq!(ended.code(), Some(0), "{ended}");
    let leases = world.api::<Lease>("clientele-system");
    let lease = leases.get("clientele").await.expect("a Lease");
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    assert_eq!(holder.unwrap_or_default(), "");
    start(&world);
    // Ready it is while it stands by, too.
    until(leases, "clientele", "held again", |lease| {
        let spec = lease.and_then(|lease| lease.spec.as_ref());
        spec.and_then(|spec| spec.holder_identity.as_deref()) == Some("clientele-0")
    })
    .await;
}

#[tokio::test]
async fn a_restart_with_nothing_to_do_writes_nothing() {
    let world = World::alone().await;
    let partner = world.provider().await;
    staffed(&world, &partner, "globex").await;
    // Counts on partners follow within seconds; a world that still counts is not settled.
    until_so(&world, &partner, "counted", |partner| {
        partner
            .status
            .as_ref()
            .is_some_and(|status| status.customers == 1)
    })
    .await;
    world.operator().stop();
    let before = world.plane.audit().mark().await;
    start(&world);
    // What is made now is looked at after everything that was there.
    let probe = world.provider().await;
    let writes = world
        .plane
        .audit()
        .since(before)
        .await
        .by(OPERATOR)
        .writes();
    let writes = writes.only(|event| {
        let probes = event.name.contains(&probe.name_any()) || event.namespace == home(&probe);
        // The fence is tried in a dry run, which writes nothing.
        let fence = event.resource == "namespaces" && event.name == "outside-the-fence";
        event.resource != "leases"
            && event.resource != "events"
            && !probes
            && !fence
            && event.code < 400
    });
    assert_eq!(writes.count(), 0, "{:?}", writes.counts());
}

#[tokio::test]
async fn what_happens_while_it_is_down_is_made_up_for() {
    let world = World::alone().await;
    let partner = world.provider().await;
    let (held, ada) = staffed(&world, &partner, "held").await;
    let (released, bob) = staffed(&world, &partner, "released").await;
    let (remade, _) = staffed(&world, &partner, "remade").await;
    let (left, cid) = staffed(&world, &partner, "left").await;
    let binding = world.api::<RoleBinding>(&tenant(&released));
    let before = binding.get("released-admin").await.expect("a binding");
    let kept = namespace(&world, &tenant(&remade)).await;
    world.operator().stop();

    // A hold; a hold and its release; a deletion that nobody saw, and the same customer again; a user who leaves;
    // and a quota that is opened by hand.
    change(&world, &held, json!({"spec": {"onHold": true}})).await;
    change(&world, &released, json!({"spec": {"onHold": true}})).await;
    let released = change(&world, &released, json!({"spec": {"onHold": false}})).await;
    let customers = world.api::<Customer>(&home(&partner));
    customers
        .delete("remade", &DeleteParams::default())
        .await
        .expect("deleted");
    let fire = break_glass(&world).await;
    let path = format!(
        "/apis/clientele.dev/v1alpha1/namespaces/{}/customers/remade",
        home(&partner)
    );
    let stripped = patch(&path, json!({"metadata": {"finalizers": null}}));
    call(&fire, &stripped).await.expect("break-glass may");
    until(customers.clone(), "remade", "gone", |customer| {
        customer.is_none()
    })
    .await;
    let mut again = customer(&partner, "remade");
    again.spec = remade.spec.clone();
    let again = world.create(&again).await;
    delete(&world, &cid).await;
    let quota = format!(
        "/api/v1/namespaces/{}/resourcequotas/clientele",
        tenant(&left)
    );
    let opened = patch(&quota, json!({"spec": {"hard": {"pods": "99"}}}));
    call(&fire, &opened).await.expect("break-glass may");
    start(&world);

    let pods = |user: &CustomerUser| user.spec.email.clone();
    until_may(
        &world,
        &Who::User(&pods(&ada)),
        "list",
        "pods",
        &tenant(&held),
        false,
    )
    .await;
    until_may(
        &world,
        &Who::User(&pods(&cid)),
        "list",
        "pods",
        &tenant(&left),
        false,
    )
    .await;
    world.ready(&released).await;
    let after = binding
        .get("released-admin")
        .await
        .expect("nobody was shut out");
    assert_eq!(after.resource_version(), before.resource_version());
    until_may(
        &world,
        &Who::User(&pods(&bob)),
        "list",
        "pods",
        &tenant(&released),
        true,
    )
    .await;
    let again = world.ready(&again).await;
    assert_eq!(number(&again), number(&remade));
    assert_eq!(namespace(&world, &tenant(&again)).await.uid(), kept.uid());
    let quotas = world.api::<ResourceQuota>(&tenant(&left));
    until(quotas, "clientele", "shut again", |quota| {
        let spec = quota.and_then(|quota| quota.spec.as_ref());
        spec.and_then(|spec| spec.hard.as_ref())
            .is_some_and(|hard| hard["pods"].0 == "0")
    })
    .await;
}

#[tokio::test]
async fn the_loss_of_the_crd_of_customers_loses_no_customer() {
    let world = World::alone().await;
    let partner = world.provider().await;
    let (globex, ada) = staffed(&world, &partner, "globex").await;
    let place = tenant(&globex);
    let before = namespace(&world, &place).await;
    let bindings = world.api::<RoleBinding>(&place);
    let bound = bindings.get("globex-admin").await.expect("a binding");
    let tenants = ListParams::default().labels("clientele.dev/type=tenant");
    let customers: Api<Customer> = Api::all(world.admin.clone());
    let all = customers
        .list(&ListParams::default())
        .await
        .expect("a list");

    world.kubectl(&["delete", "crd", "customers.clientele.dev", "--timeout=60s"]);
    // Nothing is locked, nothing is marked, nobody is shut out.
    let now = namespace(&world, &place).await;
    assert_eq!(now.resource_version(), before.resource_version());
    let now = bindings
        .get("globex-admin")
        .await
        .expect("nobody was shut out");
    assert_eq!(now.resource_version(), bound.resource_version());
    let retained = ListParams::default().labels("clientele.dev/retained=true");
    let marked = namespaces(&world).list(&retained).await.expect("a list");
    let lost = |name: &str| all.iter().any(|customer| tenant(customer) == name);
    assert!(
        !marked.iter().any(|namespace| lost(&namespace.name_any())),
        "{marked:?}"
    );
    let there = namespaces(&world).list(&tenants).await.expect("a list");

    world.plane.install().expect("installed again");
    for lost in &all {
        let mut again = Customer::new(&lost.name_any(), lost.spec.clone());
        again.metadata.namespace = lost.namespace();
        let api = world.api::<Customer>(&lost.namespace().unwrap_or_default());
        eventually("the kind is served again", PATIENCE, async || {
            api.create(&PostParams::default(), &again).await.report()
        })
        .await;
    }
    // One whose deletion was done had a number, but nothing that could be lost.
    let has_tenant = |customer: &&Customer| {
        let status = customer.status.as_ref();
        status.is_some_and(|status| status.namespace.is_some() && status.customer_number.is_some())
    };
    for lost in all.iter().filter(has_tenant) {
        let api = world.api::<Customer>(&lost.namespace().unwrap_or_default());
        eventually(&lost.name_any(), WATCH_AGAIN * PATIENCE, async || {
            let now = api.get(&lost.name_any()).await.report()?;
            if number(&now) == number(lost) {
                Ok(())
            } else {
                Err(format!("{:?}", now.status))
            }
        })
        .await;
    }
    let now = namespaces(&world).list(&tenants).await.expect("a list");
    let uids = |list: &kube::core::ObjectList<_>| -> Vec<_> {
        list.iter()
            .map(|namespace: &k8s_openapi::api::core::v1::Namespace| namespace.uid())
            .collect()
    };
    let now = uids(&now);
    assert!(uids(&there).iter().all(|uid| now.contains(uid)));
    world.ready(&ada).await;
    until_may(
        &world,
        &Who::User(&ada.spec.email),
        "list",
        "pods",
        &place,
        true,
    )
    .await;
}

#[tokio::test]
async fn what_nobody_can_read_stops_nobody_else_and_is_reported() {
    let world = World::alone().await;
    let partner = world.provider().await;
    let (globex, _) = staffed(&world, &partner, "globex").await;
    let fire = break_glass(&world).await;
    // A time that no client parses, in what the operator watches in a tenant.
    let time = json!([{"manager": "x", "operation": "Update", "apiVersion": "v1", "time": "9999-12-31T23:59:59Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:x": {}}}}]);
    let map = format!("/api/v1/namespaces/{}/configmaps/customer", tenant(&globex));
    let timed = patch(&map, json!({"metadata": {"managedFields": time}}));
    call(&fire, &timed).await.expect("break-glass may");
    let stored = call(&fire, &get(&map)).await.expect("there");
    assert!(
        stored["metadata"]["managedFields"]
            .to_string()
            .contains("9999"),
        "{stored}"
    );

    // An object from a time when the schema was laxer.
    let crds: Api<CustomResourceDefinition> = Api::all(world.admin.clone());
    let shipped = crds.get("customers.clientele.dev").await.expect("a CRD");
    let shipped = json!(shipped.spec.versions);
    let mut lax = shipped.clone();
    let sector = "/0/schema/openAPIV3Schema/properties/spec/properties/sector";
    *lax.pointer_mut(sector).expect("the field") = json!({"type": "string", "default": "Private"});
    serve(&world, &lax).await;
    let old = unique("old-");
    let mut written = json!(customer(&partner, &old));
    written["spec"]["sector"] = "Galactic".into();
    eventually("the laxer schema holds", PATIENCE, async || {
        call(&world.admin, &create(written.clone())).await.report()
    })
    .await;
    serve(&world, &shipped).await;
    world.operator().stop();
    start(&world);

    let events = world.api::<Event>(&home(&partner));
    let about = ListParams::default().fields(&format!("involvedObject.name={old}"));
    eventually("an Event tells", PATIENCE, async || {
        let events = events.list(&about).await.report()?;
        let told = events
            .iter()
            .any(|event| event.type_.as_deref() == Some("Warning"));
        if told {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await;
    eventually("the metric tells", PATIENCE, async || unreadable(&world, 1)).await;
    assert!(
        world
            .operator()
            .log()
            .contains(&format!("{}/{old}", home(&partner)))
    );
    // Its neighbours go on, those that were there and those that come.
    let held = change(&world, &globex, json!({"spec": {"onHold": true}})).await;
    world.ready(&held).await;
    world.customer(&partner, "initech").await;

    let customers = world.api::<Customer>(&home(&partner));
    customers.delete(&old, &DeleteParams::default()).await.ok();
    eventually("the metric forgets", PATIENCE, async || {
        unreadable(&world, 0)
    })
    .await;
}

/// Gives the kind of customers this schema; all else about the CRD stays as it is.
async fn serve(world: &World, versions: &Value) {
    let crds: Api<CustomResourceDefinition> = Api::all(world.admin.clone());
    let name = "customers.clientele.dev";
    let mut crd = json!(crds.get(name).await.expect("a CRD"));
    crd["spec"]["versions"] = versions.clone();
    let crd = serde_json::from_value(crd).expect("a CRD");
    let replaced = crds.replace(name, &PostParams::default(), &crd).await;
    replaced.expect("replaced");
}

/// Whether the metric counts so many customers that cannot be read.
fn unreadable(world: &World, wanted: u32) -> Result<(), String> {
    let (_, page) = world.operator().get("/metrics").report()?;
    let mut lines = page
        .lines()
        .filter(|line| line.starts_with("clientele_unreadable_objects{"));
    let line = lines
        .find(|line| line.contains("ustomer\""))
        .unwrap_or_default();
    if line.ends_with(&format!(" {wanted}")) {
        Ok(())
    } else {
        Err(line.to_owned())
    }
}

#[tokio::test]
async fn without_its_fence_it_is_not_ready_and_says_why() {
    let world = World::alone().await;
    let fence = "clientele-fence-namespaces";
    for at_work in [true, false] {
        if !at_work {
            world.operator().stop();
        }
        world.kubectl(&["delete", "validatingadmissionpolicybinding", fence]);
        if !at_work {
            world.operator().start().expect("started");
        }
        eventually("not ready", PATIENCE, async || {
            match world.operator().get("/readyz") {
                Ok((503, why)) if why.contains(fence) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        let (code, _) = world.operator().get("/healthz").expect("an answer");
        assert_eq!(code, 200);
        world.plane.install().expect("installed again");
        world
            .operator()
            .await_ready()
            .expect("ready again by itself");
    }
}
