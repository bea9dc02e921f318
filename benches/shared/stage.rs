//! What every series begins with: a fresh control plane as real clusters have it, a partner, a plan, and one customer whose
//! tenant shows what a customer is made of.

use std::time::Duration;

use clientele::api::meta::{LABEL_MANAGED_BY, MANAGED_BY};
use clientele::api::{ContainerDefaults, Customer, CustomerUser, Partner, Role};
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde_json::{Value, json};

use super::Failure;
use super::machine::Spent;
use super::support::{
    AuditEvent, ControlPlane, Operator, Options, Reports, customer, home, plan, provider, tenant,
    until, user,
};

/// The name of the first customer. Nothing else in its objects contains it.
const SAMPLE: &str = "sample";

/// How long the rest of the cluster may take to catch up with a series. kube-controller-manager fills new namespaces at
/// 20 a second by default, and does more than one thing in each.
const CATCHING_UP: Duration = Duration::from_secs(300);

/// A control plane with an operator, ready for customers.
pub struct Stage {
    /// The operator, which ends before what it stands on.
    pub operator: Operator,
    /// The control plane.
    pub plane: ControlPlane,
    /// A client with all rights.
    pub admin: Client,
    /// The partner of all customers.
    pub partner: Partner,
    /// Name of the plan of all customers.
    pub plan: String,
    /// What the first customer became.
    pub sample: Sample,
}

impl Stage {
    /// Makes one and waits until nothing moves on it.
    pub async fn set() -> Result<Self, Failure> {
        let options = Options {
            fsync: true,
            ..Options::default()
        };
        let plane = ControlPlane::start("bench", &options)?;
        plane.install()?;
        let operator = Operator::launch(&plane)?;
        operator.await_ready()?;
        let admin = plane.admin().await;

        let mut partner = provider();
        partner.spec.domain = Some("partner.example".to_owned());
        let partner = ready(&admin, &partner).await?;
        let mut plan = plan();
        plan.spec.container_defaults = Some(ContainerDefaults {
            limits: [("cpu".to_owned(), Quantity("500m".to_owned()))].into(),
            requests: [("cpu".to_owned(), Quantity("50m".to_owned()))].into(),
        });
        let plan = Api::all(admin.clone())
            .create(&PostParams::default(), &plan)
            .await?;
        let mut first = customer(&partner, SAMPLE);
        first.spec.plan = Some(plan.name_any());
        let first = ready(&admin, &first).await?;

        let stage = Self {
            sample: Sample::of(&admin, &first).await?,
            operator,
            plane,
            admin,
            partner,
            plan: plan.name_any(),
        };
        stage.calm().await?;
        Ok(stage)
    }

    /// A customer of the stage's partner with the stage's plan.
    pub fn customer(&self, name: &str) -> Customer {
        let mut customer = customer(&self.partner, name);
        customer.spec.plan = Some(self.plan.clone());
        customer
    }

    /// The one user of a customer.
    pub fn admin_of(&self, customer: &Customer) -> CustomerUser {
        user(
            customer,
            &format!("{}-admin", customer.name_any()),
            Role::Admin,
        )
    }

    /// The customers of the stage's partner.
    pub fn customers(&self) -> Api<Customer> {
        Api::namespaced(self.admin.clone(), &home(&self.partner))
    }

    /// Processor time used so far, by process.
    pub fn spent(&self) -> Result<Spent, Failure> {
        let parents: Vec<u32> = self
            .operator
            .pid()
            .into_iter()
            .chain([self.plane.pid()])
            .collect();
        Spent::so_far(&parents)
    }

    /// Waits until nobody writes anything any more but leases, and the processors rest.
    pub async fn calm(&self) -> Result<(), Failure> {
        let busy = |event: &AuditEvent| event.is_write() && event.resource != "leases";
        let still = Duration::from_secs(3);
        if !self.plane.audit().quiet(still, CATCHING_UP, busy).await {
            return Err(format!("somebody still wrote after {CATCHING_UP:?}").into());
        }
        for _ in 0..30 {
            let before = self.spent()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.spent()?.since(&before).total() < Duration::from_millis(150) {
                break;
            }
        }
        Ok(())
    }
}

