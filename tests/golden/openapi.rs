//! The OpenAPI documents against the route table, the problem lists and the wire types.
//!
//! Invariant: what the table, the lists and the documents say is the same.

use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::admin::{
    App, AppRequest, DeadLetter, Health, KeyAnswer, KeyRequest, ListRequest, Listed, OutboxRow,
    PublicKey, PublicKeyRequest,
};
use shared::audit::AuditReport;
use shared::limits::backtest::{self, BacktestAnswer};
use shared::limits::policy::Policy;
use shared::limits::publish::PublishedPolicy;
use shared::limits::request::{CheckAnswer, CheckRequest, Override, RefundAnswer, RefundRequest};
use shared::limits::usage::Usage;
use shared::limits::wire::Exception;
use shared::links::request::{PatchRequest, ShortenRequest};
use shared::links::wire::{BulkAnswer, BulkRequest, Link, Stats};
use shared::openapi::{edge_document, origin_document};
use shared::page::Page;
use shared::payments::fraud::wire::{DecisionView, VersionView};
use shared::payments::fraud::{self, publish};
use shared::payments::payment::request::{self as pay, CaptureRequest, PaymentRequest};
use shared::payments::payment::review::ReviewRequest;
use shared::payments::payment::wire::{EventView, GatewayOrderRow, PaymentView, RefundView};
use shared::payments::payout::{PayoutRequest, PayoutView, SagaView};
use shared::payments::reconcile::wire::{
    DailyClose, FindingView, ReconciliationView, StatementAccount,
};
use shared::payments::request::{AccountRequest, PostRequest, TransferRequest};
use shared::payments::wire::{
    AccountView, BalanceAt, EntryView, LedgerCheck, LedgerProof, TransferAnswer, TransferView,
};
use shared::privacy::{PrivacyAsk, PrivacyRequest};
use shared::route::{Access, ROUTES, Route, Side};
use shared::token::{TokenAnswer, TokenRequest};
use shared::video::playback::{PlaybackAnswer, PlaybackRequest};
use shared::video::qoe::Report;
use shared::video::quality::VideoQuality;
use shared::video::wire::{VideoEvent, VideoPatch, VideoRequest, VideoView};
use shared::webhook::endpoint::{self, WebhookDelivery, WebhookEndpoint};
use std::collections::BTreeSet;

type Serves = fn(Side) -> bool;

fn documents() -> [(Value, Serves); 2] {
    let read = |text: String| serde_json::from_str(&text).unwrap();
    [
        (read(edge_document()), |side| side != Side::Origin),
        (read(origin_document()), |side| side == Side::Origin),
    ]
}

fn operation<'a>(document: &'a Value, route: &Route) -> &'a Value {
    &document["paths"][route.path][route.method.to_ascii_lowercase()]
}

/// Calls `visit` with every value of the tree.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        _ => {}
    }
}

#[test]
fn every_route_stands_in_one_document_and_nothing_else_does() {
    let mut ids = BTreeSet::new();
    for (document, serves) in documents() {
        assert_eq!(document["openapi"], "3.1.1");
        let mut count = 0;
        for route in ROUTES.iter().filter(|route| serves(route.side)) {
            let operation = operation(&document, route);
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(id.to_ascii_lowercase(), format!("{:?}", route.op).to_ascii_lowercase());
            assert!(ids.insert(id.to_string()), "{id}");
            assert_eq!(operation["summary"], route.summary);
            assert_ne!(route.summary, "", "{id}");
            assert_eq!(operation["tags"][0], route.product);
            count += 1;
        }
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(
            count,
            paths.values().map(|path| path.as_object().unwrap().len()).sum::<usize>()
        );
    }
    assert_eq!(ids.len(), ROUTES.iter().count());
}

#[test]
fn an_operation_says_who_may_call_and_with_what() {
    for (document, serves) in documents() {
        for route in ROUTES.iter().filter(|route| serves(route.side)) {
            let operation = operation(&document, route);
            let security = match route.access {
                Access::Public => serde_json::json!([]),
                Access::Scope(scope) => serde_json::json!([{"bearer": [scope]}]),
                Access::Service => serde_json::json!([{"bearer": []}]),
                Access::Operator => serde_json::json!([{"operator": []}]),
                Access::Signed => serde_json::json!([{"signature": []}]),
            };
            assert_eq!(operation["security"], security, "{:?}", route.op);
            assert_eq!(operation["x-internal"] == true, route.access == Access::Signed);
            let empty = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&empty);
            let has = |name: &str, place: &str| {
                parameters.iter().any(|p| p["name"] == name && p["in"] == place)
            };
            for segment in route.path.split('/').filter(|segment| segment.starts_with('{')) {
                assert!(has(segment.trim_matches(['{', '}']), "path"), "{}", route.path);
            }
            assert!(route.query.iter().all(|name| has(name, "query")), "{:?}", route.op);
            assert_eq!(has("Idempotency-Key", "header"), route.is_idempotent());
            assert_eq!(has("If-Match", "header"), route.is_conditional());
            assert!(parameters.iter().all(|p| p["description"] != ""), "{:?}", route.op);
        }
    }
}

