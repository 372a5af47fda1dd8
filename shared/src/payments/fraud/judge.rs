//! The judgement: which rules match, which of them decides, and why.
//!
//! Invariant: F1, F2 (`mod.rs`). Nothing here knows where the facts come from, or what passed
//! before was counted: the origin's tables, a backtest's memory, a test's model.

use super::Facts;
use super::publish::Named;
use super::rule::{Blocklist, Listed, Mode, Rule, Then, Velocity, covers};
use crate::money::Currency;
use crate::time::Millis;
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudHit"))]
pub struct Hit {
    /// Its name.
    pub rule: String,
    /// Its version.
    pub version: u64,
    /// What it asks for.
    pub then: Then,
    /// What it saw.
    pub reason: String,
    /// It only records.
    #[serde(default)]
    pub shadow: bool,
}

/// What was said of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The rule that decides; `None`: the payment is allowed.
    pub decided: Option<Hit>,
    /// Every rule that matched, in the order of their names.
    pub hits: Vec<Hit>,
}

impl Judgement {
    /// What is to become of the payment; `None`: it is allowed.
    #[must_use]
    pub fn then(&self) -> Option<Then> {
        self.decided.as_ref().map(|hit| hit.then)
    }
}

/// Payments of a party within a window, the one that is judged not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// How many.
    pub count: u64,
    /// Their minor units, of one currency or of all of them.
    pub amount: i128,
}

/// Holds a payment against rules, which stand in the order of their names; `past` says what
/// passed before of the party and in the window of a velocity, by currency.
pub fn judge(
    rules: &[Named],
    facts: &Facts,
    past: impl Fn(&Velocity) -> BTreeMap<Currency, Past>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for Named { name, version, rule, .. } in rules.iter().filter(|one| one.rule.mode != Mode::Off) {
        let Some(reason) = matches(rule, facts, &past) else { continue };
        let shadow = rule.mode == Mode::Shadow;
        let (name, then) = (name.clone(), rule.then);
        let hit = Hit { rule: name, version: *version, then, reason, shadow };
        let is_stronger = judgement.then().is_none_or(|before| then > before);
        if !shadow && is_stronger {
            judgement.decided = Some(hit.clone());
        }
        judgement.hits.push(hit);
    }
    judgement
}

/// Why a rule matches; `None` when a condition of it does not hold.
fn matches(
    rule: &Rule,
    facts: &Facts,
    past: &impl Fn(&Velocity) -> BTreeMap<Currency, Past>,
) -> Option<String> {
    let mut reasons = Vec::new();
    let Facts { amount, currency, .. } = facts;
    if let Some(bound) = &rule.when.amount {
        let holds = *currency == bound.currency && *amount >= bound.at_least;
        holds.then_some(())?;
        reasons.push(format!("{amount} {currency} is at least {}", bound.at_least));
    }
    if let Some(list) = &rule.when.blocklist {
        reasons.push(listed(list, facts)?);
    }
    if rule.when.country_mismatch.is_some() {
        let (from, country) = (facts.from.as_ref()?, facts.country.as_ref()?);
        (from != country).then_some(())?;
        reasons.push(format!("the request is from {from}, the means of payment from {country}"));
    }
    // Last: it is what costs.
    if let Some(velocity) = &rule.when.velocity {
        reasons.push(too_fast(velocity, facts, &past(velocity))?);
    }
    Some(reasons.join("; "))
}

fn listed(list: &Blocklist, facts: &Facts) -> Option<String> {
    let has = |wanted: &String| list.values.contains(wanted);
    let what = list.of.as_str();
    match list.of {
        Listed::Source => has(&facts.source).then_some(()),
        Listed::Destination => has(&facts.destination).then_some(()),
        Listed::Country => {
            let mut known = [&facts.from, &facts.country].into_iter().flatten();
            return known.find(|one| has(one)).map(|one| format!("{what} {one} is listed"));
        }
        Listed::Ip => {
            let ip = facts.ip.as_ref()?;
            list.values.iter().any(|value| covers(value, ip)).then_some(())
        }
    }?;
    // The value itself stands in the facts, or (F5) nowhere.
    Some(format!("the {what} is listed"))
}

fn too_fast(velocity: &Velocity, facts: &Facts, past: &BTreeMap<Currency, Past>) -> Option<String> {
    let (of, window_s) = (velocity.of.as_str(), velocity.window_s);
    let count = past.values().map(|past| past.count).fold(1u64, u64::saturating_add);
    if let Some(allowed) = velocity.count.filter(|allowed| count > *allowed) {
        return Some(format!(
            "payment {count} of the {of} within {window_s} s, {allowed} are allowed"
        ));
    }
    let allowed = velocity.amount.filter(|one| one.currency == facts.currency)?;
    let before = past.get(&facts.currency).map_or(0, |past| past.amount);
    let amount = before.saturating_add(i128::from(facts.amount));
    (amount > i128::from(allowed.amount)).then(|| {
        format!(
            "{amount} {} of the {of} within {window_s} s, {} are allowed",
            facts.currency, allowed.amount
        )
    })
}

/// What passed before, as far as the inputs of one commit ask for it.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// The moment of the commit's attempts: not before the last of any flow in it (F4); 0 when no
    /// flow was asked for.
    pub at: Millis,
    /// The last number of each flow (F4).
    pub seqs: BTreeMap<u64, u64>,
    /// By flow and window, then by currency.
    pub passed: BTreeMap<(u64, u64), BTreeMap<Currency, Past>>,
}

impl Flows {
    /// What passed in a flow within a velocity's window.
    #[must_use]
    pub fn past(&self, flow: u64, velocity: &Velocity) -> BTreeMap<Currency, Past> {
        self.passed.get(&(flow, velocity.window_s)).cloned().unwrap_or_default()
    }

    /// The moment of an attempt.
    #[must_use]
    pub fn at(&self, now: Millis) -> Millis {
        if self.at == Millis(0) { now } else { self.at }
    }

    /// The number of the next attempt of these parties; 0 when neither of their flows was asked
    /// for.
    #[must_use]
    pub fn next(&self, flows: [u64; 2]) -> u64 {
        let last = flows.iter().filter_map(|flow| self.seqs.get(flow)).max();
        last.map_or(0, |last| last.saturating_add(1))
    }

    /// An attempt was made.
    pub fn apply(&mut self, attempt: &super::Attempt) {
        for flow in attempt.flows() {
            if let Some(seq) = self.seqs.get_mut(&flow) {
                *seq = attempt.seq;
            }
            let Some(Past { count, amount }) = attempt.passed() else { continue };
            for (_, sums) in self.passed.range_mut((flow, 0)..=(flow, u64::MAX)) {
                let past = sums.entry(attempt.facts.currency).or_default();
                past.count = past.count.saturating_add(count);
                past.amount = past.amount.saturating_add(amount);
            }
        }
    }
}
