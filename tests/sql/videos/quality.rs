//! Quality of experience and bytes served: told twice and late, of strangers' videos, summed, kept.

use crate::support::{self, Place, application, body, call, deliver, status};
use origin::app::App;
use origin::respond::Call;
use origin::values;
use origin::video::{self, quality, removal};
use origin::{admin, db};
use serde_json::{Value, json};
use shared::roads::Event;
use shared::time::{DAY_MS, HOUR_MS, Millis};
use shared::video::device::Screen;
use shared::video::qoe::{self, Sums};
use shared::video::served::{BYTES_MAX, Served};

/// 2026-11-20T05:00:00Z: an hour begins.
const T0: u64 = 1_795_150_800_000;

fn sums(plays: u64, watched_ms: u64, kbps: u64) -> Sums {
    let kbits = kbps * watched_ms / 1_000;
    Sums { plays, startup_ms: plays * 300, watched_ms, kbits, ..Sums::default() }
}

fn view(of: (&str, &str), at: u64, country: &str, screen: Screen, sums: Sums) -> Event {
    qoe::event(of, country, screen, sums, Millis(at)).unwrap()
}

fn count((app, video): (&str, &str), rendition: &str, bytes: u64) -> Event {
    let bytes = [(rendition.to_owned(), bytes)].into();
    Served { app: app.into(), video: video.into(), bytes }.event(Millis(T0)).unwrap()
}

async fn create(app: &App, owner: &str) -> String {
    let made = video::create(app, &call(owner, "POST", "/api/v1/videos", "{}")).await;
    body(&made)["id"].as_str().unwrap().into()
}

async fn seen(app: &App, owner: &str, id: &str, query: &str) -> Value {
    let asked = call(owner, "GET", &format!("/api/v1/videos/{id}/quality?{query}"), "");
    let asked = Call { segments: vec![id.into()], ..asked };
    body(&quality::get(app, &asked).await)
}

fn window(from: u64, to: u64) -> String {
    format!("from={}&to={}", Millis(from).to_rfc3339(), Millis(to).to_rfc3339())
}

async fn dead(app: &App) -> usize {
    let all = admin::roads::dead_letters(app, &call("", "GET", "/admin/dead-letters", "")).await;
    body(&all)["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v12_a_view_counts_once_however_often_it_is_delivered() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "films").await;
    let id = create(&one, &owner).await;
    let of = (owner.as_str(), id.as_str());
    let stalled = Sums { stalled_ms: 1_000, stalls: 2, ..sums(0, 9_000, 500) };
    let events = vec![
        view(of, T0 + 3, "JP", Screen::Mobile, sums(1, 30_000, 3_000)),
        view(of, T0 + 9, "JP", Screen::Desktop, sums(1, 10_000, 1_000)),
        view(of, T0 + HOUR_MS, "", Screen::Desktop, stalled),
    ];
    assert_eq!(deliver(&one, "r/1", 1, events.clone()).await, 3);
    let copies = (0..10).map(|n| {
        let (app, events) = (if n % 2 == 0 { &one } else { &two }, events.clone());
        deliver(app, "r/1", 1, events)
    });
    assert!(futures::future::join_all(copies).await.iter().all(|seq| *seq == 3));
    let late = view(of, T0 + 5, "JP", Screen::Mobile, sums(1, 0, 0));
    deliver(&two, "r/2", 1, vec![late]).await;

    let all = seen(&two, &owner, &id, &window(T0, T0 + DAY_MS)).await;
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap();
    assert_eq!((number(&all, "plays"), number(&all, "startup_average_ms")), (3, 300));
    assert_eq!((number(&all, "watched_ms"), number(&all, "stalls")), (49_000, 2));
    assert_eq!((number(&all, "bitrate_kbps"), &all["rebuffer_ratio"]), (2_132, &json!(0.02)));
    let series = all["series"].as_array().unwrap();
    assert_eq!(series.len(), 2);
    assert_eq!(series[0]["at"], "2026-11-20T05:00:00.000Z");
    assert_eq!((number(&series[0], "plays"), &series[0]["rebuffer_ratio"]), (3, &json!(0.0)));
    assert_eq!((&series[1]["startup_average_ms"], &series[1]["stalls"]), (&json!(null), &json!(2)));
    assert_eq!(all["by_country"]["JP"]["watched_ms"], 40_000);
    assert_eq!(all["by_country"]["??"]["rebuffer_ratio"], 0.1);
    assert_eq!(all["by_device"]["mobile"]["bitrate_kbps"], 3_000);
    assert_eq!(all["by_device"]["desktop"]["watched_ms"], 19_000);
    // A window takes whole slots, and a day is one.
    let hour = seen(&one, &owner, &id, &window(T0 + 5, T0 + HOUR_MS)).await;
    assert_eq!(
        (number(&hour, "watched_ms"), hour["series"].as_array().unwrap().len()),
        (40_000, 1)
    );
    let day = format!("{}&interval=day", window(T0, T0 + DAY_MS));
    let day = seen(&one, &owner, &id, &day).await;
    assert_eq!(day["series"].as_array().unwrap().len(), 1);
    assert_eq!(day["series"][0]["at"], "2026-11-20T00:00:00.000Z");
    assert_eq!(dead(&one).await, 0);
}

#[tokio::test]
async fn v12_what_is_told_of_a_strangers_video_is_a_dead_letter_and_blocks_nobody() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (owner, other) = (application(&app, "films").await, application(&app, "other").await);
    let id = create(&app, &owner).await;
    let of = (owner.as_str(), id.as_str());
    let good = view(of, T0, "JP", Screen::Tv, sums(1, 1_000, 100));
    let raw = |body: &str| Event { body: body.into(), ..good.clone() };
    let foreign = (other.as_str(), id.as_str());
    let events = vec![
        raw("{}"),
        raw(&good.body.replace("\"plays\":1", "\"plays\":2")),
        raw(&good.body.replace("\"tv\"", "\"fridge\"")),
        view((&owner, "vid_00000000001"), T0, "JP", Screen::Tv, sums(1, 1, 1)),
        view((&owner, "vid_1"), T0, "JP", Screen::Tv, sums(1, 1, 1)),
        view(foreign, T0, "JP", Screen::Tv, sums(1, 1, 1)),
        count(foreign, "v240-avc", 7),
        count(of, "v240-avc", BYTES_MAX + 1),
        good.clone(),
    ];
    assert_eq!(deliver(&app, "r/1", 1, events).await, 9);
    assert_eq!(dead(&app).await, 8);
    assert_eq!(seen(&app, &owner, &id, &window(T0, T0 + 1)).await["plays"], 1);
    let ask = async |owner: &str, id: &str, query: &str| {
        let asked = call(owner, "GET", &format!("/x?{query}"), "");
        let asked = Call { segments: vec![id.into()], ..asked };
        status(&quality::get(&app, &asked).await)
    };
    assert_eq!(ask(&owner, &id, "").await, 200);
    assert_eq!(ask(&owner, &id, &window(T0, T0 + 90 * DAY_MS)).await, 200);
    assert_eq!(ask(&owner, &id, &window(T0, T0 + 90 * DAY_MS + 1)).await, 422);
    assert_eq!(ask(&owner, &id, "interval=week").await, 422);
    assert_eq!(ask(&other, &id, "").await, 404);
    assert_eq!(ask(&owner, "vid_1", "").await, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v17_bytes_that_were_served_are_counted_by_rendition() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "films").await;
    let id = create(&one, &owner).await;
    let of = (owner.as_str(), id.as_str());
    for name in ["v240-avc", "v480-avc"] {
        let sql = "insert into video_rendition \
                   (video, name, codec, init, cpu_ms, bytes_stored, bytes_served) \
                   values ($1, $2, 'avc1.42c015', '', 1, 9, 0)";
        support::write(&one, sql, values![shared::video::wire::parse(&id).unwrap(), name]).await;
    }
    let events = vec![count(of, "v480-avc", 5), count(of, "v240-avc", 7), count(of, "v480-avc", 1)];
    // Two recorders at once, and each delivery twice.
    let all = (0..8).map(|n| {
        let app = if n % 2 == 0 { &one } else { &two };
        deliver(app, ["r/1", "r/2"][n / 4], 1, events.clone())
    });
    assert!(futures::future::join_all(all).await.iter().all(|seq| *seq == 3));
    let sql = "select name, bytes_served from video_rendition order by name";
    let rows = one.db.read(sql, vec![]).await.unwrap();
    let bytes = |n: usize| db::number(&rows[n], "bytes_served").unwrap();
    assert_eq!((rows.len(), bytes(0), bytes(1)), (2, 14, 12));
    let asked = call(&owner, "GET", &format!("/api/v1/videos/{id}"), "");
    assert_eq!(body(&video::get(&one, &asked).await)["cost"]["bytes_served"], 26);
    // What the edge names and nobody made adds nothing, and blocks nothing.
    assert_eq!(deliver(&one, "r/1", 4, vec![count(of, "v999-avc", 1)]).await, 4);
    assert_eq!(dead(&one).await, 0);
}

