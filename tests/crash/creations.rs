//! L7: what was acknowledged is there, although the origin is killed in the middle of it.

use crate::check;
use crate::load::{Creating, create};
use crate::stack::Stack;
use rand::Rng;
use std::time::{Duration, Instant};

const CREATIONS: u64 = 5_000;
const KILLS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l7_kill_origin_in_the_middle_of_5000_creations() {
    let mut stack = Stack::start("l7").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let mut moments: Vec<u64> =
        (0..KILLS).map(|_| stack.rng.random_range(100..CREATIONS - 300)).collect();
    moments.sort_unstable();
    let began = Instant::now();
    let makers = create(
        &client,
        Creating {
            name: "l7",
            clients: 32,
            total: CREATIONS,
            impatient_every: 20,
            pause: Duration::ZERO,
            seed: stack.rng.random(),
        },
    );
    for moment in moments {
        makers.until_acknowledged(moment).await;
        tokio::time::sleep(Duration::from_millis(stack.rng.random_range(0..40))).await;
        stack.kill_origin().await;
        stack.start_origin().await;
    }
    let ledger = makers.done().await;
    let took = began.elapsed();

    let (acknowledged, doubt) = (ledger.acknowledged.len(), ledger.doubt.len());
    println!(
        "{tag} {KILLS} kills in {took:.1?}: {acknowledged} acknowledged, {doubt} given up; 503 {}, \
         409 {}, broken {}, not sent {}, replayed {}",
        ledger.unavailable,
        ledger.in_progress,
        ledger.broken.len(),
        ledger.not_sent,
        ledger.replayed
    );
    assert_eq!(acknowledged + doubt, CREATIONS as usize, "{tag}: somebody was not told");
    let silent = ledger.broken.len() as u64 + ledger.not_sent;
    assert_eq!(silent, 0, "{tag}: the edge lives and answers everybody: {:?}", ledger.broken);
    // Before the relay can have helped: the answer itself came after the edge knew.
    check::redirect(&tag, &client, &ledger.targets()).await;
    let rows = check::creations(&tag, &stack.database_url, &ledger).await;
    let drained = check::drained(&tag, &stack.database_url).await;
    println!("{tag} {} rows; the outbox was empty after {drained:.1?}", rows.len());
    check::redirect(&tag, &client, &rows).await;
    check::readable(&tag, &client, &rows).await;
    stack.end();
}
