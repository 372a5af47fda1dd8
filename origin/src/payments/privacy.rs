//! What payments keep of a user: in the ledger a pseudonym, and aside of it what is personal (P24).
//!
//! Invariant: an erasure destroys the subject's key, the names of the accounts it opened, what it
//! wrote into payments, and the bank accounts of its payouts once they are over; no entry,
//! transfer, hash or proof changes. What stays is without a person, and stays by law.

use super::columns::{self, ACCOUNT, TRANSFER};
use super::{kept, payouts};
use crate::db::{self, Error};
use crate::privacy::{Next, Work};
use crate::subjects;
use crate::values;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::audit::SUBJECT;
use shared::payments::payment::Payment;
use shared::payments::payment::wire::PaymentView;
use shared::payments::payout::PayoutStatus;
use shared::payments::wire::{AccountView, PRODUCT, TransferView};
use std::collections::BTreeMap;

/// Why entries, transfers and their audit stay, without the person.
pub const BASIS: &str = "entries, transfers, account numbers and the audit stay under a pseudonym \
                         that leads to nobody: books of account are kept as commercial and tax \
                         law demand (GDPR article 17(3)(b); for example 10 years by section 147 \
                         of the German AO, 6 years by section 388 of the UK Companies Act)";
/// Rows of one step.
const ROWS: u64 = 500;
/// The name of an account whose opener was erased.
const NAMELESS: &str = "erased";

/// Where an export goes on: which list, and behind which of its rows.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    list: u8,
    after: String,
}

/// One step of an export.
///
/// # Errors
/// The database is down, or a row is not readable.
pub async fn export(work: &mut Work<'_>) -> Result<Next, Error> {
    let app = work.app;
    let Some(subject) = subjects::find(app, &work.owner, &work.subject).await? else {
        return Ok(Next::Done);
    };
    let mut place: Place = match work.place.as_str() {
        "" => Place::default(),
        text => serde_json::from_str(text)?,
    };
    let by = format!("{SUBJECT}{}", subject.pseudonym);
    let number: u64 = place.after.parse().unwrap_or(0);
    let last = match place.list {
        0 => {
            let found = subjects::fields(app, &subject, &place.after, ROWS).await?;
            let last = found.last().map(|(name, _)| name.clone());
            for (name, text) in found {
                work.items.push(json!({
                    "product": PRODUCT, "kind": "field", "subject": subject.pseudonym,
                    "name": name, "text": text,
                }));
                work.count("fields", 1);
            }
            last
        }
        1 => accounts(work, &by, number).await?,
        2 => transfers(work, &by, ("made_by", "made"), number).await?,
        3 => transfers(work, &by, ("settled_by", "ended"), number).await?,
        4 => payments(work, &by, number).await?,
        5 => payouts(work, &by, number).await?,
        _ => return Ok(Next::Done),
    };
    place = match last {
        Some(after) => Place { after, ..place },
        None => Place { list: place.list + 1, after: String::new() },
    };
    work.place = serde_json::to_string(&place)?;
    Ok(Next::Step)
}

async fn accounts(work: &mut Work<'_>, by: &str, after: u64) -> Result<Option<String>, Error> {
    let sql = format!(
        "select {ACCOUNT} from account a where a.created_by = $1 and \
         substr(a.created_by, 1, 8) = 'subject:' and a.id > $2 order by a.id limit {ROWS}"
    );
    let rows = work.tx.read(&sql, values![by, after]).await?;
    for row in &rows {
        let view = AccountView::of(&columns::account(row)?);
        work.items.push(json!({"product": PRODUCT, "kind": "account", "account": view}));
    }
    work.count("accounts", rows.len() as u64);
    rows.last().map(|row| Ok(db::number(row, "id")?.to_string())).transpose()
}

async fn transfers(
    work: &mut Work<'_>,
    by: &str,
    (column, name): (&str, &str),
    after: u64,
) -> Result<Option<String>, Error> {
    let sql = format!(
        "select {TRANSFER} from transfer t where t.{column} = $1 and \
         substr(t.{column}, 1, 8) = 'subject:' and t.id > $2 order by t.id limit {ROWS}"
    );
    let rows = work.tx.read(&sql, values![by, after]).await?;
    for row in &rows {
        let view = TransferView::of(&columns::transfer(row)?, work.now);
        work.items.push(json!({
            "product": PRODUCT, "kind": "transfer", "did": name, "transfer": view,
        }));
    }
    work.count(&format!("transfers_{name}"), rows.len() as u64);
    rows.last().map(|row| Ok(db::number(row, "transfer")?.to_string())).transpose()
}

