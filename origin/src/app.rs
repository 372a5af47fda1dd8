//! What every handler of this process shares.

use crate::config::Config;
use crate::db::{Db, Engine, Error};
use crate::ids::{Ids, Ranges};
use crate::links::password::Hashing;
use crate::links::store::LinkStore;
use crate::lookup::UserAgents;
use crate::objects::Objects;
use crate::outgoing::Outgoing;
use crate::payments::gateway::Gateways;
use crate::payments::store::LedgerStore;
use crate::shell::Lane;
use crate::telemetry::Metrics;
use crate::video;
use shared::links::code::Permutation;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// Commits of one lane at once on PostgreSQL, which has a process for each: while one waits for
/// the disk or for us, the other works. SQLite has one writer.
const COMMITS_AT_ONCE: usize = 2;
/// Long bodies at once: each takes up to 0.2 GB, with what is read from it.
pub const STREAMS_MAX: usize = 4;

#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub db: Arc<Db>,
    pub ids: Arc<Ids>,
    pub ranges: Ranges,
    pub codes: Permutation,
    pub links: Lane<LinkStore>,
    /// Of links' passwords.
    pub hashing: Hashing,
    pub ledger: Lane<LedgerStore>,
    pub gateways: Gateways,
    /// Wakes the relay to the gateways: orders were made.
    pub order_news: Notify,
    /// Wakes the sagas: one was begun, or has news.
    pub saga_news: Notify,
    pub metrics: Metrics,
    pub user_agents: UserAgents,
    /// To the edge.
    pub http: reqwest::Client,
    /// To wherever a caller said.
    pub outgoing: Outgoing,
    /// Wakes the relay: rows were appended.
    pub outbox_news: Notify,
    /// Permits for long bodies.
    pub streams: Arc<Semaphore>,
    /// Of videos.
    pub objects: Objects,
    pub video: video::Shared,
    /// Wakes the work on privacy requests: one was made.
    pub privacy_news: Notify,
    /// Wakes the relay of webhooks: a message was written.
    pub webhook_news: Notify,
}

impl App {
    /// Opens the database, which must be migrated, and leases what the process needs.
    ///
    /// # Errors
    /// The database is down or every node number is leased.
    pub async fn start(config: Config) -> Result<Arc<Self>, Error> {
        let db = Arc::new(Db::open(&config.database_url.0).await?);
        Self::on(config, db).await
    }

    /// The same on a database that is open.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn on(config: Config, db: Arc<Db>) -> Result<Arc<Self>, Error> {
        let lanes = if db.engine == Engine::Postgres { COMMITS_AT_ONCE } else { 1 };
        let ids = Arc::new(Ids::lease(&db, lanes).await?);
        let shards = ids.nodes().await.into_iter().map(u64::from);
        let ledgers: Vec<LedgerStore> = shards.map(|shard| LedgerStore { shard }).collect();
        let gateways = Gateways::configured(&config, &db);
        let outgoing = Outgoing::new(config.webhooks_allow_private)
            .map_err(|error| Error::Stored(format!("no client for webhooks: {error}")))?;
        let objects = Objects::open(&config.objects_url, &config.s3.0)
            .map_err(|error| Error::Stored(format!("OBJECTS_URL: {error}")))?;
        Ok(Arc::new_cyclic(|app| Self {
            codes: Permutation::new(config.code_key.0),
            config,
            db,
            ids,
            ranges: Ranges::default(),
            links: Lane::start(vec![LinkStore; lanes], app.clone()),
            hashing: Hashing::default(),
            ledger: Lane::start(ledgers, app.clone()),
            gateways,
            order_news: Notify::new(),
            saga_news: Notify::new(),
            metrics: Metrics::default(),
            user_agents: UserAgents::default(),
            http: reqwest::Client::new(),
            outgoing,
            outbox_news: Notify::new(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            objects,
            video: video::Shared::default(),
            privacy_news: Notify::new(),
            webhook_news: Notify::new(),
        }))
    }
}
