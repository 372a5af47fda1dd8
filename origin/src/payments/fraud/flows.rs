//! What passed of parties: locked and summed before a commit, written in it.
//!
//! Invariant: the flows of a commit are locked before its payments, transfers and accounts, in the
//! order of their numbers, so that two replicas never wait for one another in a ring. The second
//! of two payments of one party reads what the first one wrote.

use super::super::store::found;
use crate::db::{self, Engine, Error, Tx, Value};
use crate::rows::{Rows, Type};
use crate::values;
use shared::money::Currency;
use shared::payments::fraud::Attempt;
use shared::payments::fraud::judge::{Flows, Past};
use shared::payments::fraud::wire::Verdict;
use shared::time::{Millis, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};

const INT: Type = Type::Int;
const TEXT: Type = Type::Text;
/// Amounts are summed in two halves, so that no sum leaves 64 bits: 2^33 each of the upper ones.
const HALF: u64 = 1 << 20;
const SUMS: &str = "currency, count(*) as count, \
                    cast(sum(amount / 1048576) as bigint) as upper, \
                    cast(sum(amount % 1048576) as bigint) as lower";

/// Locks and sums what `asked` names: flows with windows in seconds.
///
/// # Errors
/// The database is down, or what it holds is none.
pub async fn load(tx: &mut Tx<'_>, asked: &BTreeSet<(u64, u64)>) -> Result<Flows, Error> {
    let mut flows = Flows::default();
    if asked.is_empty() {
        return Ok(flows);
    }
    let all: BTreeSet<u64> = asked.iter().map(|(flow, _)| *flow).collect();
    let rows = || Rows { types: &[INT], values: all.iter().map(|id| Value::from(*id)).collect() };
    tx.write_rows(rows(), |rows| {
        format!(
            "insert into fraud_flow (flow, at, seq) select column1, 0, 0 from {rows} \
             where column1 is not null on conflict (flow) do nothing"
        )
    })
    .await?;
    let columns = "fraud_flow.flow, fraud_flow.at, fraud_flow.seq";
    let wanted = found(tx.engine(), columns, "fraud_flow", "fraud_flow.flow");
    flows.at = db::now();
    for row in tx.read_rows(rows(), |rows| wanted.replace("{rows}", rows)).await? {
        flows.seqs.insert(db::number(&row, "flow")?, db::number(&row, "seq")?);
        flows.at = flows.at.max(Millis(db::number(&row, "at")?));
    }
    let mut values = Vec::new();
    for (flow, window_s) in asked {
        let since = flows.at.0.saturating_sub(window_s.saturating_mul(SECOND_MS));
        values.extend(values![*flow, *window_s, since]);
    }
    let wanted = summed(tx.engine());
    let rows = Rows { types: &[INT; 3], values };
    for row in tx.read_rows(rows, |rows| wanted.replace("{rows}", rows)).await? {
        let key = (db::number(&row, "flow")?, db::number(&row, "window_s")?);
        let currency = Currency::of(&db::text(&row, "currency")?);
        let currency = currency.ok_or_else(|| Error::Stored("a step's currency".into()))?;
        let (upper, lower) = (db::number(&row, "upper")?, db::number(&row, "lower")?);
        let amount = i128::from(upper) * i128::from(HALF) + i128::from(lower);
        let past = Past { count: db::number(&row, "count")?, amount };
        flows.passed.entry(key).or_default().insert(currency, past);
    }
    // A window in which nothing passed is one that was asked for, too.
    for key in asked {
        flows.passed.entry(*key).or_default();
    }
    Ok(flows)
}

/// PostgreSQL is told to look each flow up: see [`found`].
fn summed(engine: Engine) -> String {
    match engine {
        Engine::Sqlite => format!(
            "select column1 as flow, column2 as window_s, {SUMS} from {{rows}} \
             cross join fraud_step on fraud_step.flow = column1 and fraud_step.at > column3 \
             group by column1, column2, currency"
        ),
        Engine::Postgres => format!(
            "select column1 as flow, column2 as window_s, found.* from {{rows}} \
             cross join lateral (select {SUMS} from fraud_step \
             where flow = column1 and at > column3 group by currency) as found \
             where column1 is not null"
        ),
    }
}

/// Writes attempts, and what passed with them.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, attempts: &[&Attempt]) -> Result<(), Error> {
    if attempts.is_empty() {
        return Ok(());
    }
    let (mut judged, mut steps) = (Vec::new(), Vec::new());
    let mut moved: BTreeMap<u64, (Millis, u64)> = BTreeMap::new();
    for one in attempts {
        let verdict = Verdict::of(one.judgement.then()).as_str();
        let (app, body) = (one.app.as_str(), serde_json::to_string(one)?);
        judged.extend(values![app, one.id, one.at, one.seq, verdict, body]);
        let code = one.facts.currency.code();
        for flow in one.flows() {
            if one.passed().is_some() {
                steps.extend(values![flow, one.at, one.id, code, one.facts.amount]);
            }
            if one.seq > 0 {
                moved.insert(flow, (one.at, one.seq));
            }
        }
    }
    let rows = Rows { types: &[TEXT, INT, INT, INT, TEXT, TEXT], values: judged };
    insert(tx, "fraud_attempt (app, id, at, seq, verdict, body)", rows).await?;
    let rows = Rows { types: &[INT, INT, INT, TEXT, INT], values: steps };
    insert(tx, "fraud_step (flow, at, payment, currency, amount)", rows).await?;
    let values = moved.into_iter().flat_map(|(flow, (at, seq))| values![flow, at, seq]).collect();
    tx.write_rows(Rows { types: &[INT; 3], values }, |rows| {
        format!(
            "update fraud_flow set at = column2, seq = column3 from {rows} \
             where fraud_flow.flow = column1"
        )
    })
    .await?;
    Ok(())
}

async fn insert(tx: &mut Tx<'_>, table: &str, rows: Rows<'_>) -> Result<(), Error> {
    tx.write_rows(rows, |rows| {
        format!("insert into {table} select * from {rows} where column1 is not null")
    })
    .await?;
    Ok(())
}
