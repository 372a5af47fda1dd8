//! L8, L12: redirects and their clicks, while the origin or workerd is killed.

use crate::check;
use crate::client::{Client, FIREFOX, Followed, Made};
use crate::load::{Creating, Tally, create, follow};
use crate::stack::Stack;
use rand::Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const LINKS: u64 = 30;
const FOLLOWERS: u64 = 12;
/// About 2,000 redirects a second: the machine has other things to do than to be saturated.
const PAUSE: Duration = Duration::from_millis(4);
/// What an isolate that dies has not handed over: 500 ms of it, or one batch of 64.
const BATCH: u64 = 64;

/// Links that exist before anything is killed.
pub async fn links(client: &Client, name: &str) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for n in 0..LINKS {
        let target = format!("https://target.example/{name}/{n}");
        links.insert(client.must_create(&target, &format!("{name}-{n}")).await, target);
    }
    links
}

async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// With the origin down: creation is 503 with `Retry-After`, and so is what nobody knows.
async fn without_origin(tag: &str, client: &Client, n: usize) {
    let made = client.create("https://target.example/down", &format!("down-{n}")).await;
    let told = matches!(&made, Made::Unavailable(Some(_)));
    assert!(told, "{tag}: a creation without the origin must be 503 with Retry-After: {made:?}");
    let unknown = client.follow(reqwest::Method::GET, &format!("unknown-{n}"), FIREFOX).await;
    let told = matches!(unknown, Followed::Answer(503, _));
    assert!(told, "{tag}: nobody can know whether this code exists: {unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l8_l12_kill_origin_under_redirects() {
    let mut stack = Stack::start("l8").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let links = links(&client, "l8").await;
    let seed = stack.rng.random();
    let followers = follow(&client, &links, FOLLOWERS, PAUSE, seed);
    let began = Instant::now();
    let mut down = Duration::ZERO;
    for n in 0..3 {
        sleep_ms(stack.rng.random_range(500..2_000)).await;
        stack.kill_origin().await;
        let since = Instant::now();
        // Longer than memory is fresh at least once: what was known must come from KV.
        let ms = if n == 1 { 6_500 } else { stack.rng.random_range(500..2_500) };
        sleep_ms(ms / 2).await;
        without_origin(&tag, &client, n).await;
        sleep_ms(ms / 2).await;
        down += since.elapsed();
        stack.start_origin().await;
    }
    sleep_ms(500).await;
    let (took, tally) = (began.elapsed(), followers.stop().await);
    println!(
        "{tag} 3 kills, down {down:.1?} of {took:.1?}: served {} (people {}, bots {}), HEAD {}",
        tally.served(),
        tally.humans.values().sum::<u64>(),
        tally.bots.values().sum::<u64>(),
        tally.heads
    );
    let since = Instant::now();
    check::counted_is_served(&tag, &client, &tally).await;
    println!("{tag} everything was counted {:.1?} later", since.elapsed());
    check::drained(&tag, &stack.database_url).await;
    stack.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_kill_workerd_under_redirects() {
    let mut stack = Stack::start("l12").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let links = links(&client, "l12").await;
    let followers = follow(&client, &links, FOLLOWERS, PAUSE, stack.rng.random());
    let makers = create(
        &client,
        Creating {
            name: "l12-made",
            clients: 4,
            total: u64::MAX,
            impatient_every: 0,
            pause: Duration::from_millis(20),
            seed: stack.rng.random(),
        },
    );
    let mut held = 0;
    for _ in 0..3 {
        sleep_ms(stack.rng.random_range(500..2_500)).await;
        // One isolate: what it served in its last half a second, and one batch.
        held += followers.half_a_second().await + BATCH;
        stack.kill_workerd().await;
        stack.start_edge().await;
    }
    sleep_ms(1_000).await;
    let ledger = makers.stop().await;
    let tally = followers.stop().await;
    println!(
        "{tag} 3 kills: {} created, {} given up",
        ledger.acknowledged.len(),
        ledger.doubt.len()
    );
    check::counted_within(&tag, &client, &tally, held).await;
    check::redirect(&tag, &client, &links).await;
    check::redirect(&tag, &client, &ledger.targets()).await;
    let rows = check::rows(&stack.database_url).await;
    let lost = ledger.targets().into_iter().find(|(code, to)| rows[code].long_url != *to);
    assert_eq!(lost, None, "{tag}: acknowledged and not present");
    check::drained(&tag, &stack.database_url).await;
    stack.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_what_a_recorder_stored_arrives_after_workerd_was_killed() {
    let mut stack = Stack::start("l12_stored").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let links = links(&client, "stored").await;
    stack.kill_origin().await;
    let followers = follow(&client, &links, FOLLOWERS, PAUSE, stack.rng.random());
    sleep_ms(2_000).await;
    let tally: Tally = followers.stop().await;
    // More than the half second after which an isolate has handed everything over.
    sleep_ms(1_500).await;
    stack.kill_workerd().await;
    stack.start_origin().await;
    // Nobody clicks any more: the recorder must wake up by itself.
    stack.start_edge().await;
    let since = Instant::now();
    check::counted_is_served(&tag, &client, &tally).await;
    println!("{tag} {} stored clicks arrived {:.1?} later", tally.served(), since.elapsed());
    stack.end();
}
