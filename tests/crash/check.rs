//! What must hold after a crash, read from the database and from the edge's URL.

use crate::client::{Client, FIREFOX, Followed};
use crate::load::{Ledger, Tally};
use futures::stream::{self, StreamExt};
use origin::db::{self, Db};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Questions at once.
const AT_ONCE: usize = 16;
/// The roads bring what waits within seconds (`stack::DURATIONS`); after this they never will.
const ROADS_MAX: Duration = Duration::from_secs(45);
/// What came to rest for so long (a lease or a lost delivery, and a back-off) stays.
const REST: Duration = Duration::from_secs(5);

/// A row of `link`.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: u64,
    pub long_url: String,
    pub deleted: bool,
}

/// The whole table, by code.
pub async fn rows(database_url: &str) -> BTreeMap<String, Row> {
    let db = Db::open(database_url).await.unwrap();
    let found = db.read("select id, code, long_url, deleted_at from link", vec![]).await.unwrap();
    let read = |row| {
        let deleted = db::maybe_number(row, "deleted_at").unwrap().is_some();
        let long_url = db::text(row, "long_url").unwrap();
        let row_of = Row { id: db::number(row, "id").unwrap(), long_url, deleted };
        (db::text(row, "code").unwrap(), row_of)
    };
    found.iter().map(read).collect()
}

/// One number that a statement answers under the name `n`.
pub async fn number(database_url: &str, sql: &str) -> u64 {
    let db = Db::open(database_url).await.unwrap();
    let rows = db.read(sql, vec![]).await.unwrap();
    db::number(&rows[0], "n").unwrap()
}

/// Acknowledged ⊆ present ⊆ acknowledged or in doubt; no key made two links.
pub async fn creations(tag: &str, database_url: &str, ledger: &Ledger) -> BTreeMap<String, String> {
    assert!(ledger.wrong.is_empty(), "{tag}: {:#?}", &ledger.wrong[..ledger.wrong.len().min(10)]);
    let rows = rows(database_url).await;
    let absent: Vec<&String> = ledger
        .acknowledged
        .iter()
        .filter(|(code, (target, _))| rows.get(*code).is_none_or(|row| row.long_url != *target))
        .map(|(code, _)| code)
        .collect();
    assert!(absent.is_empty(), "{tag}: {} acknowledged links are lost: {absent:?}", absent.len());
    let mut targets = BTreeSet::new();
    for (code, row) in &rows {
        let fresh = targets.insert(row.long_url.as_str());
        assert!(fresh, "{tag}: a key made two links, one of them {code} to {}", row.long_url);
        let known = ledger.acknowledged.contains_key(code) || ledger.doubt.contains(&row.long_url);
        assert!(known, "{tag}: {code} to {} was never asked for", row.long_url);
    }
    let ids: BTreeSet<u64> = rows.values().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len(), "{tag}: ids are not unique");
    rows.into_iter().map(|(code, row)| (code, row.long_url)).collect()
}

/// Every one of these redirects to exactly its target.
pub async fn redirect(tag: &str, client: &Client, links: &BTreeMap<String, String>) {
    let followed = stream::iter(links).map(async |(code, target)| {
        // The relay may still have to bring what nobody was told of.
        match client.follow(reqwest::Method::GET, code, FIREFOX).await {
            Followed::Answer(302, to) if to == *target => None,
            other => Some(format!("{code} must lead to {target}: {other:?}")),
        }
    });
    let wrong: Vec<String> =
        followed.buffer_unordered(AT_ONCE).filter_map(async |one| one).collect().await;
    let (n, all) = (wrong.len(), links.len());
    assert!(wrong.is_empty(), "{tag}: {n} of {all}: {:#?}", &wrong[..n.min(10)]);
}

/// Every one of these can be read by its owner.
pub async fn readable(tag: &str, client: &Client, links: &BTreeMap<String, String>) {
    let asked = stream::iter(links).map(async |(code, target)| {
        let path = format!("/api/v1/links/{code}");
        let (status, link) = client.call(reqwest::Method::GET, &path, None).await;
        let right = status == 200 && link["long_url"] == target.as_str();
        if right { None } else { Some(format!("{code} to {target}: {status} {link}")) }
    });
    let wrong: Vec<String> =
        asked.buffer_unordered(AT_ONCE).filter_map(async |one| one).collect().await;
    assert!(
        wrong.is_empty(),
        "{tag}: {} unreadable: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(10)]
    );
}

