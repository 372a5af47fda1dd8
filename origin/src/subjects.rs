//! Subjects: users of an application, by the pseudonyms under which they stand in what is kept for
//! good (P24).
//!
//! Invariant: nothing but this file's tables names a user of the ledger or of the audit. What is
//! personal lies sealed under the subject's own key; [`destroy`] forgets the key and the way to the
//! pseudonym, and whatever was hashed or signed stays as it is. A user who comes back after that is
//! another subject.

use crate::app::App;
use crate::config::Secret;
use crate::db::{self, Error, Tx};
use crate::{seal, values};
use shared::audit::{PSEUDONYM_PREFIX, SUBJECT};
use shared::id::random_id;
use shared::sign;
use shared::time::Millis;

/// The field with the user's own name.
pub const SUB: &str = "sub";

/// One subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `sbj_…`
    pub pseudonym: String,
    pub app: String,
    pub created_at: Millis,
    /// When it was erased.
    pub destroyed_at: Option<Millis>,
    /// Sealed; none once it was erased.
    key: Option<String>,
}

const COLUMNS: &str = "pseudonym, app, key, created_at, destroyed_at";

fn read(row: &sqlx::any::AnyRow) -> Result<Subject, Error> {
    Ok(Subject {
        pseudonym: db::text(row, "pseudonym")?,
        app: db::text(row, "app")?,
        created_at: Millis(db::number(row, "created_at")?),
        destroyed_at: db::maybe_number(row, "destroyed_at")?.map(Millis),
        key: db::maybe_text(row, "key")?,
    })
}

fn lookup(app: &App, owner: &str, sub: &str) -> String {
    let key = seal::key_for(&app.config.data_key, "subject lookup");
    hex::encode(sign::mac(&key.0, &format!("{owner}\n{sub}")))
}

/// A principal as it may be kept for good: of a user, `subject:{pseudonym}`. Begins a transaction
/// of its own when the user is new, so it is called outside of any.
///
/// # Errors
/// The database is down.
pub async fn kept(app: &App, owner: &str, principal: &str) -> Result<String, Error> {
    let Some(sub) = principal.strip_prefix("user:") else { return Ok(principal.into()) };
    let subject = match find(app, owner, sub).await? {
        Some(subject) => subject,
        None => make(app, owner, sub).await?,
    };
    Ok(format!("{SUBJECT}{}", subject.pseudonym))
}

/// The subject that a user is at present.
///
/// # Errors
/// The database is down.
pub async fn find(app: &App, owner: &str, sub: &str) -> Result<Option<Subject>, Error> {
    let sql = format!("select {COLUMNS} from subject where app = $1 and lookup = $2");
    let rows = app.db.read(&sql, values![owner, lookup(app, owner, sub)]).await?;
    rows.first().map(read).transpose()
}

/// A subject by its pseudonym, also an erased one.
///
/// # Errors
/// The database is down.
pub async fn named(app: &App, pseudonym: &str) -> Result<Option<Subject>, Error> {
    let sql = format!("select {COLUMNS} from subject where pseudonym = $1");
    app.db.read(&sql, values![pseudonym]).await?.first().map(read).transpose()
}

async fn make(app: &App, owner: &str, sub: &str) -> Result<Subject, Error> {
    let pseudonym = random_id(PSEUDONYM_PREFIX, rand::random());
    let key: Secret<[u8; 32]> = Secret(rand::random());
    let sealed_key = seal::seal(&wrapping(app), &pseudonym, &key.0);
    let now = db::now();
    let mut tx = app.db.begin().await?;
    let sql = "insert into subject (pseudonym, app, lookup, key, created_at) \
               values ($1, $2, $3, $4, $5) on conflict do nothing";
    let lookup = lookup(app, owner, sub);
    let values = values![pseudonym.as_str(), owner, lookup.as_str(), sealed_key.as_str(), now];
    if tx.write(sql, values).await? == 1 {
        let place = place(&pseudonym, SUB);
        let sealed = seal::seal(&key, &place, sub.as_bytes());
        let sql = "insert into subject_field (subject, name, sealed) values ($1, $2, $3)";
        tx.write(sql, values![pseudonym.as_str(), SUB, sealed]).await?;
    }
    // Another replica may have been faster.
    let sql = format!("select {COLUMNS} from subject where app = $1 and lookup = $2");
    let rows = tx.read(&sql, values![owner, lookup]).await?;
    let subject = rows.first().map(read).transpose()?;
    tx.commit().await?;
    subject.ok_or_else(|| Error::Stored("a subject vanished".into()))
}

