//! Fraud rules on a real database: what is blocked moves nothing, what is under review is held, a
//! velocity is exact whoever asks at once, and a backtest says what was said.

use super::steps::payment;
use super::{Answered, Bank, keyed, slug};
use crate::support::{body, call, status, with, write};
use futures::future::join_all;
use origin::app::App;
use origin::payments::fraud::{attempts, backtest, review, rules};
use origin::payments::payment as at_payments;
use origin::values;
use serde_json::{Value, json};
use std::sync::Arc;

impl Bank {
    async fn rule(&self, name: &str, rule: &Value) -> Answered {
        let path = format!("/api/v1/fraud/rules/{name}");
        rules::put(&self.app, &call(&self.owner, "PUT", &path, &rule.to_string())).await
    }

    async fn ruled(&self, name: &str, rule: &Value) {
        let put = self.rule(name, rule).await;
        assert!(matches!(status(&put), 200 | 201), "{put:?}");
    }

    async fn review(&self, id: &str, decision: &str) -> Answered {
        let call = self.about(id, "review", &json!({"decision": decision}));
        review::decide(&self.app, &call).await
    }

    async fn decisions(&self, query: &str) -> Vec<Value> {
        let call = call(&self.owner, "GET", &format!("/api/v1/fraud/decisions{query}"), "");
        body(&attempts::list(&self.app, &call).await)["items"].as_array().unwrap().clone()
    }

    async fn backtest(&self, text: &Value) -> Answered {
        let call = call(&self.owner, "POST", "/api/v1/fraud/backtest", &text.to_string());
        backtest::run(&self.app, &call).await
    }
}

fn at_least(amount: i64, then: &str) -> Value {
    json!({"when": {"amount": {"at_least": amount, "currency": "EUR"}}, "then": then})
}

