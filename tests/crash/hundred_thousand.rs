//! L12: a hundred thousand redirects by several clients, the origin killed twice, deliveries sent
//! again on purpose: counted is served, to the unit.

use crate::check;
use crate::internal::Internal;
use crate::load::follow;
use crate::redirects::links;
use crate::stack::Stack;
use origin::db::{self, Db};
use rand::Rng;
use serde_json::{Value, json};
use shared::links::wire::{Click, PRODUCT};
use shared::roads::EVENTS_PATH;
use std::time::{Duration, Instant};

/// Redirects that are answered, at least.
const REDIRECTS: u64 = 100_000;
const FOLLOWERS: u64 = 24;
/// The origin is killed when so many were served.
const KILLED_AT: [u64; 2] = [REDIRECTS * 3 / 10, REDIRECTS * 6 / 10];
/// 100,000 at 800 a second, the least that a busy machine serves, and the kills.
const SERVED_WITHIN: Duration = Duration::from_secs(150);
/// Each recorder's deliveries are sent again so often, each time another way.
const REPEATS: u64 = 12;
const EVENTS_OF_REPEAT: u64 = 200;

/// One of the clicks that a repetition pretends to be. A recorder sends again exactly what it
/// sent; here it is clicks of real links, so that one that was counted twice would be seen.
fn click(link: &str) -> Value {
    let click = Click {
        link: link.into(),
        user_agent: crate::client::FIREFOX.into(),
        referrer: "".into(),
        country: "".into(),
        visitor: "".into(),
    };
    let body = serde_json::to_string(&click).unwrap();
    json!({"product": PRODUCT, "at": db::now().0, "body": body})
}

struct Repeats {
    internal: Internal,
    database_url: String,
    ids: Vec<String>,
}

impl Repeats {
    /// What every recorder has had applied.
    async fn recorders(&self) -> Vec<(String, u64)> {
        let db = Db::open(&self.database_url).await.unwrap();
        let rows = db.read("select name, applied_seq from recorder", vec![]).await.unwrap();
        let read = |row| (db::text(row, "name").unwrap(), db::number(row, "applied_seq").unwrap());
        rows.iter().map(read).collect()
    }

    /// Deliveries that were applied already, wholly: another copy of each, signed as the edge
    /// signs. How many events were sent again.
    async fn send(&self, rng: &mut impl Rng) -> u64 {
        let mut sent = 0;
        for (recorder, applied) in self.recorders().await {
            for _ in 0..REPEATS {
                let last = rng.random_range(1..=applied.max(1));
                let first = last.saturating_sub(rng.random_range(0..EVENTS_OF_REPEAT)).max(1);
                let id = &self.ids[rng.random_range(0..self.ids.len())];
                let events: Vec<Value> = (first..=last).map(|_| click(id)).collect();
                sent += events.len() as u64;
                let body = json!({"recorder": recorder, "first_seq": first, "events": events});
                let answer = self.internal.post(EVENTS_PATH, &body.to_string(), None).await;
                let (status, said) = answer.expect("the origin lives");
                assert_eq!(status, 200, "{said}");
                let receipt: Value = serde_json::from_str(&said).unwrap();
                assert!(receipt["applied_seq"].as_u64().unwrap() >= applied, "{receipt}");
            }
        }
        sent
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_a_hundred_thousand_redirects_are_counted_to_the_unit_through_kills_and_repeats() {
    let mut stack = Stack::start("l12_100k").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let links = links(&client, "many").await;
    let mut ids = Vec::new();
    for code in links.keys() {
        let (status, link) =
            client.call(reqwest::Method::GET, &format!("/api/v1/links/{code}"), None).await;
        assert_eq!(status, 200, "{link}");
        ids.push(link["id"].as_str().unwrap().to_owned());
    }
    let internal = Internal::new(&stack, &stack.value("ORIGIN_URL")).await;
    let database_url = stack.database_url.clone();
    let repeats = Repeats { internal, database_url, ids };
    let followers = follow(&client, &links, FOLLOWERS, Duration::ZERO, stack.rng.random());
    let (began, mut kills, mut again) = (Instant::now(), 0, 0);
    while followers.served() < REDIRECTS {
        assert!(began.elapsed() < SERVED_WITHIN, "{tag}: served {} only", followers.served());
        if KILLED_AT.get(kills).is_some_and(|at| followers.served() >= *at) {
            stack.kill_origin().await;
            tokio::time::sleep(Duration::from_millis(stack.rng.random_range(200..1_500))).await;
            stack.start_origin().await;
            kills += 1;
        }
        again += repeats.send(&mut stack.rng).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let tally = followers.stop().await;
    assert!(kills == KILLED_AT.len() && again > 0, "{tag}: {kills} kills, {again} sent again");
    println!(
        "{tag} {} redirects in {:.1?} by {FOLLOWERS} clients, {kills} kills, {again} events sent \
         again, HEAD {}",
        tally.served(),
        began.elapsed(),
        tally.heads
    );
    let since = Instant::now();
    check::counted_is_served(&tag, &client, &tally).await;
    again = repeats.send(&mut stack.rng).await;
    check::counted_is_served(&tag, &client, &tally).await;
    println!("{tag} counted to the unit {:.1?} later, and after {again} more", since.elapsed());
    check::drained(&tag, &stack.database_url).await;
    stack.end();
}
