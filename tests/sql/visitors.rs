//! L12: unique visitors, as clicks are delivered.

use crate::support::{Place, application, body, call, deliver, shorten};
use origin::app::App;
use origin::{db, links};
use serde_json::{Value, json};
use shared::links::wire::Click;
use shared::roads::Event;
use std::ops::Range;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
/// Events of one delivery, well below its bound.
const CHUNK: usize = 500;

fn click(link: &str, agent: &str, visitor: &str) -> Event {
    let click = Click {
        link: link.into(),
        user_agent: agent.into(),
        referrer: "".into(),
        country: "".into(),
        visitor: visitor.into(),
    };
    let body = serde_json::to_string(&click).unwrap();
    Event { product: "links".into(), at: db::now(), body }
}

/// As the edge names them: bits that look drawn.
fn clicks(link: &str, visitors: Range<u64>) -> Vec<Event> {
    let name = |n: u64| {
        let bits = shared::machine::mix(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xfeed);
        format!("{bits:016x}{n:016x}")
    };
    visitors.map(|n| click(link, FIREFOX, &name(n))).collect()
}

async fn link(app: &App, owner: &str) -> (String, String) {
    let made = body(&shorten(app, owner, &json!({"long_url": "https://example.com/"})).await);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("short_code"))
}

async fn stats(app: &App, owner: &str, code: &str) -> Value {
    let path = format!("/api/v1/stats/{code}?interval=day");
    body(&links::stats(app, &call(owner, "GET", &path, "")).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_visitors_of_overlapping_deliveries_count_once() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    let (id, code) = link(&one, &ann).await;
    let (other, other_code) = link(&one, &ann).await;
    // 30 people, of whom 20 come back twice, to two recorders.
    tokio::join!(
        deliver(&one, "r/1", 1, clicks(&id, 0..20)),
        deliver(&two, "r/2", 1, clicks(&id, 5..25)),
    );
    deliver(&two, "r/1", 21, clicks(&id, 10..30)).await;
    // Again what was applied; whoever asked not to be seen; a crawler; another link.
    deliver(&two, "r/1", 1, clicks(&id, 100..120)).await;
    let more = vec![click(&id, FIREFOX, ""), click(&id, "curl/8.5.0", &"ab".repeat(16))];
    deliver(&one, "r/3", 1, more).await;
    deliver(&one, "r/4", 1, clicks(&other, 0..3)).await;
    let seen = stats(&two, &ann, &code).await;
    assert_eq!((&seen["clicks"], &seen["bots"]), (&json!(61), &json!(1)));
    assert_eq!(seen["unique_visitors"], 30);
    assert_eq!(stats(&one, &ann, &other_code).await["unique_visitors"], 3);
}

#[tokio::test]
async fn l12_the_error_at_20_000_visitors_is_below_two_percent() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let (id, code) = link(&app, &ann).await;
    let mut next = 1;
    for visitors in [0..20_000, 5_000..7_000] {
        let events = clicks(&id, visitors);
        for chunk in events.chunks(CHUNK) {
            next = deliver(&app, "r/1", next, chunk.to_vec()).await + 1;
        }
    }
    let seen = stats(&app, &ann, &code).await;
    assert_eq!(seen["clicks"], 22_000);
    let count = seen["unique_visitors"].as_u64().unwrap();
    assert!(count.abs_diff(20_000) < 400, "{count}");
}