#[tokio::test]
async fn p13_what_a_rule_blocks_moves_nothing_is_recorded_and_replayed() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.pay(&payment(&cash, &wallet, 500, "automatic")).await), 201);
    assert_eq!(bank.decisions("").await.len(), 0, "nothing is judged before there is a rule");
    bank.ruled("large", &at_least(500, "block")).await;
    let text = payment(&cash, &wallet, 500, "automatic");
    let call = bank.call("POST", "/api/v1/payments", &text);
    let blocked = at_payments::create(&bank.app, &call).await;
    assert_eq!((status(&blocked), slug(&blocked).as_str()), (409, "payments/blocked"));
    let detail = body(&blocked)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("rule large (version 1): 500 EUR is at least 500"), "{detail}");
    assert_eq!(bank.balance(&wallet).await, [500, 0, 500]);
    // Once it is answered it is answered, whatever the rules say by then.
    let mut gone = call.clone();
    gone.segments = vec!["large".into()];
    assert_eq!(status(&rules::delete(&bank.app, &gone).await), 204);
    let again = at_payments::create(&bank.app, &call).await;
    assert_eq!((status(&again), &body(&again)), (409, &body(&blocked)));
    assert_eq!(status(&bank.pay(&text).await), 201, "another request is judged by what is");
    let all = bank.decisions("?verdict=block").await;
    assert_eq!(all.len(), 1);
    assert_eq!((&all[0]["rule"], &all[0]["rule_version"]), (&json!("large"), &json!(1)));
    assert_eq!(bank.balance(&wallet).await, [1_000, 0, 1_000]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p13_rules_are_versioned_conditional_and_their_record_never_changes() {
    let bank = Bank::new().await;
    let put = bank.rule("a", &at_least(5, "block")).await;
    assert_eq!((status(&put), &body(&put)["version"]), (201, &json!(1)));
    assert_eq!(put.as_ref().unwrap().projections.len(), 1, "the edge learns it at once");
    let same = bank.rule("a", &at_least(5, "block")).await;
    assert_eq!((status(&same), &body(&same)["version"]), (200, &json!(1)));
    let path = "/api/v1/fraud/rules/a";
    let text = at_least(6, "review").to_string();
    let stale = with(call(&bank.owner, "PUT", path, &text), "if-match", "\"9\"");
    assert_eq!(status(&rules::put(&bank.app, &stale).await), 412);
    let right = with(call(&bank.owner, "PUT", path, &text), "if-match", "\"1\"");
    assert_eq!(status(&rules::put(&bank.app, &right).await), 200);
    assert_eq!(
        status(&rules::delete(&bank.app, &call(&bank.owner, "DELETE", path, "")).await),
        204
    );
    assert_eq!(status(&rules::get(&bank.app, &call(&bank.owner, "GET", path, "")).await), 404);
    let mut ask = call(&bank.owner, "GET", "/api/v1/fraud/rules/a/versions", "");
    ask.segments = vec!["a".into()];
    let page = body(&rules::versions(&bank.app, &ask).await);
    let actions: Vec<(&Value, &Value, bool)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["version"], &one["action"], one["rule"].is_object()))
        .collect();
    assert_eq!(
        actions,
        [
            (&json!(3), &json!("deleted"), false),
            (&json!(2), &json!("replaced"), true),
            (&json!(1), &json!("created"), true),
        ]
    );
    ask.segments = vec!["none".into()];
    assert_eq!(status(&rules::versions(&bank.app, &ask).await), 404);
    let bad = bank.rule("a", &json!({"when": {}, "then": "block"})).await;
    assert_eq!((status(&bad), slug(&bad).as_str()), (422, "payments/invalid"));
    let (cash, wallet) = bank.pair().await;
    bank.ruled("b", &at_least(5, "block")).await;
    assert_eq!(status(&bank.pay(&payment(&cash, &wallet, 5, "automatic")).await), 409);
    for sql in [
        "update fraud_change set action = 'x'",
        "delete from fraud_change",
        "update fraud_attempt set verdict = 'allow'",
        "delete from fraud_attempt",
    ] {
        let mut tx = bank.app.db.begin().await.unwrap();
        assert!(tx.write(sql, vec![]).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn p13_a_payment_under_review_is_held_until_somebody_decides() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 1_000).await), 201);
    bank.ruled("large", &at_least(100, "review")).await;
    let made = bank.pay(&payment(&wallet, &cash, 300, "automatic")).await;
    let shown = body(&made);
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!((status(&made), &shown["status"]), (201, &json!("authorized")));
    assert_eq!(shown["capture_method"], "automatic");
    assert_eq!(
        (&shown["review"]["status"], &shown["review"]["rule"]),
        (&json!("pending"), &json!("large"))
    );
    assert_eq!(bank.balance(&wallet).await, [1_000, 300, 700]);
    let early = bank.act(&id, "capture", &json!({})).await;
    assert_eq!((status(&early), slug(&early).as_str()), (409, "payments/review-pending"));
    let approved = bank.review(&id, "approve").await;
    assert_eq!((status(&approved), &body(&approved)["status"]), (200, &json!("captured")));
    assert_eq!(body(&approved)["review"]["status"], "approved");
    assert_eq!(bank.balance(&wallet).await, [700, 0, 700]);
    let twice = bank.review(&id, "reject").await;
    assert_eq!((status(&twice), slug(&twice).as_str()), (409, "payments/payment-state"));
    assert_eq!(
        bank.events(&id).await,
        [
            "payment.authorized",
            "payment.review_pending",
            "payment.review_approved",
            "payment.captured"
        ]
    );
    let id = bank.paid(&payment(&wallet, &cash, 200, "manual")).await;
    assert_eq!(status(&bank.review(&id, "approve").await), 200);
    assert_eq!(bank.look(&id).await["status"], "authorized", "its capture is a call of its own");
    assert_eq!(status(&bank.act(&id, "capture", &json!({})).await), 200);
    let id = bank.paid(&payment(&wallet, &cash, 150, "automatic")).await;
    let rejected = bank.review(&id, "reject").await;
    assert_eq!((status(&rejected), &body(&rejected)["status"]), (200, &json!("canceled")));
    assert_eq!(bank.balance(&wallet).await, [500, 0, 500]);
    let small = bank.paid(&payment(&wallet, &cash, 5, "automatic")).await;
    let none = bank.review(&small, "approve").await;
    assert_eq!((status(&none), slug(&none).as_str()), (409, "payments/payment-state"));
    let stranger = keyed("app_other", "POST", "/x", &json!({"decision": "approve"}));
    let mut stranger = stranger;
    stranger.segments = vec![id];
    assert_eq!(status(&review::decide(&bank.app, &stranger).await), 404);
    bank.adds_up().await;
}

