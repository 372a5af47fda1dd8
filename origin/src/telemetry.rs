//! Numbers, logs and health: what an operator sees of the process.
//!
//! Invariant: labels come from closed sets; a log line holds no secret, no query and no body.

use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use shared::admin::Health;
use shared::envelope::Envelope;
use shared::limits::usage::Counts;
use shared::route::Route;
use std::sync::Mutex;
use std::time::Duration;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    method: &'static str,
    route: &'static str,
    product: &'static str,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    route: &'static str,
    product: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    outcome: &'static str,
}

/// Every number of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    outbox_rows: Gauge,
    outbox_parked: Gauge,
    outbox_age_ms: Gauge,
    /// Requests that no handler saw.
    pub refused: Counter,
    /// Registers that a home asked for, of links.
    pub link_reads: Counter,
    /// Inputs of one commit.
    pub lane_inputs: Histogram,
    pub relayed: Counter,
    pub relay_failures: Counter,
    pub events_applied: Counter,
    pub events_missing: Counter,
    pub dead_letters: Counter,
    pub objects_served: Counter,
    pub object_bytes: Counter,
    webhooks_delivered: Counter,
    webhooks_failed: Counter,
    webhooks_dead: Counter,
    limits_decisions: Family<OutcomeLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let durations: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_5, 2.0, 15));
        let metrics = Self {
            registry: Mutex::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            outbox_rows: Gauge::default(),
            outbox_parked: Gauge::default(),
            outbox_age_ms: Gauge::default(),
            refused: Counter::default(),
            link_reads: Counter::default(),
            lane_inputs: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            relayed: Counter::default(),
            relay_failures: Counter::default(),
            events_applied: Counter::default(),
            events_missing: Counter::default(),
            dead_letters: Counter::default(),
            objects_served: Counter::default(),
            object_bytes: Counter::default(),
            webhooks_delivered: Counter::default(),
            webhooks_failed: Counter::default(),
            webhooks_dead: Counter::default(),
            limits_decisions: Family::default(),
        };
        if let Ok(mut registry) = metrics.registry.lock() {
            metrics.register(&mut registry);
        }
        metrics
    }
}

impl Metrics {
    fn register(&self, all: &mut Registry) {
        all.register("requests", "Requests by route and status", self.requests.clone());
        all.register("refused", "Requests that no handler saw", self.refused.clone());
        let duration = "Time to answer by route";
        all.register_with_unit("request", duration, Unit::Seconds, self.durations.clone());
        all.register("outbox_rows", "Projections that wait", self.outbox_rows.clone());
        all.register("outbox_parked", "Projections that were refused", self.outbox_parked.clone());
        let age = "Age of the oldest projection that waits, in milliseconds";
        all.register("outbox_age_ms", age, self.outbox_age_ms.clone());
        all.register(
            "link_reads",
            "Registers of links that homes asked for",
            self.link_reads.clone(),
        );
        all.register("lane_inputs", "Inputs of one commit", self.lane_inputs.clone());
        all.register("relayed", "Projections that the edge acknowledged", self.relayed.clone());
        all.register(
            "relay_failures",
            "Calls that the edge did not answer",
            self.relay_failures.clone(),
        );
        all.register("events_applied", "Events from recorders", self.events_applied.clone());
        all.register("events_missing", "Events that never arrived", self.events_missing.clone());
        for (name, about, counter) in [
            ("webhooks_delivered", "Webhooks that were taken", &self.webhooks_delivered),
            ("webhooks_failed", "Attempts of webhooks that failed", &self.webhooks_failed),
            ("webhooks_dead", "Webhooks that nobody took", &self.webhooks_dead),
            ("objects_served", "Objects that the edge pulled", &self.objects_served),
            ("object_bytes", "Their bytes", &self.object_bytes),
        ] {
            all.register(name, about, counter.clone());
        }
        all.register("dead_letters", "Events that no product took", self.dead_letters.clone());
        let decisions = "Decisions of limits that the edge has told of";
        all.register("limits_decisions", decisions, self.limits_decisions.clone());
    }

    /// Counts what the edge's limits decided.
    pub fn decided(&self, counts: &Counts) {
        for (outcome, count) in counts.by_outcome() {
            self.limits_decisions.get_or_create(&OutcomeLabels { outcome }).inc_by(count);
        }
    }

    /// Counts an attempt of a webhook.
    pub fn webhooks(&self, taken: bool, dead: bool) {
        if taken { &self.webhooks_delivered } else { &self.webhooks_failed }.inc();
        self.webhooks_dead.inc_by(u64::from(dead));
    }

    async fn look(&self, app: &App) -> Result<(), Error> {
        let sql = "select count(*) as waiting, count(parked) as parked, \
                   min(case when parked is null then created_at end) as oldest from outbox";
        let rows = app.db.read(sql, vec![]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let (all, parked) = (db::number(row, "waiting")?, db::number(row, "parked")?);
        let oldest = db::maybe_number(row, "oldest")?;
        let age_ms = oldest.map_or(0, |at| db::now().0.saturating_sub(at));
        let set = |gauge: &Gauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.outbox_rows, all - parked);
        set(&self.outbox_parked, parked);
        set(&self.outbox_age_ms, age_ms);
        Ok(())
    }
}

/// Counts and logs one answered request.
pub fn request(app: &App, route: &Route, call: &Call, answer: &Envelope, took: Duration) {
    let Route { method, path, product, .. } = *route;
    let status = answer.status.to_string();
    let labels = RequestLabels { method, route: path, product, status };
    app.metrics.requests.get_or_create(&labels).inc();
    let labels = RouteLabels { route: path, product };
    app.metrics.durations.get_or_create(&labels).observe(took.as_secs_f64());
    tracing::info!(
        request_id = call.context.request_id,
        app = call.context.app,
        method,
        route = path,
        product,
        status = answer.status,
        ms = took.as_secs_f64() * 1_000.0,
        replayed = answer.replayed,
        traceparent = call.headers.get("traceparent"),
        "request"
    );
}

/// `GET /healthz`
#[must_use]
pub fn health() -> Envelope {
    Envelope::json(200, &Health { status: "ok".into(), version: VERSION.into() })
}

/// `GET /readyz`
pub async fn ready(app: &App) -> Result<Envelope, Failure> {
    app.db.read("select value from fact where name = 'epoch'", vec![]).await?;
    Ok(health())
}

/// `GET /metrics`
pub async fn metrics(app: &App) -> Result<Envelope, Failure> {
    app.metrics.look(app).await?;
    let mut text = String::new();
    if let Ok(registry) = app.metrics.registry.lock() {
        encode(&mut text, &registry).map_err(|error| Error::Stored(error.to_string()))?;
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(Envelope { body: text, ..Envelope::empty(200).with("content-type", kind) })
}

/// `GET /admin/openapi.json`
#[must_use]
pub fn openapi() -> Envelope {
    let envelope = Envelope::empty(200).with("content-type", "application/json");
    Envelope { body: OPENAPI.into(), ..envelope }
}

/// Starts the log: JSON lines on standard output, `RUST_LOG` filters.
pub fn start_log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,hyper=warn,reqwest=warn"));
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter);
    // A second start (in tests) keeps the first.
    let _ = log.try_init();
}