fn wrapping(app: &App) -> Secret<[u8; 32]> {
    seal::key_for(&app.config.data_key, "subject keys")
}

fn place(pseudonym: &str, name: &str) -> String {
    format!("{pseudonym}/{name}")
}

fn key_of(app: &App, subject: &Subject) -> Option<Secret<[u8; 32]>> {
    let sealed = subject.key.as_deref()?;
    let bytes = seal::open(&wrapping(app), &subject.pseudonym, sealed)?;
    Some(Secret(bytes.try_into().ok()?))
}

/// Keeps a personal text aside, sealed; of an erased subject nothing is kept.
///
/// # Errors
/// The database is down.
pub async fn keep(
    tx: &mut Tx<'_>,
    app: &App,
    pseudonym: &str,
    name: &str,
    text: &str,
) -> Result<(), Error> {
    let lock = tx.for_update();
    let sql = format!("select {COLUMNS} from subject where pseudonym = $1{lock}");
    let rows = tx.read(&sql, values![pseudonym]).await?;
    let subject = rows.first().map(read).transpose()?;
    let Some(key) = subject.and_then(|subject| key_of(app, &subject)) else { return Ok(()) };
    let sealed = seal::seal(&key, &place(pseudonym, name), text.as_bytes());
    let sql = "insert into subject_field (subject, name, sealed) values ($1, $2, $3) \
               on conflict (subject, name) do update set sealed = excluded.sealed";
    tx.write(sql, values![pseudonym, name, sealed]).await?;
    Ok(())
}

/// What is kept aside of a subject, in the order of names, behind `after`.
///
/// # Errors
/// The database is down, or something does not open.
pub async fn fields(
    app: &App,
    subject: &Subject,
    after: &str,
    limit: u64,
) -> Result<Vec<(String, String)>, Error> {
    let Some(key) = key_of(app, subject) else { return Ok(Vec::new()) };
    let sql = "select name, sealed from subject_field where subject = $1 and name > $2 \
               order by name limit $3";
    let rows = app.db.read(sql, values![subject.pseudonym.as_str(), after, limit]).await?;
    let open = |row: &sqlx::any::AnyRow| {
        let name = db::text(row, "name")?;
        let bytes = seal::open(&key, &place(&subject.pseudonym, &name), &db::text(row, "sealed")?);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| Error::Stored(format!("{name} does not open")))?;
        Ok((name, text))
    };
    rows.iter().map(open).collect()
}

/// Destroys a user's key and everything under it; its pseudonym, if it had one.
///
/// # Errors
/// The database is down.
pub async fn destroy(
    tx: &mut Tx<'_>,
    app: &App,
    owner: &str,
    sub: &str,
    now: Millis,
) -> Result<Option<(String, u64)>, Error> {
    let lock = tx.for_update();
    let sql = format!("select {COLUMNS} from subject where app = $1 and lookup = $2{lock}");
    let rows = tx.read(&sql, values![owner, lookup(app, owner, sub)]).await?;
    let Some(subject) = rows.first().map(read).transpose()? else { return Ok(None) };
    let pseudonym = subject.pseudonym;
    let sql = "delete from subject_field where subject = $1";
    let fields = tx.write(sql, values![pseudonym.as_str()]).await?;
    let sql = "update subject set lookup = null, key = null, destroyed_at = $1 \
               where pseudonym = $2";
    tx.write(sql, values![now, pseudonym.as_str()]).await?;
    Ok(Some((pseudonym, fields)))
}
