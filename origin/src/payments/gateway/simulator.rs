//! The gateway `simulator`: no money, no network; what it does is decided by the token.
//!
//! Invariant: it does a key's order once, in one transaction with the events that it sends, and
//! remembers it in a table of its own: a killed process, or another replica, finds what it did.
//! Refused: more than was reserved, more back than was taken, a token that it does not know.
//!
//! | token | what happens |
//! |---|---|
//! | `tok_ok` | everything, at once; its event comes too |
//! | `tok_decline` | no reservation, charge or payout |
//! | `tok_capture_fails`, `tok_refund_fails` | that, and nothing else, is refused |
//! | `tok_timeout_after_success` | it happens, the first answer is lost, no event comes |
//! | `tok_timeout_before` | the first call is lost before anything happened |
//! | `tok_down` | the first call is told that the gateway is down |
//! | `tok_slow_before`, `tok_slow_after` | the delay passes before or after it happens |
//! | `tok_late_webhook` | pending, until an event tells after the delay |
//! | `tok_duplicate_webhook` | every event comes twice, under two names |
//! | `tok_out_of_order` | pending; captured is told at once, authorized after the delay |
//! | `tok_wrong_amount` | one minor unit more than asked is reserved or taken |
//! | `tok_double_charge` | it is taken a second time, under another name |
//! | `tok_settle`, `tok_dispute` | captured; settled or disputed after the delay |
//! | `tok_refund_comes_back` | a refund succeeds; after the delay it has failed after all |
//! | `tok_refunded_there` | captured; after the delay a quarter goes back, which nobody asked for |
//! | `tok_comes_back` | paid out; after the delay the bank returns it |

use super::{Gateway, Trouble, Unreadable};
use crate::db::{self, Db, Error, Tx};
use crate::values;
use futures::future::{BoxFuture, FutureExt};
use shared::money::Currency;
use shared::payments::gateway::{Action, Happened, Line, Order, Report};
use shared::payments::transfer::Purpose;
use shared::time::{DAY_MS, Millis};
use std::sync::Arc;
use std::time::Duration;

/// Its name, and that of its rows among the events.
pub const NAME: &str = "simulator";
/// What it keeps of every charge: 2.9 %, rounded down.
const FEE_PER_MILLE: i64 = 29;

const TOKENS: &[&str] = &[
    "tok_ok",
    "tok_decline",
    "tok_capture_fails",
    "tok_refund_fails",
    "tok_timeout_after_success",
    "tok_timeout_before",
    "tok_down",
    "tok_slow_before",
    "tok_slow_after",
    "tok_late_webhook",
    "tok_duplicate_webhook",
    "tok_out_of_order",
    "tok_wrong_amount",
    "tok_double_charge",
    "tok_settle",
    "tok_dispute",
    "tok_refund_comes_back",
    "tok_refunded_there",
    "tok_comes_back",
];
/// Ends the key of what undoes an order.
const BACK: &str = "~back";

#[derive(Debug)]
pub struct Simulator {
    db: Arc<Db>,
    /// What "late" and "slow" mean.
    delay_ms: u64,
}

fn lost(error: Error) -> Trouble {
    Trouble::Unknown(error.to_string())
}

impl Simulator {
    #[must_use]
    pub fn new(db: Arc<Db>, delay_ms: u64) -> Self {
        Self { db, delay_ms }
    }

