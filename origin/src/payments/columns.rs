//! The ledger's rows and what they stand for, column by column.

use crate::db::{self, Error, Value};
use crate::rows::Type::{self, Int, Text};
use crate::values;
use shared::money::Currency;
use shared::payments::account::{Account, Funds, Kind, Limits};
use shared::payments::chain::{Head, SignedHead};
use shared::payments::transfer::{Entry, Purpose, Stamp, Status, Transfer};
use shared::payments::tree::{self, Frontier};
use shared::time::Millis;
use sqlx::any::AnyRow;

/// Of `account a`.
pub const ACCOUNT: &str = "a.id, a.app, a.name, a.currency, a.kind, a.limits, a.posted, \
                           a.debits_held, a.credits_held, a.entries, a.entry_at, a.created_at, \
                           a.closed_at";
/// The same as one text with a bar between; the name, which may hold one, comes last. A commit
/// reads up to two accounts per transfer, and a driver's row costs more than its text.
pub const ACCOUNT_LINE: &str = "a.id || '|' || a.app || '|' || a.currency || '|' || a.kind \
                                || '|' || a.limits || '|' || a.posted || '|' || a.debits_held \
                                || '|' || a.credits_held || '|' || a.entries \
                                || '|' || a.entry_at \
                                || '|' || a.created_at || '|' || coalesce(a.closed_at, 0) \
                                || '|' || a.name";
pub const ACCOUNT_ROW: &str = "id, app, name, currency, kind, limits, posted, debits_held, \
                               credits_held, entries, entry_at, created_at, created_by, \
                               created_request";
pub const ACCOUNT_TYPES: &[Type] =
    &[Int, Text, Text, Text, Int, Int, Int, Int, Int, Int, Int, Int, Text, Text];
/// Of `transfer t`; its number is called `transfer` where an entry stands beside it.
pub const TRANSFER: &str = "t.id as transfer, t.debit, t.credit, t.amount as asked, t.currency, \
                            t.purpose, t.reference, t.status, t.expires_at, t.posted, t.made_at, \
                            t.made_by, t.made_request, t.settled_at, t.settled_by, \
                            t.settled_request";
pub const TRANSFER_ROW: &str = "id, debit, credit, amount, currency, purpose, reference, status, \
                                held, expires_at, posted, made_at, made_by, made_request";
pub const TRANSFER_TYPES: &[Type] =
    &[Int, Int, Int, Int, Text, Int, Text, Int, Int, Int, Int, Int, Text, Text];
/// Of `entry e`.
pub const ENTRY: &str = "e.id, e.account, e.n, e.amount, e.balance, e.at";

fn stored(what: &str) -> Error {
    Error::Stored(format!("{what} is not what the ledger writes"))
}

fn currency(row: &AnyRow) -> Result<Currency, Error> {
    Currency::of(&db::text(row, "currency")?).ok_or_else(|| stored("currency"))
}

/// Reads [`ACCOUNT`].
///
/// # Errors
/// The row is none.
pub fn account(row: &AnyRow) -> Result<Account, Error> {
    let funds = Funds {
        posted: db::signed(row, "posted")?,
        debits_held: db::signed(row, "debits_held")?,
        credits_held: db::signed(row, "credits_held")?,
        entries: db::number(row, "entries")?,
        entry_at: Millis(db::number(row, "entry_at")?),
    };
    Ok(Account {
        id: db::number(row, "id")?,
        app: db::text(row, "app")?,
        name: db::text(row, "name")?,
        currency: currency(row)?,
        kind: Kind::of_number(db::number(row, "kind")?).ok_or_else(|| stored("kind"))?,
        limits: Limits::of_number(db::number(row, "limits")?),
        created_at: Millis(db::number(row, "created_at")?),
        closed_at: db::maybe_number(row, "closed_at")?.map(Millis),
        funds,
    })
}

/// Reads [`ACCOUNT_LINE`]; `None`: it is none.
#[must_use]
pub fn account_of(line: &str) -> Option<Account> {
    let mut parts = line.splitn(13, '|');
    let mut text = || parts.next();
    let id = text()?.parse().ok()?;
    let app = text()?.into();
    let currency = Currency::of(text()?)?;
    let kind = Kind::of_number(text()?.parse().ok()?)?;
    let limits = Limits::of_number(text()?.parse().ok()?);
    let funds = Funds {
        posted: text()?.parse().ok()?,
        debits_held: text()?.parse().ok()?,
        credits_held: text()?.parse().ok()?,
        entries: text()?.parse().ok()?,
        entry_at: Millis(text()?.parse().ok()?),
    };
    let created_at = Millis(text()?.parse().ok()?);
    let closed_at = Some(text()?.parse().ok()?).filter(|at| *at > 0).map(Millis);
    let name = text()?.into();
    Some(Account { id, app, name, currency, kind, limits, created_at, closed_at, funds })
}

