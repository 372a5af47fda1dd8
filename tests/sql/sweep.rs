//! L22: what is over shrinks to a tombstone.

use crate::support::{Place, application, body, call, shorten, status, write};
use futures::future::join_all;
use origin::app::App;
use origin::links::{self, sweep};
use origin::{db, values};
use serde_json::json;
use shared::time::{DAY_MS, Millis};

fn days_ago(days: u64) -> u64 {
    db::now().0 - days * DAY_MS
}

async fn swept(app: &App) -> u64 {
    let rows = app.db.read("select id from link where swept_at is not null", vec![]).await;
    rows.unwrap().len() as u64
}

#[tokio::test]
async fn l22_a_row_shrinks_30_days_after_its_end_and_its_code_stays_taken() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    for (code, column, days) in [
        ("expired", "expires_at", 31),
        ("deleted", "deleted_at", 31),
        ("young-expired", "expires_at", 29),
        ("young-deleted", "deleted_at", 29),
        ("alive", "expires_at", 0),
    ] {
        let link = json!({
            "long_url": "https://example.com/", "custom_alias": code, "title": "t", "tags": ["x"],
            "fallback_url": "https://over.example/", "external_id": code,
            "rules": [{"to": "https://a.example/"}],
        });
        assert_eq!(status(&shorten(&app, &ann, &link).await), 201);
        if days > 0 {
            let sql = format!("update link set {column} = $1 where code = $2");
            write(&app, &sql, values![days_ago(days), code]).await;
        }
    }
    write(&app, "delete from outbox", values![]).await;
    let before = db::now();
    assert_eq!(sweep::sweep(&app, before).await.unwrap(), 2);
    assert_eq!(sweep::sweep(&app, before).await.unwrap(), 0, "once is enough");
    let sql = "select code, long_url, title, tags, rules, fallback_url, external_id, version, \
               deleted_at from link where long_url = '' order by code";
    let rows = app.db.read(sql, vec![]).await.unwrap();
    let codes: Vec<String> = rows.iter().map(|row| db::text(row, "code").unwrap()).collect();
    assert_eq!(codes, ["deleted", "expired"]);
    for row in &rows {
        for column in ["title", "rules", "fallback_url", "external_id"] {
            assert_eq!(db::maybe_text(row, column).unwrap(), None, "{column}");
        }
        assert_eq!(db::text(row, "tags").unwrap(), "[]");
        assert_eq!(db::number(row, "version").unwrap(), 2);
    }
    let sql = "select key, version, value from outbox order by key";
    let posted = app.db.read(sql, vec![]).await.unwrap();
    let keys: Vec<String> = posted.iter().map(|row| db::text(row, "key").unwrap()).collect();
    assert_eq!(keys, ["0/deleted", "0/expired"]);
    for row in &posted {
        assert_eq!(db::number(row, "version").unwrap(), 2);
        assert_eq!(db::maybe_text(row, "value").unwrap(), None);
    }
    for code in ["expired", "deleted"] {
        let path = format!("/api/v1/links/{code}");
        assert_eq!(status(&links::get(&app, &call(&ann, "GET", &path, "")).await), 410);
        let patch = call(&ann, "PATCH", &path, r#"{"expiry":null}"#);
        assert_eq!(status(&links::patch(&app, &patch).await), 410);
        let taken = json!({"long_url": "https://example.com/", "custom_alias": code});
        assert_eq!(status(&shorten(&app, &ann, &taken).await), 409);
        let named = json!({"long_url": "https://example.com/", "external_id": code});
        assert_eq!(status(&shorten(&app, &ann, &named).await), 201);
    }
    // Until then an expired link can be given a new life.
    let patch = call(&ann, "PATCH", "/api/v1/links/young-expired", r#"{"expiry":null}"#);
    assert_eq!(body(&links::patch(&app, &patch).await)["title"], "t");
    assert_eq!(sweep::sweep(&app, db::now()).await.unwrap(), 0);
    let later = Millis(db::now().0 + 2 * DAY_MS);
    assert_eq!(sweep::sweep(&app, later).await.unwrap(), 1, "the young deleted one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l22_450_rows_are_swept_in_batches_by_two_replicas_each_once() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    let links = (0..450).map(|n| json!({"long_url": format!("https://e.example/{n}")}));
    let links: Vec<_> = links.collect();
    for result in join_all(links.iter().map(|link| shorten(&one, &ann, link))).await {
        assert_eq!(status(&result), 201);
    }
    write(&one, "update link set expires_at = $1", values![days_ago(40)]).await;
    write(&one, "delete from outbox", values![]).await;
    let now = db::now();
    let (mine, theirs) = tokio::join!(sweep::sweep(&one, now), sweep::sweep(&two, now));
    assert_eq!(mine.unwrap() + theirs.unwrap(), 450);
    assert_eq!(swept(&one).await, 450);
    let posted = one.db.read("select id from outbox where version = 2", vec![]).await.unwrap();
    assert_eq!(posted.len(), 450);
}
