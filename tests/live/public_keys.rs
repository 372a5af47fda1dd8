//! Tokens that an application's own backend signs, with either algorithm: verified at the edge.

use crate::client::{Answer, App, Stack};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey as Ed25519;
use origin::db;
use p256::ecdsa::{Signature, SigningKey as P256};
use serde_json::{Value, json};
use shared::problem::{FORBIDDEN, UNAUTHENTICATED};
use std::time::{Duration, Instant};

const LIST: &str = "/api/v1/links";
/// What an isolate trusts its memory of a key for (10 s), and a moment for the road.
const REVOKED_WITHIN: Duration = Duration::from_secs(12);

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A backend's private key.
enum Private {
    EdDsa(Ed25519),
    Es256(P256),
}

impl Private {
    fn both() -> [Self; 2] {
        let ed25519 = Ed25519::from_bytes(&rand::random());
        // A draw that is no scalar of the curve has odds of 1 in 2^32.
        [Self::EdDsa(ed25519), Self::Es256(P256::from_slice(&rand::random::<[u8; 32]>()).unwrap())]
    }

    fn alg(&self) -> &'static str {
        match self {
            Self::EdDsa(_) => "EdDSA",
            Self::Es256(_) => "ES256",
        }
    }

    fn jwk(&self) -> Value {
        match self {
            Self::EdDsa(key) => {
                let x = encode(key.verifying_key().to_bytes());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "use": "sig"})
            }
            Self::Es256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        use p256::ecdsa::signature::Signer;
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = match self {
            Self::EdDsa(key) => key.sign(text.as_bytes()).to_bytes().to_vec(),
            Self::Es256(key) => {
                let signature: Signature = key.sign(text.as_bytes());
                signature.to_bytes().to_vec()
            }
        };
        format!("{text}.{}", encode(signature))
    }
}

/// A key that is registered for an application.
struct Backend<'a> {
    app: &'a App<'a>,
    private: Private,
    kid: String,
}

impl<'a> Backend<'a> {
    async fn register(app: &'a App<'a>, private: Private, scopes: &[&str]) -> Self {
        let body = json!({"app": app.id, "scopes": scopes, "jwk": private.jwk(), "name": "own"});
        let made = app.stack.admin("POST", "/admin/public-keys").json(&body).send().await;
        let kid = made.is(201)["kid"].as_str().unwrap().to_owned();
        Self { app, private, kid }
    }

    fn claims(&self, scope: &str) -> Value {
        let iat = db::now().0 / 1_000;
        let (iss, aud) = (&self.app.id, &self.app.stack.public);
        json!({"iss": iss, "aud": aud, "sub": "ann", "scope": scope, "iat": iat, "exp": iat + 60})
    }

    fn head(&self) -> Value {
        json!({"alg": self.private.alg(), "typ": "JWT", "kid": self.kid})
    }

    fn token(&self, scope: &str) -> String {
        self.private.sign(&self.head(), &self.claims(scope))
    }

    async fn list(&self, token: &str) -> Answer {
        self.app.stack.edge("GET", LIST).key(token).send().await
    }
}

#[tokio::test]
async fn a_backends_token_does_what_it_says_within_its_keys_scopes() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    for private in Private::both() {
        let backend = Backend::register(&app, private, &["links:read", "links:write"]).await;
        let alg = backend.private.alg();
        let token = backend.token("links:read links:write");
        let body = json!({"long_url": "https://example.com/"});
        let made = stack.edge("POST", "/api/v1/shorten").key(&token).json(&body).send().await;
        let code = made.is(201)["short_code"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/links/{code}");
        app.get(&path).await.is(200);
        other.get(&path).await.is(404);
        stack.edge("GET", &path).key(&token).send().await.is(200);
        let read = backend.token("links:read");
        let refused = stack.edge("DELETE", &path).key(&read).send().await;
        refused.is_problem(&FORBIDDEN);
        let mint = stack.edge("POST", "/api/v1/tokens").key(&token).json(&json!({"sub": "eve"}));
        mint.send().await.is_problem(&FORBIDDEN);
        for scope in ["*", "links:read privacy:write", "links:fly"] {
            let refused = backend.list(&backend.token(scope)).await.is_problem(&UNAUTHENTICATED);
            let detail = "the token claims a scope that its key may not give";
            assert_eq!(refused["detail"], detail, "{alg} {scope}");
        }
    }
}

