//! The database: one pool, one dialect for SQLite and PostgreSQL, and the writing transaction.
//!
//! Invariant: on SQLite every writing transaction passes one lock in this process and begins
//! IMMEDIATE, so that none fails half-way for another's sake; on PostgreSQL rows are locked in key
//! order. Commits are durable (`synchronous=FULL`; PostgreSQL's default).

use shared::problem::{INTERNAL, Problem, UNAVAILABLE};
use shared::time::Millis;
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyPool, AssertSqlSafe, Connection, Executor, Row, Transaction};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, MutexGuard};

pub mod checkpoint;
mod value;

/// Connections of one replica: PostgreSQL's default of 100 carries six replicas.
const CONNECTIONS_MAX: u32 = 16;
/// A request waits this long for a connection, then the database counts as down.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was used a moment ago is used again unasked: a round trip less for each
/// statement under load. Whoever meets a server that restarted in that moment gets a 503.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// Of each connection. What a statement may have to take back stays in memory, as do 64 MiB of
/// pages; a commit checkpoints only after 128 MiB of log, see [`checkpoint`].
const SQLITE: &str = "pragma journal_mode = wal; pragma synchronous = full; \
                      pragma busy_timeout = 5000; pragma foreign_keys = on; \
                      pragma temp_store = memory; pragma cache_size = -65536; \
                      pragma wal_autocheckpoint = 32768";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Debug)]
pub struct Db {
    pool: AnyPool,
    /// On SQLite one connection, so that its pages and its statements stay at hand.
    writers: AnyPool,
    pub engine: Engine,
    writer: Mutex<()>,
    /// Since the last checkpoint, on SQLite.
    is_written: AtomicBool,
}

/// A failure that no caller can act on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer; a later try may succeed.
    #[error("the database does not answer: {0}")]
    Unavailable(sqlx::Error),
    /// The database answered with an error.
    #[error("the database refused: {0}")]
    Sql(sqlx::Error),
    /// What is stored cannot be read.
    #[error("stored data is not readable: {0}")]
    Stored(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
                Self::Unavailable(error)
            }
            // 57P01–57P03: PostgreSQL shuts down or starts; 5: SQLite is busy.
            E::Database(ref of)
                if of.code().is_some_and(|code| code.starts_with("57P") || code == "5") =>
            {
                Self::Unavailable(error)
            }
            _ => Self::Sql(error),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Stored(error.to_string())
    }
}

impl Error {
    /// What the caller hears of it. Logged here, once.
    #[must_use]
    pub fn problem(&self) -> Problem {
        tracing::error!(error = %self, "a request failed");
        match self {
            Self::Unavailable(_) => {
                Problem::new(&UNAVAILABLE, "the database does not answer").retry_after(1)
            }
            _ => Problem::new(&INTERNAL, "the failure was logged under this request's id"),
        }
    }

    /// Whether PostgreSQL gave up waiting for a lock (55P03) or broke a deadlock (40P01).
    #[must_use]
    pub fn is_lock(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(of)) = self else { return false };
        of.code().is_some_and(|code| code == "55P03" || code == "40P01")
    }
}

/// A writing transaction; dropped without [`Tx::commit`] it is rolled back.
#[derive(Debug)]
pub struct Tx<'a> {
    inner: Transaction<'a, Any>,
    engine: Engine,
    _writer: Option<MutexGuard<'a, ()>>,
}

/// A value to be bound.
#[derive(Clone, Debug)]
pub enum Value {
    Int(i64),
    MaybeInt(Option<i64>),
    Text(String),
    MaybeText(Option<String>),
}

impl Db {
    /// Opens the database.
    ///
    /// # Errors
    /// It does not answer, or the URL is wrong.
    pub async fn open(url: &str) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres };
        let connect = |count: u32| {
            AnyPoolOptions::new()
                .max_connections(count)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .before_acquire(|connection, known| {
                    Box::pin(async move {
                        let is_fresh = known.idle_for < IDLE_TRUSTED;
                        if !is_fresh {
                            connection.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        if engine == Engine::Sqlite {
                            connection.execute(SQLITE).await?;
                        }
                        Ok(())
                    })
                })
                .connect(url)
        };
        let pool = connect(CONNECTIONS_MAX).await?;
        let writers = match engine {
            Engine::Sqlite => connect(1).await?,
            Engine::Postgres => pool.clone(),
        };
        Ok(Self {
            pool,
            writers,
            engine,
            writer: Mutex::new(()),
            is_written: AtomicBool::new(true),
        })
    }

    /// Brings the schema up to date. A newer schema is left as it is: migrations only add, so the
    /// program before the newest migration still runs (rollback, replicas of two versions).
    ///
    /// # Errors
    /// A migration failed, or one that ran before has changed.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        sqlx::migrate!("./migrations").set_ignore_missing(true).run(&self.pool).await?;
        // What the engines say differently; each set is missing in the others'.
        let mut own = match self.engine {
            Engine::Sqlite => sqlx::migrate!("./migrations/sqlite"),
            Engine::Postgres => sqlx::migrate!("./migrations/postgres"),
        };
        own.set_ignore_missing(true).run(&self.pool).await
    }

    /// Begins a transaction that only reads, all of it at one moment; nobody waits for it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn snapshot(&self) -> Result<Tx<'_>, Error> {
        let begin = match self.engine {
            Engine::Sqlite => "begin",
            Engine::Postgres => "begin isolation level repeatable read read only",
        };
        let inner = self.pool.begin_with(begin).await?;
        Ok(Tx { inner, engine: self.engine, _writer: None })
    }

    /// Begins a writing transaction.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn begin(&self) -> Result<Tx<'_>, Error> {
        self.begin_by("begin").await
    }

    /// The same, which waits for a lock no longer than this.
    ///
    /// # Errors
    /// As [`Db::begin`].
    pub async fn begin_waiting(&self, ms: u64) -> Result<Tx<'_>, Error> {
        self.begin_by(&format!("begin; set local lock_timeout = '{ms}ms'")).await
    }

    async fn begin_by(&self, postgres: &str) -> Result<Tx<'_>, Error> {
        match self.engine {
            Engine::Sqlite => {
                let writer = self.writer.lock().await;
                let inner = self.writers.begin_with("begin immediate").await?;
                self.is_written.store(true, Ordering::Relaxed);
                Ok(Tx { inner, engine: self.engine, _writer: Some(writer) })
            }
            Engine::Postgres => {
                let inner = self.pool.begin_with(AssertSqlSafe(postgres.to_owned())).await?;
                Ok(Tx { inner, engine: self.engine, _writer: None })
            }
        }
    }

    /// Reads rows outside any transaction.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(&self, sql: &str, values: Vec<Value>) -> Result<Vec<AnyRow>, Error> {
        Ok(bound(sql, values).fetch_all(&self.pool).await?)
    }
}

