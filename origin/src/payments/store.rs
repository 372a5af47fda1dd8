//! The rows of the ledger: loaded and locked, committed in one go.
//!
//! Invariant: locks are taken on payments, on transfers, then on accounts, each in the order of
//! their ids, so that two replicas never wait for one another in a ring. A shard's head belongs to
//! the replica that leased its number; it is moved only from the size that was loaded, so that a
//! replica whose lease is over commits nothing.

use super::columns::{self, ACCOUNT_LINE, TRANSFER};
use super::kept;
use crate::app::App;
use crate::db::{self, Engine, Error, Tx, Value};
use crate::rows::{Rows, Type};
use crate::shell::Store;
use crate::values;
use shared::payments::account::Funds;
use shared::payments::chain::Head;
use shared::payments::ledger::{Input, Key, Ledger, View, Write};
use shared::payments::payment;
use shared::payments::transfer::{Entry, Stamp, Transfer};
use shared::payments::tree::{self, Hash, Node};
use std::collections::{BTreeMap, BTreeSet};

const INT: Type = Type::Int;
const TEXT: Type = Type::Text;

#[derive(Clone, Copy, Debug)]
pub struct LedgerStore {
    /// The replica's node number: the log that its entries go to.
    pub shard: u64,
}

impl Store for LedgerStore {
    type Machine = Ledger;

    /// At 20 µs each a commit is under way for 20 ms, and the next gathers meanwhile.
    const INPUTS_MAX: usize = 1_024;

    fn machine(&self) -> &Ledger {
        &Ledger
    }

    fn weight(input: &Input) -> usize {
        match input {
            Input::Batch(_, batch) => batch.orders.len(),
            _ => 1,
        }
    }

    async fn load(&self, tx: &mut Tx<'_>, keys: &BTreeSet<Key>) -> Result<View, Error> {
        load(tx, keys, self.shard).await
    }

    async fn commit(
        &self,
        app: &App,
        tx: &mut Tx<'_>,
        view: &View,
        writes: &[Write],
    ) -> Result<bool, Error> {
        commit(app, tx, view, writes).await
    }
}

/// Loads and locks what `keys` name, and the head of `shard`.
///
/// # Errors
/// The database is down, or what it holds is no ledger.
pub async fn load(tx: &mut Tx<'_>, keys: &BTreeSet<Key>, shard: u64) -> Result<View, Error> {
    let mut accounts = BTreeSet::new();
    let mut transfers = BTreeSet::new();
    let mut payments = BTreeSet::new();
    for key in keys {
        match key {
            Key::Payment(id) => payments.insert(*id),
            Key::Account(id) => accounts.insert(*id),
            Key::Transfer(id) => transfers.insert(*id),
        };
    }
    let mut view = View { payments: kept::load(tx, &payments).await?, ..View::default() };
    let mut more = BTreeSet::new();
    view.payments.values().for_each(|payment| payment.reads(&mut more));
    for key in more {
        match key {
            Key::Payment(_) => {}
            Key::Account(id) => drop(accounts.insert(id)),
            Key::Transfer(id) => drop(transfers.insert(id)),
        }
    }
    let wanted = found(tx.engine(), TRANSFER, "transfer t", "t.id");
    for row in tx.read_rows(ids(&transfers), |rows| wanted.replace("{rows}", rows)).await? {
        let transfer = columns::transfer(&row)?;
        accounts.extend([transfer.debit, transfer.credit]);
        view.transfers.insert(transfer.id, transfer);
    }
    view.kept = kept::kept(tx, &view.transfers).await?;
    let all = match tx.engine() {
        Engine::Sqlite => "group_concat(line, char(10))",
        Engine::Postgres => "string_agg(line, chr(10))",
    };
    let line = format!("{ACCOUNT_LINE} as line");
    let wanted = found(tx.engine(), &line, "account a", "a.id");
    let wanted = format!("select {all} as lines from ({wanted}) as lines");
    for row in tx.read_rows(ids(&accounts), |rows| wanted.replace("{rows}", rows)).await? {
        let lines = db::maybe_text(&row, "lines")?.unwrap_or_default();
        for line in lines.split_terminator('\n') {
            let account = columns::account_of(line);
            let account = account.ok_or_else(|| Error::Stored("an account".into()))?;
            view.accounts.insert(account.id, account);
        }
    }
    view.head = head(tx, shard).await?;
    Ok(view)
}

