//! What the process counts about itself, for Prometheus.
//!
//! Names that operators' dashboards and alerts already know (controller-runtime's, client-go's) where there is one;
//! `clientele_…` for the rest. Nothing is labelled by customer: their number is unbounded.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::text,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// A label and its value. Values are names that the code knows, never text from outside.
type Label = (&'static str, &'static str);
type Counters<const N: usize> = Family<[Label; N], Counter>;
type Gauges<const N: usize> = Family<[Label; N], Gauge>;
type Histograms<const N: usize> = Family<[Label; N], Histogram, fn() -> Histogram>;

/// The counters. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reconciled: Counters<2>,
    reconcile_errors: Counters<1>,
    reconcile_time: Histograms<1>,
    queue_depth: Gauges<1>,
    queue_adds: Counters<1>,
    calls: Family<[(&'static str, String); 2], Counter>,
    call_time: Histograms<1>,
    leader: Gauges<1>,
    failures: Counters<2>,
    transitions: Counters<2>,
    unreadable: Gauges<1>,
    customers: Gauges<1>,
    services: Gauges<1>,
    requests: Gauges<1>,
    requests_held: Gauges<0>,
    requests_overdue: Gauges<0>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let r = &mut registry;
        let metrics = Self {
            reconciled: counter(
                r,
                "controller_runtime_reconcile",
                "Reconciles by controller and result",
            ),
            reconcile_errors: counter(
                r,
                "controller_runtime_reconcile_errors",
                "Reconciles that failed, by controller",
            ),
            reconcile_time: seconds(
                r,
                "controller_runtime_reconcile_time",
                "Time of one reconcile, API calls included, in seconds",
            ),
            queue_depth: gauge(
                r,
                "workqueue_depth",
                "Objects that wait for their reconcile",
            ),
            queue_adds: counter(r, "workqueue_adds", "Objects put into the queue"),
            calls: Family::default(),
            call_time: seconds(
                r,
                "rest_client_request_duration",
                "Time from sending a call to its answer's headers, by verb, in seconds",
            ),
            leader: gauge(
                r,
                "leader_election_master_status",
                "1 while this process holds the Lease, 0 while it stands by",
            ),
            failures: counter(r, "clientele_failures", "Failed steps by kind and category"),
            transitions: counter(
                r,
                "clientele_transitions",
                "Changes of state by kind and reason, as published in Events",
            ),
            unreadable: gauge(
                r,
                "clientele_unreadable_objects",
                "Objects that cannot be decoded and are left alone",
            ),
            customers: gauge(r, "clientele_customers", "Customers by access"),
            services: gauge(r, "clientele_services", "Services of customers by state"),
            requests: gauge(
                r,
                "clientele_deletion_requests",
                "DeletionRequests by phase",
            ),
            requests_held: gauge(
                r,
                "clientele_deletion_requests_held",
                "DeletionRequests that wait for a person to confirm them",
            ),
            requests_overdue: gauge(
                r,
                "clientele_deletion_requests_overdue",
                "DeletionRequests that are not done a quarter of an hour after their time",
            ),
            registry: Arc::default(),
        };
        registry.register(
            "rest_client_requests",
            "Calls to the API server by HTTP method and status code",
            metrics.calls.clone(),
        );
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    /// A reconcile of `controller` ended with `result`: `success`, `error` or `requeue_after`.
    pub fn reconciled(&self, controller: &'static str, result: &'static str, took: Duration) {
        self.reconciled
            .get_or_create(&[("controller", controller), ("result", result)])
            .inc();
        self.reconcile_time
            .get_or_create(&[("controller", controller)])
            .observe(took.as_secs_f64());
        if result == "error" {
            self.reconcile_errors
                .get_or_create(&[("controller", controller)])
                .inc();
        }
    }

    /// `waiting` objects wait for their reconcile now.
    pub fn queue_depth(&self, controller: &'static str, waiting: usize) {
        self.queue_depth
            .get_or_create(&[("name", controller)])
            .set(number(waiting));
    }

    /// An object was put into the queue.
    pub fn queued(&self, controller: &'static str) {
        self.queue_adds.get_or_create(&[("name", controller)]).inc();
    }

    /// A call was answered after `took` with HTTP status `code`, or with none at all (client-go's `<error>`).
    pub fn called(
        &self,
        method: &'static str,
        verb: &'static str,
        code: Option<u16>,
        took: Duration,
    ) {
        let code = code.map_or_else(|| "<error>".to_owned(), |code| code.to_string());
        self.calls
            .get_or_create(&[("code", code), ("method", method.to_owned())])
            .inc();
        self.call_time
            .get_or_create(&[("verb", verb)])
            .observe(took.as_secs_f64());
    }

    /// Whether this process holds the Lease `name`.
    pub fn leads(&self, name: &'static str, leads: bool) {
        self.leader
            .get_or_create(&[("name", name)])
            .set(i64::from(leads));
    }

    /// A step for an object of `kind` failed; `category` is an error's stable name.
    pub fn failed(&self, kind: &'static str, category: &'static str) {
        self.failures
            .get_or_create(&[("kind", kind), ("category", category)])
            .inc();
    }

    /// An object of `kind` changed state for `reason`.
    pub fn transition(&self, kind: &'static str, reason: &'static str) {
        self.transitions
            .get_or_create(&[("kind", kind), ("reason", reason)])
            .inc();
    }

    /// `count` objects of `kind` cannot be decoded now.
    pub fn unreadable(&self, kind: &'static str, count: usize) {
        self.unreadable
            .get_or_create(&[("kind", kind)])
            .set(number(count));
    }

    /// `count` customers have `access` now.
    pub fn customers(&self, access: &'static str, count: usize) {
        self.customers
            .get_or_create(&[("access", access)])
            .set(number(count));
    }

    /// `count` services of customers stand in `state` now.
    pub fn services(&self, state: &'static str, count: usize) {
        self.services
            .get_or_create(&[("state", state)])
            .set(number(count));
    }

    /// `count` deletion requests are in `phase` now.
    pub fn requests(&self, phase: &'static str, count: usize) {
        self.requests
            .get_or_create(&[("phase", phase)])
            .set(number(count));
    }

    /// `count` deletion requests wait for a person now.
    pub fn requests_held(&self, count: usize) {
        self.requests_held.get_or_create(&[]).set(number(count));
    }

    /// `count` deletion requests are past their time now.
    pub fn requests_overdue(&self, count: usize) {
        self.requests_overdue.get_or_create(&[]).set(number(count));
    }

    /// Everything, in the OpenMetrics text form.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        self.render_after(String::new())
    }

    /// Everything, after what else there is to say.
    pub fn render_after(&self, mut page: String) -> Result<String, std::fmt::Error> {
        text::encode_registry(&mut page, &self.registry)?;
        if let Some(bytes) = resident_memory() {
            writeln!(
                page,
                "# HELP process_resident_memory_bytes Resident memory size in bytes."
            )?;
            writeln!(page, "# TYPE process_resident_memory_bytes gauge")?;
            writeln!(page, "# UNIT process_resident_memory_bytes bytes")?;
            writeln!(page, "process_resident_memory_bytes {bytes}")?;
        }
        text::encode_eof(&mut page)?;
        Ok(page)
    }
}

