//! Clicks: folded into hourly counts as they arrive, summed when they are asked for.
//!
//! Invariant: the counts of a delivery are written in the transaction that raises its recorder's
//! watermark; rows are written in key order, so that replicas never wait in a circle.

use super::privacy;
use super::visitors::{self, Sketches};
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::lookup::UserAgents;
use crate::values;
use shared::id::parse_id;
use shared::links::machine::Row;
use shared::links::query::StatsAsk;
use shared::links::stats::{Dimension, Visitor, hour, slot};
use shared::links::wire::{self, Click, Slot, Stats};
use shared::roads::Event;
use shared::time::Millis;
use std::collections::BTreeMap;

/// Values of one dimension in an answer; the rest is left out, the least frequent first.
const VALUES_MAX: usize = 200;

/// Counts by link, hour, dimension and value, in the order in which they are written.
pub type Counts = BTreeMap<(u64, Millis, i64, String), u64>;

/// What a delivery adds up to.
#[derive(Debug, Default)]
pub struct Sums {
    counts: Counts,
    visitors: Sketches,
}

/// Adds one event to the counts.
///
/// # Errors
/// Why it can never be applied.
pub fn fold(sums: &mut Sums, agents: &UserAgents, event: &Event) -> Result<(), String> {
    let click: Click = serde_json::from_str(&event.body).map_err(|error| error.to_string())?;
    let link = parse_id(wire::ID_PREFIX, &click.link).ok_or("the link's id is not readable")?;
    let mut add = |dimension: Dimension, value: &str| {
        let key = (link, hour(event.at), dimension as i64, value.to_owned());
        *sums.counts.entry(key).or_default() += 1;
    };
    match agents.visitor(&click.user_agent) {
        Visitor::Bot => add(Dimension::Bots, ""),
        Visitor::Human { device, browser } => {
            add(Dimension::Clicks, "");
            add(Dimension::Country, or(&click.country, "??"));
            add(Dimension::Referrer, or(&click.referrer, "direct"));
            add(Dimension::Device, device);
            add(Dimension::Browser, &browser);
            if let Some(hash) = hash(&click.visitor) {
                sums.visitors.entry((link, event.at.day())).or_default().add(hash);
            }
        }
    }
    Ok(())
}

/// The first 64 bits of a visitor's name; `None`: the visitor asked not to be counted.
fn hash(visitor: &str) -> Option<u64> {
    u64::from_str_radix(visitor.get(..16)?, 16).ok()
}

fn or<'a>(value: &'a str, missing: &'a str) -> &'a str {
    if value.is_empty() { missing } else { value }
}

/// Writes the sums, but those of links that were erased meanwhile.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, mut sums: Sums) -> Result<(), Error> {
    let links = sums.counts.keys().map(|(link, ..)| *link).collect();
    let erased = privacy::erased(tx, links).await?;
    if !erased.is_empty() {
        sums.counts.retain(|(link, ..), _| !erased.contains(link));
        sums.visitors.retain(|(link, _), _| !erased.contains(link));
    }
    visitors::write(tx, sums.visitors).await?;
    add(tx, sums.counts).await
}

/// Adds counts to the stored ones, in key order.
///
/// # Errors
/// The database is down.
pub async fn add(tx: &mut Tx<'_>, counts: Counts) -> Result<(), Error> {
    let rows = counts.into_iter().map(|((link, hour, dimension, value), count)| {
        values![link, hour, dimension, value, count]
    });
    let sql = "insert into click_hour (link, hour, dimension, value, count) values";
    let add = "on conflict (link, hour, dimension, value) \
               do update set count = click_hour.count + excluded.count";
    tx.insert(sql, rows.collect(), add).await?;
    Ok(())
}

/// The clicks of one link in a window.
///
/// # Errors
/// The database is down.
pub async fn stats(app: &App, link: &Row, ask: &StatsAsk) -> Result<Stats, Error> {
    let sql = "select hour, dimension, value, count from click_hour \
               where link = $1 and hour >= $2 and hour < $3 order by hour";
    let rows = app.db.read(sql, values![link.id, hour(ask.from), ask.to]).await?;
    let mut by: BTreeMap<u64, BTreeMap<String, u64>> = BTreeMap::new();
    let mut series: BTreeMap<Millis, u64> = BTreeMap::new();
    for row in &rows {
        let (dimension, count) = (db::number(row, "dimension")?, db::number(row, "count")?);
        if dimension == Dimension::Clicks as u64 {
            let at = slot(Millis(db::number(row, "hour")?), ask.interval);
            *series.entry(at).or_default() += count;
        }
        *by.entry(dimension).or_default().entry(db::text(row, "value")?).or_default() += count;
    }
    let mut take = |dimension: Dimension| by.remove(&(dimension as u64)).unwrap_or_default();
    let view = link.link(app.config.domains.base(link.name.domain));
    Ok(Stats {
        short_url: view.short_url,
        long_url: view.long_url,
        clicks: take(Dimension::Clicks).into_values().sum(),
        unique_visitors: visitors::count(app, link.id, ask).await?,
        bots: take(Dimension::Bots).into_values().sum(),
        created_at: view.created_at,
        expires_at: view.expires_at,
        series: series.into_iter().map(|(at, clicks)| Slot { at, clicks }).collect(),
        by_country: top(take(Dimension::Country)),
        by_referrer: top(take(Dimension::Referrer)),
        by_device: top(take(Dimension::Device)),
        by_browser: top(take(Dimension::Browser)),
    })
}

fn top(counts: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(VALUES_MAX);
    ranked.into_iter().collect()
}
