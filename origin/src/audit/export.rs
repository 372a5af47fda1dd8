//! `GET /admin/audit/export`: everything that was done to an account, or by a subject, as lines of
//! JSON, while the tables are read page by page.
//!
//! Invariant: a line is an object with `kind`; what is in the ledger comes from the ledger's own
//! rows. The export itself is a record of the audit, committed before its first line leaves.

use super::{COLUMNS, Who, read, record};
use crate::app::App;
use crate::db::{self, Error, Value as Bound};
use crate::payments::columns::{self, ACCOUNT, ENTRY, TRANSFER};
use crate::respond::{Call, Failure};
use crate::subjects::{self, Subject};
use crate::values;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use futures::stream::{self, Stream};
use serde_json::{Value, json};
use shared::audit::{PSEUDONYM_PREFIX, SUBJECT};
use shared::page;
use shared::payments::error::NO_ACCOUNT;
use shared::payments::wire::{AccountView, EntryView, TransferView, account_id, parse};
use shared::problem::{FieldError, NOT_FOUND, Problem, UNACCEPTABLE};
use sqlx::any::AnyRow;
use std::sync::Arc;

/// Rows of one look.
const ROWS: u64 = 500;

/// About what.
#[derive(Clone, Debug)]
enum About {
    /// Its number, its name.
    Account(u64, String),
    Subject(Box<Subject>),
}

/// The lists that make up an export, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    /// The account or the subject itself.
    Head,
    Fields,
    Entries,
    /// Holds on either side; what became of each stands in it.
    HoldsDebit,
    HoldsCredit,
    AccountsOpened,
    TransfersMade,
    TransfersEnded,
    Audit,
}

const OF_ACCOUNT: &[List] =
    &[List::Head, List::Entries, List::HoldsDebit, List::HoldsCredit, List::Audit];
const OF_SUBJECT: &[List] = &[
    List::Head,
    List::Fields,
    List::AccountsOpened,
    List::TransfersMade,
    List::TransfersEnded,
    List::Audit,
];

impl About {
    fn lists(&self) -> &'static [List] {
        match self {
            Self::Account(..) => OF_ACCOUNT,
            Self::Subject(_) => OF_SUBJECT,
        }
    }
}

/// Answers the call, part by part.
///
/// # Errors
/// 404, 422, or the database is down before anything was answered.
pub async fn answer(app: &Arc<App>, call: &Call) -> Result<Response<Body>, Failure> {
    let about = about(app, call).await?;
    let (object, owner) = match &about {
        About::Account(_, name) => (name.clone(), String::new()),
        About::Subject(subject) => (subject.pseudonym.clone(), subject.app.clone()),
    };
    let who = Who::of(app, &call.context).await?.about(&owner);
    let mut tx = app.db.begin().await?;
    record(&mut tx, app, &who, ("audit.exported", &object), &json!({})).await?;
    tx.commit().await?;
    tracing::info!(request_id = call.context.request_id, "an export of the audit begins");
    let mut response = Response::new(Body::from_stream(lines(Arc::clone(app), about)));
    let media_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

async fn about(app: &App, call: &Call) -> Result<About, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    match (get("account"), get("subject")) {
        (Some(account), None) => {
            let missing = || Problem::new(&NO_ACCOUNT, "no account has this id");
            let id = parse("acc", account).ok_or_else(missing)?;
            let rows = app.db.read("select id from account where id = $1", values![id]).await?;
            rows.first().ok_or_else(missing)?;
            Ok(About::Account(id, account_id(id)))
        }
        (None, Some(subject)) => {
            let found = match get("app") {
                Some(owner) => subjects::find(app, owner, subject).await?,
                None if subject.starts_with(PSEUDONYM_PREFIX) => {
                    subjects::named(app, subject).await?
                }
                None => None,
            };
            let missing = || Problem::new(&NOT_FOUND, "no subject is called so");
            Ok(About::Subject(Box::new(found.ok_or_else(missing)?)))
        }
        _ => {
            let detail = "name either account or subject".into();
            let error = FieldError { pointer: "?account".into(), detail };
            Err(Problem::fields(&UNACCEPTABLE, vec![error]).into())
        }
    }
}

