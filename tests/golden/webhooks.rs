//! Signatures against the vectors of the schemes' own libraries, where they are at hand.

use serde_json::Value;
use shared::time::Millis;
use shared::webhook::standard::{self, Headers};
use shared::webhook::{Refused, Secret, stripe};
use std::path::Path;

fn vectors(name: &str) -> Option<Value> {
    let place = format!("../../shared/data/payments/{name}.json");
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    match std::fs::read_to_string(&place) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            eprintln!("skipped: there is no {}", place.display());
            None
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn p10_p11_standard_webhooks_agree_with_the_published_vectors() {
    let Some(all) = vectors("standard_webhooks") else { return };
    let vector = &all["vectors"][0];
    let secret = [Secret::standard(text(vector, "secret")).unwrap()];
    let (id, body) = (text(vector, "id"), text(vector, "payload").as_bytes());
    let seconds = vector["timestamp"].as_u64().unwrap();
    let (now, at) = (Millis(seconds * 1_000), seconds.to_string());
    let right = text(vector, "signature");
    assert_eq!(standard::sign(&secret, id, &at, body), right);
    assert_eq!(standard::timestamp(now.plus(999)), at);
    let good = Headers { id, timestamp: &at, signature: right };
    let verify = |headers, now| standard::verify(&secret, headers, body, now);
    let wrong: Vec<&str> = all["wrong_signatures_for_vector_0"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    for one in &wrong {
        let headers = Headers { signature: one, ..good };
        assert_eq!(verify(headers, now), Err(Refused::Signature), "{one}");
    }
    let none = wrong.join(" ");
    let mut known = 0;
    for rule in all["rules"].as_array().unwrap() {
        let case = text(rule, "case");
        let found = match case {
            "all three headers right" => verify(good, now),
            "webhook-id missing" => verify(Headers { id: "", ..good }, now),
            "webhook-timestamp missing" => verify(Headers { timestamp: "", ..good }, now),
            "timestamp 5 min + 1 s in the past" => verify(good, now.plus(301_000)),
            "timestamp 5 min + 1 s in the future" => verify(good, Millis(now.0 - 301_000)),
            "signature is only \"v1,\"" => verify(Headers { signature: "v1,", ..good }, now),
            "several signatures separated by spaces, none right" => {
                verify(Headers { signature: &none, ..good }, now)
            }
            "secret given with and without the  prefix" => {
                let prefixed = format!("whsec_{}", text(vector, "secret"));
                assert_eq!(Secret::standard(&prefixed).as_ref(), Some(&secret[0]));
                verify(good, now)
            }
            "empty secret, or  alone" => {
                assert!(Secret::standard("").is_none() && Secret::standard("whsec_").is_none());
                Err(Refused::Form)
            }
            other => panic!("a rule that nobody checks: {other}"),
        };
        let accepted = ["accept", "same signature"].contains(&text(rule, "verdict"));
        assert_eq!(found.is_ok(), accepted, "{case}: {found:?}");
        known += 1;
    }
    assert_eq!(known, 9);
    let among = format!("{none} {right}");
    assert_eq!(verify(Headers { signature: &among, ..good }, now), Ok(()));
    for edge in [now.plus(300_000), Millis(now.0 - 300_000)] {
        assert_eq!(verify(good, edge), Ok(()));
    }
}

#[test]
fn p10_stripe_signatures_agree_with_the_published_vectors() {
    let Some(all) = vectors("stripe_signatures") else { return };
    let body = text(&all, "payload").as_bytes();
    let secret = [Secret::of(text(&all, "secret").as_bytes()).unwrap()];
    let cases = all["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let now = Millis(case["now"].as_u64().unwrap() * 1_000);
        let tolerance_ms = case["tolerance_s"].as_u64().unwrap() * 1_000;
        let found = stripe::verify(&secret, text(case, "header"), body, now, tolerance_ms);
        assert_eq!(found.is_ok(), case["verdict"] == "accept", "{case}: {found:?}");
    }
    for (time, mac) in all["hmac_sha256_hex"].as_object().unwrap() {
        let header = format!("t={time},v1={}", mac.as_str().unwrap());
        let now = Millis(time.parse::<u64>().unwrap() * 1_000);
        assert_eq!(stripe::verify(&secret, &header, body, now, 0), Ok(()));
        let other = [Secret::of(b"whsec_another").unwrap(), secret[0].clone()];
        assert_eq!(stripe::verify(&other, &header, body, now, 0), Ok(()), "rotation");
        assert_eq!(stripe::verify(&other[..1], &header, body, now, 0), Err(Refused::Signature));
    }
    for case in all["parse"].as_array().unwrap() {
        let (time, signatures) = stripe::parse(text(case, "header")).unwrap();
        assert_eq!(time, case["t"].to_string());
        assert_eq!(serde_json::json!(signatures), case["v1"]);
    }
}
