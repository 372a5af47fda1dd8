//! Both sides die at once, under a mixed load, and start again on the same state.

use crate::check;
use crate::load::{Creating, create, follow};
use crate::stack::Stack;
use rand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_everything_and_start_again() {
    let mut stack = Stack::start("everything").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let mut links = BTreeMap::new();
    for n in 0..20 {
        let target = format!("https://target.example/before/{n}");
        links.insert(client.must_create(&target, &format!("before-{n}")).await, target);
    }
    let followers = follow(&client, &links, 8, Duration::from_millis(4), stack.rng.random());
    let makers = create(
        &client,
        Creating {
            name: "everything",
            clients: 8,
            total: u64::MAX,
            impatient_every: 10,
            pause: Duration::from_millis(2),
            seed: stack.rng.random(),
        },
    );
    let mut held = 0;
    for kill in 0..2 {
        let ms = stack.rng.random_range(500..2_500);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        held += followers.half_a_second().await + 64;
        stack.kill_everything().await;
        if kill == 0 {
            stack.start_both().await;
        }
    }
    let mut ledger = makers.stop().await;
    let tally = followers.stop().await;
    println!(
        "{tag} 2 kills: {} acknowledged, {} in doubt; 503 {}, broken {}, not sent {}, replayed {}",
        ledger.acknowledged.len(),
        ledger.doubt.len(),
        ledger.unavailable,
        ledger.broken.len(),
        ledger.not_sent,
        ledger.replayed
    );
    // The edge has nobody to ask: whoever was told of a link finds it all the same.
    stack.start_edge().await;
    check::redirect(&tag, &client, &ledger.targets()).await;
    stack.start_origin().await;
    ledger
        .acknowledged
        .extend(links.iter().map(|(code, to)| (code.clone(), (to.clone(), String::new()))));
    let rows = check::creations(&tag, &stack.database_url, &ledger).await;
    let drained = check::drained(&tag, &stack.database_url).await;
    println!("{tag} {} rows; the outbox was empty after {drained:.1?}", rows.len());
    check::counted_within(&tag, &client, &tally, held).await;
    check::redirect(&tag, &client, &rows).await;
    check::readable(&tag, &client, &rows).await;
    check::drained(&tag, &stack.database_url).await;
    stack.end();
}
