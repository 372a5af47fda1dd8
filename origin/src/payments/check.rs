//! `GET /admin/ledger/check`: the whole ledger, from its rows alone, at one moment.
//!
//! Looked at: every entry's leaf, chain, tree and place; both sides of every transfer; every kept
//! balance and every running one; every hold; the sum of every currency; every signed head.
//! Invariant: nothing is mended, and writers do not wait for it.

pub mod own;

use super::columns::{self, ACCOUNT};
use super::proof::entries;
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::payments::account::Account;
use shared::payments::chain::{self, Head, SignedHead, place};
use shared::payments::transfer::{Entry, Transfer};
use shared::payments::wire::{LedgerCheck, account_id, entry_id};
use std::collections::BTreeMap;

/// Entries of one read.
const PAGE: u64 = 5_000;
/// Accounts of one read.
const ACCOUNTS: u64 = 5_000;
/// What is told of at most.
const FAULTS_MAX: usize = 100;

/// What the entries say of an account.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    posted: i128,
    count: u64,
}

#[derive(Debug, Default)]
struct Found {
    faults: Vec<String>,
    entries: u64,
    of: BTreeMap<u64, Sum>,
    heads: BTreeMap<u64, Head>,
}

impl Found {
    fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }
}

/// `GET /admin/ledger/check`
pub async fn check(app: &App, _: &Call) -> Result<Envelope, Failure> {
    let report = whole(app).await?;
    if !report.ok {
        tracing::error!(faults = ?report.faults, "the ledger does not add up");
    }
    Ok(Envelope::json(200, &report))
}

/// Looks at everything.
///
/// # Errors
/// The database is down, or a row is none.
pub async fn whole(app: &App) -> Result<LedgerCheck, Error> {
    let mut tx = app.db.snapshot().await?;
    let mut found = Found::default();
    log(app, &mut tx, &mut found).await?;
    let (accounts, by_currency) = balances(&mut tx, &mut found).await?;
    rest(&mut tx, &mut found).await?;
    for (currency, sum) in &by_currency {
        if *sum != 0 {
            found.fault(format!("{currency} sums to {sum}"));
        }
    }
    Ok(LedgerCheck {
        ok: found.faults.is_empty(),
        accounts,
        entries: found.entries,
        by_currency: narrowed(by_currency),
        faults: found.faults,
    })
}

fn narrowed(sums: BTreeMap<String, i128>) -> BTreeMap<String, i64> {
    let narrow =
        |sum: i128| i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX });
    sums.into_iter().map(|(code, sum)| (code, narrow(sum))).collect()
}

/// The log, entry by entry, against its heads, kept and signed.
async fn log(app: &App, tx: &mut Tx<'_>, found: &mut Found) -> Result<(), Error> {
    let sql = "select shard, size, root, chain, at, key, signature from signed_head";
    let mut signed: BTreeMap<(u64, u64), SignedHead> = BTreeMap::new();
    let key = chain::signing_key(&app.config.token_seed.0).verifying_key();
    for row in tx.read(sql, vec![]).await? {
        let one = columns::signed_head(&row)?;
        // One of a key before this one cannot be held against it; its root still can.
        if one.key == hex::encode(key.as_bytes()) && !one.is_signed_by(&key) {
            found.fault(format!("the head of shard {} at {} is forged", one.shard, one.size));
        }
        signed.insert((one.shard, one.size), one);
    }
    let mut next = 0;
    loop {
        let rows = entries(tx, next, PAGE).await?;
        let Some((last, _)) = rows.last() else { break };
        next = last.id + 1;
        for (entry, transfer) in &rows {
            of_entry(found, entry, transfer);
            let (shard, _) = chain::shard_and_index(entry.id);
            let Some(head) = found.heads.get(&shard) else { continue };
            if let Some(one) = signed.remove(&(shard, head.tree.size()))
                && (one.root, one.chain) != (hex::encode(head.tree.root()), hex::encode(head.chain))
            {
                let size = one.size;
                found.fault(format!("the log of shard {shard} has changed before {size}"));
            }
        }
    }
    for (shard, size) in signed.into_keys().filter(|(_, size)| *size > 0) {
        found.fault(format!("the log of shard {shard} ends before {size}, which was signed"));
    }
    for row in tx.read("select shard, size, chain, peaks from ledger_head", vec![]).await? {
        let kept = columns::head(&row)?;
        if found.heads.get(&kept.shard) != Some(&kept) {
            found.fault(format!("the entries of shard {} do not lead to its head", kept.shard));
        }
    }
    Ok(())
}

