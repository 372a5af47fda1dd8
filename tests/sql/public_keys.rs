//! Applications' public keys: registered, listed, revoked, replayed.

use crate::support::{Place, application, body, call, status};
use origin::admin::{public_keys, registers};
use origin::app::App;
use origin::{db, outbox};
use serde_json::{Value, json};
use shared::roads::Answer;
use shared::token::{Algorithm, KeyRecord};

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const EC: [&str; 2] =
    ["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"];

fn okp() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": X})
}

fn ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": EC[0], "y": EC[1], "use": "sig", "kid": "mine"})
}

async fn register(app: &App, owner: &str, jwk: &Value) -> Value {
    let asked = json!({"app": owner, "scopes": ["links:read"], "jwk": jwk, "name": "backend"});
    let asked = call("", "POST", "/admin/public-keys", &asked.to_string());
    let made = public_keys::create(app, &asked).await;
    assert_eq!(status(&made), 201);
    body(&made)
}

/// The register as a home is told it.
async fn told(app: &App, kid: &str) -> (u64, KeyRecord) {
    let mut ask = call("", "GET", &format!("/internal/registers/keys?key={kid}"), "");
    ask.segments = vec!["keys".into()];
    let answer = serde_json::from_value(body(&registers::ask(app, &ask).await)).unwrap();
    let Answer::Register(register) = answer else { panic!("{answer:?}") };
    (register.stamp.version, serde_json::from_str(&register.value.unwrap()).unwrap())
}

async fn posted(app: &App, kid: &str) -> Vec<u64> {
    let sql = "select version from outbox where product = 'keys' and key = $1 order by id";
    let rows = app.db.read(sql, vec![kid.into()]).await.unwrap();
    rows.iter().map(|row| db::number(row, "version").unwrap()).collect()
}

#[tokio::test]
async fn a_public_key_is_a_register_from_its_making_to_its_revocation() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    for (jwk, alg, length) in [(okp(), Algorithm::EdDsa, 64), (ec(), Algorithm::Es256, 130)] {
        let made = register(&app, &ann, &jwk).await;
        assert_eq!((&made["alg"], &made["app"]), (&json!(alg.name()), &json!(ann)));
        assert_eq!(made["revoked_at"], Value::Null);
        let kid = made["kid"].as_str().unwrap();
        assert_ne!(kid, "mine");
        let (version, record) = told(&app, kid).await;
        let KeyRecord::Application { app: owner, tier, alg: known, public, scopes, revoked } =
            record
        else {
            panic!("{record:?}");
        };
        assert_eq!((version, owner, tier.as_str(), known), (1, ann.clone(), "free", alg));
        assert_eq!(
            (public.len(), &scopes[..], revoked),
            (length, &["links:read".into()][..], false)
        );
        let revoke = call("", "DELETE", &format!("/admin/public-keys/{kid}"), "");
        for _ in 0..2 {
            assert_eq!(status(&public_keys::revoke(&app, &revoke).await), 204);
        }
        let (version, record) = told(&app, kid).await;
        assert!(matches!(record, KeyRecord::Application { revoked: true, .. }));
        assert_eq!(version, 2, "revoking twice changes nothing");
        assert_eq!(posted(&app, kid).await, [1, 2, 2]);
        outbox::replay(&app, false).await.unwrap();
        assert_eq!(posted(&app, kid).await.last(), Some(&2));
    }
    let unknown = call("", "DELETE", "/admin/public-keys/none", "");
    assert_eq!(status(&public_keys::revoke(&app, &unknown).await), 404);
}

#[tokio::test]
async fn public_keys_are_listed_by_application_in_pages_revoked_ones_too() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (ann, bob) = (application(&app, "ann").await, application(&app, "bob").await);
    let mut kids = Vec::new();
    for owner in [&ann, &bob, &ann, &ann] {
        kids.push(register(&app, owner, &ec()).await["kid"].as_str().unwrap().to_owned());
    }
    let revoke = call("", "DELETE", &format!("/admin/public-keys/{}", kids[0]), "");
    assert_eq!(status(&public_keys::revoke(&app, &revoke).await), 204);
    let list = async |query: &str| {
        let path = format!("/admin/public-keys?{query}");
        body(&public_keys::list(&app, &call("", "GET", &path, "")).await)
    };
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["kid"].as_str().unwrap().to_owned()).collect()
    };
    let first = list(&format!("app={ann}&limit=2")).await;
    let next = first["next_cursor"].as_str().unwrap();
    let rest = list(&format!("app={ann}&limit=2&cursor={next}")).await;
    let mut found = names(&first);
    found.extend(names(&rest));
    // The order is the database's; each stands there once, and no other application's.
    found.sort();
    let mut own = vec![kids[0].clone(), kids[2].clone(), kids[3].clone()];
    own.sort();
    assert_eq!((found, rest["next_cursor"].is_null()), (own, true));
    let all = list("").await;
    let revoked = |item: &&Value| item["revoked_at"].is_string();
    let revoked: Vec<&Value> = all["items"].as_array().unwrap().iter().filter(revoked).collect();
    assert_eq!((names(&all).len(), revoked.len()), (4, 1));
    assert_eq!(revoked[0]["kid"], kids[0]);
    let unknown = call("", "GET", "/admin/public-keys?owner=x", "");
    assert_eq!(status(&public_keys::list(&app, &unknown).await), 422);
}

#[tokio::test]
async fn what_is_no_public_key_is_refused_with_a_pointer_and_a_private_one_too() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"app": ann, "scopes": ["links:read"], "jwk": okp()});
        *body.pointer_mut(name).unwrap() = value;
        body
    };
    let mut private = with("/app", json!(ann));
    private["jwk"]["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    for (wrong, pointer) in [
        (private, "/jwk/d"),
        (with("/app", json!("app_none")), "/app"),
        (with("/scopes", json!([])), "/scopes"),
        (with("/scopes", json!(["links:fly"])), "/scopes"),
        (with("/jwk/kty", json!("oct")), "/jwk/kty"),
        (with("/jwk/crv", json!("P-256")), "/jwk/crv"),
        (with("/jwk/x", json!("AA")), "/jwk/x"),
        (with("/jwk", json!("-----BEGIN PUBLIC KEY-----")), "/jwk"),
    ] {
        let asked = call("", "POST", "/admin/public-keys", &wrong.to_string());
        let problem = public_keys::create(&app, &asked).await.unwrap_err().problem();
        assert_eq!(problem.status(), 422, "{wrong}");
        assert_eq!(problem.errors[0].pointer, pointer, "{wrong}");
        assert!(
            !problem.detail.contains("nWGxne")
                && !format!("{:?}", problem.errors).contains("nWGxne")
        );
    }
    assert_eq!(app.db.read("select kid from public_key", vec![]).await.unwrap().len(), 0);
}