/// Where a stream is: the list's place, and behind which of its rows.
struct Place {
    app: Arc<App>,
    about: About,
    list: usize,
    after: String,
}

fn lines(app: Arc<App>, about: About) -> impl Stream<Item = Result<Bytes, Error>> {
    let place = Place { app, about, list: 0, after: String::new() };
    stream::try_unfold(place, |mut place| async move {
        loop {
            let Some(list) = place.about.lists().get(place.list).copied() else {
                return Ok(None);
            };
            let (items, after) = some(&place.app, &place.about, list, &place.after).await?;
            match after {
                Some(after) => place.after = after,
                None => (place.list, place.after) = (place.list + 1, String::new()),
            }
            if !items.is_empty() {
                let text: String = items.iter().map(|item| format!("{item}\n")).collect();
                return Ok(Some((Bytes::from(text), place)));
            }
        }
    })
}

/// Items, and behind which row the list goes on; `None`: it is through.
type Rows = (Vec<Value>, Option<String>);

async fn some(app: &App, about: &About, list: List, after: &str) -> Result<Rows, Error> {
    match (about, list) {
        (About::Account(id, _), List::Head) => head_of_account(app, *id).await,
        (About::Subject(subject), List::Head) => Ok((vec![head_of_subject(subject)], None)),
        (About::Subject(subject), List::Fields) => {
            let fields = subjects::fields(app, subject, after, ROWS).await?;
            let after = fields.last().map(|(name, _)| name.clone());
            let of = |name: &str, text: &str| json!({"kind": "field", "name": name, "text": text});
            let item = |(name, text): &(String, String)| of(name, text);
            Ok((fields.iter().map(item).collect(), after))
        }
        (About::Account(id, _), List::Entries) => entries(app, *id, after).await,
        (About::Account(id, _), List::HoldsDebit) => {
            transfers(app, "t.held = 1 and t.debit = $1", (*id).into(), after, "hold").await
        }
        (About::Account(id, _), List::HoldsCredit) => {
            transfers(app, "t.held = 1 and t.credit = $1", (*id).into(), after, "hold").await
        }
        (About::Subject(subject), List::AccountsOpened) => opened(app, subject, after).await,
        (About::Subject(subject), List::TransfersMade) => {
            let only = "t.made_by = $1 and substr(t.made_by, 1, 8) = 'subject:'";
            transfers(app, only, by(subject).into(), after, "transfer_made").await
        }
        (About::Subject(subject), List::TransfersEnded) => {
            let only = "t.settled_by = $1 and substr(t.settled_by, 1, 8) = 'subject:'";
            transfers(app, only, by(subject).into(), after, "transfer_ended").await
        }
        (About::Account(_, name), List::Audit) => {
            records(app, "object = $1", vec![name.as_str().into()], after).await
        }
        (About::Subject(subject), List::Audit) => {
            let names = vec![subject.pseudonym.as_str().into(), by(subject).into()];
            records(app, "(object = $1 or who = $2)", names, after).await
        }
        _ => Ok((Vec::new(), None)),
    }
}

fn by(subject: &Subject) -> String {
    format!("{SUBJECT}{}", subject.pseudonym)
}

fn head_of_subject(subject: &Subject) -> Value {
    json!({
        "kind": "subject", "subject": subject.pseudonym, "app": subject.app,
        "created_at": subject.created_at.to_rfc3339(),
        "erased_at": subject.destroyed_at.map(shared::time::Millis::to_rfc3339),
    })
}

fn account_item(row: &AnyRow) -> Result<Value, Error> {
    let account = columns::account(row)?;
    Ok(json!({
        "kind": "account", "app": account.app, "account": AccountView::of(&account),
        "created_by": db::text(row, "created_by")?,
        "created_request": db::text(row, "created_request")?,
        "closed_by": db::maybe_text(row, "closed_by")?,
        "closed_request": db::maybe_text(row, "closed_request")?,
    }))
}