/// The payments that a user created, behind one of them.
async fn created(work: &mut Work<'_>, by: &str, after: u64) -> Result<Vec<Payment>, Error> {
    let sql = format!(
        "select p.body from payment_event e join payment p on p.id = e.payment \
         where e.made_by = $1 and substr(e.made_by, 1, 8) = 'subject:' and e.n = 1 \
         and e.payment > $2 order by e.payment limit {ROWS}"
    );
    work.tx.read(&sql, values![by, after]).await?.iter().map(kept::payment).collect()
}

async fn payments(work: &mut Work<'_>, by: &str, after: u64) -> Result<Option<String>, Error> {
    let found = created(work, by, after).await?;
    for payment in &found {
        let view = PaymentView::of(payment);
        work.items.push(json!({"product": PRODUCT, "kind": "payment", "payment": view}));
    }
    work.count("payments", found.len() as u64);
    Ok(found.last().map(|last| last.id.to_string()))
}

async fn payouts(work: &mut Work<'_>, by: &str, after: u64) -> Result<Option<String>, Error> {
    let rows = payouts::of_subject(&mut work.tx, by, after, ROWS).await?;
    for (_, view) in &rows {
        work.items.push(json!({"product": PRODUCT, "kind": "payout", "payout": view}));
    }
    work.count("payouts", rows.len() as u64);
    Ok(rows.last().map(|(id, _)| id.to_string()))
}

/// Drops what a user wrote into payments; how many.
async fn scrub(work: &mut Work<'_>, by: &str) -> Result<u64, Error> {
    let (mut count, mut after) = (0, 0);
    loop {
        let found = created(work, by, after).await?;
        let Some(last) = found.last() else { return Ok(count) };
        after = last.id;
        for payment in found {
            let id = payment.id;
            let plain = Payment { description: None, metadata: BTreeMap::new(), ..payment };
            let sql = "update payment set body = $1 where id = $2";
            work.tx.write(sql, values![serde_json::to_string(&plain)?, id]).await?;
            count += 1;
        }
    }
}

/// Forgets where a user's payouts went; one that is under way still needs it, and is waited for.
async fn forget_banks(work: &mut Work<'_>, by: &str) -> Result<Next, Error> {
    let under_way = u64::from(PayoutStatus::Processing.number());
    let own = "created_by = $1 and substr(created_by, 1, 8) = 'subject:'";
    let sql = format!(
        "delete from payout_bank where payout in \
         (select id from payout where {own} and status <> $2)"
    );
    let gone = work.tx.write(&sql, values![by, under_way]).await?;
    work.count("bank_accounts", gone);
    let sql = format!("select count(*) as n from payout where {own} and status = $2");
    let rows = work.tx.read(&sql, values![by, under_way]).await?;
    match rows.first().map(|row| db::number(row, "n")).transpose()? {
        None | Some(0) => Ok(Next::Retained(BASIS)),
        Some(_) => Ok(Next::Later(work.now.plus(work.app.config.durations.erasure_settle_ms))),
    }
}

/// One step of an erasure: the first does it, later ones wait for payouts that are under way.
///
/// # Errors
/// The database is down.
pub async fn erase(work: &mut Work<'_>) -> Result<Next, Error> {
    if !work.place.is_empty() {
        let by = work.place.clone();
        return forget_banks(work, &by).await;
    }
    let Work { app, tx, owner, subject, now, .. } = work;
    let Some((pseudonym, fields)) = subjects::destroy(tx, app, owner, subject, *now).await? else {
        return Ok(Next::Done);
    };
    let by = format!("{SUBJECT}{pseudonym}");
    let sql = "update account set name = $1 where created_by = $2 \
               and substr(created_by, 1, 8) = 'subject:' and app = $3";
    let accounts = tx.write(sql, values![NAMELESS, by.as_str(), owner.as_str()]).await?;
    let count = |column: &str| {
        format!(
            "select count(*) as n from transfer where {column} = $1 \
             and substr({column}, 1, 8) = 'subject:'"
        )
    };
    let mut retained = 0;
    for column in ["made_by", "settled_by"] {
        let rows = tx.read(&count(column), values![by.as_str()]).await?;
        retained += rows.first().map(|row| db::number(row, "n")).transpose()?.unwrap_or(0);
    }
    work.count("fields", fields);
    work.count("account_names", accounts);
    work.count("transfers_retained", retained);
    let payments = scrub(work, &by).await?;
    work.count("payments_scrubbed", payments);
    work.place.clone_from(&by);
    forget_banks(work, &by).await
}
