//! Ids: snowflakes from a leased node number, and codes from ranges.
//!
//! Invariant: two replicas never draw the same id (a node number is a leased row, a range is taken
//! in one transaction); an expired lease stops the drawing; a crash loses at most its range (L3).

use crate::db::{self, Db, Error};
use crate::values;
use shared::id::{NODES, Snowflakes, Wait};
use shared::links::code::RANGE;
use shared::time::Millis;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// A node's lease; renewed at a third of it.
const LEASE_MS: u64 = 60_000;

/// Draws snowflakes.
#[derive(Debug)]
pub struct Ids {
    holder: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// At least one; ids are drawn with the first.
    nodes: Vec<u16>,
    leased_until: Millis,
    flakes: Snowflakes,
}

impl State {
    fn node(&self) -> u16 {
        self.nodes.first().copied().unwrap_or_default()
    }
}

impl Ids {
    /// Leases so many node numbers.
    ///
    /// # Errors
    /// The database is down, or all node numbers are leased.
    pub async fn lease(db: &Db, count: usize) -> Result<Self, Error> {
        let holder = hex::encode(rand::random::<[u8; 16]>());
        let mut tx = db.begin().await?;
        let now = db::now();
        let rows =
            tx.read("select n from node where leased_until > $1 order by n", values![now]).await?;
        let mut taken = Vec::new();
        for row in rows {
            taken.push(db::number(&row, "n")?);
        }
        let free = (0..NODES).filter(|n| !taken.contains(&u64::from(*n)));
        let nodes: Vec<u16> = free.take(count.max(1)).collect();
        if nodes.len() < count {
            return Err(Error::Stored("every node number is leased".into()));
        }
        let until = now.plus(LEASE_MS);
        let sql = "insert into node (n, holder, leased_until) values ($1, $2, $3) \
                   on conflict (n) do update set holder = excluded.holder, \
                   leased_until = excluded.leased_until where node.leased_until <= $4";
        for n in &nodes {
            let values = values![u64::from(*n), holder.as_str(), until, now];
            if tx.write(sql, values).await? != 1 {
                let why = "another replica took the node number; start again";
                return Err(Error::Stored(why.into()));
            }
        }
        tx.commit().await?;
        let flakes = Snowflakes::default();
        let state = Mutex::new(State { nodes, leased_until: until, flakes });
        Ok(Self { holder, state })
    }

    /// The leased numbers, which no other replica has meanwhile.
    pub async fn nodes(&self) -> Vec<u16> {
        self.state.lock().await.nodes.clone()
    }

    /// The first of them, which ids are drawn with.
    pub async fn node(&self) -> u16 {
        self.state.lock().await.node()
    }

    /// Renews the lease until the process ends.
    pub async fn keep(self: Arc<Self>, db: Arc<Db>) {
        loop {
            tokio::time::sleep(Duration::from_millis(LEASE_MS / 3)).await;
            if let Err(error) = self.renew(&db, LEASE_MS).await {
                tracing::error!(%error, "the lease of the node number was not renewed");
            }
        }
    }

    async fn renew(&self, db: &Db, ms: u64) -> Result<(), Error> {
        let held = self.state.lock().await.nodes.len() as u64;
        let mut tx = db.begin().await?;
        let until = db::now().plus(ms);
        let sql = "update node set leased_until = $1 where holder = $2";
        let kept = tx.write(sql, values![until, self.holder.as_str()]).await?;
        tx.commit().await?;
        if kept == held {
            self.state.lock().await.leased_until = until;
        }
        Ok(())
    }

    /// Gives the node number back.
    ///
    /// # Errors
    /// The database is down; the lease then ends by itself.
    pub async fn release(&self, db: &Db) -> Result<(), Error> {
        self.renew(db, 0).await
    }

    /// The next snowflake; waits while the clock stands or steps back.
    ///
    /// # Errors
    /// The lease is over.
    pub async fn next(&self) -> Result<u64, Error> {
        let mut state = self.state.lock().await;
        draw(&mut state).await
    }

    /// The next `count` snowflakes.
    ///
    /// # Errors
    /// The lease is over.
    pub async fn next_many(&self, count: usize) -> Result<Vec<u64>, Error> {
        let mut state = self.state.lock().await;
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            all.push(draw(&mut state).await?);
        }
        Ok(all)
    }
}

async fn draw(state: &mut State) -> Result<u64, Error> {
    loop {
        let now = db::now();
        if now >= state.leased_until {
            let why = "the lease of the node number is over".into();
            return Err(Error::Unavailable(sqlx::Error::Io(std::io::Error::other::<String>(why))));
        }
        let node = state.node();
        match state.flakes.next(node, now) {
            Ok(id) => return Ok(id),
            Err(Wait(until)) => {
                tokio::time::sleep(Duration::from_millis(until.since(now).max(1))).await;
            }
        }
    }
}

/// Hands out the ids of codes; the next range is drawn while half of the present one is left.
#[derive(Debug, Default)]
pub struct Ranges {
    present: Mutex<Span>,
    ahead: Arc<Mutex<Option<Span>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    next: u64,
    end: u64,
}

impl Ranges {
    /// The next id. Waits for the database only at start, or when ids are drawn faster than ranges.
    ///
    /// # Errors
    /// The database is down and nothing is left.
    pub async fn next(&self, db: &Arc<Db>) -> Result<u64, Error> {
        let mut span = self.present.lock().await;
        if span.next == span.end {
            let ahead = self.ahead.lock().await.take();
            *span = match ahead {
                Some(ahead) => ahead,
                None => take(db).await?,
            };
        }
        let id = span.next;
        span.next += 1;
        if span.end - span.next == RANGE / 2 {
            let (db, ahead) = (Arc::clone(db), Arc::clone(&self.ahead));
            tokio::spawn(async move {
                let mut ahead = ahead.lock().await;
                // Ids were drawn faster than this task ran: the range of the last time is left.
                if ahead.is_some() {
                    return;
                }
                match take(&db).await {
                    Ok(span) => *ahead = Some(span),
                    Err(error) => tracing::warn!(%error, "the next range was not drawn ahead"),
                }
            });
        }
        Ok(id)
    }
}

async fn take(db: &Db) -> Result<Span, Error> {
    let mut tx = db.begin().await?;
    let sql = "update code_range set next = next + $1 where id = 1 returning next";
    let rows = tx.read(sql, values![RANGE]).await?;
    let row = rows.first().ok_or_else(|| Error::Stored("the code range is missing".into()))?;
    let end = db::number(row, "next")?;
    tx.commit().await?;
    Ok(Span { next: end - RANGE, end })
}
