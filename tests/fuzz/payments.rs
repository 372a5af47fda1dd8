//! Bodies that move money, rules that stop it, where webhooks go and who signs them.
//!
//! Invariant: what is taken is within every bound that the ledger counts on; no card number and no
//! address inside gets through; of all signatures only the one that was made is taken.
#![no_main]

mod check;

use check::{NOW, select, taken, text};
use libfuzzer_sys::fuzz_target;
use shared::money::AMOUNT_MAX;
use shared::outgoing;
use shared::payments::fraud::{backtest, publish};
use shared::payments::payment::{Payment, request as of_payment, review};
use shared::payments::request::{self, Ask};
use shared::payments::{card, payout};
use shared::time::Millis;
use shared::webhook::inbound::Gateways;
use shared::webhook::standard::{self, Headers};
use shared::webhook::{Secret, TOLERANCE_MS, endpoint, stripe};

const PARSERS: &[fn(&[u8])] = &[
    account,
    transfers,
    post,
    payment,
    capture,
    refund,
    decision,
    payout,
    rule,
    rule_name,
    history,
    an_endpoint,
    a_patch,
    of_stripe,
    of_standard,
    variables,
];

fn amount(amount: i64) {
    assert!((1..=AMOUNT_MAX).contains(&amount), "{amount}");
}

/// What was taken holds no card number, however it is written.
fn no_card(data: &[u8]) {
    assert!(!card::holds(data), "a card number was taken");
}

fn account(data: &[u8]) {
    if let Some((asked, _)) = taken(request::account(data)) {
        no_card(data);
        assert!(!asked.name.is_empty());
    }
}

fn transfers(data: &[u8]) {
    match taken(request::transfers(data)) {
        Some(Ask::One(order)) => amount(order.amount),
        Some(Ask::Many { orders, .. }) => {
            for order in orders.into_iter().filter_map(taken) {
                amount(order.amount);
            }
        }
        None => return,
    }
    no_card(data);
}

fn post(data: &[u8]) {
    if let Some(asked) = taken(request::post(data)).flatten() {
        amount(asked);
    }
}

fn payment(data: &[u8]) {
    let Some(asked) = taken(of_payment::payment(data)) else { return };
    no_card(data);
    amount(asked.amount);
    assert!(asked.fee.is_none_or(|fee| (1..=asked.amount).contains(&fee.amount)));
    let stored = serde_json::to_string(&asked).expect("a payment is stored");
    let read: Payment = serde_json::from_str(&stored).expect("what is stored is read");
    assert_eq!(read, asked);
}

fn capture(data: &[u8]) {
    if let Some(asked) = taken(of_payment::capture(data)).flatten() {
        amount(asked);
    }
}

fn refund(data: &[u8]) {
    let Some((asked, reason)) = taken(of_payment::refund(data)) else { return };
    no_card(data);
    asked.into_iter().for_each(amount);
    assert!(reason.is_none_or(|reason| reason.chars().count() <= 200));
}

fn decision(data: &[u8]) {
    if let Some((_, Some(reason))) = taken(review::request(data)) {
        no_card(data);
        assert!(reason.chars().count() <= 200);
    }
}

fn payout(data: &[u8]) {
    let Some(order) = taken(payout::order(data)) else { return };
    amount(order.amount);
    match (&order.bank.iban, &order.bank.token) {
        (Some(iban), None) => assert!(payout::is_iban(iban), "{iban:?}"),
        (None, Some(token)) => no_card(token.as_bytes()),
        both => panic!("an account and a token, or neither: {both:?}"),
    }
    for text in [&order.bank.name, &order.bank.bic].into_iter().flatten() {
        no_card(text.as_bytes());
    }
}

fn rule(data: &[u8]) {
    let Some(rule) = taken(publish::rule(data)) else { return };
    no_card(data);
    let text = serde_json::to_string(&rule).expect("a rule is stored");
    assert_eq!(publish::rule(text.as_bytes()).ok(), Some(rule), "what is stored is taken again");
}

fn rule_name(data: &[u8]) {
    let Some(name) = text(data) else { return };
    if taken(publish::name(name)).is_some() {
        assert!(name.is_ascii() && !name.is_empty());
    }
}

fn history(data: &[u8]) {
    taken(backtest::read(data, NOW));
}

/// It leads outside, as far as a URL can say.
fn outside(text: &str) {
    let url = outgoing::check(text, false).expect("what was taken is taken");
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none());
    let host = url.host_str().expect("it has a host");
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = address.parse() {
        assert!(outgoing::is_public(address), "{host}");
    }
    assert!(!host.is_empty() && host != "localhost" && !host.ends_with(".localhost"), "{host}");
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "not for a header: {text:?}");
}

fn an_endpoint(data: &[u8]) {
    if let Some(asked) = taken(endpoint::request(data, false)) {
        outside(&asked.url);
        assert!((1..=endpoint::PATTERNS_MAX).contains(&asked.events.len()));
    }
}

fn a_patch(data: &[u8]) {
    if let Some(url) = taken(endpoint::patch(data, false)).and_then(|asked| asked.url) {
        outside(&url);
    }
}

/// HMAC-SHA-256 of `1795151503.{"id":"evt_1"}` under `whsec_fuzz`.
const MADE: &str = "0916d58b6e18157fdc0032542cfde365bd4c46359aee2f78c0f7dcb0377da53e";

fn of_stripe(data: &[u8]) {
    let Some(header) = text(data) else { return };
    let secrets = [Secret::of(b"whsec_fuzz").expect("a secret")];
    let (body, now) = (br#"{"id":"evt_1"}"#, Millis(1_795_151_503_000));
    if stripe::verify(&secrets, header, body, now, TOLERANCE_MS).is_ok() {
        let lower = header.to_ascii_lowercase();
        assert!(lower.contains(MADE), "a signature was made up: {header:?}");
    }
}

fn of_standard(data: &[u8]) {
    let Some(signature) = text(data) else { return };
    let secrets = [Secret::of(b"fuzz").expect("a secret")];
    let (id, timestamp, body) = ("msg_1", standard::timestamp(NOW), b"{}");
    let made = standard::sign(&secrets, id, &timestamp, body);
    let headers = Headers { id, timestamp: &timestamp, signature };
    if standard::verify(&secrets, headers, body, NOW).is_ok() {
        assert!(signature.contains(&made), "a signature was made up: {signature:?}");
    }
    let headers = Headers { id: signature, timestamp: signature, signature: &made };
    assert!(standard::verify(&secrets, headers, body, NOW).is_err(), "{signature:?}");
}

fn variables(data: &[u8]) {
    let Some(text) = text(data) else { return };
    for name in ["GATEWAY_STRIPE_WEBHOOK_SECRET", "GATEWAY_X_WEBHOOK_SECRET"] {
        if let Ok(gateways) = Gateways::read([(name, text)]) {
            assert!(!format!("{gateways:?}").contains("whsec"), "a secret is printed");
        }
    }
}

fuzz_target!(|data: &[u8]| select(PARSERS, data));
