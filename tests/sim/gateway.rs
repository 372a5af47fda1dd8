//! A gateway of its own making: effects by key, each once; what it says comes late, twice, stale,
//! and it sometimes takes what nobody asked for.

use crate::rng::Rng;
use shared::payments::gateway::{Action, Happened, Order, Report};
use std::collections::BTreeMap;

/// What a refund that came back is called.
pub(crate) const BACK: &str = "back";

/// What the gateway did: by key, the report that it gives from then on.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) effects: BTreeMap<String, Report>,
    /// What it will say by itself, some day.
    pub(crate) says: Vec<Report>,
}

impl Model {
    /// Somebody gives something back at the gateway itself; nothing, when nothing is left.
    pub(crate) fn outside(&mut self, rng: &mut Rng, of: &Report) {
        let (taken, back, _) = self.sums(&of.subject);
        if taken <= back {
            return;
        }
        let part = format!("re_{}", self.effects.len());
        let amount = rng.range(1, (taken - back) as u64) as i64;
        let (key, happened) = (None, Happened::Refunded);
        let done = Report { key, part: Some(part.clone()), happened, amount, ..of.clone() };
        self.effects.insert(part.clone(), done.clone());
        self.says.push(done.clone());
        if rng.chance(200) {
            self.bounce(rng, &part, done);
        }
    }

    /// A refund that had succeeded comes back.
    fn bounce(&mut self, rng: &mut Rng, name: &str, done: Report) {
        let failed = Report { happened: Happened::RefundFailed("closed".into()), ..done.clone() };
        let effect = Report { part: Some(BACK.into()), ..failed.clone() };
        self.effects.insert(format!("{name}~{BACK}"), effect);
        // Told in any order, and that it had succeeded perhaps after that.
        self.says.push(failed);
        if rng.chance(300) {
            self.says.push(done);
        }
    }

    fn sums(&self, subject: &str) -> (i64, i64, bool) {
        let (mut taken, mut back, mut released) = (0, 0, false);
        for effect in self.effects.values().filter(|effect| effect.subject == subject) {
            match effect.happened {
                Happened::Captured => taken += effect.amount,
                Happened::Refunded => back += effect.amount,
                // One that it had made came back; what it refused is no effect.
                Happened::RefundFailed(_) if effect.part.as_deref() == Some(BACK) => {
                    back -= effect.amount;
                }
                Happened::Canceled => released = true,
                _ => {}
            }
        }
        (taken, back, released)
    }

    /// Does an order once.
    pub(crate) fn send(&mut self, rng: &mut Rng, order: &Order) -> Report {
        if let Some(known) = self.effects.get(&order.key) {
            return known.clone();
        }
        let subject = order.subject.clone().unwrap_or_else(|| format!("g_{}", order.key));
        let (taken, back, released) = self.sums(&subject);
        let more = i64::from(rng.chance(40));
        let mut amount = order.amount;
        let failed = Happened::Failed("no".into());
        let happened = match order.action {
            Action::Authorize | Action::Charge | Action::Payout if rng.chance(120) => failed,
            Action::Authorize => {
                amount += more;
                Happened::Authorized
            }
            Action::Charge => {
                amount += more;
                Happened::Captured
            }
            Action::Capture if released || taken > 0 || rng.chance(80) => failed,
            Action::Capture => Happened::Captured,
            Action::Cancel if taken > 0 => failed,
            Action::Cancel => Happened::Canceled,
            Action::Refund if amount > taken - back => Happened::RefundFailed("too much".into()),
            // What we may not keep must go back; a caller's refund may fail.
            Action::Refund if back == 0 && taken > amount && rng.chance(100) => {
                Happened::RefundFailed("no".into())
            }
            Action::Refund => Happened::Refunded,
            Action::Payout => Happened::PaidOut,
        };
        let fee = (happened == Happened::Captured && rng.chance(700)).then_some(amount / 50);
        let key = Some(order.key.clone());
        let report = Report {
            reference: order.reference.clone(),
            key,
            subject,
            part: None,
            happened,
            amount,
            currency: order.currency,
            fee,
        };
        self.besides(rng, order, &report);
        self.effects.insert(order.key.clone(), report.clone());
        report
    }

    /// What it says without being asked, some of it again and some of it stale.
    fn besides(&mut self, rng: &mut Rng, order: &Order, report: &Report) {
        let unnamed = Report { key: None, ..report.clone() };
        if rng.chance(500) {
            self.says.push(report.clone());
        }
        if report.happened == Happened::Refunded && rng.chance(100) {
            self.bounce(rng, &order.key, report.clone());
        }
        if report.happened == Happened::PaidOut && rng.chance(200) {
            // Less what the bank on the way has kept.
            let amount = report.amount - i64::from(report.amount > 1 && rng.chance(200));
            let happened = Happened::Returned("AC04".into());
            let returned = Report { happened, amount, ..unnamed.clone() };
            self.effects.insert(format!("{}~returned", order.key), returned.clone());
            self.says.push(returned);
        }
        if report.happened != Happened::Captured {
            return;
        }
        if rng.chance(300) {
            self.says.push(Report { happened: Happened::Authorized, ..unnamed.clone() });
        }
        if rng.chance(200) {
            self.says.push(Report { happened: Happened::Settled, ..unnamed.clone() });
        }
        if rng.chance(60) {
            let part = Some(format!("d_{}", order.key));
            let disputed = Report { happened: Happened::Disputed, part, ..unnamed.clone() };
            self.says.push(Report { happened: Happened::DisputeWon, ..disputed.clone() });
            self.says.push(disputed);
        }
        if order.action == Action::Charge && rng.chance(50) {
            let second = Report { subject: format!("{}~2", report.subject), ..unnamed };
            self.effects.insert(format!("{}~2", order.key), second.clone());
            self.says.push(second);
        }
    }
}
