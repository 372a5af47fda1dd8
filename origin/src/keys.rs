//! Applications, service keys and verifiers (the platform's here, applications' own in
//! `public.rs`): rows here, registers at the edge.
//!
//! Invariant: a secret is stored hashed and shown once; every change of a key posts its register in
//! the same transaction, so that a revocation travels like any other change.

pub mod public;

use crate::app::App;
use crate::audit::{self, Who};
use crate::db::{self, Db, Error, Tx};
use crate::{outbox, values};
use serde_json::json;
use shared::admin::App as Application;
use shared::id::{base62, format_id};
use shared::roads::{Register, Stamp};
use shared::time::Millis;
use shared::token::{self, KeyRecord, ServiceKey};
use sqlx::any::AnyRow;

/// Rows of one page of a replay.
const REPLAY_PAGE: u64 = 500;

/// Makes an application; `None`: the name is taken.
///
/// # Errors
/// The database is down.
pub async fn create_application(
    app: &App,
    name: &str,
    tier: &str,
) -> Result<Option<Application>, Error> {
    let id = format_id("app", app.ids.next().await?);
    let now = db::now();
    let mut tx = app.db.begin().await?;
    let sql = "insert into application (id, name, tier, created_at) values ($1, $2, $3, $4) \
               on conflict (name) do nothing";
    let made = tx.write(sql, values![id.as_str(), name, tier, now]).await?;
    tx.commit().await?;
    let application = Application { id, name: name.into(), tier: tier.into(), created_at: now };
    Ok((made == 1).then_some(application))
}

/// Finds an application by its id.
///
/// # Errors
/// The database is down.
pub async fn application(db: &Db, id: &str) -> Result<Option<Application>, Error> {
    let sql = "select id, name, tier, created_at from application where id = $1";
    db.read(sql, values![id]).await?.first().map(read_application).transpose()
}

/// Finds an application by its name.
///
/// # Errors
/// The database is down.
pub async fn application_named(db: &Db, name: &str) -> Result<Option<Application>, Error> {
    let sql = "select id, name, tier, created_at from application where name = $1";
    db.read(sql, values![name]).await?.first().map(read_application).transpose()
}

/// Reads a row of `application`.
///
/// # Errors
/// A column is not readable.
pub fn read_application(row: &AnyRow) -> Result<Application, Error> {
    Ok(Application {
        id: db::text(row, "id")?,
        name: db::text(row, "name")?,
        tier: db::text(row, "tier")?,
        created_at: Millis(db::number(row, "created_at")?),
    })
}

/// What an operator asks of a new key.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    pub application: &'a str,
    pub name: &'a str,
    pub scopes: &'a [String],
}

/// Makes a service key: its text and its kid.
///
/// # Errors
/// The database is down.
pub async fn create_key(app: &App, who: &Who, new: NewKey<'_>) -> Result<(String, String), Error> {
    let kid = base62(app.ids.next().await?, 11);
    let (key, text) = ServiceKey::mint(&app.config.key_mac.0, &kid, rand::random());
    let mut tx = app.db.begin().await?;
    insert_key(&mut tx, &key, new).await?;
    post_key(&mut tx, app, &kid).await?;
    let who = who.clone().about(new.application);
    let data = json!({"name": new.name, "scopes": new.scopes});
    audit::record(&mut tx, app, &who, ("service_key.created", &kid), &data).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    Ok((text, kid))
}

/// Registers a key whose text was made before, unless it is known.
///
/// # Errors
/// The database is down.
pub async fn adopt_key(app: &App, key: &ServiceKey, new: NewKey<'_>) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    if insert_key(&mut tx, key, new).await? == 1 {
        post_key(&mut tx, app, &key.kid).await?;
    }
    tx.commit().await
}

async fn insert_key(tx: &mut Tx<'_>, key: &ServiceKey, new: NewKey<'_>) -> Result<u64, Error> {
    let sql = "insert into service_key \
               (kid, app, name, scopes, secret_sha256, created_at, version) \
               values ($1, $2, $3, $4, $5, $6, 1) on conflict (kid) do nothing";
    let scopes = new.scopes.join(" ");
    let NewKey { application, name, .. } = new;
    let hash = key.secret_sha256();
    tx.write(sql, values![key.kid.as_str(), application, name, scopes, hash, db::now()]).await
}

/// Revokes a key; `false`: there is none. The relay tells the key's home at once.
///
/// # Errors
/// The database is down.
pub async fn revoke_key(app: &App, who: &Who, kid: &str) -> Result<bool, Error> {
    let mut tx = app.db.begin().await?;
    let sql = "update service_key set revoked_at = $1, version = version + 1 \
               where kid = $2 and revoked_at is null";
    let changed = tx.write(sql, values![db::now(), kid]).await?;
    let found = post_key(&mut tx, app, kid).await?;
    if changed == 1 {
        audit::record(&mut tx, app, who, ("service_key.revoked", kid), &json!({})).await?;
    }
    tx.commit().await?;
    app.outbox_news.notify_one();
    Ok(found)
}