#[tokio::test]
async fn what_a_backend_may_not_say_is_401() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    for private in Private::both() {
        let backend = Backend::register(&app, private, &["links:read"]).await;
        let alg = backend.private.alg();
        let now = db::now().0 / 1_000;
        let public = &stack.public;
        for (name, value, wanted) in [
            ("aud", json!([public, "https://other.example"]), 200),
            ("nbf", json!(now + 30), 200),
            ("iss", json!(other.id), 401),
            ("iss", json!(public), 401),
            ("aud", json!("https://other.example"), 401),
            ("aud", Value::Null, 401),
            ("app", json!(other.id), 401),
            ("sub", json!(""), 401),
            ("exp", json!(now - 61), 401),
            ("exp", json!(now + 86_400 + 5), 401),
            ("iat", json!(now + 90), 401),
            ("nbf", json!(now + 90), 401),
        ] {
            let mut claims = backend.claims("links:read");
            claims[name] = value.clone();
            let asked = backend.list(&backend.private.sign(&backend.head(), &claims)).await;
            assert_eq!(asked.status, wanted, "{alg} {name} {value}: {}", asked.text());
        }
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!(if alg == "EdDSA" { "ES256" } else { "EdDSA" })),
            ("kid", json!(app.kid)),
            ("kid", json!("pffffffffff")),
            ("crit", json!(["exp"])),
            ("crit", Value::Null),
        ] {
            let mut head = backend.head();
            head[name] = value.clone();
            let token = backend.private.sign(&head, &backend.claims("links:read"));
            let asked = backend.list(&token).await;
            assert_eq!(asked.status, 401, "{alg} {name} {value}: {}", asked.text());
        }
        let token = backend.token("links:read");
        let (signed, _) = token.rsplit_once('.').unwrap();
        for wrong in [
            signed.to_owned(),
            format!("{signed}."),
            format!("{signed}.{}", encode([0; 64])),
            // The DER of a signature is not a JWS's (RFC 7518, section 3.4).
            format!("{signed}.{}", encode([0x30; 71])),
        ] {
            backend.list(&wrong).await.is_problem(&UNAUTHENTICATED);
        }
    }
}

#[tokio::test]
async fn a_revoked_public_key_is_refused_within_twelve_seconds_no_more() {
    let stack = Stack::here();
    let app = stack.app().await;
    let [first, second] = Private::both();
    let first = Backend::register(&app, first, &["links:read"]).await;
    let second = Backend::register(&app, second, &["links:read"]).await;
    let (gone, kept) = (first.token("links:read"), second.token("links:read"));
    first.list(&gone).await.is(200);
    let path = format!("/admin/public-keys/{}", first.kid);
    stack.admin("DELETE", &path).send().await.is(204);
    let began = Instant::now();
    while first.list(&gone).await.status == 200 {
        assert!(began.elapsed() < REVOKED_WITHIN, "still accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let problem = first.list(&gone).await.is_problem(&UNAUTHENTICATED);
    assert_eq!(problem["detail"], "the key was revoked");
    second.list(&kept).await.is(200);
    let listed = stack.admin("GET", &format!("/admin/public-keys?app={}", app.id)).send().await;
    let listed = listed.is(200);
    let revoked = |item: &&Value| item["revoked_at"].is_string();
    assert_eq!(listed["items"].as_array().unwrap().iter().filter(revoked).count(), 1);
    stack.admin("DELETE", &path).send().await.is(204);
}

#[tokio::test]
async fn the_edge_verifies_a_backends_token_without_the_origin() {
    let stack = Stack::alone();
    let app = stack.app().await;
    for private in Private::both() {
        let backend = Backend::register(&app, private, &["links:read"]).await;
        let path = "/api/v1/links/export";
        backend.list(&backend.token("links:read")).await.is(200);
        let registers = "route=\"/internal/registers/{product}\"";
        let before = stack.count("requests_total", registers).await;
        for n in 0..20 {
            let mut claims = backend.claims("links:read");
            claims["sub"] = json!(format!("user-{n}"));
            let token = backend.private.sign(&backend.head(), &claims);
            backend.list(&token).await.is(200);
            // Refused before anybody is asked.
            claims["iss"] = json!("app_other");
            let token = backend.private.sign(&backend.head(), &claims);
            stack.edge("GET", path).key(&token).send().await.is_problem(&UNAUTHENTICATED);
        }
        assert_eq!(stack.count("requests_total", registers).await, before);
    }
}