fn of_entry(found: &mut Found, entry: &Entry, transfer: &Transfer) {
    found.entries += 1;
    let (shard, _) = chain::shard_and_index(entry.id);
    let head = found.heads.entry(shard).or_insert(Head { shard, ..Head::default() });
    let place = place(shard, head.tree.size());
    head.append(chain::leaf_of(entry, transfer), |_, _| {});
    let sum = found.of.entry(entry.account).or_default();
    sum.posted += i128::from(entry.amount);
    sum.count += 1;
    let posted = transfer.posted.unwrap_or(0);
    let is_side = (entry.account == transfer.debit && entry.amount == posted)
        || (entry.account == transfer.credit && entry.amount == -posted);
    if entry.id != place {
        found.fault(format!("{} stands where {} should", entry_id(entry.id), entry_id(place)));
    }
    if !is_side {
        found.fault(format!("{} is no side of its transfer", entry_id(entry.id)));
    }
}

/// The kept balances against the sums of the entries; how many accounts, and the currencies' sums.
async fn balances(
    tx: &mut Tx<'_>,
    found: &mut Found,
) -> Result<(u64, BTreeMap<String, i128>), Error> {
    let mut by_currency: BTreeMap<String, i128> = BTreeMap::new();
    let (mut count, mut next) = (0, 0);
    loop {
        let sql =
            format!("select {ACCOUNT} from account a where a.id >= $1 order by a.id limit $2");
        let rows = tx.read(&sql, values![next, ACCOUNTS]).await?;
        for row in &rows {
            let account: Account = columns::account(row)?;
            count += 1;
            next = account.id + 1;
            *by_currency.entry(account.currency.code().into()).or_default() +=
                i128::from(account.funds.posted);
            let sum = found.of.remove(&account.id).unwrap_or_default();
            let kept = (i128::from(account.funds.posted), account.funds.entries);
            if kept != (sum.posted, sum.count) {
                found.fault(format!("{} is not the sum of its entries", account_id(account.id)));
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    for account in std::mem::take(&mut found.of).into_keys() {
        found.fault(format!("{} has entries and no row", account_id(account)));
    }
    Ok((count, by_currency))
}

/// What the database counts fastest itself: each count must be 0.
async fn rest(tx: &mut Tx<'_>, found: &mut Found) -> Result<(), Error> {
    let running = "select count(*) as wrong from (select balance - amount \
                   - coalesce(lag(balance) over one, 0) as off, \
                   n - coalesce(lag(n) over one, 0) as step from entry \
                   window one as (partition by account order by at, n)) as each \
                   where off <> 0 or step <> 1";
    let held = |side: &str| {
        format!(
            "select count(*) as wrong from account a where a.{side}s_held <> \
             cast(coalesce((select sum(t.amount) from transfer t where t.held = 1 \
             and t.status = 1 and t.{side} = a.id), 0) as bigint)"
        )
    };
    let posted = "select (select count(*) from transfer where status = 0) * 2 \
                  - (select count(*) from entry) as wrong";
    let all = [
        ("entries whose balance does not run", running.to_owned()),
        ("accounts whose held debits are not their holds'", held("debit")),
        ("accounts whose held credits are not their holds'", held("credit")),
        ("entries too few for the posted transfers", posted.to_owned()),
    ];
    for (what, sql) in all {
        let rows = tx.read(&sql, vec![]).await?;
        let wrong = rows.first().map_or(Ok(0), |row| db::signed(row, "wrong"))?;
        if wrong != 0 {
            found.fault(format!("{wrong} {what}"));
        }
    }
    Ok(())
}
