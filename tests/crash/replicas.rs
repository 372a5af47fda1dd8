//! Two origins on one database agree, and one goes on when the other is killed.

use crate::check;
use crate::client::FIREFOX;
use crate::internal::Internal;
use crate::keeper::{Keeper, signal};
use crate::load::{Creating, Makers, Running, create};
use crate::stack::{Stack, free_port, is_postgres};
use origin::db;
use rand::Rng;
use shared::id::parse_id;
use shared::links::wire::{Click, Link};
use shared::roads::{Delivery, EVENTS_PATH, Event, Receipt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Creations at one origin, without the edge; the failed ones are in doubt.
struct Direct {
    stop: AtomicBool,
    made: AtomicU64,
}

async fn create_directly(
    of: Arc<Direct>,
    internal: Internal,
    name: String,
) -> (BTreeMap<String, Link>, BTreeSet<String>) {
    let (mut made, mut doubt) = (BTreeMap::new(), BTreeSet::new());
    for n in 0.. {
        if of.stop.load(Ordering::Relaxed) {
            break;
        }
        let target = format!("https://target.example/{name}/{n}");
        match internal.create(&target, &format!("{name}-{n}")).await {
            Some((link, _)) => {
                assert_eq!(link.long_url, target);
                of.made.fetch_add(1, Ordering::Relaxed);
                made.insert(link.short_code.clone(), link);
            }
            None => {
                doubt.insert(target);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    (made, doubt)
}

async fn second(stack: &Stack) -> (Keeper, Internal) {
    let port = free_port();
    let mut command = stack.origin();
    command.arg("serve").env("ORIGIN_PORT", port.to_string());
    let keeper = Keeper::start(&mut command, &stack.dir().join("second.log"));
    let internal = Internal::new(stack, &format!("http://127.0.0.1:{port}")).await;
    let until = Instant::now() + Duration::from_secs(20);
    while !internal.is_ready().await {
        assert!(Instant::now() < until, "{}: the second origin is not ready", stack.tag);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (keeper, internal)
}

/// The node numbers that stand in these links' ids.
fn nodes<'a>(ids: impl Iterator<Item = &'a str>) -> BTreeSet<u64> {
    ids.map(|id| (parse_id("lnk", id).unwrap() >> 12) & 1023).collect()
}

fn delivery(link: &str, recorder: &str, first_seq: u64, count: usize) -> String {
    let click = Click {
        link: link.into(),
        user_agent: FIREFOX.into(),
        referrer: "".into(),
        country: "JP".into(),
        visitor: "".into(),
    };
    let body = serde_json::to_string(&click).unwrap();
    let event = Event { product: "links".into(), at: db::now(), body };
    let delivery = Delivery { recorder: recorder.into(), first_seq, events: vec![event; count] };
    serde_json::to_string(&delivery).unwrap()
}

/// Every delivery goes to both at once, some of them overlap; counted is each event once.
async fn events_count_once(tag: &str, one: &Internal, two: &Internal, link: &str) -> u64 {
    for n in 0..20 {
        let (first, count) = (n * 10 + 1, if n < 19 { 15 } else { 10 });
        let text = delivery(link, "crash/1", first, count);
        let posts = [one, two, one, two].map(|to| to.post(EVENTS_PATH, &text, None));
        for (status, text) in futures::future::join_all(posts).await.into_iter().flatten() {
            assert_eq!(status, 200, "{tag}: {text}");
            let receipt: Receipt = serde_json::from_str(&text).unwrap();
            assert_eq!(receipt.applied_seq, first + count as u64 - 1, "{tag}: delivery {n}");
        }
    }
    200
}

/// The second is killed and the first goes on, then the other way round; what each made alone.
async fn kill_in_turn(
    stack: &mut Stack,
    second: &mut Keeper,
    url: &str,
    (makers, direct): (&Running<Makers>, &Direct),
) -> (u64, u64) {
    let tag = stack.tag.clone();
    let pause = |ms| tokio::time::sleep(Duration::from_millis(ms));
    pause(stack.rng.random_range(800..2_000)).await;
    signal("KILL", second.pid().unwrap());
    let before = makers.of.acknowledged.load(Ordering::Relaxed);
    pause(1_500).await;
    let one = makers.of.acknowledged.load(Ordering::Relaxed) - before;
    assert!(one > 0, "{tag}: the first origin stood still without the second");
    assert_eq!(second.status(), Some(137), "{tag}: the second origin was to be killed");
    let mut command = stack.origin();
    command.arg("serve").env("ORIGIN_PORT", url.rsplit(':').next().unwrap());
    *second = Keeper::start(&mut command, &stack.dir().join("second.log"));
    pause(stack.rng.random_range(1_500..2_500)).await;
    stack.kill_origin().await;
    let before = direct.made.load(Ordering::Relaxed);
    pause(1_500).await;
    let two = direct.made.load(Ordering::Relaxed) - before;
    assert!(two > 0, "{tag}: the second origin stood still without the first");
    stack.start_origin().await;
    pause(500).await;
    (one, two)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_agree() {
    if !is_postgres() {
        println!("skipped: two origins share a PostgreSQL (TEST_DATABASE=postgres), not a SQLite");
        return;
    }
    let mut stack = Stack::start("replicas").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let (mut keeper, two) = second(&stack).await;
    let one = Internal::new(&stack, &stack.value("ORIGIN_URL")).await;
    let makers = create(
        &client,
        Creating {
            name: "through-edge",
            clients: 6,
            total: u64::MAX,
            impatient_every: 0,
            pause: Duration::from_millis(2),
            seed: stack.rng.random(),
        },
    );
    let direct = Arc::new(Direct { stop: AtomicBool::new(false), made: AtomicU64::new(0) });
    let names = ["direct-a", "direct-b", "direct-c", "direct-d"].map(String::from);
    let tasks = names.map(|name| tokio::spawn(create_directly(direct.clone(), two.clone(), name)));
    let alone = kill_in_turn(&mut stack, &mut keeper, &two.url, (&makers, &direct)).await;

    let mut ledger = makers.stop().await;
    direct.stop.store(true, Ordering::Relaxed);
    let edge_nodes = nodes(ledger.acknowledged.values().map(|(_, id)| id.as_str()));
    let (mut direct_nodes, mut direct_made) = (BTreeSet::new(), 0);
    for task in tasks {
        let (made, doubt) = task.await.unwrap();
        direct_nodes.extend(nodes(made.values().map(|link| link.id.as_str())));
        direct_made += made.len();
        let links = made.into_iter().map(|(code, link)| (code, (link.long_url, link.id)));
        ledger.acknowledged.extend(links);
        ledger.doubt.extend(doubt);
    }
    println!(
        "{tag} {} acknowledged ({direct_made} directly), {} in doubt; each alone: \
         {alone:?}; nodes {edge_nodes:?} and {direct_nodes:?}",
        ledger.acknowledged.len(),
        ledger.doubt.len()
    );
    assert!(edge_nodes.is_disjoint(&direct_nodes), "{tag}: {edge_nodes:?}, {direct_nodes:?}");
    let rows = check::creations(&tag, &stack.database_url, &ledger).await;
    let drained = check::drained(&tag, &stack.database_url).await;
    println!("{tag} {} rows; the outbox was empty after {drained:.1?}", rows.len());
    check::redirect(&tag, &client, &rows).await;
    let (_, (_, id)) = ledger.acknowledged.first_key_value().unwrap();
    let before = number_of_clicks(&stack, id).await;
    let posted = events_count_once(&tag, &one, &two, id).await;
    let counted = number_of_clicks(&stack, id).await - before;
    assert_eq!(counted, posted, "{tag}: posted {posted} events to both, counted {counted}");
    assert_eq!(keeper.stop(), Some(0), "{tag}: the second origin ends with TERM");
    stack.end();
}

async fn number_of_clicks(stack: &Stack, id: &str) -> u64 {
    let id = parse_id("lnk", id).unwrap();
    let sql = format!(
        "select cast(coalesce(sum(count), 0) as bigint) as n from click_hour \
         where link = {id} and dimension = 2 and value = 'JP'"
    );
    check::number(&stack.database_url, &sql).await
}