const STAMPS: &str = "a.created_by, a.created_request, a.closed_by, a.closed_request";

async fn head_of_account(app: &App, id: u64) -> Result<Rows, Error> {
    let sql = format!("select {ACCOUNT}, {STAMPS} from account a where a.id = $1");
    let rows = app.db.read(&sql, values![id]).await?;
    Ok((rows.iter().map(account_item).collect::<Result<_, _>>()?, None))
}

async fn opened(app: &App, subject: &Subject, after: &str) -> Result<Rows, Error> {
    let sql = format!(
        "select {ACCOUNT}, {STAMPS} from account a where a.created_by = $1 and \
         substr(a.created_by, 1, 8) = 'subject:' and a.id > $2 order by a.id limit {ROWS}"
    );
    let rows = app.db.read(&sql, values![by(subject), number(after)]).await?;
    let last = rows.last().map(|row| db::number(row, "id")).transpose()?;
    let items = rows.iter().map(account_item).collect::<Result<_, _>>()?;
    Ok((items, last.map(|id| id.to_string())))
}

fn number(after: &str) -> u64 {
    after.parse().unwrap_or(0)
}

async fn entries(app: &App, id: u64, after: &str) -> Result<Rows, Error> {
    let sql = format!("select {ACCOUNT} from account a where a.id = $1");
    let account = app.db.read(&sql, values![id]).await?;
    let gone = || Error::Stored("an account vanished".into());
    let account = columns::account(account.first().ok_or_else(gone)?)?;
    let sql = format!(
        "select {ENTRY}, {TRANSFER} from entry e join transfer t on t.id = e.transfer \
         where e.account = $1 and (e.at, e.n) > ($2, $3) order by e.at, e.n limit {ROWS}"
    );
    let (at, n) = after.split_once('.').unwrap_or_default();
    let rows = app.db.read(&sql, values![id, number(at), number(n)]).await?;
    let (mut items, mut last) = (Vec::new(), None);
    for row in &rows {
        let (entry, transfer) = (columns::entry(row)?, columns::transfer(row)?);
        let view = EntryView::of(&entry, &transfer, &account);
        items.push(json!({"kind": "entry", "entry": view}));
        last = Some(format!("{}.{}", entry.at.0, entry.n));
    }
    Ok((items, last))
}

async fn transfers(
    app: &App,
    only: &str,
    whose: Bound,
    after: &str,
    kind: &str,
) -> Result<Rows, Error> {
    let sql = format!(
        "select {TRANSFER} from transfer t where {only} and t.id > $2 order by t.id limit {ROWS}"
    );
    let rows = app.db.read(&sql, vec![whose, number(after).into()]).await?;
    let (mut items, mut last, now) = (Vec::new(), None, db::now());
    for row in &rows {
        let transfer = columns::transfer(row)?;
        last = Some(transfer.id.to_string());
        let ended = transfer.settled.as_ref().map(|stamp| stamp.request.clone());
        let view = TransferView::of(&transfer, now);
        items.push(json!({"kind": kind, "transfer": view, "settled_request": ended}));
    }
    Ok((items, last))
}

async fn records(
    app: &App,
    only: &str,
    mut values: Vec<Bound>,
    after: &str,
) -> Result<Rows, Error> {
    let n = values.len() + 1;
    values.push(number(after).into());
    let sql =
        format!("select {COLUMNS} from audit where {only} and n > ${n} order by n limit {ROWS}");
    let rows = app.db.read(&sql, values).await?;
    let (mut items, mut last) = (Vec::new(), None);
    for row in &rows {
        let (record, hash) = read(row)?;
        last = Some(record.n.to_string());
        items.push(json!({"kind": "audit", "record": record, "hash": hash}));
    }
    Ok((items, last))
}