/// The rows that `{rows}` names, locked in its order. PostgreSQL is told to look each of them up: a
/// plan that was made while the table was small would read all of it when it is large.
pub(super) fn found(engine: Engine, columns: &str, table: &str, id: &str) -> String {
    match engine {
        Engine::Sqlite => {
            format!("select {columns} from {{rows}} cross join {table} on {id} = column1")
        }
        Engine::Postgres => format!(
            "select found.* from {{rows}} cross join lateral \
             (select {columns} from {table} where {id} = column1 for update) as found \
             where column1 is not null"
        ),
    }
}

fn ids(of: &BTreeSet<u64>) -> Rows<'static> {
    Rows { types: &[INT], values: of.iter().map(|id| Value::from(*id)).collect() }
}

/// A shard's end; an empty one when it has no entry yet.
///
/// # Errors
/// The database is down, or the head is none.
pub async fn head(tx: &mut Tx<'_>, shard: u64) -> Result<Head, Error> {
    let sql = "select shard, size, chain, peaks from ledger_head where shard = $1";
    match tx.read(sql, values![shard]).await?.first() {
        Some(row) => columns::head(row),
        None => Ok(Head { shard, ..Head::default() }),
    }
}

/// All writes of one commit, sorted by table.
#[derive(Default)]
struct Sorted<'a> {
    opened: Vec<Value>,
    closed: Vec<Value>,
    moved: BTreeMap<u64, Funds>,
    made: Vec<Value>,
    settled: Vec<&'a Transfer>,
    entries: Vec<&'a Entry>,
    paid: Vec<&'a payment::Write>,
}

impl<'a> Sorted<'a> {
    fn of(writes: &'a [Write], engine: Engine) -> Self {
        let mut sorted = Self::default();
        for write in writes {
            match write {
                Write::Opened(account, stamp) => {
                    sorted.opened.extend(columns::of_account(account, stamp));
                }
                Write::Closed(account, Stamp { at, by, request }) => {
                    sorted.closed.extend(values![account.id, *at, by.as_str(), request.as_str()]);
                }
                Write::Moved(id, funds) => {
                    sorted.moved.insert(*id, *funds);
                }
                Write::Made(transfer) => sorted.made.extend(columns::of_transfer(transfer)),
                Write::Settled(transfer) => sorted.settled.push(transfer),
                Write::Entered(entry) => sorted.entries.push(entry),
                Write::Paid(write) => sorted.paid.push(write),
            }
        }
        // SQLite writes neighbours in an index faster; PostgreSQL what comes last in the other one.
        if engine == Engine::Sqlite {
            sorted.entries.sort_unstable_by_key(|entry| (entry.account, entry.n));
        }
        sorted
    }
}

fn of_entry(entry: &&Entry) -> [Value; 7] {
    let Entry { id, account, n, transfer, amount, balance, at, .. } = **entry;
    [id.into(), account.into(), n.into(), transfer.into(), amount.into(), balance.into(), at.into()]
}

/// Writes; `false`: something is not as it was loaded.
///
/// # Errors
/// The database is down.
pub async fn commit(
    app: &App,
    tx: &mut Tx<'_>,
    view: &View,
    writes: &[Write],
) -> Result<bool, Error> {
    let sorted = Sorted::of(writes, tx.engine());
    let entered = sorted.entries.len() as u64;
    let entries = sorted.entries.iter().flat_map(of_entry).collect();
    insert(tx, "account", columns::ACCOUNT_ROW, columns::ACCOUNT_TYPES, sorted.opened).await?;
    insert(tx, "transfer", columns::TRANSFER_ROW, columns::TRANSFER_TYPES, sorted.made).await?;
    insert(tx, "entry", "id, account, n, transfer, amount, balance, at", &[INT; 7], entries)
        .await?;
    let settled = settle(tx, &sorted.settled).await?;
    let moved = shift(tx, &sorted.moved).await?;
    let closed = close(tx, sorted.closed).await?;
    let paid = kept::write(app, tx, &sorted.paid).await?;
    Ok(settled && moved && closed && paid && advance(tx, &view.head, entered, &view.nodes).await?)
}

