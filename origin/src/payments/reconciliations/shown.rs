//! Reconciliations as operators see them, and what is proposed for a drift.
//!
//! Invariant: a proposal is a body that somebody may send; that nobody sends it changes nothing.

use super::super::columns::{ACCOUNT_ROW, ACCOUNT_TYPES, of_account};
use super::ours;
use crate::admin::roads;
use crate::app::App;
use crate::db::{self, Error, Value};
use crate::respond::{Call, Failure};
use crate::rows::Rows;
use crate::values;
use shared::envelope::Envelope;
use shared::money::Currency;
use shared::page::{self, Page};
use shared::payments::account::{Account, Funds, Kind as AccountKind, Limits};
use shared::payments::error::NO_RECONCILIATION;
use shared::payments::reconcile::line::Kind;
use shared::payments::reconcile::statement::written;
use shared::payments::reconcile::wire::{
    Counts, FindingView, ReconciliationView, State, parse, reconciliation_id,
};
use shared::payments::request::TransferRequest;
use shared::payments::transfer::{Purpose, Stamp};
use shared::payments::wire::account_id;
use shared::problem::{FieldError, Problem, UNACCEPTABLE};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

const COLUMNS: &str = "id, account, app, source, format, state, why, window_days, from_at, \
                       until_at, day, closes, ours, theirs, counts, drift, created_at, done_at";

fn no_reconciliation() -> Problem {
    Problem::new(&NO_RECONCILIATION, "no reconciliation has this id")
}

fn number(call: &Call) -> Result<u64, Problem> {
    parse(call.segment(0)).ok_or_else(no_reconciliation)
}

/// One, with what is proposed; one of `owner`'s, if it is given.
///
/// # Errors
/// 404, or the database is down.
pub async fn one(app: &App, id: u64, owner: Option<&str>) -> Result<ReconciliationView, Failure> {
    let only = if owner.is_some() { "and app = $2" } else { "" };
    let sql = format!("select {COLUMNS} from reconciliation where id = $1 {only}");
    let mut values: Vec<Value> = values![id];
    values.extend(owner.map(Value::from));
    let rows = app.db.read(&sql, values).await?;
    Ok(view(app, rows.first().ok_or_else(no_reconciliation)?).await?)
}

async fn view(app: &App, row: &AnyRow) -> Result<ReconciliationView, Error> {
    let small = |name: &str| {
        let number = db::number(row, name)?;
        u32::try_from(number).map_err(|_| Error::Stored(format!("{name} is too large")))
    };
    let counts: Counts = match db::text(row, "counts")?.as_str() {
        "{}" => Counts::default(),
        text => serde_json::from_str(text)?,
    };
    let drift: BTreeMap<String, i64> = serde_json::from_str(&db::text(row, "drift")?)?;
    let (id, account) = (db::number(row, "id")?, db::number(row, "account")?);
    let state = State::of_number(db::number(row, "state")?);
    Ok(ReconciliationView {
        id: reconciliation_id(id),
        state: state.ok_or_else(|| Error::Stored("a reconciliation's state".into()))?,
        account: (account > 0).then(|| account_id(account)),
        source: db::text(row, "source")?,
        format: db::text(row, "format")?,
        day: written(small("day")?),
        closes: db::number(row, "closes")? == 1,
        window_days: small("window_days")?,
        from: Millis(db::number(row, "from_at")?),
        until: Millis(db::number(row, "until_at")?),
        ours: db::number(row, "ours")?,
        theirs: db::number(row, "theirs")?,
        alert: !counts.agree(),
        counts,
        proposals: proposals(app, id, account, &drift).await?,
        drift,
        why: db::maybe_text(row, "why")?,
        created_at: Millis(db::number(row, "created_at")?),
        done_at: db::maybe_number(row, "done_at")?.map(Millis),
    })
}

/// The transfers that would put the drift of one account aside.
async fn proposals(
    app: &App,
    id: u64,
    account: u64,
    drift: &BTreeMap<String, i64>,
) -> Result<Vec<TransferRequest>, Error> {
    if drift.is_empty() || account == 0 {
        return Ok(Vec::new());
    }
    let Some(account) = ours::account(app, account).await? else { return Ok(Vec::new()) };
    let sql = "select account from suspense_account where app = $1 and currency = $2";
    let code = account.currency.code();
    let rows = app.db.read(sql, values![account.app.as_str(), code]).await?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let suspense = account_id(db::number(row, "account")?);
    // A drift in another currency than the account's is no transfer of this account.
    let Some(sum) = drift.get(code) else { return Ok(Vec::new()) };
    // The statement has more: the account is to have more, on its own normal side.
    let is_debited = (*sum > 0) == account.kind.is_debit_normal();
    let own = account_id(account.id);
    let (debit, credit) = if is_debited { (own, suspense) } else { (suspense, own) };
    Ok(vec![TransferRequest {
        debit_account: Some(debit),
        credit_account: Some(credit),
        amount: Some(sum.saturating_abs()),
        currency: Some(code.into()),
        purpose: Some(Purpose::Adjustment),
        reference: Some(reconciliation_id(id)),
        ..TransferRequest::default()
    }])
}

