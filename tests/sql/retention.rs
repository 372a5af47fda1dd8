//! L25: hours become days after 90 days, and days go after 25 months.

use crate::support::{Place, application, body, call, deliver, shorten};
use origin::app::App;
use origin::links;
use origin::links::retention::fold;
use serde_json::{Value, json};
use shared::links::wire::Click;
use shared::roads::Event;
use shared::time::{DAY_MS, HOUR_MS, Millis};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

fn click(link: &str, country: &str, at: u64) -> Event {
    let click = Click {
        link: link.into(),
        user_agent: FIREFOX.into(),
        referrer: "".into(),
        country: country.into(),
        visitor: format!("{at:032x}").into(),
    };
    let body = serde_json::to_string(&click).unwrap();
    Event { product: "links".into(), at: Millis(at), body }
}

async fn stats(app: &App, owner: &str, code: &str, from: u64, to: u64) -> Value {
    let (from, to) = (Millis(from).to_rfc3339(), Millis(to).to_rfc3339());
    let path = format!("/api/v1/stats/{code}?from={from}&to={to}&interval=hour");
    let mut call = call(owner, "GET", &path, "");
    call.segments = vec![code.into()];
    body(&links::stats(app, &call).await)
}

#[tokio::test]
async fn l25_hours_become_days_after_90_days_and_no_click_is_lost_or_doubled() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = application(&app, "a").await;
    let made = body(&shorten(&app, &owner, &json!({"long_url": "https://example.com/"})).await);
    let (id, code) = (made["id"].as_str().unwrap(), made["short_code"].as_str().unwrap());
    let now = 20_000 * DAY_MS + 5 * HOUR_MS;
    let old = (20_000 - 95) * DAY_MS;
    let young = (20_000 - 80) * DAY_MS;
    let mut events = Vec::new();
    for hour in 0..24 {
        for country in ["JP", "DE"] {
            events.push(click(id, country, old + hour * HOUR_MS + 7));
            events.push(click(id, country, young + hour * HOUR_MS));
        }
    }
    deliver(&app, "r/1", 1, events).await;
    let before = stats(&app, &owner, code, old, now).await;
    assert_eq!(before["clicks"], 96);
    assert_eq!(before["series"].as_array().unwrap().len(), 48);

    // 23 hours fold into the first; each has clicks, two countries, referrer, device, browser.
    assert_eq!(fold(&app, Millis(now)).await.unwrap(), 23 * 6);
    assert_eq!(fold(&app, Millis(now)).await.unwrap(), 0, "twice changes nothing");
    let after = stats(&app, &owner, code, old, now).await;
    assert_eq!(after["clicks"], 96);
    assert_eq!(after["by_country"], json!({"JP": 48, "DE": 48}));
    assert_eq!(after["unique_visitors"], before["unique_visitors"]);
    let series = after["series"].as_array().unwrap();
    assert_eq!((series.len(), &series[0]["clicks"]), (25, &48.into()));
    // What arrives late joins its day at the next fold.
    deliver(&app, "r/1", 97, vec![click(id, "JP", old + 3 * HOUR_MS)]).await;
    assert_eq!(fold(&app, Millis(now)).await.unwrap(), 5);
    assert_eq!(stats(&app, &owner, code, old, now).await["series"][0]["clicks"], 49);

    // 775 days are kept: on that day the older day is 782 days old, the younger 767.
    let later = now + (25 * 31 - 88) * DAY_MS;
    fold(&app, Millis(later)).await.unwrap();
    let kept = stats(&app, &owner, code, old, now).await;
    assert_eq!(kept["clicks"], 48, "what is older than 25 months is gone");
}
