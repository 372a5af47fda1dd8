//! P10: gateways' events, kept once by whatever recorder they come.

use crate::support::{Place, deliver};
use origin::db;
use shared::payments::wire::GatewayEvent;
use shared::roads::Event;
use shared::time::Millis;

fn event(gateway: &str, name: &str, at: u64) -> Event {
    let body = "{\"id\":\"x\",\"text\":\"Ünï \\u0041 'quoted'\"}".to_owned();
    let (gateway, event) = (gateway.to_owned(), name.to_owned());
    let body = serde_json::to_string(&GatewayEvent { gateway, event, body }).unwrap();
    Event { product: "payments".into(), at: Millis(at), body }
}

#[tokio::test]
async fn p10_an_event_is_kept_once_whoever_brings_it_and_however_often() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let first = || vec![event("stripe", "evt_1", 7), event("stripe", "evt_2", 8)];
    assert_eq!(deliver(&one, "r", 1, first()).await, 2);
    assert_eq!(deliver(&two, "r", 1, first()).await, 2, "a delivery whose answer was lost");
    // A copy by another recorder, beside the same name at another gateway, twice in one delivery.
    let more = vec![
        event("stripe", "evt_2", 99),
        event("simulator", "evt_2", 9),
        event("simulator", "evt_2", 10),
    ];
    assert_eq!(deliver(&two, "q", 1, more).await, 3);
    let sql = "select gateway, event, received_at, body, applied_at from gateway_event \
               order by received_at";
    let rows = one.db.read(sql, vec![]).await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            assert_eq!(db::maybe_number(row, "applied_at").unwrap(), None);
            assert!(db::text(row, "body").unwrap().contains("Ünï \\u0041 'quoted'"));
            let of = |name: &str| db::text(row, name).unwrap();
            (of("gateway"), of("event"), db::number(row, "received_at").unwrap())
        })
        .collect();
    let wanted = [("stripe", "evt_1", 7), ("stripe", "evt_2", 8), ("simulator", "evt_2", 9)];
    assert_eq!(found, wanted.map(|(gateway, event, at)| (gateway.into(), event.into(), at)));
    // What is none is a dead letter and holds up nobody.
    let none = Event { product: "payments".into(), at: Millis(1), body: "{\"x\":1}".into() };
    assert_eq!(deliver(&one, "r", 3, vec![none, event("stripe", "evt_3", 11)]).await, 4);
    let rows = one.db.read("select why from dead_letter", vec![]).await.unwrap();
    assert_eq!(db::text(&rows[0], "why").unwrap(), "this is no event of a gateway");
    assert_eq!(one.db.read("select event from gateway_event", vec![]).await.unwrap().len(), 4);
}