#[tokio::test]
async fn p13_what_waits_for_a_review_is_listed_and_a_decision_keeps_its_reason() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 1_000).await), 201);
    bank.paid(&payment(&wallet, &cash, 10, "automatic")).await;
    bank.ruled("large", &at_least(100, "review")).await;
    let mut held = vec![];
    for amount in [100, 200, 300] {
        held.push(bank.paid(&payment(&wallet, &cash, amount, "automatic")).await);
    }
    let list = async |query: &str| {
        let path = format!("/api/v1/payments?{query}");
        at_payments::list(&bank.app, &call(&bank.owner, "GET", &path, "")).await
    };
    let ids = async |query: &str| {
        let page = body(&list(query).await);
        let items = page["items"].as_array().unwrap().clone();
        items.iter().rev().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("review=pending").await, held);
    let decide = async |id: &str, text: Value| {
        review::decide(&bank.app, &bank.about(id, "review", &text)).await
    };
    let long = decide(&held[0], json!({"decision": "approve", "reason": "x".repeat(201)})).await;
    assert_eq!(status(&long), 422, "{long:?}");
    for (id, decision) in [(&held[0], "approve"), (&held[1], "reject")] {
        let made = decide(id, json!({"decision": decision, "reason": "a known face"})).await;
        assert_eq!(status(&made), 200, "{made:?}");
        let sql = "select detail from payment_event where kind like 'payment.review_%ed' \
                   and payment = $1";
        let number = shared::payments::wire::parse("pay", id).unwrap();
        let rows = bank.app.db.read(sql, values![number]).await.unwrap();
        let detail = origin::db::maybe_text(&rows[0], "detail").unwrap();
        assert_eq!(detail.as_deref(), Some("large: a known face"));
    }
    assert_eq!(ids("review=pending").await, [held[2].clone()]);
    assert_eq!(ids("review=rejected&status=canceled").await, [held[1].clone()]);
    assert_eq!(status(&list("review=maybe").await), 422);
}

/// Pays until it is answered: who waited a second for another replica's lock asks again.
async fn insist(app: Arc<App>, owner: String, text: Value) -> Answered {
    let call = keyed(&owner, "POST", "/api/v1/payments", &text);
    loop {
        let answered = at_payments::create(&app, &call).await;
        if slug(&answered) != "http/in-progress" {
            return answered;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p13_of_a_hundred_payments_at_once_exactly_so_many_pass_a_velocity_on_two_replicas() {
    let bank = Bank::new().await;
    let other = bank.place.replica().await;
    let (cash, wallet) = bank.pair().await;
    let rule = json!({
        "when": {"velocity": {"of": "source", "count": 7, "window_s": 3_600}}, "then": "block",
    });
    bank.ruled("fast", &rule).await;
    let all = (0..100u64).map(|n| {
        let app = if n % 2 == 0 { &bank.app } else { &other };
        let text = payment(&cash, &wallet, 10, "automatic");
        tokio::spawn(insist(Arc::clone(app), bank.owner.clone(), text))
    });
    let answers: Vec<Answered> = join_all(all).await.into_iter().map(Result::unwrap).collect();
    let passed = answers.iter().filter(|one| status(one) == 201).count();
    let blocked = answers.iter().filter(|one| slug(one) == "payments/blocked").count();
    assert_eq!((passed, blocked), (7, 93));
    assert_eq!(bank.balance(&wallet).await, [70, 0, 70]);
    assert_eq!(status(&bank.pay(&payment(&wallet, &cash, 10, "automatic")).await), 201);
    let tested = body(&bank.backtest(&json!({"rules": [tried("fast", &rule)]})).await);
    assert_eq!(tested["attempts"], 101);
    assert_eq!((&tested["allowed"], &tested["blocked"]), (&json!(8), &json!(93)));
    bank.adds_up().await;
}

fn tried(name: &str, rule: &Value) -> Value {
    let mut rule = rule.clone();
    rule["name"] = json!(name);
    rule
}

#[tokio::test]
async fn p13_a_velocity_of_money_forgets_what_left_its_window() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let rule = json!({
        "when": {"velocity": {
            "of": "destination", "amount": {"amount": 100, "currency": "EUR"}, "window_s": 60,
        }},
        "then": "block",
    });
    bank.ruled("much", &rule).await;
    let pay =
        async |amount: i64| status(&bank.pay(&payment(&cash, &wallet, amount, "automatic")).await);
    assert_eq!([pay(60).await, pay(41).await, pay(40).await, pay(1).await], [201, 409, 201, 409]);
    let past = values![i64::try_from(origin::db::now().0).unwrap() - 61_000];
    write(&bank.app, "update fraud_step set at = $1 where amount = 60", past).await;
    assert_eq!([pay(60).await, pay(1).await], [201, 409]);
    let shadow = json!({"when": rule["when"], "then": "block", "mode": "shadow"});
    bank.ruled("much", &shadow).await;
    assert_eq!(pay(1).await, 201);
    let last = &bank.decisions("?limit=1").await[0];
    assert_eq!((&last["verdict"], &last["hits"][0]["shadow"]), (&json!("allow"), &json!(true)));
}

#[tokio::test]
async fn p13_a_backtest_says_of_stored_payments_what_was_said_of_them() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let third = bank.open("EUR", "asset", json!({})).await;
    let rules = [
        ("large", at_least(90, "block")),
        (
            "fast",
            json!({
                "when": {"velocity": {"of": "source", "count": 6, "window_s": 3_600}},
                "then": "review",
            }),
        ),
        (
            "much",
            json!({
                "when": {"velocity": {
                    "of": "destination", "amount": {"amount": 600, "currency": "EUR"},
                    "window_s": 3_600,
                }},
                "then": "block",
            }),
        ),
    ];
    for (name, rule) in &rules {
        bank.ruled(name, rule).await;
    }
    let mut draw = 7;
    for _ in 0..60 {
        draw = shared::machine::mix(draw);
        let sides = if draw % 3 == 0 { (&cash, &wallet) } else { (&cash, &third) };
        let sides = if draw % 5 == 0 { (&third, &wallet) } else { sides };
        let amount = 1 + (draw >> 8) as i64 % 99;
        let made = bank.pay(&payment(sides.0, sides.1, amount, "automatic")).await;
        assert!(matches!(status(&made), 201 | 409));
    }
    let live = bank.decisions("?limit=200").await;
    let of = |verdict: &str| live.iter().filter(|one| one["verdict"] == verdict).count();
    assert!(live.len() == 60 && of("block") > 5 && of("review") > 5 && of("allow") > 5);
    let text: Vec<Value> = rules.iter().map(|(name, rule)| tried(name, rule)).collect();
    let tested = body(&bank.backtest(&json!({"rules": text})).await);
    assert_eq!(tested["attempts"], 60);
    for (count, verdict) in [("allowed", "allow"), ("reviewed", "review"), ("blocked", "block")] {
        assert_eq!(tested[count], of(verdict), "{tested}");
    }
    for counts in tested["rules"].as_array().unwrap() {
        let decided = live.iter().filter(|one| one["rule"] == counts["rule"]).count();
        assert_eq!(counts["decided"], decided, "{counts}");
    }
    let sample = &tested["samples"][0];
    let same = live.iter().find(|one| one["id"] == sample["id"]).unwrap();
    assert_eq!((&sample["verdict"], &sample["reason"]), (&same["verdict"], &same["reason"]));
}

#[tokio::test]
async fn p13_a_backtest_covers_the_time_before_there_was_a_rule_and_writes_nothing() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    for amount in [5, 50, 500] {
        bank.paid(&payment(&cash, &wallet, amount, "automatic")).await;
    }
    bank.ruled("none", &at_least(9_000, "block")).await;
    bank.paid(&payment(&cash, &wallet, 60, "automatic")).await;
    let before = bank.rows().await;
    let text = json!({"rules": [tried("large", &at_least(50, "block"))]});
    let tested = body(&bank.backtest(&text).await);
    assert_eq!((&tested["attempts"], &tested["blocked"]), (&json!(4), &json!(3)));
    assert_eq!(bank.rows().await, before);
    let ahead = json!({"rules": text["rules"], "from": "2999-01-01", "to": "2999-01-02"});
    assert_eq!(body(&bank.backtest(&ahead).await)["attempts"], 0);
    let ip = json!({"when": {"blocklist": {"of": "ip", "values": ["192.0.2.1"]}}, "then": "block"});
    assert_eq!(status(&bank.backtest(&json!({"rules": [tried("ip", &ip)]})).await), 422);
}

