//! The rows of links: loaded, committed, listed, replayed.
//!
//! Invariant: an insert that meets a row, or an update that meets another version, commits
//! nothing: the shell begins again from the load.

use crate::app::App;
use crate::db::{self, Db, Error, Tx, Value};
use crate::shell::Store;
use crate::{outbox, values};
use shared::links::machine::{Key, Links, Name, Row, View, Write};
use shared::links::password::{Hash, Sealed};
use shared::links::query::ListAsk;
use shared::links::rules;
use shared::roads::{Answer, Register};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;

const COLUMNS: &str = "id, domain, code, app, long_url, redirect, title, tags, created_at, \
                       expires_at, deleted_at, version, rules, max_clicks, fallback_url, \
                       external_id, creator, password_hash, password_version";
/// Links with one likeness that are looked at for `reuse`: those with other expiries.
const ALIKE_MAX: u64 = 20;
/// Rows of one page of a replay.
const REPLAY_PAGE: u64 = 500;

#[derive(Clone, Copy, Debug)]
pub struct LinkStore;

impl Store for LinkStore {
    type Machine = Links;

    fn machine(&self) -> &Links {
        &Links
    }

    async fn load(&self, tx: &mut Tx<'_>, keys: &BTreeSet<Key>) -> Result<View, Error> {
        let mut view = View { epoch: outbox::epoch(tx).await?, ..View::default() };
        let mut found = by_name(tx, keys).await?;
        for key in keys {
            found.extend(match key {
                Key::Code(_) => continue,
                Key::Like { app, likeness } => {
                    let sql = format!(
                        "select {COLUMNS} from link where app = $1 and likeness = $2 \
                         and deleted_at is null order by id desc limit {ALIKE_MAX}"
                    );
                    tx.read(&sql, values![app.as_str(), *likeness]).await?
                }
                Key::External { app, id } => {
                    let sql = format!(
                        "select {COLUMNS} from link where app = $1 and external_id = $2 \
                         and deleted_at is null"
                    );
                    tx.read(&sql, values![app.as_str(), id.as_str()]).await?
                }
            });
        }
        for row in found {
            let row = read_row(&row)?;
            view.rows.insert(row.name.clone(), row);
        }
        Ok(view)
    }

