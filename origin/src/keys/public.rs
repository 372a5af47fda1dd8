//! Applications' own public keys: rows here, registers at the edge.
//!
//! Invariant: what a key may give, its application and its algorithm never change: another is
//! another key. Every change posts the key's register in the same transaction.

use super::{key_shaped, replay_pages};
use crate::app::App;
use crate::audit::{self, Who};
use crate::db::{self, Error, Tx};
use crate::{outbox, values};
use serde_json::json;
use shared::admin::PublicKey;
use shared::id::base62;
use shared::page::Ask;
use shared::roads::Register;
use shared::time::Millis;
use shared::token::{Algorithm, KeyRecord};
use sqlx::any::AnyRow;

const COLUMNS: &str = "k.kid, k.app, k.name, k.alg, k.public, k.scopes, k.created_at, \
                       k.revoked_at, k.version";

/// What an operator asks of a new key.
#[derive(Clone, Copy, Debug)]
pub struct NewPublicKey<'a> {
    pub application: &'a str,
    pub name: &'a str,
    pub scopes: &'a [String],
    pub alg: Algorithm,
    pub public: &'a str,
}

/// Registers a key under a name of ours.
///
/// # Errors
/// The database is down.
pub async fn create(app: &App, who: &Who, new: NewPublicKey<'_>) -> Result<PublicKey, Error> {
    // Drawn from the numbers of service keys, so that it names none of them; the platform's own
    // kid begins with `p`, which 63 bits in base62 never do.
    let kid = base62(app.ids.next().await?, 11);
    let now = db::now();
    let NewPublicKey { application, name, scopes, alg, public } = new;
    let mut tx = app.db.begin().await?;
    let sql = "insert into public_key \
               (kid, app, name, alg, public, scopes, created_at, version) \
               values ($1, $2, $3, $4, $5, $6, $7, 1)";
    let joined = scopes.join(" ");
    let values = values![kid.as_str(), application, name, alg.name(), public, joined, now];
    tx.write(sql, values).await?;
    post(&mut tx, app, &kid).await?;
    let who = who.clone().about(application);
    let data = json!({"name": name, "scopes": scopes, "public": public});
    audit::record(&mut tx, app, &who, ("public_key.created", &kid), &data).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    Ok(PublicKey {
        kid,
        app: application.into(),
        name: name.into(),
        alg,
        scopes: scopes.to_vec(),
        created_at: now,
        revoked_at: None,
    })
}

/// Revokes a key; `false`: there is none. The relay tells the key's home at once.
///
/// # Errors
/// The database is down.
pub async fn revoke(app: &App, who: &Who, kid: &str) -> Result<bool, Error> {
    let mut tx = app.db.begin().await?;
    let sql = "update public_key set revoked_at = $1, version = version + 1 \
               where kid = $2 and revoked_at is null";
    let changed = tx.write(sql, values![db::now(), kid]).await?;
    let found = post(&mut tx, app, kid).await?;
    if changed == 1 {
        audit::record(&mut tx, app, who, ("public_key.revoked", kid), &json!({})).await?;
    }
    tx.commit().await?;
    app.outbox_news.notify_one();
    Ok(found)
}

/// One page and one key more, by name; only one application's when asked.
///
/// # Errors
/// The database is down.
pub async fn list(app: &App, owner: Option<&str>, ask: &Ask) -> Result<Vec<PublicKey>, Error> {
    let after = ask.after.clone().unwrap_or_default();
    let mut values = values![after, ask.rows()];
    let mut only = "";
    if let Some(owner) = owner {
        values.push(owner.into());
        only = "and k.app = $3";
    }
    let sql = format!(
        "select {COLUMNS} from public_key k where k.kid > $1 {only} order by k.kid limit $2"
    );
    app.db.read(&sql, values).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<PublicKey, Error> {
    Ok(PublicKey {
        kid: db::text(row, "kid")?,
        app: db::text(row, "app")?,
        name: db::text(row, "name")?,
        alg: alg(row)?,
        scopes: scopes(row)?,
        created_at: Millis(db::number(row, "created_at")?),
        revoked_at: db::maybe_number(row, "revoked_at")?.map(Millis),
    })
}

fn alg(row: &AnyRow) -> Result<Algorithm, Error> {
    let name = db::text(row, "alg")?;
    Algorithm::named(&name).ok_or_else(|| Error::Stored(format!("public_key.alg {name}")))
}

fn scopes(row: &AnyRow) -> Result<Vec<String>, Error> {
    Ok(db::text(row, "scopes")?.split(' ').map(Into::into).collect())
}

fn registers() -> String {
    format!(
        "select {COLUMNS}, a.tier, (select value from fact where name = 'epoch') as epoch \
         from public_key k join application a on a.id = k.app"
    )
}

async fn post(tx: &mut Tx<'_>, app: &App, kid: &str) -> Result<bool, Error> {
    let rows = tx.read(&format!("{} where k.kid = $1", registers()), values![kid]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    outbox::append(tx, app, &[read_register(row)?], db::now()).await?;
    Ok(true)
}

/// A key's register, if there is such a key.
///
/// # Errors
/// The database is down.
pub async fn register(app: &App, kid: &str) -> Result<Option<Register>, Error> {
    let sql = format!("{} where k.kid = $1", registers());
    app.db.read(&sql, values![kid]).await?.first().map(read_register).transpose()
}

fn read_register(row: &AnyRow) -> Result<Register, Error> {
    let record = KeyRecord::Application {
        app: db::text(row, "app")?,
        tier: db::text(row, "tier")?,
        alg: alg(row)?,
        public: db::text(row, "public")?,
        scopes: scopes(row)?,
        revoked: db::maybe_number(row, "revoked_at")?.is_some(),
    };
    key_shaped(row, &record)
}

/// Posts every key again, a page at a time.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App, page: u64) -> Result<u64, Error> {
    let sql = format!("{} where k.kid > $1 order by k.kid limit {page}", registers());
    replay_pages(app, &sql, read_register).await
}
