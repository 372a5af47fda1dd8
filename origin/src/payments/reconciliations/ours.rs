//! The ledger's side of a reconciliation: entries that no statement has confirmed.
//!
//! Invariant: an entry that a finished reconciliation has matched is never held against a
//! statement again; one that was found missing there stays open until a later statement has it.

use super::super::columns::{self, ACCOUNT};
use crate::app::App;
use crate::db::{self, Error, Value};
use crate::values;
use shared::money::Currency;
use shared::payments::account::Account;
use shared::payments::reconcile::Line;
use shared::payments::reconcile::line::Kind;
use shared::time::Millis;
use sqlx::any::AnyRow;

/// Entries of one read.
const PAGE: u64 = 20_000;

/// One entry.
#[derive(Clone, Debug)]
pub struct Ours {
    pub entry: u64,
    pub reference: String,
    pub amount: i64,
    pub currency: Currency,
    pub at: Millis,
}

impl Ours {
    #[must_use]
    pub fn day(&self) -> u32 {
        u32::try_from(self.at.day()).unwrap_or(u32::MAX)
    }

    #[must_use]
    pub fn line(&self) -> Line<'_> {
        Line {
            reference: &self.reference,
            batch: "",
            id: "",
            amount: self.amount,
            currency: self.currency,
            day: self.day(),
        }
    }
}

/// An account, whosever it is.
///
/// # Errors
/// The database is down.
pub async fn account(app: &App, id: u64) -> Result<Option<Account>, Error> {
    let sql = format!("select {ACCOUNT} from account a where a.id = $1");
    app.db.read(&sql, values![id]).await?.first().map(columns::account).transpose()
}

/// Whose entries.
#[derive(Clone, Debug)]
pub enum Whose {
    /// One account's, as it counts them.
    Account(Box<Account>),
    /// All books that are kept of one gateway: what only moves between them, and fees, which the
    /// gateway reports beside its lines, is left out.
    Gateway(String),
}

/// Open entries made after `from`, up to `until`, and those that were found missing before.
///
/// # Errors
/// The database is down.
pub async fn open(
    app: &App,
    whose: &Whose,
    from: Millis,
    until: Millis,
) -> Result<Vec<Ours>, Error> {
    let mut all = Vec::new();
    match whose {
        Whose::Account(account) => {
            let sql = format!(
                "select e.id, e.amount, e.at, e.n, t.reference, t.currency \
                 from entry e join transfer t on t.id = e.transfer \
                 where e.account = $1 and (e.at, e.n) > ($2, $3) and e.at <= $4 \
                 and {OPEN} order by e.at, e.n limit $5"
            );
            let (mut at, mut n) = (from, i64::MAX as u64);
            loop {
                let rows = app.db.read(&sql, values![account.id, at, n, until, PAGE]).await?;
                for row in &rows {
                    let own = read(row)?;
                    all.push(Ours { amount: account.on_normal_side(own.amount), ..own });
                }
                let Some(last) = rows.last().filter(|_| rows.len() as u64 == PAGE) else { break };
                (at, n) = (Millis(db::number(last, "at")?), db::number(last, "n")?);
            }
            let missing = format!(
                "select e.id, e.amount, e.at, t.reference, t.currency \
                 from open_entry o join entry e on e.id = o.entry \
                 join transfer t on t.id = e.transfer \
                 where o.account = $1 and (e.at <= $2 or e.at > $3) and {OPEN}"
            );
            for row in app.db.read(&missing, values![account.id, from, until]).await? {
                let own = read(&row)?;
                all.push(Ours { amount: account.on_normal_side(own.amount), ..own });
            }
        }
        Whose::Gateway(name) => all = of_gateway(app, name, from, until).await?,
    }
    Ok(all)
}

const OPEN: &str = "not exists (select 1 from reconciled_entry r \
                    join reconciliation c on c.id = r.reconciliation \
                    where r.entry = e.id and c.state = 1)";

/// What a gateway's books have: both asset accounts, debits are money in.
async fn of_gateway(
    app: &App,
    name: &str,
    from: Millis,
    until: Millis,
) -> Result<Vec<Ours>, Error> {
    let books = "select receivable as account from gateway_books where gateway = $1 \
                 union all select settled as account from gateway_books where gateway = $2";
    // 2 is the number of a fee's purpose; a transfer within the books is none of the gateway's.
    let sql = format!(
        "select e.id, e.amount, e.at, t.reference, t.currency from entry e \
         join transfer t on t.id = e.transfer \
         where e.account in ({books}) and e.at > $3 and e.at <= $4 and t.purpose <> 2 \
         and not exists (select 1 from gateway_books b where b.gateway = $5 \
         and (b.receivable = t.debit and b.settled = t.credit \
         or b.settled = t.debit and b.receivable = t.credit)) \
         and {OPEN} order by e.at, e.id"
    );
    let values: Vec<Value> = values![name, name, from, until, name];
    app.db.read(&sql, values).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Ours, Error> {
    let code = db::text(row, "currency")?;
    Ok(Ours {
        entry: db::number(row, "id")?,
        reference: db::maybe_text(row, "reference")?.unwrap_or_default(),
        amount: db::signed(row, "amount")?,
        currency: Currency::of(&code).ok_or_else(|| Error::Stored("a currency".into()))?,
        at: Millis(db::number(row, "at")?),
    })
}

/// The kinds whose entries a statement has confirmed.
#[must_use]
pub fn is_confirmed(kind: Kind) -> bool {
    matches!(kind, Kind::Matched | Kind::Late)
}
