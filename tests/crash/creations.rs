//! L7: what was acknowledged is there, although the origin is killed in the middle of it.

use crate::check;
use crate::client::{Client, Made};
use crate::internal::Internal;
use crate::load::{Creating, Ledger, create};
use crate::stack::Stack;
use rand::Rng;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const CREATIONS: u64 = 5_000;
/// About one in three meets a commit that nobody was told of.
const KILLS: usize = 10;
/// Acknowledged creations that are sent again under their keys.
const REPEATED: usize = 300;
/// Clients that also create without the edge, shortly before each kill and into it. Most of a
/// creation's time passes at the edge: without them a kill would rarely meet a commit that nobody
/// was told of.
const HAMMERS: usize = 32;

/// Code, id, target, and whether it was made before the answer that told of it.
type Told = (String, String, String, bool);

/// Creates without the edge until the origin is gone, then insists on what it was not told.
async fn hammer(origin: Internal, name: String) -> Vec<Told> {
    let mut told = Vec::new();
    for n in 0.. {
        let (target, key) = (format!("https://target.example/{name}/{n}"), format!("{name}-{n}"));
        let until = Instant::now() + Duration::from_secs(60);
        let mut tries = 0;
        let (link, replayed) = loop {
            if let Some(made) = origin.create(&target, &key).await {
                break made;
            }
            assert!(Instant::now() < until, "{key}: nobody was told");
            tokio::time::sleep(Duration::from_millis(20)).await;
            tries += 1;
        };
        assert_eq!(link.long_url, target);
        told.push((link.short_code, link.id, target, replayed));
        if tries > 0 {
            break;
        }
    }
    told
}

fn hammers(origin: &Internal, kill: usize) -> Vec<JoinHandle<Vec<Told>>> {
    let one = |n| tokio::spawn(hammer(origin.clone(), format!("l7-{kill}-{n}")));
    (0..HAMMERS).map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l7_kill_origin_in_the_middle_of_5000_creations() {
    let mut stack = Stack::start("l7").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let origin = Internal::new(&stack, &stack.value("ORIGIN_URL")).await;
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
    let mut all = Vec::new();
    for (kill, moment) in moments.into_iter().enumerate() {
        makers.until_acknowledged(moment).await;
        all.extend(hammers(&origin, kill));
        tokio::time::sleep(Duration::from_micros(stack.rng.random_range(20_000..60_000))).await;
        stack.kill_origin().await;
        stack.start_origin().await;
    }
    let mut ledger = makers.done().await;
    let took = began.elapsed();
    let (acknowledged, doubt) = (ledger.acknowledged.len(), ledger.doubt.len());
    assert_eq!(acknowledged + doubt, CREATIONS as usize, "{tag}: somebody was not told");
    let silent = ledger.broken.len() as u64 + ledger.not_sent;
    assert_eq!(silent, 0, "{tag}: the edge lives and answers everybody: {:?}", ledger.broken);
    // Before the relay can have helped: the answer itself came after the edge knew.
    check::redirect(&tag, &client, &ledger.targets()).await;
    let mut directly = 0;
    for one in all {
        for (code, id, target, replayed) in one.await.unwrap() {
            directly += 1;
            ledger.replayed += u64::from(replayed);
            ledger.enter(code, id, &target, target.clone());
        }
    }
    println!(
        "{tag} {KILLS} kills in {took:.1?}: {acknowledged} acknowledged, {doubt} given up, \
         {directly} directly; committed and answered only after the restart {}; 503 {}, 409 {}",
        ledger.replayed, ledger.unavailable, ledger.in_progress
    );
    settle(&stack, &ledger).await;
    stack.end();
}

/// A key that was answered before a kill is answered alike after it.
async fn repeat(tag: &str, client: &Client, ledger: &Ledger) {
    let through_edge = ledger.acknowledged.iter().filter_map(|(code, (target, _))| {
        let n = target.strip_prefix("https://target.example/l7/")?.split('?').next()?;
        Some((code, target, format!("l7-{n}")))
    });
    for (code, target, key) in through_edge.take(REPEATED) {
        let made = client.create(target, &key).await;
        let same = matches!(&made, Made::Link { code: c, replayed: true, .. } if c == code);
        assert!(same, "{tag}: {key} made {code}, and now {made:?}");
    }
}

async fn settle(stack: &Stack, ledger: &Ledger) {
    let (tag, client) = (&stack.tag, stack.client());
    let rows = check::creations(tag, &stack.database_url, ledger).await;
    repeat(tag, &client, ledger).await;
    assert_eq!(check::rows(&stack.database_url).await.len(), rows.len(), "{tag}: a second link");
    let drained = check::drained(tag, &stack.database_url).await;
    println!("{tag} {} rows; the outbox was empty after {drained:.1?}", rows.len());
    check::redirect(tag, &client, &rows).await;
    check::readable(tag, &client, &rows).await;
}
