//! A trial that ends, on the real controllers: everything stops, and comes back when the trial is lifted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clientele::api::{Access, Customer, Role};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::attempt::{call, create, delete, until_allowed, until_refused};
use crate::steps::{change, config_map, offer, pod, settled, until_so};
use crate::support::{PATIENCE, World, customer, eventually, refused, tenant, until, user};

/// How long the pods of a tenant may take to come back: their controllers wait ever longer between vain attempts, so about
/// as long again as they were not let.
const BACK: Duration = Duration::from_secs(300);

/// Long enough for what has to be there before the end.
const TRIAL: SignedDuration = SignedDuration::from_secs(20);

/// A workload of a tenant, which may name itself and its pods.
fn workload(kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    let version = match kind {
        "Job" | "CronJob" => "batch/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        _ => "apps/v1",
    };
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn template(name: &str, restart: &str) -> Value {
    let mut spec = pod(name, "any")["spec"].clone();
    spec["restartPolicy"] = restart.into();
    json!({"metadata": {"labels": {"app": name}}, "spec": spec})
}

fn replicated(kind: &str, namespace: &str, name: &str, replicas: u32) -> Value {
    let mut spec = json!({"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template(name, "Always")});
    if kind == "StatefulSet" {
        spec["serviceName"] = name.into();
        spec["podManagementPolicy"] = "Parallel".into();
    }
    workload(kind, namespace, name, spec)
}

/// How many pods each app has, those that are going not counted.
async fn running(pods: &Api<Pod>) -> Vec<(String, usize)> {
    let mut apps = std::collections::BTreeMap::new();
    for pod in pods.list(&ListParams::default()).await.expect("pods") {
        if pod.metadata.deletion_timestamp.is_none() {
            let app = pod
                .labels()
                .get("app")
                .cloned()
                .unwrap_or_else(|| pod.name_any());
            *apps.entry(app).or_insert(0) += 1;
        }
    }
    apps.into_iter().collect()
}

async fn until_running(pods: &Api<Pod>, patience: Duration, wanted: &[(&str, usize)]) {
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(app, count)| ((*app).to_owned(), *count))
        .collect();
    eventually("the pods", patience, async || {
        let running = running(pods).await;
        if running == wanted {
            Ok(())
        } else {
            Err(format!("{running:?}"))
        }
    })
    .await;
}

/// What applies the same manifest again and again, as Flux and Argo CD do.
struct Pipeline {
    task: JoinHandle<()>,
    applied: Arc<AtomicUsize>,
}

impl Pipeline {
    fn start(deployments: Api<Deployment>, manifest: Value) -> Self {
        let applied = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&applied);
        let task = tokio::spawn(async move {
            let name = manifest["metadata"]["name"].as_str().expect("a name");
            let manager = PatchParams::apply("kustomize-controller").force();
            let mut rounds = tokio::time::interval(Duration::from_millis(200));
            loop {
                rounds.tick().await;
                let patch = Patch::Apply(&manifest);
                if deployments.patch(name, &manager, &patch).await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { task, applied }
    }

    /// Waits until it has applied a few times more.
    async fn goes_on(&self) {
        let wanted = self.applied.load(Ordering::SeqCst) + 3;
        eventually("the pipeline goes on", PATIENCE, async || {
            match self.applied.load(Ordering::SeqCst) {
                count if count >= wanted => Ok(()),
                count => Err(format!("{count} of {wanted}")),
            }
        })
        .await;
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn access(customer: &Customer) -> Option<Access> {
    customer.status.as_ref()?.access
}

#[tokio::test]
async fn at_the_end_of_a_trial_everything_stops_and_all_of_it_comes_back() {
    let world = World::shared().await;
    let plan = offer(&world, |plan| plan.quota.clear()).await;
    let partner = world.provider().await;
    let mut globex = customer(&partner, "globex");
    globex.spec.plan = Some(plan.name_any());
    let globex = settled(&world, &globex).await;
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let place = tenant(&globex);
    let person = world.as_user(&ada.spec.email, &[]).await;
    let job = json!({"template": template("job", "Never")});
    let scaling = json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]});
    let cron = json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}});
    let robot = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": place}});
    let bound = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "robot", "namespace": place},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clientele-tenant-member"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": place}]});
    for object in [
        replicated("Deployment", &place, "web", 2),
        replicated("StatefulSet", &place, "db", 2),
        workload("Job", &place, "job", job),
        workload("CronJob", &place, "nightly", cron),
        workload("HorizontalPodAutoscaler", &place, "web", scaling),
        pod("bare", &place),
        robot,
        bound,
    ] {
        until_allowed(&person, &create(object)).await;
    }
    let pods = world.api::<Pod>(&place);
    until_running(
        &pods,
        PATIENCE,
        &[("bare", 1), ("db", 2), ("job", 1), ("web", 2)],
    )
    .await;
    let robot = world.plane.as_service_account(&place, "robot").await;
    until_allowed(&robot, &create(json!(config_map(&place, "before")))).await;

    let end = Timestamp::now() + TRIAL;
    let trial = json!({"spec": {"trial": {"endsAt": format!("{end:.0}")}}});
    let globex = change(&world, &globex, trial).await;
    let globex = until_so(&world, &globex, "on trial", |globex| {
        globex
            .status
            .as_ref()
            .is_some_and(|status| status.trial_ends_at.is_some())
    })
    .await;
    assert_eq!(access(&globex), Some(Access::Open));
    let end = globex
        .status
        .as_ref()
        .and_then(|status| status.trial_ends_at.clone())
        .expect("an end")
        .0;
    tokio::time::sleep(end.duration_since(Timestamp::now()).unsigned_abs()).await;
    eventually("people are out", PATIENCE, async || {
        let bindings = world
            .api::<RoleBinding>(&place)
            .list(&ListParams::default())
            .await;
        let bound: Vec<_> = bindings
            .expect("bindings")
            .iter()
            .map(kube::ResourceExt::name_any)
            .collect();
        if bound == ["robot"] {
            Ok(())
        } else {
            Err(format!("{bound:?}"))
        }
    })
    .await;
    until_running(&pods, PATIENCE, &[]).await;
    let globex = world.ready(&globex).await;
    assert_eq!(access(&globex), Some(Access::Stopped));
    let shut = world
        .api::<NetworkPolicy>(&place)
        .get("clientele")
        .await
        .expect("a policy")
        .spec
        .expect("a spec");
    assert!(
        shut.ingress.unwrap_or_default().is_empty() && shut.egress.unwrap_or_default().is_empty()
    );
    let after = create(json!(config_map(&place, "after"))).dry();
    until_refused(&robot, &after, "This tenant is stopped").await;

    // Meanwhile a pipeline goes on as if nothing were, and somebody opens the quota.
    let apps = format!("/apis/apps/v1/namespaces/{place}");
    let pipeline = Pipeline::start(
        world.api(&place),
        replicated("Deployment", &place, "web", 4),
    );
    call(&world.admin, &delete(&format!("{apps}/statefulsets/db")))
        .await
        .expect("staff may");
    call(
        &world.admin,
        &create(replicated("StatefulSet", &place, "db", 1)),
    )
    .await
    .expect("staff may");
    call(
        &world.admin,
        &create(replicated("Deployment", &place, "new", 1)),
    )
    .await
    .expect("staff may");
    let fire = crate::steps::break_glass(&world).await;
    let quota = format!("/api/v1/namespaces/{place}/resourcequotas/clientele-stopped");
    call(&fire, &delete(&quota)).await.expect("break-glass may");
    until(
        world.api::<ResourceQuota>(&place),
        "clientele-stopped",
        "back",
        |quota| quota.is_some(),
    )
    .await;
    until_running(&pods, PATIENCE, &[]).await;
    let replicas = world
        .api::<Deployment>(&place)
        .get("web")
        .await
        .expect("web")
        .spec
        .replicas;
    assert_eq!(replicas, Some(4), "specs are left alone");
    pipeline.goes_on().await;

    let globex = change(
        &world,
        &globex,
        json!({"spec": {"trial": {"endsAt": null, "mode": "None"}}}),
    )
    .await;
    let globex = world.ready(&globex).await;
    assert_eq!(access(&globex), Some(Access::Open));
    pipeline.goes_on().await;
    until_running(
        &pods,
        BACK,
        &[("db", 1), ("job", 1), ("new", 1), ("web", 4)],
    )
    .await;
    assert!(
        world
            .api::<StatefulSet>(&place)
            .get_opt("db")
            .await
            .expect("an answer")
            .is_some()
    );
    assert!(
        world
            .api::<CronJob>(&place)
            .get_opt("nightly")
            .await
            .expect("an answer")
            .is_some()
    );
    assert!(
        world
            .api::<Job>(&place)
            .get_opt("job")
            .await
            .expect("an answer")
            .is_some()
    );
    world.ready(&ada).await;
    // People are back, and their software goes on.
    until_allowed(&person, &create(json!(config_map(&place, "back")))).await;
    until_allowed(&robot, &create(json!(config_map(&place, "again")))).await;
}

