//! SIGTERM: what is under way is finished, and nothing is left.

use crate::check;
use crate::load::{Creating, create, follow};
use crate::stack::Stack;
use rand::Rng;
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::Duration;

/// What the origin allows requests that are under way.
const DRAIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graceful_stop_loses_nothing() {
    let mut stack = Stack::start("stops").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let code = client.must_create("https://target.example/before", "before").await;
    let links = BTreeMap::from([(code, "https://target.example/before".to_owned())]);
    let followers = follow(&client, &links, 4, Duration::from_millis(4), stack.rng.random());
    for n in 1..=3 {
        let name = format!("stops-{n}");
        let makers = create(
            &client,
            Creating {
                name: &name,
                clients: 16,
                total: u64::MAX,
                // Nobody tries again: an answer that got lost would stay a row without an answer.
                impatient_every: 1,
                pause: Duration::from_millis(1),
                seed: stack.rng.random(),
            },
        );
        let ms = stack.rng.random_range(300..1_500);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let took = stack.stop_origin().await;
        let ledger = makers.stop().await;
        assert!(took < DRAIN, "{tag}: the origin took {took:?}");
        assert!(ledger.wrong.is_empty(), "{tag}: {:?}", ledger.wrong);
        let rows = check::rows(&stack.database_url).await;
        let prefix = format!("https://target.example/{name}/");
        let made = rows.iter().filter(|(_, row)| row.long_url.starts_with(&prefix));
        let unanswered: Vec<&String> = made
            .map(|(code, _)| code)
            .filter(|code| !ledger.acknowledged.contains_key(*code))
            .collect();
        let told = ledger.acknowledged.len();
        let silent = unanswered.len();
        assert!(unanswered.is_empty(), "{tag}: {silent} committed, not answered; {told} answered");
        assert!(ledger.acknowledged.keys().all(|code| rows.contains_key(code)), "{tag}");
        println!(
            "{tag} TERM {n}: {told} answered, {} refused, ended after {took:.1?}",
            ledger.unavailable
        );
        stack.start_origin().await;
    }
    let said = stack.said_of_origin();
    let well = said.lines().count() == 3 && said.lines().all(|line| line.contains("(status 0)"));
    assert!(well, "{tag}: the origin must end with 0 three times: {said}");
    let tally = followers.stop().await;
    check::counted_is_served(&tag, &client, &tally).await;

    // TERM to a `scripts/dev` ends both of its sides and leaves both ports free.
    stack.stop_origin().await;
    stack.stop_edge().await;
    stack.start_both().await;
    check::redirect(&tag, &client, &links).await;
    assert_eq!(stack.stop_both(), Some(0), "{tag}: scripts/dev ends with 0");
    for port in ["EDGE_PORT", "ORIGIN_PORT"] {
        let port: u16 = stack.value(port).parse().unwrap();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{tag}: {port} is in use");
    }
    stack.end();
}
