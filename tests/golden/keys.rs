//! Keys, tokens, ids and cursors: what callers hold.
//!
//! Invariant: every text is read back into what was written.

use crate::frozen;
use shared::id::{self, EPOCH, Snowflakes, format_id, parse_id, random_id};
use shared::links::code::{CODES, Permutation, encode};
use shared::links::wire::register_key;
use shared::page;
use shared::sign::Context;
use shared::time::Millis;
use shared::token::{
    Algorithm, Claims, KeyRecord, Refused, ServiceKey, TokenRequest, public_half, read_token,
    sign_token,
};

const MAC_KEY: &[u8] = &[9; 32];

#[test]
fn service_key_format_unchanged() {
    let (key, text) = ServiceKey::mint(MAC_KEY, "0000001a2bc", [7; 32]);
    assert_eq!(
        text,
        concat!(
            "sk_0000001a2bc_070707070707070707070707070707070707070707070707070707070707070",
            "7_7b58290e4a628d0d399e005b5d562b35",
        )
    );
    assert_eq!(
        key.secret_sha256(),
        "1967c0fdaed0b8f2618d3b1f4a9f8541ed315505acc26f5a41f382da8bdd9954"
    );
    assert_eq!(ServiceKey::parse(MAC_KEY, &text).unwrap().kid, "0000001a2bc");
}

#[test]
fn key_record_format_unchanged() {
    let (key, _) = ServiceKey::mint(MAC_KEY, "0000001a2bc", [7; 32]);
    let service = KeyRecord::Service {
        app: "app_00000000002".into(),
        tier: "free".into(),
        scopes: vec!["links:read".into(), "links:write".into()],
        secret_sha256: key.secret_sha256(),
        revoked: false,
    };
    frozen(
        &service,
        concat!(
            r#"{"use":"service","app":"app_00000000002","tier":"free","scopes":["links:read","#,
            r#""links:write"],"secret_sha256":"1967c0fdaed0b8f2618d3b1f4a9f8541ed315505acc26f"#,
            r#"5a41f382da8bdd9954","revoked":false}"#,
        ),
    );
    let ed25519 = public_half(&[5; 32]);
    frozen(
        &KeyRecord::Verifier { app: None, ed25519, revoked: true },
        concat!(
            r#"{"use":"verifier","app":null,"ed25519":"6e7a1cdd29b0b78fd13af4c5598feff4ef2a97"#,
            r#"166e3ca6f2e4fbfccd80505bf1","revoked":true}"#,
        ),
    );
}

#[test]
fn user_token_format_unchanged() {
    let claims = Claims {
        iss: "https://s.example".into(),
        app: "app_00000000002".into(),
        tier: "free".into(),
        sub: "ann".into(),
        scope: "links:read links:write".into(),
        iat: 1_790_000_000,
        exp: 1_790_003_600,
    };
    let text = concat!(
        "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6InAxIn0.eyJpc3MiOiJodHRwczovL3MuZXhhbXBs",
        "ZSIsImFwcCI6ImFwcF8wMDAwMDAwMDAwMiIsInRpZXIiOiJmcmVlIiwic3ViIjoiYW5uIiwic2NvcGUiOiJs",
        "aW5rczpyZWFkIGxpbmtzOndyaXRlIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDM2MDB9.YpYXIs7",
        "-F2Xp5dZ29daawX6NJeigFEfww-jVvkij3ulpE4125pBBWQMvSFVTjmL5LtIf67NTTqVd6mCU9ZyeBQ",
    );
    assert_eq!(sign_token(&[5; 32], "p1", &claims), text);
    let token = read_token(text).unwrap();
    assert_eq!(token.kid, "p1");
    let verifier =
        KeyRecord::Verifier { app: None, ed25519: public_half(&[5; 32]), revoked: false };
    let caller = token.caller(&verifier, "https://s.example", Millis(1_790_000_000_000)).unwrap();
    assert_eq!((caller.principal.as_str(), caller.app.as_str()), ("user:ann", "app_00000000002"));
    assert_eq!(caller.scopes, ["links:read", "links:write"]);
}

