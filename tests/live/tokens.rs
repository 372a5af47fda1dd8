//! User tokens: minted by an application's key, within its scopes, for a time.

use crate::client::{Answer, App, Stack};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use origin::db;
use origin::keys::platform_kid;
use serde_json::{Value, json};
use shared::problem::{FORBIDDEN, IDEMPOTENCY_MISMATCH, UNACCEPTABLE, UNAUTHENTICATED};
use shared::time::Millis;
use shared::token::{Claims, sign_token};

const TOKENS: &str = "/api/v1/tokens";

async fn mint(app: &App<'_>, body: &Value) -> Answer {
    app.ask("POST", TOKENS).json(body).send().await
}

async fn minted(app: &App<'_>, body: &Value) -> String {
    mint(app, body).await.is(201)["token"].as_str().unwrap().to_owned()
}

/// A GET of the application's links with this credential.
async fn list(stack: &Stack, token: &str) -> Answer {
    stack.edge("GET", "/api/v1/links").key(token).send().await
}

async fn shorten(stack: &Stack, token: &str) -> Answer {
    let body = json!({"long_url": "https://example.com/"});
    stack.edge("POST", "/api/v1/shorten").key(token).json(&body).send().await
}

#[tokio::test]
async fn a_token_does_what_it_says_and_no_more() {
    let stack = Stack::here();
    let app = stack.app().await;
    let both = minted(&app, &json!({"sub": "ann", "scope": "links:read links:write"})).await;
    let code = shorten(&stack, &both).await.is(201)["short_code"].as_str().unwrap().to_owned();
    // The application owns what its users create.
    app.get(&format!("/api/v1/links/{code}")).await.is(200);
    let read = minted(&app, &json!({"sub": "bob", "scope": "links:read"})).await;
    assert_eq!(list(&stack, &read).await.is(200)["items"].as_array().unwrap().len(), 1);
    shorten(&stack, &read).await.is_problem(&FORBIDDEN);
    let mint = stack.edge("POST", TOKENS).key(&both).json(&json!({"sub": "eve"}));
    mint.send().await.is_problem(&FORBIDDEN);
    let other = stack.app().await;
    let stranger = minted(&other, &json!({"sub": "ann"})).await;
    let path = format!("/api/v1/links/{code}");
    stack.edge("GET", &path).key(&stranger).send().await.is(404);
}

#[tokio::test]
async fn scopes_only_shrink() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (key, _) = stack.key(&app.id, &["links:read"]).await;
    let ask = |body: Value| stack.edge("POST", TOKENS).key(&key).json(&body).send();
    for scope in ["links:write", "links:read links:write", "*", "links:fly"] {
        ask(json!({"sub": "ann", "scope": scope})).await.is_problem(&FORBIDDEN);
    }
    let token = ask(json!({"sub": "ann"})).await.is(201)["token"].as_str().unwrap().to_owned();
    list(&stack, &token).await.is(200);
    shorten(&stack, &token).await.is_problem(&FORBIDDEN);
}

#[tokio::test]
async fn a_token_lives_an_hour_unless_asked_and_a_day_at_most() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (ttl, wanted) in [(Value::Null, 3_600), (json!(1), 1), (json!(86_400), 86_400)] {
        let mut body = json!({"sub": "ann", "ttl_s": ttl});
        if ttl.is_null() {
            body.as_object_mut().unwrap().remove("ttl_s");
        }
        let made = mint(&app, &body).await.is(201);
        let token = made["token"].as_str().unwrap();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Claims = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims.exp - claims.iat, wanted);
        assert_eq!((claims.iss.as_str(), claims.sub.as_str()), (stack.public.as_str(), "ann"));
        assert_eq!(claims.app, app.id);
        let expires_at = Millis::parse(made["expires_at"].as_str().unwrap()).unwrap();
        assert_eq!(expires_at, Millis(claims.exp * 1_000));
        list(&stack, token).await.is(200);
    }
    for (wrong, pointer) in [
        (json!({"sub": "ann", "ttl_s": 0}), "/ttl_s"),
        (json!({"sub": "ann", "ttl_s": 86_401}), "/ttl_s"),
        (json!({"sub": "ann", "ttl_s": -1}), "/ttl_s"),
        (json!({"sub": ""}), "/sub"),
        (json!({"sub": "a\r\nb"}), "/sub"),
        (json!({"sub": "x".repeat(256)}), "/sub"),
        (json!({"sub": "ann", "app": "app_1"}), "/app"),
    ] {
        let problem = mint(&app, &wrong).await.is_problem(&UNACCEPTABLE);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{wrong}");
    }
}

#[tokio::test]
async fn a_copy_of_a_minting_gets_the_same_token() {
    let stack = Stack::here();
    let app = stack.app().await;
    let ask = |sub: &str| {
        let ask = app.ask("POST", TOKENS).header("idempotency-key", "mint");
        ask.json(&json!({"sub": sub})).send()
    };
    let first = ask("ann").await;
    first.is(201);
    // A token of the next second would be another one.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let copy = ask("ann").await;
    assert_eq!((copy.status, &copy.body), (201, &first.body));
    assert_eq!(copy.header("idempotent-replayed"), "true");
    ask("bob").await.is_problem(&IDEMPOTENCY_MISMATCH);
}

#[tokio::test]
async fn a_token_that_is_over_forged_or_changed_is_401() {
    let stack = Stack::here();
    let app = stack.app().await;
    let seed = stack.secret_bytes("TOKEN_KEY");
    let kid = platform_kid(&seed);
    let now = db::now().0 / 1_000;
    let claims = |iat: u64, exp: u64| Claims {
        iss: stack.public.clone(),
        app: app.id.clone(),
        tier: "free".into(),
        sub: "ann".into(),
        scope: "links:read".into(),
        iat,
        exp,
    };
    let good = claims(now, now + 60);
    list(&stack, &sign_token(&seed, &kid, &good)).await.is(200);
    // Within the skew of 60 s, on either end.
    list(&stack, &sign_token(&seed, &kid, &claims(now - 90, now - 30))).await.is(200);
    list(&stack, &sign_token(&seed, &kid, &claims(now + 30, now + 90))).await.is(200);
    let token = sign_token(&seed, &kid, &good);
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let payload = rest.split_once('.').unwrap().1;
    let header = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let none = header(&format!(r#"{{"alg":"none","kid":"{kid}"}}"#));
    let hs256 = header(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#));
    let more = Claims { scope: "*".into(), ..good.clone() };
    let more = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&more).unwrap());
    let head = rest.split_once('.').unwrap().0;
    for wrong in [
        sign_token(&seed, &kid, &claims(now - 120, now - 61)),
        sign_token(&seed, &kid, &claims(now + 90, now + 120)),
        sign_token(&seed, &kid, &claims(now, now + 86_401)),
        sign_token(&[7; 32], &kid, &good),
        sign_token(&seed, "pffffffffff", &good),
        sign_token(&seed, &app.kid, &good),
        sign_token(&seed, &kid, &Claims { iss: "https://other.example".into(), ..good.clone() }),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{hs256}.{payload}.{signature}"),
        format!("{head}.{more}.{signature}"),
        rest.to_owned(),
        format!("{token}x"),
    ] {
        list(&stack, &wrong).await.is_problem(&UNAUTHENTICATED);
    }
}