async fn post_key(tx: &mut Tx<'_>, app: &App, kid: &str) -> Result<bool, Error> {
    let rows = tx.read(&format!("{KEYS} where k.kid = $1"), values![kid]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    outbox::append(tx, app, &[read_key(row)?], db::now()).await?;
    Ok(true)
}

const KEYS: &str = "select k.kid, k.app, k.scopes, k.secret_sha256, k.revoked_at, k.version, \
                    a.tier, (select value from fact where name = 'epoch') as epoch \
                    from service_key k join application a on a.id = k.app";
const VERIFIERS: &str = "select kid, app, ed25519, revoked_at, version, \
                         (select value from fact where name = 'epoch') as epoch from verifier";

/// A key's register, if there is such a key. Waits for no writer.
///
/// # Errors
/// The database is down.
pub async fn register(app: &App, kid: &str) -> Result<Option<Register>, Error> {
    let keys = app.db.read(&format!("{KEYS} where k.kid = $1"), values![kid]).await?;
    if let Some(row) = keys.first() {
        return read_key(row).map(Some);
    }
    let verifiers = app.db.read(&format!("{VERIFIERS} where kid = $1"), values![kid]).await?;
    match verifiers.first() {
        Some(row) => read_verifier(row).map(Some),
        None => public::register(app, kid).await,
    }
}

fn read_key(row: &AnyRow) -> Result<Register, Error> {
    let record = KeyRecord::Service {
        app: db::text(row, "app")?,
        tier: db::text(row, "tier")?,
        scopes: db::text(row, "scopes")?.split(' ').map(Into::into).collect(),
        secret_sha256: db::text(row, "secret_sha256")?,
        revoked: db::maybe_number(row, "revoked_at")?.is_some(),
    };
    key_shaped(row, &record)
}

fn read_verifier(row: &AnyRow) -> Result<Register, Error> {
    let record = KeyRecord::Verifier {
        app: db::maybe_text(row, "app")?,
        ed25519: db::text(row, "ed25519")?,
        revoked: db::maybe_number(row, "revoked_at")?.is_some(),
    };
    key_shaped(row, &record)
}

fn key_shaped(row: &AnyRow, record: &KeyRecord) -> Result<Register, Error> {
    Ok(Register {
        product: token::PRODUCT.into(),
        key: db::text(row, "kid")?,
        stamp: Stamp { epoch: outbox::read_epoch(row)?, version: db::number(row, "version")? },
        value: Some(serde_json::to_string(record)?),
    })
}

/// The name of the platform's own verifier: it follows from the key, so that a new one is new.
#[must_use]
pub fn platform_kid(seed: &[u8; 32]) -> String {
    format!("p{}", token::public_half(seed).get(..10).unwrap_or_default())
}

/// Registers the platform's own verifier, unless it is known.
///
/// # Errors
/// The database is down.
pub async fn adopt_verifier(app: &App) -> Result<(), Error> {
    let seed = &app.config.token_seed.0;
    let kid = platform_kid(seed);
    let mut tx = app.db.begin().await?;
    let sql = "insert into verifier (kid, ed25519, created_at, version) \
               values ($1, $2, $3, 1) on conflict (kid) do nothing";
    let public = token::public_half(seed);
    if tx.write(sql, values![kid.as_str(), public, db::now()]).await? == 1 {
        let rows = tx.read(&format!("{VERIFIERS} where kid = $1"), values![kid.as_str()]).await?;
        let registers = rows.iter().map(read_verifier).collect::<Result<Vec<_>, _>>()?;
        outbox::append(&mut tx, app, &registers, db::now()).await?;
    }
    tx.commit().await
}

/// Posts every key, verifier and public key again.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App) -> Result<u64, Error> {
    let keys = format!("{KEYS} where k.kid > $1 order by k.kid limit {REPLAY_PAGE}");
    let verifiers = format!("{VERIFIERS} where kid > $1 order by kid limit {REPLAY_PAGE}");
    Ok(replay_pages(app, &keys, read_key).await?
        + replay_pages(app, &verifiers, read_verifier).await?
        + public::replay(app, REPLAY_PAGE).await?)
}

async fn replay_pages(
    app: &App,
    sql: &str,
    read: fn(&AnyRow) -> Result<Register, Error>,
) -> Result<u64, Error> {
    let (mut posted, mut after) = (0, String::new());
    loop {
        let mut tx = app.db.begin().await?;
        let rows = tx.read(sql, values![after.as_str()]).await?;
        let page = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = page.last() else { return Ok(posted) };
        after.clone_from(&last.key);
        outbox::append(&mut tx, app, &page, db::now()).await?;
        tx.commit().await?;
        posted += page.len() as u64;
    }
}