async fn insert(
    tx: &mut Tx<'_>,
    table: &str,
    row: &str,
    types: &[Type],
    values: Vec<Value>,
) -> Result<(), Error> {
    tx.write_rows(Rows { types, values }, |rows| {
        format!("insert into {table} ({row}) select * from {rows} where column1 is not null")
    })
    .await?;
    Ok(())
}

/// Moves the accounts' funds, each once.
async fn shift(tx: &mut Tx<'_>, moved: &BTreeMap<u64, Funds>) -> Result<bool, Error> {
    let of = |(id, funds): (&u64, &Funds)| {
        let Funds { posted, debits_held, credits_held, entries, entry_at } = *funds;
        values![*id, posted, debits_held, credits_held, entries, entry_at]
    };
    let values = moved.iter().flat_map(of).collect();
    let shifted = tx
        .write_rows(Rows { types: &[INT; 6], values }, |rows| {
            format!(
                "update account set posted = column2, debits_held = column3, \
                 credits_held = column4, entries = column5, entry_at = column6 \
                 from {rows} where account.id = column1"
            )
        })
        .await?;
    Ok(shifted == moved.len() as u64)
}

/// Ends holds that are pending.
async fn settle(tx: &mut Tx<'_>, settled: &[&Transfer]) -> Result<bool, Error> {
    let of = |transfer: &&Transfer| {
        let Stamp { at, by, request } = transfer.posting();
        let status = transfer.status.number();
        values![transfer.id, status, transfer.posted, *at, by.as_str(), request.as_str()]
    };
    let values = settled.iter().flat_map(of).collect();
    let types = &[INT, INT, INT, INT, TEXT, TEXT];
    let ended = tx
        .write_rows(Rows { types, values }, |rows| {
            format!(
                "update transfer set status = column2, posted = column3, settled_at = column4, \
                 settled_by = column5, settled_request = column6 \
                 from {rows} where transfer.id = column1 and transfer.status = 1"
            )
        })
        .await?;
    Ok(ended == settled.len() as u64)
}

async fn close(tx: &mut Tx<'_>, values: Vec<Value>) -> Result<bool, Error> {
    let rows = Rows { types: &[INT, INT, TEXT, TEXT], values };
    let count = rows.len() as u64;
    let closed = tx
        .write_rows(rows, |rows| {
            format!(
                "update account set closed_at = column2, closed_by = column3, \
                 closed_request = column4 \
                 from {rows} where account.id = column1 and account.closed_at is null"
            )
        })
        .await?;
    Ok(closed == count)
}

/// Moves the head by the entries that were written.
async fn advance(
    tx: &mut Tx<'_>,
    head: &Head,
    entered: u64,
    nodes: &[(Node, Hash)],
) -> Result<bool, Error> {
    if entered == 0 {
        return Ok(true);
    }
    let of = |((level, n), hash): &(Node, Hash)| values![head.shard, *level, *n, hex(hash)];
    let values = nodes.iter().flat_map(of).collect();
    insert(tx, "ledger_node", "shard, level, n, hash", &[INT, INT, INT, TEXT], values).await?;
    let size = head.tree.size();
    let sql = "insert into ledger_head (shard, size, chain, peaks) values ($1, $2, $3, $4) \
               on conflict (shard) do update set size = excluded.size, chain = excluded.chain, \
               peaks = excluded.peaks where ledger_head.size = $5";
    let peaks = tree::to_hex(head.tree.peaks());
    let values = values![head.shard, size, hex(&head.chain), peaks, size - entered];
    Ok(tx.write(sql, values).await? == 1)
}

fn hex(hash: &Hash) -> String {
    tree::to_hex(std::slice::from_ref(hash))
}
