//! The schemas and examples of the wire types that the route table names.
//!
//! Invariant: a name of the table leads to one type; its example is that type, serialised.

use super::links::{link, stats};
use super::{fraud, limits, payment, payments, payouts, video, videos, webhooks};
use crate::admin::{
    App, AppRequest, DeadLetter, Health, KeyAnswer, KeyRequest, ListRequest, Listed, OutboxRow,
    PublicKey, PublicKeyRequest, TIER_DEFAULT,
};
use crate::audit::AuditReport;
use crate::limits::backtest::{BacktestAnswer, BacktestRequest, Log, RefusedKey, Row, Tested};
use crate::limits::policy::Policy;
use crate::limits::publish::PublishedPolicy;
use crate::limits::request::{CheckAnswer, CheckRequest, Override, RefundAnswer, RefundRequest};
use crate::limits::usage::Usage;
use crate::limits::wire::Exception;
use crate::links::request::{PatchRequest, ShortenRequest};
use crate::links::wire::{BulkAnswer, BulkRequest, BulkResult, Link, Stats};
use crate::page::{self, Page};
use crate::payments::fraud::publish::Named;
use crate::payments::fraud::wire::{DecisionView, VersionView};
use crate::payments::fraud::{backtest as tested, rule as fraud_rule};
use crate::payments::payment::request::{self as pay, CaptureRequest, PaymentRequest};
use crate::payments::payment::review::ReviewRequest;
use crate::payments::payment::wire::{EventView, GatewayOrderRow, PaymentView, RefundView};
use crate::payments::payout::{PayoutRequest, PayoutView, SagaView};
use crate::payments::reconcile::wire::{
    DailyClose, FindingView, ReconciliationView, StatementAccount,
};
use crate::payments::request::{AccountRequest, PostRequest, TransferRequest};
use crate::payments::wire::{
    AccountView, BalanceAt, EntryView, LedgerCheck, LedgerProof, TransferAnswer, TransferView,
};
use crate::privacy::{Kind, PrivacyAsk, PrivacyPart, PrivacyRequest, State};
use crate::route::{Op, Route};
use crate::time::Millis;
use crate::token::{Algorithm, Jwk, TokenAnswer, TokenRequest};
use crate::video::playback::{PlaybackAnswer, PlaybackRequest};
use crate::video::qoe::Report;
use crate::video::quality::VideoQuality;
use crate::video::wire::{VideoEvent, VideoPatch, VideoRequest, VideoView};
use crate::webhook::endpoint::{EndpointPatch, EndpointRequest, WebhookDelivery, WebhookEndpoint};
use alloc::{format, string::String, vec, vec::Vec};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// 2026-11-20T05:11:43.000Z.
pub(super) const AT: Millis = Millis(1_795_151_503_000);

macro_rules! types {
    ($($name:literal: $type:ty = $example:expr;)*) => {
        fn schema(name: &str, generator: &mut SchemaGenerator) -> Option<Schema> {
            match name {
                $($name => Some(<$type>::json_schema(generator)),)*
                _ => None,
            }
        }

        /// An example of the type that the table calls `name`.
        pub(super) fn example(name: &str) -> Value {
            match name {
                $($name => {
                    let example: $type = $example;
                    serde_json::to_value(example).unwrap_or_default()
                })*
                _ => Value::Null,
            }
        }
    };
}