#[tokio::test]
async fn v12_viewing_goes_after_90_days_and_with_its_video() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = application(&app, "films").await;
    let (id, gone) = (create(&app, &owner).await, create(&app, &owner).await);
    let now = T0 + 200 * DAY_MS;
    let mut next = 1;
    // More than one batch that is too old, and one row at each side of the bound.
    let ages = (0..2_100).map(|n| 92 * DAY_MS + n * HOUR_MS);
    let ages: Vec<u64> = ages.chain([91 * DAY_MS + HOUR_MS, 91 * DAY_MS, 0]).collect();
    for ages in ages.chunks(500) {
        let of = (owner.as_str(), id.as_str());
        let events = ages.iter().map(|age| view(of, now - age, "JP", Screen::Tv, sums(1, 1, 1)));
        next = deliver(&app, "r/1", next, events.collect()).await + 1;
    }
    let rows = async |of: &str| {
        let sql = "select count(*) as n from video_quality where video = $1";
        let of = shared::video::wire::parse(of).unwrap();
        db::number(&app.db.read(sql, values![of]).await.unwrap()[0], "n").unwrap()
    };
    assert_eq!(rows(&id).await, 2_103);
    assert_eq!(quality::forget(&app, Millis(now)).await.unwrap(), 2_101);
    assert_eq!(quality::forget(&app, Millis(now)).await.unwrap(), 0, "twice changes nothing");
    assert_eq!(rows(&id).await, 2);

    let of = (owner.as_str(), gone.as_str());
    let played = view(of, T0, "JP", Screen::Tv, sums(1, 1_000, 1));
    next = deliver(&app, "r/1", next, vec![played.clone()]).await + 1;
    assert_eq!(rows(&gone).await, 1);
    let delete = call(&owner, "DELETE", &format!("/api/v1/videos/{gone}"), "");
    assert_eq!(video::delete(&app, &delete).await.unwrap().status, 204);
    // Told late, of what is deleted: nobody's data, and no fault.
    deliver(&app, "r/1", next, vec![played, count(of, "v240-avc", 1)]).await;
    assert_eq!((rows(&gone).await, dead(&app).await), (1, 0));
    let number = shared::video::wire::parse(&gone).unwrap();
    removal::purged(&app, number).await.unwrap();
    assert_eq!((rows(&gone).await, rows(&id).await), (0, 2));
}