    async fn commit(
        &self,
        _: &App,
        tx: &mut Tx<'_>,
        _: &View,
        writes: &[Write],
    ) -> Result<bool, Error> {
        let inserted: Vec<&Row> = writes.iter().filter_map(inserted).collect();
        let sql = format!("insert into link ({COLUMNS}, likeness) values");
        let rows: Vec<Vec<Value>> = inserted.iter().map(|row| row_values(row)).collect();
        let count = rows.len() as u64;
        // Whichever constraint another replica's row stands in the way of: begin again.
        if tx.insert(&sql, rows, "on conflict do nothing").await? != count {
            return Ok(false);
        }
        for write in writes {
            let Write::Updated(row) = write else { continue };
            let sql = "update link set long_url = $1, redirect = $2, title = $3, tags = $4, \
                       expires_at = $5, deleted_at = $6, version = $7, rules = $8, \
                       max_clicks = $9, fallback_url = $10, likeness = $11, \
                       password_hash = $12, password_version = $13 \
                       where domain = $14 and code = $15 and version = $16";
            let values = values![
                row.long_url.as_str(),
                u64::from(row.redirect),
                row.title.clone(),
                serde_json::to_string(&row.tags)?,
                row.expires_at,
                row.deleted_at,
                row.version,
                rules::to_text(&row.rules),
                row.max_clicks,
                row.fallback_url.clone(),
                row.likeness(),
                row.password.as_ref().map(|sealed| sealed.hash.0.clone()),
                row.password.as_ref().map(|sealed| sealed.version),
                row.name.domain,
                row.name.code.as_str(),
                row.version - 1,
            ];
            if tx.write(sql, values).await? != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The rows of the keys that are names, locked in the names' order.
async fn by_name(tx: &mut Tx<'_>, keys: &BTreeSet<Key>) -> Result<Vec<AnyRow>, Error> {
    let names: Vec<&Name> = keys
        .iter()
        .filter_map(|key| match key {
            Key::Code(name) => Some(name),
            Key::Like { .. } | Key::External { .. } => None,
        })
        .collect();
    let sql = format!(
        "select {COLUMNS} from link where (domain, code) in (values {}) order by domain, code{}",
        db::placeholders(names.len(), 2),
        tx.for_update()
    );
    let values = names.iter().flat_map(|name| values![name.domain, name.code.as_str()]);
    tx.read(&sql, values.collect()).await
}

fn inserted(write: &Write) -> Option<&Row> {
    match write {
        Write::Inserted(row) => Some(row),
        Write::Updated(_) => None,
    }
}

fn row_values(row: &Row) -> Vec<Value> {
    values![
        row.id,
        row.name.domain,
        row.name.code.as_str(),
        row.app.as_str(),
        row.long_url.as_str(),
        u64::from(row.redirect),
        row.title.clone(),
        serde_json::to_string(&row.tags).unwrap_or_else(|_| "[]".into()),
        row.created_at,
        row.expires_at,
        row.deleted_at,
        row.version,
        rules::to_text(&row.rules),
        row.max_clicks,
        row.fallback_url.clone(),
        row.external_id.clone(),
        row.creator.clone(),
        row.password.as_ref().map(|sealed| sealed.hash.0.clone()),
        row.password.as_ref().map(|sealed| sealed.version),
        row.likeness(),
    ]
}

fn read_row(row: &AnyRow) -> Result<Row, Error> {
    let stored = |name: &str| Error::Stored(format!("link.{name}"));
    let domain = u32::try_from(db::number(row, "domain")?).map_err(|_| stored("domain"))?;
    Ok(Row {
        id: db::number(row, "id")?,
        name: Name { domain, code: db::text(row, "code")? },
        app: db::text(row, "app")?,
        creator: db::maybe_text(row, "creator")?,
        long_url: db::text(row, "long_url")?,
        redirect: u16::try_from(db::number(row, "redirect")?).map_err(|_| stored("redirect"))?,
        title: db::maybe_text(row, "title")?,
        tags: serde_json::from_str(&db::text(row, "tags")?)?,
        created_at: Millis(db::number(row, "created_at")?),
        expires_at: db::maybe_number(row, "expires_at")?.map(Millis),
        deleted_at: db::maybe_number(row, "deleted_at")?.map(Millis),
        version: db::number(row, "version")?,
        rules: match db::maybe_text(row, "rules")? {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text)?,
        },
        max_clicks: db::maybe_number(row, "max_clicks")?,
        fallback_url: db::maybe_text(row, "fallback_url")?,
        external_id: db::maybe_text(row, "external_id")?,
        password: match db::maybe_text(row, "password_hash")? {
            None => None,
            Some(hash) => {
                Some(Sealed { hash: Hash(hash), version: db::number(row, "password_version")? })
            }
        },
    })
}

/// One row, by its name.
///
/// # Errors
/// The database is down.
pub async fn find(db: &Db, name: &Name) -> Result<Option<Row>, Error> {
    let sql = format!("select {COLUMNS} from link where domain = $1 and code = $2");
    let rows = db.read(&sql, values![name.domain, name.code.as_str()]).await?;
    rows.first().map(read_row).transpose()
}

/// What the truth knows of a register's key.
///
/// # Errors
/// The database is down.
pub async fn ask(app: &App, key: &str) -> Result<Answer, Error> {
    app.metrics.link_reads.inc();
    let Some((domain, code)) = key.split_once('/') else { return Ok(Answer::Absent) };
    let Ok(domain) = domain.parse() else { return Ok(Answer::Absent) };
    let found = find_with_epoch(&app.db, &Name { domain, code: code.into() }).await?;
    Ok(found.map_or(Answer::Absent, |(row, epoch)| Answer::Register(row.register(epoch))))
}

/// One row, by its name, and the epoch of registers, as one moment has them.
///
/// # Errors
/// The database is down.
pub async fn find_with_epoch(db: &Db, name: &Name) -> Result<Option<(Row, u32)>, Error> {
    let sql = format!(
        "select {COLUMNS}, (select value from fact where name = 'epoch') as epoch \
         from link where domain = $1 and code = $2"
    );
    let rows = db.read(&sql, values![name.domain, name.code.as_str()]).await?;
    let read = |row| Ok((read_row(row)?, outbox::read_epoch(row)?));
    rows.first().map(read).transpose()
}

/// The registers of rows, as this transaction sees them.
///
/// # Errors
/// The database is down.
pub async fn registers(tx: &mut Tx<'_>, ids: Vec<Value>) -> Result<Vec<Register>, Error> {
    let epoch = outbox::epoch(tx).await?;
    let one_of = db::placeholders(1, ids.len());
    let rows = tx.read(&format!("select {COLUMNS} from link where id in {one_of}"), ids).await?;
    rows.iter().map(|row| Ok(read_row(row)?.register(epoch))).collect()
}

/// The next row that an application's user made, tombstones too, by id.
///
/// # Errors
/// The database is down.
pub async fn next_of_creator(
    tx: &mut Tx<'_>,
    (app, creator): (&str, &str),
    after: u64,
) -> Result<Option<Row>, Error> {
    let sql = format!(
        "select {COLUMNS} from link where app = $1 and creator = $2 and id > $3 \
         order by id limit 1"
    );
    tx.read(&sql, values![app, creator, after]).await?.first().map(read_row).transpose()
}

/// One page and one row more, newest first, without tombstones.
///
/// # Errors
/// The database is down.
pub async fn list(db: &Db, app: &str, ask: &ListAsk) -> Result<Vec<Row>, Error> {
    let mut sql = format!("select {COLUMNS} from link where app = $1 and deleted_at is null");
    let mut values = values![app];
    if let Some(after) = ask.page.after.as_deref().and_then(|after| after.parse::<u64>().ok()) {
        values.push(after.into());
        sql.push_str(&format!(" and id < ${}", values.len()));
    }
    if let Some(tag) = &ask.tag {
        // Tags are stored as a JSON array of strings: the quoted form is the whole tag.
        values.push(like(&serde_json::to_string(tag)?).into());
        sql.push_str(&format!(" and tags like ${} escape '!'", values.len()));
    }
    if let Some(q) = &ask.q {
        values.push(like(&q.to_lowercase()).into());
        let n = values.len();
        sql.push_str(&format!(
            " and (lower(code) like ${n} escape '!' or lower(long_url) like ${n} escape '!' \
             or lower(coalesce(title, '')) like ${n} escape '!')"
        ));
    }
    values.push(ask.page.rows().into());
    sql.push_str(&format!(" order by id desc limit ${}", values.len()));
    db.read(&sql, values).await?.iter().map(read_row).collect()
}

fn like(text: &str) -> String {
    format!("%{}%", db::like(text))
}

/// Posts every link again, tombstones too.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App) -> Result<u64, Error> {
    let sql = format!("select {COLUMNS} from link where id > $1 order by id limit {REPLAY_PAGE}");
    let (mut posted, mut after) = (0, 0u64);
    loop {
        let mut tx = app.db.begin().await?;
        let epoch = outbox::epoch(&mut tx).await?;
        let rows = tx.read(&sql, values![after]).await?;
        let rows = rows.iter().map(read_row).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = rows.last() else { return Ok(posted) };
        after = last.id;
        let registers: Vec<Register> = rows.iter().map(|row| row.register(epoch)).collect();
        outbox::append(&mut tx, app, &registers, db::now()).await?;
        tx.commit().await?;
        posted += registers.len() as u64;
    }
}