/// Makes an object and waits until it is Ready.
async fn ready<K: Reports>(client: &Client, object: &K) -> Result<K, Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    api.create(&PostParams::default(), object).await?;
    let name = object.name_any();
    let ready = until(api, &name, "Ready", |seen| {
        let conditions = seen.map(Reports::conditions).unwrap_or_default();
        conditions
            .iter()
            .any(|one| one.type_ == "Ready" && one.status == "True")
    });
    ready.await.ok_or_else(|| "it went away".into())
}

/// What a customer became, as text to be filled in for others.
pub struct Sample {
    uid: String,
    /// The Customer without its status.
    pub customer: Template,
    /// Its status, as the operator applies it.
    pub status: Template,
    /// Its namespace.
    pub namespace: Template,
    /// What is in its namespace.
    pub children: Vec<Template>,
}

/// An object as a person would write it.
pub struct Template {
    /// Path of its collection.
    url: String,
    name: String,
    body: String,
}

/// An object to be written.
pub struct Filled {
    /// Path of the collection it belongs into.
    pub collection: String,
    /// Its own path.
    pub path: String,
    /// The object.
    pub body: String,
}

impl Sample {
    async fn of(client: &Client, customer: &Customer) -> Result<Self, Failure> {
        let space = tenant(customer);
        let namespace: Namespace = Api::all(client.clone()).get(&space).await?;
        let mut children = read::<ResourceQuota>(client, &space).await?;
        children.extend(read::<LimitRange>(client, &space).await?);
        children.extend(read::<NetworkPolicy>(client, &space).await?);
        children.extend(read::<ServiceAccount>(client, &space).await?);
        children.extend(read::<ConfigMap>(client, &space).await?);
        let (home, uid) = (
            customer.namespace(),
            customer.uid().ok_or("a customer without UID")?,
        );
        let whole = Template::of::<Customer>(home.as_deref(), serde_json::to_value(customer)?);
        let status = json!({
            "apiVersion": Customer::api_version(&()),
            "kind": Customer::kind(&()),
            "metadata": {"name": SAMPLE, "namespace": home, "uid": uid},
            "status": customer.status,
        });
        Ok(Self {
            uid,
            status: Template {
                url: whole.url.clone(),
                name: format!("{SAMPLE}/status"),
                body: status.to_string(),
            },
            customer: whole,
            namespace: Template::of::<Namespace>(None, serde_json::to_value(&namespace)?),
            children,
        })
    }

    /// The object for another customer.
    pub fn fill(&self, template: &Template, customer: &str, uid: &str) -> Filled {
        let fill = |text: &str| text.replace(SAMPLE, customer).replace(&self.uid, uid);
        let collection = fill(&template.url);
        Filled {
            path: format!("{collection}/{}", fill(&template.name)),
            collection,
            body: fill(&template.body),
        }
    }
}

impl Template {
    /// What nobody writes, but the API server adds, is left out.
    fn of<K: Resource<DynamicType = ()>>(namespace: Option<&str>, mut object: Value) -> Self {
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.retain(|key, _| {
                ["name", "namespace", "labels", "annotations"].contains(&key.as_str())
            });
        }
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        if K::kind(&()) == "Namespace" {
            object["spec"] = json!({});
            let labels = object["metadata"]["labels"].as_object_mut();
            labels.map(|labels| labels.remove("kubernetes.io/metadata.name"));
        }
        object["apiVersion"] = K::api_version(&()).into();
        object["kind"] = K::kind(&()).into();
        Self {
            url: K::url_path(&(), namespace),
            name,
            body: object.to_string(),
        }
    }
}

/// Our objects of a kind in a namespace.
async fn read<K: Resource<DynamicType = ()>>(
    client: &Client,
    namespace: &str,
) -> Result<Vec<Template>, Failure> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<K>(&()));
    let ours = ListParams::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
    let mut templates = Vec::new();
    for object in api.list(&ours).await? {
        templates.push(Template::of::<K>(
            Some(namespace),
            serde_json::to_value(&object)?,
        ));
    }
    if templates.is_empty() {
        return Err(format!("no {} in {namespace}", K::kind(&())).into());
    }
    Ok(templates)
}
