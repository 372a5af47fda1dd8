//! L25: export and erasure of what a principal made, step by step.

use crate::support::{Place, application, body, call, deliver, shorten, status, with};
use origin::app::App;
use origin::links::sweep;
use origin::privacy::{self, job};
use origin::respond::Call;
use origin::{db, links, values};
use serde_json::{Value, json};
use shared::links::wire::Click;
use shared::privacy::EXPORT_KEEP_MS;
use shared::roads::Event;
use shared::time::{DAY_MS, Millis};
use std::collections::BTreeMap;
use std::sync::Arc;

const EXPORTS: &str = "/api/v1/privacy/exports";
const ERASURES: &str = "/api/v1/privacy/erasures";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// What must be nowhere once it was erased.
const CANARY: &str = "canary-7f3a";

fn by(mut call: Call, sub: &str) -> Call {
    call.context.principal = format!("user:{sub}");
    call
}

/// A link of a user; its id and its code.
async fn make(app: &App, owner: &str, sub: &str, n: usize) -> (String, String) {
    let link = json!({
        "long_url": format!("https://{CANARY}.example/{sub}/{n}"), "title": CANARY,
        "tags": [CANARY], "external_id": format!("{CANARY}-{sub}-{n}"),
        "fallback_url": format!("https://{CANARY}.example/over"),
        "rules": [{"country": ["JP"], "to": format!("https://{CANARY}.example/jp")}],
    });
    let asked = by(call(owner, "POST", "/api/v1/shorten", &link.to_string()), sub);
    let asked = with(asked, "idempotency-key", &format!("{sub}-{n}"));
    let made = body(&links::shorten(app, &asked).await);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("short_code"))
}

fn click(link: &str, country: &str, at: Millis) -> Event {
    let click = Click {
        link: link.into(),
        country: country.into(),
        user_agent: FIREFOX.into(),
        referrer: "".into(),
        visitor: "00112233445566778899aabbccddeeff".into(),
    };
    let body = serde_json::to_string(&click).unwrap();
    Event { product: "links".into(), at, body }
}

async fn ask(app: &App, owner: &str, path: &str, subject: &str) -> Value {
    let asked = call(owner, "POST", path, &json!({"subject": subject}).to_string());
    let answer = match path {
        EXPORTS => privacy::export(app, &asked).await,
        _ => privacy::erase(app, &asked).await,
    };
    assert_eq!(status(&answer), 202);
    body(&answer)
}

fn named(owner: &str, request: &Value, tail: &str) -> Call {
    let kind = if request["kind"] == "export" { EXPORTS } else { ERASURES };
    let id = request["id"].as_str().unwrap();
    let mut named = call(owner, "GET", &format!("{kind}/{id}{tail}"), "");
    named.segments = vec![id.into()];
    named
}

async fn state(app: &App, owner: &str, request: &Value) -> Value {
    let asked = named(owner, request, "");
    let answer = match request["kind"].as_str().unwrap() {
        "export" => privacy::get_export(app, &asked).await,
        _ => privacy::get_erasure(app, &asked).await,
    };
    body(&answer)
}

async fn items(app: &App, owner: &str, request: &Value) -> Vec<Value> {
    let (mut all, mut query) = (Vec::new(), "?limit=7".to_owned());
    loop {
        let page = body(&privacy::items(app, &named(owner, request, &query)).await);
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return all };
        query = format!("?limit=7&cursor={next}");
    }
}

/// Steps until nothing is due; how many.
async fn run(app: &App, now: Millis) -> u64 {
    let mut steps = 0;
    while job::step(app, now).await.unwrap() {
        steps += 1;
        assert!(steps < 1_000, "it never ends");
    }
    steps
}

fn settled(app: &App) -> Millis {
    db::now().plus(app.config.durations.erasure_settle_ms + 1)
}