/// The outbox empties by itself; nothing was parked, died, or went missing on the way up.
pub async fn drained(tag: &str, database_url: &str) -> Duration {
    let (began, waiting) = (Instant::now(), "select count(*) as n from outbox");
    loop {
        let left = number(database_url, waiting).await;
        if left == 0 {
            break;
        }
        assert!(began.elapsed() < ROADS_MAX, "{tag}: {left} rows stay in the outbox");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let dead = number(database_url, "select count(*) as n from dead_letter").await;
    assert_eq!(dead, 0, "{tag}: dead letters");
    let sql = "select cast(coalesce(sum(missing), 0) as bigint) as n from recorder";
    assert_eq!(number(database_url, sql).await, 0, "{tag}: numbers of recorders went missing");
    began.elapsed()
}

/// Clicks and bots per code.
pub type Counted = BTreeMap<String, (u64, u64)>;

async fn counted(client: &Client, tally: &Tally) -> Counted {
    let codes: BTreeSet<&String> =
        tally.humans.keys().chain(tally.bots.keys()).chain(tally.doubt.keys()).collect();
    let asked = stream::iter(codes).map(async |code| (code.clone(), client.counted(code).await));
    asked.buffer_unordered(AT_ONCE).collect().await
}

pub fn total(counted: &Counted) -> u64 {
    counted.values().map(|(clicks, bots)| clicks + bots).sum()
}

/// The counts once they have come to rest, or reached `enough`.
pub async fn at_rest(client: &Client, tally: &Tally, enough: u64) -> Counted {
    let began = Instant::now();
    let (mut last, mut since) = (counted(client, tally).await, Instant::now());
    while began.elapsed() < ROADS_MAX && since.elapsed() < REST + Duration::from_secs(1) {
        if total(&last) >= enough {
            // What comes after it would be too much.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return counted(client, tally).await;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = counted(client, tally).await;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

/// Counted = served, to the unit, per link, bots apart.
pub async fn counted_is_served(tag: &str, client: &Client, tally: &Tally) {
    assert!(tally.wrong.is_empty(), "{tag}: {:#?}", &tally.wrong[..tally.wrong.len().min(10)]);
    let broken = &tally.broken;
    assert!(broken.is_empty(), "{tag}: requests broke off though the edge lives: {broken:?}");
    let counted = at_rest(client, tally, tally.served()).await;
    let (sum, served) = (total(&counted), tally.served());
    assert_eq!(sum, served, "{tag}: counted {sum}, served {served}");
    for (code, (clicks, bots)) in counted {
        let served = [&tally.humans, &tally.bots].map(|of| of.get(&code).copied().unwrap_or(0));
        assert_eq!([clicks, bots], served, "{tag}: {code}: [clicks, bots] counted ≠ served");
    }
}

/// Counted ≤ served + in doubt, per link; counted ≥ served − `held`. What was lost.
pub async fn counted_within(tag: &str, client: &Client, tally: &Tally, held: u64) -> u64 {
    assert!(tally.wrong.is_empty(), "{tag}: {:#?}", &tally.wrong[..tally.wrong.len().min(10)]);
    let (served, doubts) = (tally.served(), tally.doubts());
    let counted = at_rest(client, tally, served + doubts).await;
    let sum = total(&counted);
    for (code, (clicks, bots)) in &counted {
        let of = |map: &BTreeMap<String, u64>| map.get(code).copied().unwrap_or(0);
        let most = of(&tally.humans) + of(&tally.bots) + of(&tally.doubt);
        let twice = clicks + bots > most;
        assert!(!twice, "{tag}: {code} counts {clicks} + {bots} of at most {most}");
    }
    let numbers = format!("counted {sum}, served {served}, in doubt {doubts}, held {held}");
    assert!(sum <= served + doubts, "{tag}: counted twice: {numbers}");
    assert!(sum + held >= served, "{tag}: lost more than half a second: {numbers}");
    println!("{tag} {numbers}, lost {}", served.saturating_sub(sum));
    served.saturating_sub(sum)
}