types! {
    "ShortenRequest": ShortenRequest = ShortenRequest {
        long_url: "https://en.wikipedia.org/wiki/Selvage?x=1#Weaving".into(),
        title: Some("Selvage".into()),
        tags: Some(vec!["docs".into()]),
        ..ShortenRequest::default()
    };
    "PatchRequest": PatchRequest = PatchRequest {
        long_url: Some("https://en.wikipedia.org/wiki/Weaving".into()),
        redirect: Some(301),
        ..PatchRequest::default()
    };
    "Link": Link = link();
    "LinkPage": Page<Link> = page_of(link(), &link().id);
    "Stats": Stats = stats();
    "BulkRequest": BulkRequest = BulkRequest {
        links: vec![
            json!({"long_url": "https://example.com/a"}),
            json!({"long_url": "https://example.com/b", "custom_alias": "b-page"}),
        ],
    };
    "BulkAnswer": BulkAnswer = BulkAnswer {
        results: vec![BulkResult {
            status: 201,
            link: serde_json::to_value(link()).ok(),
            problem: None,
        }],
    };
    "CheckRequest": CheckRequest = limits::question();
    "CheckAnswer": CheckAnswer = limits::answer();
    "RefundRequest": RefundRequest = limits::refund();
    "RefundAnswer": RefundAnswer = RefundAnswer { refunded: true };
    "Exception": Exception = Exception { limit: Some(1_000), ..Exception::default() };
    "Override": Override = limits::different();
    "Policy": Policy = limits::policy();
    "PublishedPolicy": PublishedPolicy = limits::published();
    "PolicyPage": Page<PublishedPolicy> = page_of(limits::published(), "checkout");
    "Usage": Usage = limits::used();
    "BacktestRequest": BacktestRequest<'static> = BacktestRequest {
        policy: Tested::Whole(limits::policy().into()),
        tier: Some("pro".into()),
        log: Log(vec![Row { at: AT, key: "ann".into(), cost: 1 }]),
    };
    "BacktestAnswer": BacktestAnswer = BacktestAnswer {
        rows: 3,
        keys: 2,
        allowed: 2,
        refused: 1,
        worst: 1,
        first_refused_at: Some(AT),
        refused_keys: vec![RefusedKey { key: "ann".into(), allowed: 1, refused: 1 }],
    };
    "VideoRequest": VideoRequest = videos::request();
    "VideoPatch": VideoPatch = videos::patch();
    "Video": VideoView = videos::video();
    "VideoPage": Page<VideoView> = page_of(videos::video(), "116000000000000000");
    "VideoEventPage": Page<VideoEvent> = page_of(videos::event(), "1");
    "VideoQuality": VideoQuality = videos::quality();
    "TokenRequest": TokenRequest = TokenRequest {
        sub: "ann".into(),
        scope: Some("links:read links:write".into()),
        ttl_s: Some(3_600),
    };
    "TokenAnswer": TokenAnswer = TokenAnswer {
        token: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl".into(),
        expires_at: AT.to_rfc3339(),
    };
    "PrivacyAsk": PrivacyAsk = PrivacyAsk { subject: "ann".into() };
    "PrivacyRequest": PrivacyRequest = privacy_request();
    "PrivacyItemPage": Page<Value> = page_of(
        json!({"product": "links", "kind": "clicks", "link": link().id, "counts": [
            {"at": AT.to_rfc3339(), "by": "country", "value": "JP", "count": 2},
        ]}),
        "1",
    );
    "Health": Health = Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    "AppRequest": AppRequest = AppRequest {
        name: "Shop".into(),
        tier: Some(TIER_DEFAULT.into()),
    };
    "App": App = app();
    "AppPage": Page<App> = page_of(app(), &app().id);
    "KeyRequest": KeyRequest = KeyRequest {
        app: app().id,
        scopes: vec!["links:read".into(), "links:write".into()],
        name: Some("backend".into()),
    };
    "KeyAnswer": KeyAnswer = KeyAnswer {
        kid: "0000001a2bc".into(),
        key: "sk_0000001a2bc_{secret}_{mac}".into(),
        app: app().id,
        scopes: vec!["links:read".into(), "links:write".into()],
    };
    "PublicKeyRequest": PublicKeyRequest = PublicKeyRequest {
        app: app().id,
        scopes: vec!["links:read".into()],
        jwk: jwk(),
        name: Some("backend".into()),
    };
    "PublicKey": PublicKey = public_key();
    "PublicKeyPage": Page<PublicKey> = page_of(public_key(), &public_key().kid);
    "OutboxPage": Page<OutboxRow> = page_of(outbox_row(), "17");
    "ListRequest": ListRequest = ListRequest { reason: "phishing".into() };
    "ListedPage": Page<Listed> = page_of(
        Listed { name: "bad.example".into(), reason: "phishing".into(), created_at: AT },
        "bad.example",
    );
    "PlaybackRequest": PlaybackRequest = video::playback_request();
    "PlaybackAnswer": PlaybackAnswer = video::playback();
    "Report": Report = video::report();
    "AccountRequest": AccountRequest = payments::account_request();
    "Account": AccountView = payments::account();
    "AccountPage": Page<AccountView> = payments::accounts();
    "EntryPage": Page<EntryView> = payments::entries();
    "BalanceAt": BalanceAt = payments::balance();
    "TransferRequest": TransferRequest = payments::transfer_request();
    "TransferAnswer": TransferAnswer = TransferAnswer::One(payments::transfer());
    "Transfer": TransferView = payments::transfer();
    "TransferPage": Page<TransferView> = payments::transfers();
    "PostRequest": PostRequest = PostRequest { amount: Some(1_000) };
    "PayoutRequest": PayoutRequest = payouts::request();
    "Payout": PayoutView = payouts::payout();
    "PayoutPage": Page<PayoutView> = page_of(payouts::payout(), "7");
    "Saga": SagaView = payouts::saga();
    "SagaPage": Page<SagaView> = page_of(payouts::saga(), "7");
    "Reconciliation": ReconciliationView = payouts::reconciliation();
    "ReconciliationPage": Page<ReconciliationView> = page_of(payouts::reconciliation(), "7");
    "FindingPage": Page<FindingView> = page_of(payouts::finding(), "1");
    "StatementAccount": StatementAccount = payouts::statement_account();
    "DailyClosePage": Page<DailyClose> = page_of(payouts::daily_close(), "1");
    "PaymentRequest": PaymentRequest = payment::request();
    "CaptureRequest": CaptureRequest = CaptureRequest { amount: Some(1_000) };
    "PaymentRefundRequest": pay::RefundRequest = payment::refund_request();
    "Payment": PaymentView = payment::payment();
    "PaymentPage": Page<PaymentView> = payment::payments();
    "RefundPage": Page<RefundView> = payment::refunds();
    "PaymentEventPage": Page<EventView> = payment::events();
    "GatewayOrderPage": Page<GatewayOrderRow> = payment::orders();
    "ReviewRequest": ReviewRequest = payment::review_request();
    "FraudRule": fraud_rule::Rule = fraud::rule();
    "PublishedFraudRule": Named = fraud::named();
    "FraudRulePage": Page<Named> = page_of(fraud::named(), "too-fast");
    "FraudRuleVersionPage": Page<VersionView> = page_of(fraud::version(), "1");
    "FraudDecisionPage": Page<DecisionView> = page_of(fraud::decision(), "1");
    "FraudBacktestRequest": tested::BacktestRequest = fraud::backtest();
    "FraudBacktestAnswer": tested::BacktestAnswer = fraud::tested();
    "LedgerCheck": LedgerCheck = payments::check();
    "EndpointRequest": EndpointRequest = webhooks::request();
    "EndpointPatch": EndpointPatch = webhooks::patch();
    "WebhookEndpoint": WebhookEndpoint = webhooks::endpoint();
    "WebhookEndpointPage": Page<WebhookEndpoint> = webhooks::endpoints();
    "WebhookDelivery": WebhookDelivery = webhooks::delivery();
    "WebhookDeliveryPage": Page<WebhookDelivery> = webhooks::deliveries();
    "AuditReport": AuditReport = webhooks::report();
    "LedgerProof": LedgerProof = payments::proof();
    "DeadLetterPage": Page<DeadLetter> = page_of(dead_letter(), "3");
}