/// Where the canary stands, over every column of text that links fill.
async fn traces(app: &App, sub: &str) -> Vec<String> {
    let canary = format!("%{CANARY}%");
    let mut found = Vec::new();
    for (table, columns) in [
        (
            "link",
            &["long_url", "title", "tags", "rules", "fallback_url", "external_id", "creator"][..],
        ),
        ("outbox", &["value"]),
        ("idempotency", &["scope", "answer"]),
        ("privacy_item", &["body"]),
        ("dead_letter", &["body"]),
    ] {
        for column in columns {
            let sql = format!(
                "select {column} as found from {table} where {column} like $1 or {column} like $2"
            );
            let rows = app.db.read(&sql, values![canary.as_str(), format!("%{sub}")]).await;
            if !rows.unwrap().is_empty() {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    found
}

/// 400 referrers of one link in eleven hours: more counts than one step takes.
async fn many_clicks(app: &App, link: &str, now: Millis) {
    let events = (0..4_400).map(|n: u64| {
        let mut event = click(link, "JP", Millis(now.0 - (n % 11) * 3_600_000));
        let mut click: Click = serde_json::from_str(&event.body).unwrap();
        click.referrer = format!("r{}.example", n / 11).into();
        event.body = serde_json::to_string(&click).unwrap();
        event
    });
    let events: Vec<Event> = events.collect();
    for (n, events) in events.chunks(500).enumerate() {
        deliver(app, "r", n as u64 * 500 + 1, events.to_vec()).await;
    }
}

/// What an export's counts add up to, by link and dimension; how many they are.
fn sums(items: &[Value]) -> (BTreeMap<(String, String), u64>, u64) {
    let (mut sum, mut counts) = (BTreeMap::new(), 0);
    let text = |of: &Value| of.as_str().unwrap().to_owned();
    for item in items.iter().filter(|item| item["kind"] == "clicks") {
        for count in item["counts"].as_array().unwrap() {
            let key = (text(&item["link"]), text(&count["by"]));
            *sum.entry(key).or_default() += count["count"].as_u64().unwrap();
            counts += 1;
        }
    }
    (sum, counts)
}

#[tokio::test]
async fn l25_an_export_has_every_link_and_every_count_and_resumes_between_any_two_steps() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    let now = db::now();
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(make(&one, &ann, "zoe", n).await);
    }
    make(&one, &ann, "bob", 0).await;
    status(&shorten(&one, &ann, &json!({"long_url": "https://service.example/"})).await);
    let (long, _) = &made[2];
    many_clicks(&one, long, now).await;
    deliver(&one, "other", 1, vec![click(&made[0].0, "DE", now)]).await;
    let sql = "update link set deleted_at = $1 where code = $2";
    crate::support::write(&one, sql, values![now, made[4].1.as_str()]).await;

    let request = ask(&one, &ann, EXPORTS, "zoe").await;
    assert_eq!(request["products"]["links"]["state"], "queued");
    let early = privacy::items(&one, &named(&ann, &request, "/items")).await;
    assert_eq!(status(&early), 409);
    // Each step by a process that knows nothing of the last one.
    let mut steps = 0;
    for app in [&one, &two].into_iter().cycle() {
        if !job::step(app, db::now()).await.unwrap() {
            break;
        }
        steps += 1;
        if state(&one, &ann, &request).await["done_at"].is_null() {
            assert_eq!(state(&two, &ann, &request).await["products"]["links"]["state"], "running");
        }
    }
    assert!(steps > 2, "{steps}");
    let done = state(&one, &ann, &request).await;
    assert_eq!(done["products"]["links"]["state"], "done");
    let all = items(&one, &ann, &request).await;
    let of = |kind: &'static str| all.iter().filter(move |item| item["kind"] == kind);
    let links: Vec<&Value> = of("link").collect();
    assert_eq!(links.len(), 5, "neither another user's nor the service's");
    assert!(links.iter().all(|item| item["link"]["title"] == CANARY));
    assert_eq!(links.iter().filter(|item| item["deleted_at"].is_string()).count(), 1);
    let (sum, counts) = sums(&all);
    for (link, clicks) in [(long, 4_400), (&made[0].0, 1)] {
        for by in ["clicks", "country", "referrer", "device", "browser"] {
            assert_eq!(sum[&(link.clone(), by.to_owned())], clicks, "{link} {by}");
        }
    }
    assert_eq!(done["products"]["links"]["counts"]["links"], 5);
    assert_eq!(done["products"]["links"]["counts"]["click_counts"], counts);
    assert!(of("visitors").count() >= 2);
    // Kept for seven days after its end, then gone with its items.
    let end = Millis::parse(done["done_at"].as_str().unwrap()).unwrap();
    assert_eq!(done["kept_until"], end.plus(EXPORT_KEEP_MS).to_rfc3339());
    assert_eq!(job::sweep(&one, end.plus(EXPORT_KEEP_MS)).await.unwrap(), 0);
    assert_eq!(job::sweep(&one, end.plus(EXPORT_KEEP_MS + 1)).await.unwrap(), 1);
    assert_eq!(status(&privacy::get_export(&one, &named(&ann, &request, "")).await), 404);
    assert_eq!(one.db.read("select seq from privacy_item", vec![]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn l25_an_erased_principal_leaves_tombstones_and_nothing_else() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let (ann, eve) = (application(&one, "ann").await, application(&one, "eve").await);
    let now = db::now();
    let mut made = Vec::new();
    for n in 0..450 {
        made.push(make(&one, &ann, "zoe", n).await);
    }
    let (kept, kept_code) = make(&one, &ann, "bob", 0).await;
    let (strange, _) = make(&one, &eve, "zoe", 0).await;
    // One that is over for long, and was swept: its counts are still there.
    let old = Millis(now.0 - 40 * DAY_MS);
    let sql = "update link set expires_at = $1 where code = $2";
    crate::support::write(&one, sql, values![old, made[0].1.as_str()]).await;
    assert_eq!(sweep::sweep(&one, now).await.unwrap(), 1);
    let of_all = |n: usize| made.iter().take(n).map(|(link, _)| click(link, "JP", now));
    let events: Vec<Event> =
        of_all(450).chain([&kept, &strange].map(|l| click(l, "DE", now))).collect();
    deliver(&one, "r", 1, events).await;
    let body = format!("{{\"link\":\"{}\",\"n\":\"{CANARY}\"", made[1].0);
    deliver(&one, "r", 453, vec![Event { body, ..click("", "", now) }]).await;
    let export = ask(&one, &ann, EXPORTS, "zoe").await;
    run(&one, db::now()).await;
    assert!(!items(&one, &ann, &export).await.is_empty());

    let request = ask(&one, &ann, ERASURES, "zoe").await;
    let mut steps = 0;
    for app in [&two, &one].into_iter().cycle() {
        if !job::step(app, db::now()).await.unwrap() {
            break;
        }
        steps += 1;
        if steps == 2 {
            // Between two batches: what is clicked meanwhile is counted for nobody who is gone.
            let events = of_all(450).chain([click(&kept, "DE", now)]).collect();
            deliver(&two, "q", 1, events).await;
        }
    }
    assert!(steps >= 4, "{steps}");
    assert_eq!(state(&one, &ann, &request).await["products"]["links"]["state"], "running");
    // A delivery that had looked before the links were marked, and committed after they were.
    let late =
        "insert into click_hour (link, hour, dimension, value, count) values ($1, 0, 0, '', 7)";
    let id = shared::id::parse_id("lnk", &made[7].0).unwrap();
    crate::support::write(&one, late, values![id]).await;
    run(&one, settled(&one)).await;
    let receipt = state(&one, &ann, &request).await;
    assert!(receipt["done_at"].is_string(), "{receipt}");
    let counts = &receipt["products"]["links"]["counts"];
    assert_eq!((&counts["links"], &counts["dead_letters"]), (&json!(450), &json!(1)));
    assert!(counts["click_counts"].as_u64().unwrap() >= 450 * 5, "{counts}");
    assert_eq!(counts["visitor_days"], 450);
    // Long after its end an isolate that did not know hands clicks over: they are counted nowhere.
    deliver(&two, "late", 1, of_all(450).collect()).await;
    nothing_is_left(&one, &ann, &made, (&kept, &strange)).await;
    assert_eq!(status(&privacy::get_export(&one, &named(&ann, &export, "")).await), 404);
    // A second erasure finds nothing; the codes stay taken, another's link stays as it is.
    let again = ask(&one, &ann, ERASURES, "zoe").await;
    run(&one, db::now()).await;
    run(&one, settled(&one)).await;
    let again = state(&one, &ann, &again).await;
    assert_eq!(again["products"]["links"]["state"], "done");
    assert_eq!(again["products"]["links"]["counts"]["click_counts"], 0);
    let taken = json!({"long_url": "https://e.org/", "custom_alias": made[3].1});
    assert_eq!(status(&shorten(&one, &ann, &taken).await), 409);
    let path = format!("/api/v1/links/{kept_code}");
    assert_eq!(status(&links::get(&one, &call(&ann, "GET", &path, "")).await), 200);
}

async fn nothing_is_left(
    app: &App,
    ann: &str,
    made: &[(String, String)],
    (kept, strange): (&str, &str),
) {
    for (_, code) in made.iter().step_by(50) {
        let path = format!("/api/v1/links/{code}");
        assert_eq!(status(&links::get(app, &call(ann, "GET", &path, "")).await), 410);
    }
    let sql = "select link from click_hour union select link from visitor_day";
    let rows = app.db.read(sql, vec![]).await.unwrap();
    let mut left: Vec<u64> = rows.iter().map(|row| db::number(row, "link").unwrap()).collect();
    left.sort_unstable();
    let mut wanted = [kept, strange].map(|id| shared::id::parse_id("lnk", id).unwrap());
    wanted.sort_unstable();
    assert_eq!(left, wanted);
    let sql = "select value from outbox where product = 'links' and value is not null";
    assert_eq!(app.db.read(sql, vec![]).await.unwrap().len(), 2, "the kept ones' registers");
    let sql = "select code from link where creator is not null or long_url <> ''";
    assert_eq!(app.db.read(sql, vec![]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn l25_of_a_principal_that_was_alone_no_column_keeps_a_trace() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    for n in 0..3 {
        make(&app, &ann, "zoe", n).await;
    }
    ask(&app, &ann, EXPORTS, "zoe").await;
    run(&app, db::now()).await;
    assert_eq!(traces(&app, "zoe").await.len(), 11, "{:?}", traces(&app, "zoe").await);
    ask(&app, &ann, ERASURES, "zoe").await;
    run(&app, db::now()).await;
    run(&app, settled(&app)).await;
    assert_eq!(traces(&app, "zoe").await, Vec::<String>::new());
    // The same principal may come back.
    make(&app, &ann, "zoe", 0).await;
}

#[tokio::test]
async fn l25_who_may_ask_for_what() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (ann, eve) = (application(&app, "ann").await, application(&app, "eve").await);
    let post = |sub: &str, subject: &Value| {
        let asked = call(&ann, "POST", ERASURES, &json!({"subject": subject}).to_string());
        if sub.is_empty() { asked } else { by(asked, sub) }
    };
    for (sub, subject, wanted) in [
        ("", json!("zoe"), 202),
        ("zoe", json!("zoe"), 202),
        ("bob", json!("zoe"), 403),
        ("", json!(""), 422),
        ("", json!("a\nb"), 422),
        ("", json!(7), 422),
    ] {
        let answer = privacy::erase(&app, &post(sub, &subject)).await;
        assert_eq!(status(&answer), wanted, "{sub:?} {subject}");
    }
    let keyed = || with(post("", &json!("zoe")), "idempotency-key", "once");
    let first = body(&privacy::erase(&app, &keyed()).await);
    assert_eq!(body(&privacy::erase(&app, &keyed()).await), first);
    let sql = "select id from privacy_request";
    assert_eq!(app.db.read(sql, vec![]).await.unwrap().len(), 3, "a copy made nothing");
    assert_eq!(status(&privacy::get_erasure(&app, &named(&ann, &first, "")).await), 200);
    for stranger in [named(&eve, &first, ""), by(named(&ann, &first, ""), "bob")] {
        assert_eq!(status(&privacy::get_erasure(&app, &stranger).await), 404);
    }
    assert_eq!(status(&privacy::get_export(&app, &named(&ann, &first, "")).await), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l25_two_replicas_share_requests_and_a_step_that_fails_holds_up_nobody() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    let mut requests = Vec::new();
    for n in 0..8 {
        make(&one, &ann, &format!("user-{n}"), n).await;
        requests.push(ask(&one, &ann, EXPORTS, &format!("user-{n}")).await);
    }
    let sql = "update link set tags = 'no json' where creator = 'user-0'";
    crate::support::write(&one, sql, vec![]).await;
    let all = |app: Arc<App>| async move {
        let now = db::now();
        while job::step(&app, now).await.unwrap() {}
    };
    tokio::join!(all(Arc::clone(&one)), all(Arc::clone(&two)));
    run(&one, db::now()).await;
    for request in &requests[1..] {
        let done = state(&one, &ann, request).await;
        assert_eq!(done["products"]["links"]["counts"]["links"], 1, "{done}");
        assert_eq!(items(&one, &ann, request).await.len(), 1);
    }
    assert!(state(&one, &ann, &requests[0]).await["done_at"].is_null());
    crate::support::write(&one, "update link set tags = '[]' where creator = 'user-0'", vec![])
        .await;
    assert_eq!(run(&one, db::now()).await, 0, "it waits a while");
    run(&one, db::now().plus(3_600_000)).await;
    assert_eq!(state(&one, &ann, &requests[0]).await["products"]["links"]["counts"]["links"], 1);
}