impl Tx<'_> {
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Reads rows.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<AnyRow>, Error> {
        Ok(bound(sql, values).fetch_all(&mut *self.inner).await?)
    }

    /// Changes rows; how many.
    ///
    /// # Errors
    /// As the database says.
    pub async fn write(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
        Ok(bound(sql, values).execute(&mut *self.inner).await?.rows_affected())
    }

    /// Inserts many rows: `sql` up to and with `values`, then what follows the rows.
    ///
    /// # Errors
    /// As the database says.
    pub async fn insert(
        &mut self,
        sql: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<u64, Error> {
        let mut written = 0;
        // SQLite binds 32,766 values: 1,000 rows of up to 32 columns.
        for rows in rows.chunks(1_000) {
            let width = rows.first().map_or(0, Vec::len);
            let groups = placeholders(rows.len(), width);
            let values = rows.iter().flatten().cloned().collect();
            written += self.write(&format!("{sql} {groups} {tail}"), values).await?;
        }
        Ok(written)
    }

    /// The clause that locks what a SELECT found, where the engine locks rows.
    #[must_use]
    pub fn for_update(&self) -> &'static str {
        if self.engine == Engine::Postgres { " for update" } else { "" }
    }

    /// The same, passing over what others hold.
    #[must_use]
    pub fn skip_locked(&self) -> &'static str {
        if self.engine == Engine::Postgres { " for update skip locked" } else { "" }
    }

    /// Commits.
    ///
    /// # Errors
    /// The outcome is then unknown; the idempotency key settles it.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.inner.commit().await?)
    }
}

/// `($1, $2), ($3, $4)`.
#[must_use]
pub fn placeholders(rows: usize, width: usize) -> String {
    let row = |row: usize| {
        let names: Vec<String> = (1..=width).map(|i| format!("${}", row * width + i)).collect();
        format!("({})", names.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// A text in a pattern of `like … escape '!'`, where it stands for itself.
#[must_use]
pub fn like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// Every SQL text of the origin is made of literals and placeholders; values are only bound.
fn bound(sql: &str, values: Vec<Value>) -> sqlx::query::Query<'_, Any, sqlx::any::AnyArguments> {
    let query = sqlx::query(AssertSqlSafe(sql));
    values.into_iter().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::MaybeInt(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::MaybeText(value) => query.bind(value),
    })
}

/// Builds the values of a statement: `values![1u64, "a"]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}

/// Reads a column as a number.
///
/// # Errors
/// The column is missing or no number.
pub fn signed(row: &AnyRow, column: &str) -> Result<i64, Error> {
    Ok(row.try_get(column)?)
}

/// Reads a column as a number that is never negative.
///
/// # Errors
/// The column is missing or no such number.
pub fn number(row: &AnyRow, column: &str) -> Result<u64, Error> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| Error::Stored(format!("{column} is negative")))
}

/// Reads a column as a number or NULL.
///
/// # Errors
/// The column is missing or no such number.
pub fn maybe_number(row: &AnyRow, column: &str) -> Result<Option<u64>, Error> {
    let value: Option<i64> = row.try_get(column)?;
    value
        .map(|value| u64::try_from(value).map_err(|_| Error::Stored(format!("{column} < 0"))))
        .transpose()
}

/// Reads a column as text.
///
/// # Errors
/// The column is missing or no text.
pub fn text(row: &AnyRow, column: &str) -> Result<String, Error> {
    Ok(row.try_get(column)?)
}

/// Reads a column as text or NULL.
///
/// # Errors
/// The column is missing or no text.
pub fn maybe_text(row: &AnyRow, column: &str) -> Result<Option<String>, Error> {
    Ok(row.try_get(column)?)
}

/// The wall clock.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
