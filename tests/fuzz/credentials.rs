//! Keys, tokens and signatures: whatever is sent, nobody comes in who was not let in.
//!
//! Invariant: of all inputs, only the text that was signed is taken.
#![no_main]

mod check;

use check::{NOW, select, taken, text};
use libfuzzer_sys::fuzz_target;
use shared::links::password;
use shared::sign::{Context, Keys, Request};
use shared::time::Millis;
use shared::token::{Algorithm, KeyRecord, ServiceKey, read_token};

const PARSERS: &[fn(&[u8])] = &[service, platform, eddsa, es256, signature, context, pass, form];

const MAC_KEY: &[u8] = &[9; 32];
const KID: &str = "0000001a2bd";
/// The golden tokens of tests/golden/keys.rs, up to their signatures.
const EDDSA: &str = concat!(
    "eyJhbGciOiJFZERTQSIsImtpZCI6IjAwMDAwMDFhMmJkIn0.eyJpc3MiOiJhcHBfMDAwMDAwMDAwMDIiLCJh",
    "dWQiOiJodHRwczovL3MuZXhhbXBsZSIsInN1YiI6ImFubiIsInNjb3BlIjoibGlua3M6cmVhZCIsImlhdCI6",
    "MTc5MDAwMDAwMCwiZXhwIjoxNzkwMDAzNjAwfQ",
);
const ES256: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjAwMDAwMDFhMmJkIn0.eyJpc3MiOiJhcHBfMDAwMDAwMDAwMDIiLCJh",
    "dWQiOiJodHRwczovL3MuZXhhbXBsZSIsInN1YiI6ImFubiIsInNjb3BlIjoibGlua3M6cmVhZCIsImlhdCI6",
    "MTc5MDAwMDAwMCwiZXhwIjoxNzkwMDAzNjAwfQ",
);
const EDDSA_PUBLIC: &str = "6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1";
const ES256_PUBLIC: &str = concat!(
    "0407810ea974cea5773e63b897f37e3be9a09e7a5fe9b971a44d1065ac2a3a9311637e47a4f99464a0fd",
    "ce44a88ec7d703a9183c1d06552d9e2d6b76069481c577",
);
const PASS: &str = "7.my-alias.3-42.1795194703007.c5ed8f2541396f332c6367b5c1909b14";
const AT: Millis = Millis(1_790_000_000_000);

fn service(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let (_, known) = ServiceKey::mint(MAC_KEY, KID, [7; 32]);
    if let Ok(key) = ServiceKey::parse(MAC_KEY, text) {
        assert_eq!((key.kid.as_str(), text), (KID, known.as_str()), "a MAC was made up");
    }
}

fn token(data: &[u8], record: &KeyRecord, known: &str) {
    let Some(text) = text(data) else { return };
    let Ok(token) = read_token(text) else { return };
    let caller = token.caller(record, "https://s.example", AT);
    if let Ok(caller) = caller {
        assert!(text.starts_with(known), "{caller:?} by {text}");
        assert_eq!((caller.app.as_str(), caller.tier.as_str()), ("app_00000000002", "free"));
    }
}

fn application(alg: Algorithm, public: &str) -> KeyRecord {
    KeyRecord::Application {
        app: "app_00000000002".into(),
        tier: "free".into(),
        alg,
        public: public.into(),
        scopes: vec!["links:read".into()],
        revoked: false,
    }
}

fn platform(data: &[u8]) {
    let ed25519 = EDDSA_PUBLIC.into();
    // The application's token has no tier and another issuer: by the platform's key it is nothing.
    token(data, &KeyRecord::Verifier { app: None, ed25519, revoked: false }, "nobody's");
}

fn eddsa(data: &[u8]) {
    token(data, &application(Algorithm::EdDsa, EDDSA_PUBLIC), EDDSA);
}

fn es256(data: &[u8]) {
    token(data, &application(Algorithm::Es256, ES256_PUBLIC), ES256);
}

fn signature(data: &[u8]) {
    let Some(header) = text(data) else { return };
    let keys = Keys::parse(&format!("k1:{}", "ab".repeat(32))).expect("a key");
    let request = Request { method: "GET", path_and_query: "/x", content: "", context: "" };
    assert!(keys.verify(request, NOW, header).is_err(), "a signature was made up: {header:?}");
    let _ = Keys::parse(header);
}

fn context(data: &[u8]) {
    let Some(context) = text(data).and_then(Context::decode) else { return };
    assert_eq!(Context::decode(&context.encode()), Some(context));
}

/// Cookies; the seed is the golden one, whose end no other text may have.
fn pass(data: &[u8]) {
    let Some(cookies) = text(data) else { return };
    let name = password::cookie_name("my-alias", true);
    if password::admitted(MAC_KEY, ("7/my-alias", &name), cookies, NOW).is_some() {
        assert!(cookies.contains(PASS), "a pass was made up: {cookies:?}");
    }
}

fn form(data: &[u8]) {
    let media_type = Some("application/x-www-form-urlencoded");
    if let Some(plain) = taken(password::form(media_type, data)) {
        assert!(plain.check().is_ok(), "what is no password was taken");
    }
}

fuzz_target!(|data: &[u8]| select(PARSERS, data));