#[tokio::test]
async fn p13_addresses_and_countries_are_those_of_the_request_and_no_address_is_kept() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let ip =
        json!({"when": {"blocklist": {"of": "ip", "values": ["192.0.2.0/24"]}}, "then": "block"});
    bank.ruled("ip", &ip).await;
    bank.ruled("mismatch", &json!({"when": {"country_mismatch": true}, "then": "review"})).await;
    let pay = async |ip: &str, from: &str, country: &str| {
        let mut text = payment(&cash, &wallet, 7, "automatic");
        text["country"] = json!(country);
        let mut call = bank.call("POST", "/api/v1/payments", &text);
        (call.context.ip, call.context.country) = (ip.into(), from.into());
        at_payments::create(&bank.app, &call).await
    };
    assert_eq!(status(&pay("192.0.2.77", "DE", "DE").await), 409);
    assert_eq!(body(&pay("198.51.100.7", "DE", "DE").await)["status"], "captured");
    assert_eq!(body(&pay("198.51.100.7", "XX", "DE").await)["status"], "captured");
    let held = body(&pay("198.51.100.7", "JP", "DE").await);
    assert_eq!(
        (&held["status"], &held["review"]["rule"]),
        (&json!("authorized"), &json!("mismatch"))
    );
    let rows = bank.app.db.read("select body from fraud_attempt", vec![]).await.unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let text = origin::db::text(&row, "body").unwrap();
        assert!(!text.contains("192.0.2") && !text.contains("198.51.100"), "{text}");
    }
}