/// The account in which an application's drift may wait, opened if need be.
///
/// # Errors
/// The database is down.
pub async fn suspense(app: &App, owner: &str, currency: Currency) -> Result<(), Error> {
    let id = app.ids.next().await?;
    let mut tx = app.db.begin().await?;
    let sql = "insert into suspense_account (app, currency, account) values ($1, $2, $3) \
               on conflict (app, currency) do nothing";
    if tx.write(sql, values![owner, currency.code(), id]).await? == 0 {
        return Ok(());
    }
    let account = Account {
        id,
        app: owner.into(),
        name: "suspense: to be explained".into(),
        currency,
        kind: AccountKind::Liability,
        limits: Limits::default(),
        created_at: db::now(),
        closed_at: None,
        funds: Funds::default(),
    };
    let stamp = Stamp { at: account.created_at, by: "system".into(), request: String::new() };
    let values = of_account(&account, &stamp);
    tx.write_rows(Rows { types: ACCOUNT_TYPES, values }, |rows| {
        format!(
            "insert into account ({ACCOUNT_ROW}) select * from {rows} where column1 is not null"
        )
    })
    .await?;
    tx.commit().await
}

/// `GET /admin/reconciliations/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    get_of(app, call, None).await
}

pub(super) async fn get_of(
    app: &App,
    call: &Call,
    owner: Option<&str>,
) -> Result<Envelope, Failure> {
    Ok(Envelope::json(200, &one(app, number(call)?, owner).await?))
}

/// `GET /admin/reconciliations`: newest first; `?account=` those of one account.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    list_of(app, call, None).await
}

pub(super) async fn list_of(
    app: &App,
    call: &Call,
    owner: Option<&str>,
) -> Result<Envelope, Failure> {
    let ask = roads::ask(call, &["account"])?;
    let asked = page::query(&call.query);
    let account = asked.get("account").map(|text| {
        shared::payments::wire::parse("acc", text).ok_or_else(|| refused("account", "no account"))
    });
    let account = account.transpose()?;
    let after = ask.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(i64::MAX);
    let mut values: Vec<Value> = values![after, ask.rows()];
    let mut only = String::new();
    let wanted = [("account", account.map(Value::from)), ("app", owner.map(Value::from))];
    for (column, value) in wanted {
        let Some(value) = value else { continue };
        values.push(value);
        only.push_str(&format!(" and {column} = ${}", values.len()));
    }
    let sql = format!(
        "select {COLUMNS} from reconciliation where id < $1{only} order by id desc limit $2"
    );
    let mut items = Vec::new();
    for row in app.db.read(&sql, values).await? {
        items.push((db::number(&row, "id")?, view(app, &row).await?));
    }
    let page = ask.page(items, |(id, _)| id.to_string());
    let items = page.items.into_iter().map(|(_, view)| view).collect();
    Ok(Envelope::json(200, &Page::<ReconciliationView> { items, next_cursor: page.next_cursor }))
}

fn refused(name: &str, detail: &str) -> Problem {
    let error = FieldError { pointer: format!("?{name}"), detail: detail.into() };
    Problem::fields(&UNACCEPTABLE, vec![error])
}

/// `GET /admin/reconciliations/{id}/findings`: in order; `?kind=` those of one kind.
pub async fn findings(app: &App, call: &Call) -> Result<Envelope, Failure> {
    findings_of(app, call, None).await
}

pub(super) async fn findings_of(
    app: &App,
    call: &Call,
    owner: Option<&str>,
) -> Result<Envelope, Failure> {
    let ask = roads::ask(call, &["kind"])?;
    let asked = page::query(&call.query);
    let kind = asked.get("kind").map(|name| {
        let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| refused("kind", "no such kind of finding"))
    });
    let kind = kind.transpose()?;
    let id = number(call)?;
    one(app, id, owner).await?;
    let after: u64 = ask.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(0);
    let only = if kind.is_some() { "and kind = $4" } else { "" };
    let sql = format!(
        "select n, kind, ours, theirs from reconciliation_finding \
         where reconciliation = $1 and n > $2 {only} order by n limit $3"
    );
    let mut values: Vec<Value> = values![id, after, ask.rows()];
    values.extend(kind.map(|kind| Value::from(kind.number())));
    let rows = app.db.read(&sql, values).await?;
    let items = rows.iter().map(finding).collect::<Result<Vec<_>, Error>>()?;
    let page: Page<FindingView> = ask.page(items, |last| last.n.to_string());
    Ok(Envelope::json(200, &page))
}

fn finding(row: &AnyRow) -> Result<FindingView, Error> {
    let kind = Kind::of_number(db::number(row, "kind")?);
    Ok(FindingView {
        n: db::number(row, "n")?,
        kind: kind.ok_or_else(|| Error::Stored("a finding's kind".into()))?,
        ours: serde_json::from_str(&db::text(row, "ours")?)?,
        theirs: serde_json::from_str(&db::text(row, "theirs")?)?,
    })
}
