//! `GET /api/v1/ledger/check`: an application's own accounts, from their rows, at one moment.
//!
//! Looked at: every kept balance and count against the entries; every entry's running balance, its
//! number, and whether it is a side of its transfer; every hold; the sum of every currency. The
//! log's hashes and signed heads are everybody's, and the operator's check looks at them.
//! Invariant: nothing is mended, and writers do not wait for it. Refused: more entries than are
//! looked at while the caller waits.

use super::{Found, Sum};
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::payments::columns::{self, ACCOUNT};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::payments::error::LEDGER_TOO_LARGE;
use shared::payments::wire::{LedgerCheck, account_id};
use shared::problem::Problem;
use std::collections::BTreeMap;

/// Five seconds at 100,000 a second on a busy machine: half of what the edge waits.
const ENTRIES_MAX: u64 = 500_000;
/// Accounts of one read.
const ACCOUNTS: u64 = 500;

/// `GET /api/v1/ledger/check`
pub async fn check(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let owner = call.context.app.as_str();
    let mut tx = app.db.snapshot().await?;
    let sql = "select cast(coalesce(sum(entries), 0) as bigint) as entries \
               from account where app = $1";
    let rows = tx.read(sql, values![owner]).await?;
    let entries = rows.first().map_or(Ok(0), |row| db::number(row, "entries"))?;
    if entries > ENTRIES_MAX {
        let detail = format!("{entries} entries, and more than {ENTRIES_MAX} are the operator's");
        return Err(Problem::new(&LEDGER_TOO_LARGE, detail).into());
    }
    let report = of(&mut tx, owner).await?;
    if !report.ok {
        tracing::error!(app = owner, faults = ?report.faults, "the application's books are wrong");
    }
    Ok(Envelope::json(200, &report))
}

async fn of(tx: &mut Tx<'_>, owner: &str) -> Result<LedgerCheck, Error> {
    let mut found = Found::default();
    let mut by_currency: BTreeMap<String, i128> = BTreeMap::new();
    let (mut accounts, mut after) = (0, 0);
    loop {
        let sql = format!(
            "select {ACCOUNT}, {}, {} from account a \
             where a.app = $1 and a.id > $2 order by a.id limit $3",
            held("debit"),
            held("credit")
        );
        let rows = tx.read(&sql, values![owner, after, ACCOUNTS]).await?;
        let Some(last) = rows.last() else { break };
        let last = db::number(last, "id")?;
        entries(tx, &mut found, owner, (after, last)).await?;
        for row in &rows {
            let account = columns::account(row)?;
            let name = account_id(account.id);
            let funds = account.funds;
            accounts += 1;
            *by_currency.entry(account.currency.code().into()).or_default() +=
                i128::from(funds.posted);
            let sum = found.of.remove(&account.id).unwrap_or_default();
            if (i128::from(funds.posted), funds.entries) != (sum.posted, sum.count) {
                found.fault(format!("{name} is not the sum of its entries"));
            }
            let held = (db::signed(row, "debit_sum")?, db::signed(row, "credit_sum")?);
            if (funds.debits_held, funds.credits_held) != held {
                found.fault(format!("{name} holds what its pending transfers do not"));
            }
        }
        after = last;
    }
    for (currency, sum) in by_currency.iter().filter(|(_, sum)| **sum != 0) {
        found.fault(format!("{currency} sums to {sum}"));
    }
    Ok(LedgerCheck {
        ok: found.faults.is_empty(),
        accounts,
        entries: found.entries,
        by_currency: super::narrowed(by_currency),
        faults: found.faults,
    })
}

/// What the pending transfers hold of `account a` on one side. A sum of bigint is no bigint on
/// PostgreSQL.
fn held(side: &str) -> String {
    format!(
        "cast(coalesce((select sum(t.amount) from transfer t where t.held = 1 and t.status = 1 \
         and t.{side} = a.id), 0) as bigint) as {side}_sum"
    )
}

/// The entries of the accounts after the first number, up to the last.
async fn entries(
    tx: &mut Tx<'_>,
    found: &mut Found,
    owner: &str,
    (after, last): (u64, u64),
) -> Result<(), Error> {
    let sql = "with each as (select e.account, e.amount, e.transfer, \
               e.balance - e.amount - coalesce(lag(e.balance) over one, 0) as off, \
               e.n - coalesce(lag(e.n) over one, 0) as step \
               from account a join entry e on e.account = a.id \
               where a.app = $1 and a.id > $2 and a.id <= $3 \
               window one as (partition by e.account order by e.at, e.n)) \
               select each.account as account, count(*) as entries, \
               cast(sum(each.amount) as bigint) as posted, \
               cast(sum(case when each.off <> 0 or each.step <> 1 then 1 else 0 end) as bigint) \
               as broken, \
               cast(sum(case when (t.debit = each.account and t.posted = each.amount) \
               or (t.credit = each.account and t.posted = -each.amount) then 0 else 1 end) \
               as bigint) as alone \
               from each left join transfer t on t.id = each.transfer group by each.account";
    for row in tx.read(sql, values![owner, after, last]).await? {
        let account = db::number(&row, "account")?;
        let count = db::number(&row, "entries")?;
        let sum = Sum { posted: db::signed(&row, "posted")?.into(), count };
        found.entries += count;
        found.of.insert(account, sum);
        for (column, what) in [
            ("broken", "entries whose balance does not run"),
            ("alone", "entries that are no side of their transfer"),
        ] {
            let wrong = db::number(&row, column)?;
            if wrong > 0 {
                found.fault(format!("{} has {wrong} {what}", account_id(account)));
            }
        }
    }
    Ok(())
}