fn app() -> App {
    App {
        id: "app_000gT6o8p5y".into(),
        name: "Shop".into(),
        tier: TIER_DEFAULT.into(),
        created_at: AT,
    }
}

fn privacy_request() -> PrivacyRequest {
    let counts = [(String::from("links"), 3)].into_iter().collect();
    let part = PrivacyPart { state: State::Done, basis: None, counts };
    PrivacyRequest {
        id: "prv_000gT6o8p5x".into(),
        kind: Kind::Erasure,
        subject: "ann".into(),
        created_at: AT,
        done_at: Some(AT.plus(60_000)),
        kept_until: None,
        products: [(String::from("links"), part)].into_iter().collect(),
    }
}

/// The key of RFC 8037's appendix A.2.
fn jwk() -> Jwk {
    Jwk {
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into(),
        ..Jwk::default()
    }
}

fn public_key() -> PublicKey {
    PublicKey {
        kid: "0000001a2bd".into(),
        app: app().id,
        name: "backend".into(),
        alg: Algorithm::EdDsa,
        scopes: vec!["links:read".into()],
        created_at: AT,
        revoked_at: None,
    }
}

fn outbox_row() -> OutboxRow {
    OutboxRow {
        id: "17".into(),
        product: "links".into(),
        key: "0/0004c92".into(),
        epoch: 1,
        version: 2,
        attempts: 3,
        created_at: AT,
        parked: None,
    }
}

fn dead_letter() -> DeadLetter {
    DeadLetter {
        id: "3".into(),
        recorder: "recorder/NRT/2.1f".into(),
        seq: 9,
        product: "links".into(),
        body: "{}".into(),
        why: "missing field `link`".into(),
        created_at: AT,
    }
}

pub(super) fn page_of<T>(item: T, key: &str) -> Page<T> {
    Page { items: vec![item], next_cursor: Some(page::cursor(key)) }
}

/// `{"$ref": …}`.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The body of what only the two sides say to one another; its fields are theirs.
pub(super) fn internal(op: Op) -> Value {
    match op {
        Op::Projections => json!({"type": "array", "items": {"type": "object"}}),
        _ => json!({"type": "object"}),
    }
}

/// `components.schemas`: what the routes name, and what that consists of.
pub(super) fn all(routes: &[&Route]) -> Value {
    let mut out = Map::new();
    let requests: Vec<&str> = routes.iter().filter_map(|route| route.request).collect();
    let responses: Vec<&str> = routes.iter().map(|route| route.response.1).collect();
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    for (names, settings) in
        [(requests, settings().for_deserialize()), (responses, settings().for_serialize())]
    {
        let mut generator = settings.into_generator();
        for name in names {
            if let Some(schema) = schema(name, &mut generator) {
                out.insert(name.into(), schema.to_value());
            }
        }
        out.extend(generator.take_definitions(true));
    }
    out.insert("Problem".into(), problem());
    Value::Object(out)
}

/// By hand: a problem is written, never read, and its type is a static list.
fn problem() -> Value {
    json!({
        "description": "RFC 9457.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "Resolves to its meaning."},
            "title": {"type": "string", "description": "The same for every occurrence."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "One sentence about this occurrence."},
            "instance": {"type": "string", "description": "The request's id."},
            "errors": {"type": "array", "description": "The fields at fault.", "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "RFC 6901 into the body, or `?name` of the query.",
                    },
                    "detail": {"type": "string", "description": "One sentence for people."},
                },
            }},
        },
    })
}
