//! The accounts in which an application keeps what a gateway does: opened when first needed.
//!
//! Invariant: an application has one set per gateway and currency, whoever opens it first.

use super::columns::{ACCOUNT_ROW, ACCOUNT_TYPES, of_account};
use crate::app::App;
use crate::db::{self, Error};
use crate::rows::Rows;
use crate::values;
use shared::money::Currency;
use shared::payments::account::{Account, Funds, Kind, Limits};
use shared::payments::payment::Books;
use shared::payments::transfer::Stamp;

/// The set, opened if need be.
///
/// # Errors
/// The database is down.
pub async fn of(app: &App, owner: &str, gateway: &str, currency: Currency) -> Result<Books, Error> {
    if let Some(known) = known(app, owner, gateway, currency).await? {
        return Ok(known);
    }
    let ids = app.ids.next_many(4).await?;
    let [receivable, settled, fees, owed] =
        <[u64; 4]>::try_from(ids).map_err(|_| Error::Stored("four ids were asked for".into()))?;
    let books = Books { receivable, settled, fees, owed };
    let mut tx = app.db.begin().await?;
    let sql = "insert into gateway_books \
               (app, gateway, currency, receivable, settled, fees, owed) \
               values ($1, $2, $3, $4, $5, $6, $7) on conflict (app, gateway, currency) do nothing";
    let code = currency.code();
    let row = values![owner, gateway, code, receivable, settled, fees, owed];
    if tx.write(sql, row).await? == 1 {
        let mut values = Vec::new();
        for (id, what, kind) in [
            (receivable, "receivable", Kind::Asset),
            (settled, "settled", Kind::Asset),
            (fees, "fees and disputes", Kind::Expense),
            (owed, "to be given back", Kind::Liability),
        ] {
            let account = opened(id, owner, format!("{gateway}: {what}"), currency, kind);
            let made = account.created_at;
            let stamp = Stamp { at: made, by: "system".into(), request: String::new() };
            values.extend(of_account(&account, &stamp));
        }
        tx.write_rows(Rows { types: ACCOUNT_TYPES, values }, |rows| {
            format!(
                "insert into account ({ACCOUNT_ROW}) select * from {rows} \
                 where column1 is not null"
            )
        })
        .await?;
        tx.commit().await?;
        return Ok(books);
    }
    drop(tx);
    let known = self::known(app, owner, gateway, currency).await?;
    known.ok_or_else(|| Error::Stored("the gateway's accounts vanished".into()))
}

/// Whether an account is one of the application's gateways': those stay open.
///
/// # Errors
/// The database is down.
pub async fn hold(app: &App, owner: &str, account: u64) -> Result<bool, Error> {
    let sql = "select gateway from gateway_books where app = $1 \
               and (receivable = $2 or settled = $2 or fees = $2 or owed = $2)";
    Ok(!app.db.read(sql, values![owner, account]).await?.is_empty())
}

async fn known(
    app: &App,
    owner: &str,
    gateway: &str,
    currency: Currency,
) -> Result<Option<Books>, Error> {
    let sql = "select receivable, settled, fees, owed from gateway_books \
               where app = $1 and gateway = $2 and currency = $3";
    let rows = app.db.read(sql, values![owner, gateway, currency.code()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Books {
        receivable: db::number(row, "receivable")?,
        settled: db::number(row, "settled")?,
        fees: db::number(row, "fees")?,
        owed: db::number(row, "owed")?,
    }))
}

fn opened(id: u64, owner: &str, name: String, currency: Currency, kind: Kind) -> Account {
    Account {
        id,
        app: owner.into(),
        name,
        currency,
        kind,
        limits: Limits::default(),
        created_at: db::now(),
        closed_at: None,
        funds: Funds::default(),
    }
}