/// The values of [`ACCOUNT_ROW`].
pub fn of_account(account: &Account, stamp: &Stamp) -> Vec<Value> {
    let Funds { posted, debits_held, credits_held, entries, entry_at } = account.funds;
    values![
        account.id,
        account.app.as_str(),
        account.name.as_str(),
        account.currency.code(),
        account.kind.number(),
        account.limits.number(),
        posted,
        debits_held,
        credits_held,
        entries,
        entry_at,
        account.created_at,
        stamp.by.as_str(),
        stamp.request.as_str(),
    ]
}

/// Reads [`TRANSFER`].
///
/// # Errors
/// The row is none.
pub fn transfer(row: &AnyRow) -> Result<Transfer, Error> {
    let settled = match db::maybe_number(row, "settled_at")? {
        None => None,
        Some(at) => Some(Stamp {
            at: Millis(at),
            by: db::text(row, "settled_by")?,
            request: db::text(row, "settled_request")?,
        }),
    };
    let posted = db::maybe_number(row, "posted")?;
    Ok(Transfer {
        id: db::number(row, "transfer")?,
        debit: db::number(row, "debit")?,
        credit: db::number(row, "credit")?,
        amount: db::signed(row, "asked")?,
        currency: currency(row)?,
        purpose: Purpose::of_number(db::number(row, "purpose")?)
            .ok_or_else(|| stored("purpose"))?,
        reference: db::maybe_text(row, "reference")?,
        status: Status::of_number(db::number(row, "status")?).ok_or_else(|| stored("status"))?,
        expires_at: db::maybe_number(row, "expires_at")?.map(Millis),
        made: Stamp {
            at: Millis(db::number(row, "made_at")?),
            by: db::text(row, "made_by")?,
            request: db::text(row, "made_request")?,
        },
        settled,
        posted: posted.and_then(|posted| i64::try_from(posted).ok()),
    })
}

/// The values of [`TRANSFER_ROW`].
pub fn of_transfer(transfer: &Transfer) -> Vec<Value> {
    let Stamp { at, by, request } = &transfer.made;
    values![
        transfer.id,
        transfer.debit,
        transfer.credit,
        transfer.amount,
        transfer.currency.code(),
        transfer.purpose.number(),
        transfer.reference.clone(),
        transfer.status.number(),
        u64::from(transfer.status == Status::Pending),
        transfer.expires_at,
        transfer.posted,
        *at,
        by.as_str(),
        request.as_str(),
    ]
}

/// Reads [`ENTRY`] beside [`TRANSFER`].
///
/// # Errors
/// The row is none.
pub fn entry(row: &AnyRow) -> Result<Entry, Error> {
    Ok(Entry {
        id: db::number(row, "id")?,
        account: db::number(row, "account")?,
        n: db::number(row, "n")?,
        transfer: db::number(row, "transfer")?,
        amount: db::signed(row, "amount")?,
        balance: db::signed(row, "balance")?,
        at: Millis(db::number(row, "at")?),
        leaf: [0; 32],
    })
}

/// Reads a shard's head.
///
/// # Errors
/// The row is none.
pub fn head(row: &AnyRow) -> Result<Head, Error> {
    let one = |text: String| tree::from_hex(&text)?.first().copied();
    let peaks = tree::from_hex(&db::text(row, "peaks")?).ok_or_else(|| stored("peaks"))?;
    Ok(Head {
        shard: db::number(row, "shard")?,
        chain: one(db::text(row, "chain")?).ok_or_else(|| stored("chain"))?,
        tree: Frontier::of(db::number(row, "size")?, peaks).ok_or_else(|| stored("peaks"))?,
    })
}

/// Reads a signed head.
///
/// # Errors
/// The row is none.
pub fn signed_head(row: &AnyRow) -> Result<SignedHead, Error> {
    Ok(SignedHead {
        shard: db::number(row, "shard")?,
        size: db::number(row, "size")?,
        root: db::text(row, "root")?,
        chain: db::text(row, "chain")?,
        at: Millis(db::number(row, "at")?),
        key: db::text(row, "key")?,
        signature: db::text(row, "signature")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_account_is_called() {
        let line = "7|app_1|EUR|1|3|-5|6|0|8|9|10|0|Ann | Bob||";
        let account = account_of(line).unwrap();
        assert_eq!((account.id, account.name.as_str()), (7, "Ann | Bob||"));
        assert_eq!((account.kind, account.limits.number()), (Kind::Liability, 3));
        assert_eq!((account.funds.posted, account.funds.entry_at), (-5, Millis(9)));
        assert_eq!((account.created_at, account.closed_at), (Millis(10), None));
        let closed = line.replacen("|10|0|", "|10|11|", 1);
        assert_eq!(account_of(&closed).unwrap().closed_at, Some(Millis(11)));
        for broken in ["", "7", "7|app_1|EUR|9|3|-5|6|0|8|9|10|0|x", "x|app_1"] {
            assert_eq!(account_of(broken), None, "{broken}");
        }
    }
}