#[test]
fn every_problem_of_every_route_is_documented() {
    let mut documented = BTreeSet::new();
    for (document, serves) in documents() {
        for route in ROUTES.iter().filter(|route| serves(route.side)) {
            for kind in route.problems() {
                let status = kind.class.status().to_string();
                let answer = &operation(&document, route)["responses"][&status];
                let schema = &answer["content"]["application/problem+json"]["schema"];
                let name = format!("/problems/{}/{}", kind.product, kind.slug);
                let types = schema["x-problem-types"].as_array().unwrap();
                assert!(types.iter().any(|known| *known == name), "{:?}: {name}", route.op);
                let example = format!("{}.{}", kind.product, kind.slug);
                let example = &document["components"]["examples"][example]["value"];
                let pattern = schema["allOf"][1]["properties"]["type"]["pattern"].as_str().unwrap();
                assert!(pattern.contains(&format!("{}/{}", kind.product, kind.slug)));
                assert!(example["type"].as_str().unwrap().ends_with(&name));
                assert_eq!(example["status"], kind.class.status());
                documented.insert(name);
            }
        }
        assert!(document["components"]["responses"]["MethodNotAllowed"].is_object());
    }
    documented.insert("/problems/http/method-not-allowed".into());
    let all = shared::problem::all().map(|kind| shared::problem::type_url(kind, ""));
    assert_eq!(all.collect::<BTreeSet<_>>(), documented, "a problem that no route answers with");
}

