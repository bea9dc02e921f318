//! Drives the flow: watches in, reconciles out. What a screen of [`reconcile`] does for every kind, [`kinds`] wires.

pub mod backoff;
mod bootstrap;
mod kinds;
mod lists;
mod offerings;
pub mod queue;
pub mod reconcile;
mod relays;
mod watches;
mod watching;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use kube::Client;
use tokio::sync::{Notify, mpsc};

use self::queue::Queues;
use self::reconcile::{Context, Controlled, reconcile};
use self::relays::Relays;
use crate::api::{
    Access, ContactList, Customer, CustomerUser, DeletionPhase, DeletionRequest, Partner,
    PostalRoute, ServiceOffering, ServicePlan,
};
use crate::apply::events::Announcer;
use crate::error::Error;
use crate::observe::World;
use crate::observe::relay::Probe;
use crate::ops::clock::Clock;
use crate::ops::http::Health;
use crate::ops::metrics::Metrics;
use crate::ops::shutdown::Shutdown;
use crate::plan::Kind;
use crate::plan::observed::SmtpServer;
use crate::settings::OperatorSettings;

/// Objects of a kind at work at once, where there are few of it.
const FEW: usize = 8;

/// How often objects are counted for the gauges.
const CENSUS: Duration = Duration::from_secs(15);

/// How long after its time a deletion that is not done is one to look at.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);

/// Runs the operator until shutdown. The caller holds the lease. `probe` tries the relays of mail routes.
///
/// # Errors
/// When something fails that no retry mends.
pub async fn run(
    settings: &OperatorSettings,
    client: Client,
    clock: Clock,
    metrics: Metrics,
    health: Health,
    probe: Arc<dyn Probe>,
    shutdown: Shutdown,
) -> Result<(), Error> {
    health.set_ready(false, "looking at the cluster");
    let (mut queues, mut inboxes) = (Queues::default(), Vec::new());
    for kind in Kind::ALL {
        let (sender, receiver) = mpsc::unbounded_channel();
        queues.add(kind, sender.clone());
        inboxes.push((kind, (sender, receiver)));
    }
    let context = Arc::new(Context {
        announcer: Announcer::new(client.clone(), &settings.identity),
        world: RwLock::new(World::default()),
        relays: Relays::new(probe, clock.clone(), queues.clone()),
        lists: lists::Lists::default(),
        checks: offerings::Checks::default(),
        watching: watching::Watching::default(),
        namespace: settings.namespace.clone(),
        smtp: settings.smtp_host.clone().map(|host| SmtpServer {
            host,
            port: settings.smtp_port.get(),
        }),
        told: Mutex::default(),
        whole: Notify::new(),
        metrics,
        queues,
        client,
        clock,
    });

    bootstrap::partners_namespace(&context.client).await?;
    watches::start(&context);
    tokio::select! {
        () = shutdown.clone() => return Ok(()),
        () = context.whole.notified() => {}
    }
    tokio::select! {
        () = shutdown.clone() => return Ok(()),
        () = watching::prepare(&context) => {}
    }
    tokio::spawn(watching::keep(Arc::clone(&context)));
    context.ask(everything(&context.world()));
    tokio::spawn(census(Arc::clone(&context)));
    let checked = tokio::spawn(bootstrap::readiness(context.client.clone(), health));

    let many = settings.concurrency.get();
    let workers = inboxes.into_iter().map(|(kind, inbox)| match kind {
        Kind::ServiceOffering => tokio::spawn(work::<ServiceOffering>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
        Kind::ServicePlan => tokio::spawn(work::<ServicePlan>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
        Kind::Partner => tokio::spawn(work::<Partner>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
        Kind::PostalRoute => tokio::spawn(work::<PostalRoute>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
        Kind::Customer => tokio::spawn(work::<Customer>(
            Arc::clone(&context),
            inbox,
            many,
            shutdown.clone(),
        )),
        Kind::CustomerUser => tokio::spawn(work::<CustomerUser>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
        Kind::DeletionRequest => tokio::spawn(work::<DeletionRequest>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
        Kind::ContactList => tokio::spawn(work::<ContactList>(
            Arc::clone(&context),
            inbox,
            FEW,
            shutdown.clone(),
        )),
    });
    let ended = join_all(workers).await;
    checked.abort();
    if ended.iter().any(Result::is_err) {
        Err(Error::Ended("a controller"))
    } else {
        Ok(())
    }
}

async fn work<K: Controlled>(
    context: Arc<Context>,
    inbox: (queue::Sender, queue::Receiver),
    concurrency: usize,
    shutdown: Shutdown,
) {
    let metrics = context.metrics.clone();
    queue::run(
        K::KIND.as_str(),
        inbox,
        concurrency,
        metrics,
        shutdown,
        move |key, pace| {
            let context = Arc::clone(&context);
            async move { reconcile::<K>(&context, &key, &pace).await }
        },
    )
    .await;
}

/// The keys of all own objects.
fn everything(world: &World) -> BTreeSet<crate::plan::Key> {
    let mut keys = world.keys::<ServiceOffering>();
    keys.extend(world.keys::<ServicePlan>());
    keys.extend(world.keys::<Partner>());
    keys.extend(world.keys::<PostalRoute>());
    keys.extend(world.keys::<Customer>());
    keys.extend(world.keys::<CustomerUser>());
    keys.extend(world.keys::<DeletionRequest>());
    keys.extend(world.keys::<ContactList>());
    keys
}

/// Keeps the gauges.
async fn census(context: Arc<Context>) {
    loop {
        {
            let world = context.world();
            let metrics = &context.metrics;
            for access in Access::ALL {
                metrics.customers(access.as_str(), world.customers_with(Some(access)));
            }
            metrics.customers("Unknown", world.customers_with(None));
            for (state, count) in world.services_by_state() {
                metrics.services(state.as_str(), count);
            }
            metrics.unreadable(
                Kind::ServiceOffering.as_str(),
                world.unreadable::<ServiceOffering>(),
            );
            metrics.unreadable(
                Kind::ServicePlan.as_str(),
                world.unreadable::<ServicePlan>(),
            );
            metrics.unreadable(Kind::Partner.as_str(), world.unreadable::<Partner>());
            metrics.unreadable(
                Kind::PostalRoute.as_str(),
                world.unreadable::<PostalRoute>(),
            );
            metrics.unreadable(Kind::Customer.as_str(), world.unreadable::<Customer>());
            metrics.unreadable(
                Kind::CustomerUser.as_str(),
                world.unreadable::<CustomerUser>(),
            );
            metrics.unreadable(
                Kind::DeletionRequest.as_str(),
                world.unreadable::<DeletionRequest>(),
            );
            metrics.unreadable(
                Kind::ContactList.as_str(),
                world.unreadable::<ContactList>(),
            );
            for phase in DeletionPhase::ALL {
                metrics.requests(phase.as_str(), world.requests_in(phase));
            }
            metrics.requests_held(world.requests_held());
            let now = context.clock.now();
            metrics.requests_overdue(world.requests_overdue(now, OVERDUE));
        }
        tokio::time::sleep(CENSUS).await;
    }
}