/// An application's key; the record of the register that the edge keeps.
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

#[test]
fn application_key_record_format_unchanged() {
    frozen(
        &application(Algorithm::Es256, ES256_PUBLIC),
        concat!(
            r#"{"use":"application","app":"app_00000000002","tier":"free","alg":"ES256","#,
            r#""public":"0407810ea974cea5773e63b897f37e3be9a09e7a5fe9b971a44d1065ac2a3a931163"#,
            r#"7e47a4f99464a0fdce44a88ec7d703a9183c1d06552d9e2d6b76069481c577","#,
            r#""scopes":["links:read"],"revoked":false}"#,
        ),
    );
    let text = serde_json::to_string(&application(Algorithm::EdDsa, "ab")).unwrap();
    assert!(text.contains(r#""alg":"EdDSA""#), "{text}");
}

const ES256_PUBLIC: &str = concat!(
    "0407810ea974cea5773e63b897f37e3be9a09e7a5fe9b971a44d1065ac2a3a9311637e47a4f99464a0fd",
    "ce44a88ec7d703a9183c1d06552d9e2d6b76069481c577",
);
const EDDSA_TOKEN: &str = concat!(
    "eyJhbGciOiJFZERTQSIsImtpZCI6IjAwMDAwMDFhMmJkIn0.eyJpc3MiOiJhcHBfMDAwMDAwMDAwMDIiLCJh",
    "dWQiOiJodHRwczovL3MuZXhhbXBsZSIsInN1YiI6ImFubiIsInNjb3BlIjoibGlua3M6cmVhZCIsImlhdCI6",
    "MTc5MDAwMDAwMCwiZXhwIjoxNzkwMDAzNjAwfQ.1XlOnNBSrWHY4WbJHKRe8Mw1ImGTlzc8n7plzCLWvFqdL",
    "1iE7c3JJXPBDz3YZIpTTKMT4yFkC9DLs3yIjaaaCA",
);
const ES256_TOKEN: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjAwMDAwMDFhMmJkIn0.eyJpc3MiOiJhcHBfMDAwMDAwMDAwMDIiLCJh",
    "dWQiOiJodHRwczovL3MuZXhhbXBsZSIsInN1YiI6ImFubiIsInNjb3BlIjoibGlua3M6cmVhZCIsImlhdCI6",
    "MTc5MDAwMDAwMCwiZXhwIjoxNzkwMDAzNjAwfQ.0Y5ITUePfY-wa8EiBMHedqXszUURBv17mAJRWzwr8XRX4",
    "1TnsZV2oRKcEfnT3n_GnIph9mmOdSmePbNmxd1oHA",
);

/// Tokens as a backend signs them, with keys of 32 equal bytes; ECDSA's nonce is RFC 6979's.
#[test]
fn application_token_format_unchanged() {
    let now = Millis(1_790_000_000_000);
    for (alg, public, token) in [
        (
            Algorithm::EdDsa,
            "6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1",
            EDDSA_TOKEN,
        ),
        (Algorithm::Es256, ES256_PUBLIC, ES256_TOKEN),
    ] {
        let read = read_token(token).unwrap();
        assert_eq!(read.kid, "0000001a2bd");
        let record = application(alg, public);
        let caller = read.caller(&record, "https://s.example", now).unwrap();
        assert_eq!((caller.principal.as_str(), caller.tier.as_str()), ("user:ann", "free"));
        assert_eq!(caller.app, "app_00000000002");
        assert_eq!(caller.scopes, ["links:read"]);
        // The same under the other algorithm's name is nobody's.
        let other = if alg == Algorithm::EdDsa { Algorithm::Es256 } else { Algorithm::EdDsa };
        let wrong = application(other, public);
        assert_eq!(read.caller(&wrong, "https://s.example", now), Err(Refused::Unknown));
    }
}

#[test]
fn token_request_format_unchanged() {
    let request = TokenRequest { sub: "ann".into(), scope: None, ttl_s: Some(60) };
    frozen(&request, r#"{"sub":"ann","ttl_s":60}"#);
}

#[test]
fn context_format_unchanged() {
    let context = Context {
        principal: "user:ann".into(),
        app: "app_00000000002".into(),
        tier: "free".into(),
        request_id: "req_1".into(),
        ip: "2001:db8::1".into(),
        country: "JP".into(),
        colo: "NRT".into(),
        domain: 0,
    };
    frozen(
        &context,
        concat!(
            r#"{"principal":"user:ann","app":"app_00000000002","tier":"free","request_id":"re"#,
            r#"q_1","ip":"2001:db8::1","country":"JP","colo":"NRT"}"#,
        ),
    );
    let text = concat!(
        "eyJwcmluY2lwYWwiOiJ1c2VyOmFubiIsImFwcCI6ImFwcF8wMDAwMDAwMDAwMiIsInRpZXIiOiJmcmVlIiwi",
        "cmVxdWVzdF9pZCI6InJlcV8xIiwiaXAiOiIyMDAxOmRiODo6MSIsImNvdW50cnkiOiJKUCIsImNvbG8iOiJO",
        "UlQifQ",
    );
    assert_eq!(context.encode(), text);
    assert_eq!(Context::decode(text).as_ref(), Some(&context));
    let other = serde_json::to_string(&Context { domain: 7, ..context }).unwrap();
    assert!(other.ends_with(r#""colo":"NRT","domain":7}"#), "{other}");
}

#[test]
fn cursor_format_unchanged() {
    let key = "lnk_00000000001/ü";
    assert_eq!(page::cursor(key), "bG5rXzAwMDAwMDAwMDAxL8O8");
    assert_eq!(
        page::ask(None, Some("bG5rXzAwMDAwMDAwMDAxL8O8")).unwrap().after.as_deref(),
        Some(key)
    );
}

#[test]
fn id_format_unchanged() {
    let mut flakes = Snowflakes::default();
    assert_eq!(flakes.next(5, EPOCH.plus(1)), Ok(1 << 22 | 5 << 12));
    assert_eq!(flakes.next(5, EPOCH.plus(1)), Ok(1 << 22 | 5 << 12 | 1));
    let later = flakes.next(1_023, Millis(1_795_151_503_007)).unwrap();
    assert_eq!(later, 117129726690062336);
    for (number, text) in
        [(0, "lnk_00000000000"), (later, "lnk_08EsewoUePK"), (u64::MAX, "lnk_lYGhA16ahyf")]
    {
        assert_eq!(format_id("lnk", number), text);
        assert_eq!(parse_id("lnk", text), Some(number));
    }
    assert_eq!(random_id("req", [0xab; 16]), "req_abababababababababababababababab");
}

/// L21.
#[test]
fn base62_format_unchanged() {
    for (number, text) in [(0, "0000000"), (1_000_000, "0004c92"), (CODES - 1, "ZZZZZZZ")] {
        assert_eq!(encode(number), text);
        assert_eq!(id::from_base62(text), Some(number));
    }
    assert_eq!(id::base62(61, 1) + &id::base62(35, 1) + &id::base62(10, 1), "Zza");
}

/// L2: an issued code must never be issued to another.
#[test]
fn permutation_format_unchanged() {
    let permutation = Permutation::new(*b"a key of thirty-two bytes, fixed");
    for (id, code) in [
        (0, "0QxdaV2"),
        (1, "Z4Xgds7"),
        (2, "e4JZQ52"),
        (999, "q8sQPjZ"),
        (1_000_000, "Su85wYQ"),
        (CODES - 1, "jRGJT3L"),
    ] {
        assert_eq!(permutation.code(id).as_deref(), Some(code), "{id}");
    }
}

#[test]
fn link_key_format_unchanged() {
    assert_eq!(register_key(0, "0004c92"), "0/0004c92");
    assert_eq!(register_key(7, "my-alias"), "7/my-alias");
}