#[test]
fn every_reference_resolves() {
    for (document, _) in documents() {
        let mut references = Vec::new();
        walk(&document, &mut |value| {
            if let Some(Value::String(reference)) = value.get("$ref") {
                references.push(reference.clone());
            }
        });
        assert!(references.len() > 100);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

fn reads<T: DeserializeOwned>(example: &Value) -> bool {
    serde_json::from_value::<T>(example.clone()).is_ok()
}

fn is_valid(name: &str, example: &Value) -> bool {
    match name {
        "ShortenRequest" => reads::<ShortenRequest>(example),
        "PatchRequest" => reads::<PatchRequest>(example),
        "Link" => reads::<Link>(example),
        "LinkPage" => reads::<Page<Link>>(example),
        "Stats" => reads::<Stats>(example),
        "BulkRequest" => reads::<BulkRequest>(example),
        "BulkAnswer" => reads::<BulkAnswer>(example),
        "ListRequest" => reads::<ListRequest>(example),
        "ListedPage" => reads::<Page<Listed>>(example),
        "CheckRequest" => reads::<CheckRequest>(example),
        "CheckAnswer" => reads::<CheckAnswer>(example),
        "RefundRequest" => reads::<RefundRequest>(example),
        "RefundAnswer" => reads::<RefundAnswer>(example),
        "Exception" => reads::<Exception>(example),
        "Override" => reads::<Override>(example),
        "Policy" => reads::<Policy>(example),
        "PublishedPolicy" => reads::<PublishedPolicy>(example),
        "PolicyPage" => reads::<Page<PublishedPolicy>>(example),
        "Usage" => reads::<Usage>(example),
        "BacktestRequest" => backtest::read(example.to_string().as_bytes()).is_ok(),
        "BacktestAnswer" => reads::<BacktestAnswer>(example),
        "VideoRequest" => reads::<VideoRequest>(example),
        "VideoPatch" => reads::<VideoPatch>(example),
        "Video" => reads::<VideoView>(example),
        "VideoPage" => reads::<Page<VideoView>>(example),
        "VideoEventPage" => reads::<Page<VideoEvent>>(example),
        "VideoQuality" => reads::<VideoQuality>(example),
        "TokenRequest" => reads::<TokenRequest>(example),
        "TokenAnswer" => reads::<TokenAnswer>(example),
        "PlaybackRequest" => reads::<PlaybackRequest>(example),
        "PlaybackAnswer" => reads::<PlaybackAnswer>(example),
        "Report" => reads::<Report>(example),
        "Health" => reads::<Health>(example),
        "AppRequest" => reads::<AppRequest>(example),
        "App" => reads::<App>(example),
        "AppPage" => reads::<Page<App>>(example),
        "KeyRequest" => reads::<KeyRequest>(example),
        "KeyAnswer" => reads::<KeyAnswer>(example),
        "PrivacyAsk" => reads::<PrivacyAsk>(example),
        "PrivacyRequest" => reads::<PrivacyRequest>(example),
        "PrivacyItemPage" => reads::<Page<Value>>(example),
        "PublicKeyRequest" => reads::<PublicKeyRequest>(example),
        "PublicKey" => reads::<PublicKey>(example),
        "PublicKeyPage" => reads::<Page<PublicKey>>(example),
        "OutboxPage" => reads::<Page<OutboxRow>>(example),
        "DeadLetterPage" => reads::<Page<DeadLetter>>(example),
        name => is_of_payments(name, example),
    }
}

fn is_of_payments(name: &str, example: &Value) -> bool {
    match name {
        "AccountRequest" => reads::<AccountRequest>(example),
        "Account" => reads::<AccountView>(example),
        "AccountPage" => reads::<Page<AccountView>>(example),
        "TransferPage" => reads::<Page<TransferView>>(example),
        "EntryPage" => reads::<Page<EntryView>>(example),
        "BalanceAt" => reads::<BalanceAt>(example),
        "TransferRequest" => reads::<TransferRequest>(example),
        "TransferAnswer" => reads::<TransferAnswer>(example),
        "Transfer" => reads::<TransferView>(example),
        "PostRequest" => reads::<PostRequest>(example),
        "PaymentRequest" => reads::<PaymentRequest>(example),
        "CaptureRequest" => reads::<CaptureRequest>(example),
        "PaymentRefundRequest" => reads::<pay::RefundRequest>(example),
        "Payment" => reads::<PaymentView>(example),
        "PaymentPage" => reads::<Page<PaymentView>>(example),
        "RefundPage" => reads::<Page<RefundView>>(example),
        "PaymentEventPage" => reads::<Page<EventView>>(example),
        "GatewayOrderPage" => reads::<Page<GatewayOrderRow>>(example),
        "PayoutRequest" => reads::<PayoutRequest>(example),
        "Payout" => reads::<PayoutView>(example),
        "PayoutPage" => reads::<Page<PayoutView>>(example),
        "Saga" => reads::<SagaView>(example),
        "SagaPage" => reads::<Page<SagaView>>(example),
        "Reconciliation" => reads::<ReconciliationView>(example),
        "ReconciliationPage" => reads::<Page<ReconciliationView>>(example),
        "FindingPage" => reads::<Page<FindingView>>(example),
        "StatementAccount" => reads::<StatementAccount>(example),
        "DailyClosePage" => reads::<Page<DailyClose>>(example),
        "ReviewRequest" => reads::<ReviewRequest>(example),
        "FraudRule" => publish::rule(example.to_string().as_bytes()).is_ok(),
        "PublishedFraudRule" => reads::<publish::Named>(example),
        "FraudRulePage" => reads::<Page<publish::Named>>(example),
        "FraudRuleVersionPage" => reads::<Page<VersionView>>(example),
        "FraudDecisionPage" => reads::<Page<DecisionView>>(example),
        "FraudBacktestRequest" => {
            let now = shared::time::Millis(1_795_151_503_000);
            fraud::backtest::read(example.to_string().as_bytes(), now).is_ok()
        }
        "FraudBacktestAnswer" => reads::<fraud::backtest::BacktestAnswer>(example),
        "LedgerCheck" => reads::<LedgerCheck>(example),
        "LedgerProof" => reads::<LedgerProof>(example),
        "EndpointRequest" => endpoint::request(example.to_string().as_bytes(), false).is_ok(),
        "EndpointPatch" => endpoint::patch(example.to_string().as_bytes(), false).is_ok(),
        "WebhookEndpoint" => reads::<WebhookEndpoint>(example),
        "WebhookEndpointPage" => reads::<Page<WebhookEndpoint>>(example),
        "WebhookDelivery" => reads::<WebhookDelivery>(example),
        "WebhookDeliveryPage" => reads::<Page<WebhookDelivery>>(example),
        "AuditReport" => reads::<AuditReport>(example),
        _ => false,
    }
}

#[test]
fn examples_are_what_the_wire_types_read() {
    for (document, serves) in documents() {
        for route in ROUTES.iter().filter(|route| serves(route.side)) {
            let operation = operation(&document, route);
            if let Some(name) = route.request {
                let body = &operation["requestBody"]["content"]["application/json"];
                assert_eq!(body["schema"]["$ref"], format!("#/components/schemas/{name}"));
                assert!(is_valid(name, &body["example"]), "{name}: {}", body["example"]);
            }
            let (status, name) = route.response;
            let answer = &operation["responses"][status.to_string()];
            assert!(answer.is_object(), "{:?}", route.op);
            if !name.is_empty() {
                let body = &answer["content"]["application/json"];
                assert_eq!(body["schema"]["$ref"], format!("#/components/schemas/{name}"));
                assert!(is_valid(name, &body["example"]), "{name}: {}", body["example"]);
            }
        }
    }
}

/// The example of a creation is a creation that the service would take.
#[test]
fn the_example_of_a_creation_passes_its_own_check() {
    let [(document, _), _] = documents();
    let body = &document["paths"]["/api/v1/shorten"]["post"]["requestBody"]["content"];
    let example = body["application/json"]["example"].to_string();
    let now = shared::time::Millis(1_790_000_000_000);
    assert!(
        shared::links::request::shorten(example.as_bytes(), &["https://s.example"], now).is_ok()
    );
}

#[test]
fn a_document_is_the_same_every_time() {
    assert_eq!(edge_document(), edge_document());
    assert_eq!(origin_document(), origin_document());
}