fn counter<const N: usize>(registry: &mut Registry, name: &str, help: &str) -> Counters<N> {
    let family = Counters::default();
    registry.register(name, help, family.clone());
    family
}

fn gauge<const N: usize>(registry: &mut Registry, name: &str, help: &str) -> Gauges<N> {
    let family = Gauges::default();
    registry.register(name, help, family.clone());
    family
}

fn seconds<const N: usize>(registry: &mut Registry, name: &str, help: &str) -> Histograms<N> {
    let family = Histograms::new_with_constructor(buckets as fn() -> Histogram);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

/// 1 ms to 16 s: from one call on an idle server to the longest a call may take.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// From /proc; absent where there is none.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashboards_made_for_other_operators_find_their_names() {
        let metrics = Metrics::default();
        metrics.reconciled("customer", "error", Duration::from_millis(3));
        metrics.queue_depth("customer", 7);
        metrics.queued("customer");
        metrics.called("PATCH", "patch", Some(429), Duration::from_millis(3));
        metrics.called("GET", "watch", None, Duration::from_millis(3));
        metrics.leads("clientele", true);
        metrics.customers("Open", 2);
        let page = metrics.render().expect("renders");
        for line in [
            r#"controller_runtime_reconcile_total{controller="customer",result="error"} 1"#,
            r#"controller_runtime_reconcile_errors_total{controller="customer"} 1"#,
            r#"controller_runtime_reconcile_time_seconds_count{controller="customer"} 1"#,
            r#"workqueue_depth{name="customer"} 7"#,
            r#"workqueue_adds_total{name="customer"} 1"#,
            r#"rest_client_requests_total{code="429",method="PATCH"} 1"#,
            r#"rest_client_requests_total{code="<error>",method="GET"} 1"#,
            r#"rest_client_request_duration_seconds_count{verb="patch"} 1"#,
            r#"leader_election_master_status{name="clientele"} 1"#,
            r#"clientele_customers{access="Open"} 2"#,
            "# TYPE process_resident_memory_bytes gauge",
        ] {
            assert!(
                page.lines().any(|found| found == line),
                "{line}\nis missing in\n{page}"
            );
        }
        assert!(page.ends_with("# EOF\n"), "the page says where it ends");
    }
}