    async fn done(&self, order: &Order) -> Result<Report, Trouble> {
        let token = order.token.as_str();
        if let Some(known) = self.known(order).await.map_err(lost)? {
            return Ok(known);
        }
        if matches!(token, "tok_timeout_before" | "tok_down")
            && self.is_first(order).await.map_err(lost)?
        {
            return Err(match token {
                "tok_down" => Trouble::Down("come again".into()),
                _ => Trouble::Unknown("the call broke off".into()),
            });
        }
        if token == "tok_slow_before" {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        let fresh = self.act(order).await.map_err(lost)??;
        if token == "tok_slow_after" {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        if token == "tok_timeout_after_success" && fresh {
            return Err(Trouble::Unknown("the answer was lost".into()));
        }
        let known = self.known(order).await.map_err(lost)?;
        known.ok_or_else(|| Trouble::Unknown("what was done is not known".into()))
    }

    /// What is known of a key's order.
    async fn known(&self, order: &Order) -> Result<Option<Report>, Error> {
        let sql = "select report, known_at from simulated where key = $1";
        let rows = self.db.read(sql, values![order.key.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let report: Report = serde_json::from_str(&db::text(row, "report")?)?;
        let is_known = db::number(row, "known_at")? <= db::now().0;
        let pending = Report { happened: Happened::Pending, ..report.clone() };
        Ok(Some(if is_known { report } else { pending }))
    }

    /// Whether this order was never seen: remembers it under a key that no order has.
    async fn is_first(&self, order: &Order) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let seen = Report { happened: Happened::Pending, ..plain(order) };
        let key = format!("seen:{}", order.key);
        let first = insert(&mut tx, &key, order, &seen, db::now()).await?;
        tx.commit().await?;
        Ok(first)
    }

    /// Does it, with its events; `false`: another call did it meanwhile.
    async fn act(&self, order: &Order) -> Result<Result<bool, Trouble>, Error> {
        let mut tx = self.db.begin().await?;
        let report = match decide(&mut tx, order).await? {
            Ok(report) => report,
            Err(why) => return Ok(Err(Trouble::Refused(why))),
        };
        let now = db::now();
        let late = now.plus(self.delay_ms);
        let is_late = matches!(order.token.as_str(), "tok_late_webhook" | "tok_out_of_order");
        let known_at = if is_late { late } else { now };
        let fresh = insert(&mut tx, &order.key, order, &report, known_at).await?;
        if fresh {
            for (name, at, said) in events(order, &report, now, late) {
                tell(&mut tx, &name, at, &said).await?;
            }
            if let Some((name, at, said)) = unasked(order, &report, now, late) {
                let key = format!("{}{name}", order.key);
                insert(&mut tx, &key, order, &said, now).await?;
                tell(&mut tx, &format!("evt_{key}"), at, &said).await?;
            }
        }
        tx.commit().await?;
        Ok(Ok(fresh))
    }
}

/// The report of an order as it was asked, without an outcome.
fn plain(order: &Order) -> Report {
    Report {
        reference: order.reference.clone(),
        key: Some(order.key.clone()),
        subject: order.subject.clone().unwrap_or_else(|| format!("sim_{}", order.key)),
        part: None,
        happened: Happened::Pending,
        amount: order.amount,
        currency: order.currency,
        fee: None,
    }
}

/// What it does by itself after an order: how that is called, when it is told, what it is.
fn unasked(
    order: &Order,
    report: &Report,
    now: Millis,
    late: Millis,
) -> Option<(&'static str, Millis, Report)> {
    let took = report.happened == Happened::Captured;
    let unnamed = Report { key: None, fee: None, ..report.clone() };
    Some(match (order.token.as_str(), order.action) {
        ("tok_double_charge", Action::Charge) => {
            let subject = format!("{}~2", report.subject);
            ("~2", now, Report { subject, fee: report.fee, ..unnamed })
        }
        ("tok_refund_comes_back", Action::Refund) => {
            let happened = Happened::RefundFailed("account_closed".into());
            (BACK, late, Report { happened, ..report.clone() })
        }
        ("tok_refunded_there", _) if took && report.amount >= 4 => {
            let (amount, part) = (report.amount / 4, Some(format!("re_{}", order.key)));
            ("~there", late, Report { happened: Happened::Refunded, amount, part, ..unnamed })
        }
        ("tok_comes_back", Action::Payout) => {
            (BACK, late, Report { happened: Happened::Returned("AC04".into()), ..unnamed })
        }
        _ => return None,
    })
}

/// What was done to a subject: the sums reserved, taken and given back, and whether released.
async fn state(tx: &mut Tx<'_>, subject: &str) -> Result<(i64, i64, i64, bool), Error> {
    let sql = "select key, report from simulated where subject = $1 and key not like 'seen:%'";
    let (mut reserved, mut taken, mut back, mut released) = (0, 0, 0, false);
    for row in tx.read(sql, values![subject]).await? {
        let report: Report = serde_json::from_str(&db::text(&row, "report")?)?;
        match report.happened {
            Happened::Authorized => reserved += report.amount,
            Happened::Captured => taken += report.amount,
            Happened::Refunded => back += report.amount,
            Happened::RefundFailed(_) if db::text(&row, "key")?.ends_with(BACK) => {
                back -= report.amount;
            }
            Happened::Canceled => released = true,
            _ => {}
        }
    }
    Ok((reserved, taken, back, released))
}

/// What becomes of an order, given what was done before; `Err`: it is refused, and why.
async fn decide(tx: &mut Tx<'_>, order: &Order) -> Result<Result<Report, String>, Error> {
    let token = order.token.as_str();
    if !TOKENS.contains(&token) {
        return Ok(Err("unknown_token".into()));
    }
    let report = plain(order);
    let (reserved, taken, back, released) = state(tx, &report.subject).await?;
    let more = i64::from(token == "tok_wrong_amount");
    let fee = Some(order.amount.saturating_mul(FEE_PER_MILLE) / 1_000);
    let done = |happened, amount, fee| Ok(Report { happened, amount, fee, ..report.clone() });
    let failed =
        |why: &str| Ok(Report { happened: Happened::Failed(why.into()), ..report.clone() });
    Ok(match order.action {
        Action::Authorize | Action::Charge | Action::Payout if token == "tok_decline" => {
            failed("declined")
        }
        Action::Authorize => done(Happened::Authorized, order.amount + more, None),
        Action::Charge => done(Happened::Captured, order.amount + more, fee),
        Action::Capture if token == "tok_capture_fails" => failed("authorization_expired"),
        Action::Capture if released || taken > 0 || order.amount > reserved => {
            Err("nothing_to_capture".into())
        }
        Action::Capture => done(Happened::Captured, order.amount, fee),
        Action::Cancel if taken > 0 => Err("captured_already".into()),
        Action::Cancel => done(Happened::Canceled, order.amount, None),
        Action::Refund if token == "tok_refund_fails" => {
            let why = Happened::RefundFailed("account_closed".into());
            Ok(Report { happened: why, ..report.clone() })
        }
        Action::Refund if order.amount > taken - back => Err("more_than_captured".into()),
        Action::Refund => done(Happened::Refunded, order.amount, None),
        Action::Payout => done(Happened::PaidOut, order.amount, None),
    })
}

/// The events of what was done: name, moment, content.
fn events(
    order: &Order,
    report: &Report,
    now: Millis,
    late: Millis,
) -> Vec<(String, Millis, Report)> {
    let name = format!("evt_{}", order.key);
    let took = report.happened == Happened::Captured;
    let besides = |what: &str, happened| {
        let part = Some(format!("{what}_{}", order.key));
        let said = Report { happened, key: None, part, ..report.clone() };
        (format!("{name}.{what}"), late, said)
    };
    let told = (name.clone(), now, report.clone());
    match order.token.as_str() {
        "tok_timeout_after_success" => vec![],
        "tok_late_webhook" => vec![(name, late, report.clone())],
        "tok_duplicate_webhook" => vec![told, (format!("{name}.again"), now, report.clone())],
        "tok_out_of_order" if took => vec![told, besides("authorized", Happened::Authorized)],
        "tok_settle" if took => vec![told, besides("settled", Happened::Settled)],
        "tok_dispute" if took => vec![told, besides("disputed", Happened::Disputed)],
        _ => vec![told],
    }
}

async fn insert(
    tx: &mut Tx<'_>,
    key: &str,
    order: &Order,
    report: &Report,
    known_at: Millis,
) -> Result<bool, Error> {
    let sql = "insert into simulated (key, action, reference, subject, token, amount, currency, \
               report, known_at, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               on conflict (key) do nothing";
    let (reference, subject) = (order.reference.as_str(), report.subject.as_str());
    let values = values![
        key,
        order.action.as_str(),
        reference,
        subject,
        order.token.as_str(),
        report.amount,
        order.currency.code(),
        serde_json::to_string(report)?,
        known_at,
        db::now(),
    ];
    Ok(tx.write(sql, values).await? == 1)
}

/// Sends an event to ourselves, as the edge would pass it on.
async fn tell(tx: &mut Tx<'_>, event: &str, at: Millis, report: &Report) -> Result<(), Error> {
    let sql = "insert into gateway_event (gateway, event, received_at, body) \
               values ($1, $2, $3, $4) on conflict (gateway, event) do nothing";
    tx.write(sql, values![NAME, event, at, serde_json::to_string(report)?]).await?;
    Ok(())
}

impl Gateway for Simulator {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self) -> bool {
        true
    }

    fn pays_out(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Report, Trouble>> {
        self.done(order).boxed()
    }

    fn ask<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Option<Report>, Trouble>> {
        async move { self.known(order).await.map_err(lost) }.boxed()
    }

    fn read_event(&self, body: &[u8]) -> Result<Option<Report>, Unreadable> {
        serde_json::from_slice(body).map(Some).map_err(|error| Unreadable(error.to_string()))
    }

    fn report(&self, day: Millis) -> BoxFuture<'_, Result<Vec<Line>, Trouble>> {
        async move { lines(&self.db, day).await.map_err(lost) }.boxed()
    }
}

async fn lines(db: &Db, day: Millis) -> Result<Vec<Line>, Error> {
    let sql = "select key, report, currency, made_at from simulated \
               where made_at >= $1 and made_at < $2 and key not like 'seen:%' \
               order by made_at, key";
    let mut lines = Vec::new();
    for row in db.read(sql, values![day, day.plus(DAY_MS)]).await? {
        let report: Report = serde_json::from_str(&db::text(&row, "report")?)?;
        let (purpose, sign) = match report.happened {
            Happened::Captured => (Purpose::Payment, 1),
            Happened::Refunded => (Purpose::Refund, -1),
            Happened::RefundFailed(_) if db::text(&row, "key")?.ends_with(BACK) => {
                (Purpose::Refund, 1)
            }
            Happened::PaidOut => (Purpose::Payout, -1),
            Happened::Returned(_) => (Purpose::Payout, 1),
            _ => continue,
        };
        let at = Millis(db::number(&row, "made_at")?);
        lines.push(Line {
            id: format!("line_{}", db::text(&row, "key")?),
            subject: report.subject,
            reference: Some(report.reference),
            key: report.key.filter(|_| purpose == Purpose::Refund),
            part: report.part,
            purpose,
            amount: report.amount * sign,
            fee: report.fee.unwrap_or(0),
            currency: Currency::of(&db::text(&row, "currency")?).unwrap_or(report.currency),
            at,
            // What it takes is at our disposal at once.
            available_at: Some(at),
        });
    }
    Ok(lines)
}
