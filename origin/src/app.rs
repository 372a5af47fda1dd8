//! What every handler of this process shares.

use crate::config::Config;
use crate::db::{Db, Error};
use crate::ids::{Ids, Ranges};
use crate::links::password::Hashing;
use crate::links::store::LinkStore;
use crate::lookup::UserAgents;
use crate::objects::Objects;
use crate::payments::store::LedgerStore;
use crate::shell::Lane;
use crate::telemetry::Metrics;
use crate::video;
use shared::links::code::Permutation;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

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
    pub metrics: Metrics,
    pub user_agents: UserAgents,
    pub http: reqwest::Client,
    /// Wakes the relay: rows were appended.
    pub outbox_news: Notify,
    /// Permits for long bodies.
    pub streams: Arc<Semaphore>,
    /// Of videos.
    pub objects: Objects,
    pub video: video::Shared,
    /// Wakes the work on privacy requests: one was made.
    pub privacy_news: Notify,
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
        let ids = Arc::new(Ids::lease(&db).await?);
        let shard = u64::from(ids.node().await);
        let objects = Objects::open(&config.objects_url)
            .map_err(|error| Error::Stored(format!("OBJECTS_URL: {error}")))?;
        Ok(Arc::new_cyclic(|app| Self {
            codes: Permutation::new(config.code_key.0),
            config,
            db,
            ids,
            ranges: Ranges::default(),
            links: Lane::start(LinkStore, app.clone()),
            hashing: Hashing::default(),
            ledger: Lane::start(LedgerStore { shard }, app.clone()),
            metrics: Metrics::default(),
            user_agents: UserAgents::default(),
            http: reqwest::Client::new(),
            outbox_news: Notify::new(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            objects,
            video: video::Shared::default(),
            privacy_news: Notify::new(),
        }))
    }
}