#[tokio::test]
async fn a_trial_is_written_so_that_it_can_be_understood() {
    let world = World::shared().await;
    let partner = world.provider().await;
    for (trial, said) in [
        (
            json!({"period": "14d", "mode": "None"}),
            "give only one of period, endsAt and mode",
        ),
        (
            json!({"period": "two weeks"}),
            "must be a duration such as 14d, 36h or 1h30m",
        ),
        (json!({"period": "0d"}), "must be longer than nothing"),
        (
            json!({"endsAt": "2026-12-31"}),
            "must be a time in UTC such as 2026-12-31T00:00:00Z",
        ),
        (
            json!({"endsAt": "9999-12-31T00:00:00Z"}),
            "must be a time between 2000 and 2200",
        ),
        (json!({"onEnd": "Explode"}), "Unsupported value"),
    ] {
        let mut globex = json!(customer(&partner, "globex"));
        globex["spec"]["trial"] = trial;
        refused(call(&world.admin, &create(globex)).await, said);
    }
    let mut long = json!(customer(&partner, "globex"));
    long["spec"]["trial"] = json!({"period": "40000d"});
    call(&world.admin, &create(long))
        .await
        .expect("the operator says it");
    let globex = world
        .stalled(&customer(&partner, "globex"), "InvalidSpec")
        .await;
    let said = crate::steps::message(&globex, "Ready");
    assert!(said.contains("longer than a century"), "{said}");
}
