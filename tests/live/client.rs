//! A client of a running stack: what every test of `tests/live` and `tests/http` asks with.
//!
//! Invariant: each answer is held against the contract as it comes in: a request id of ours, no
//! failure on our side, and only problems that its route documents. Tests share one stack, so each
//! has an application of its own; who compares the stack's counters runs alone.
//! Refuses to follow redirects.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use shared::problem::{self, Class, Kind};
use shared::route::{self, Found, Op, Side};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// A browser, so that its clicks count as a person's.
pub(crate) const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 \
                                  Firefox/140.0";

/// A page's media type.
pub(crate) const PAGE: &str = "text/html; charset=utf-8";

/// One that `scripts/dev` started.
pub(crate) struct Stack {
    pub(crate) edge: String,
    pub(crate) origin: String,
    pub(crate) public: String,
    pub(crate) service_key: String,
    pub(crate) admin_key: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) http: reqwest::Client,
    _turn: File,
}

pub(crate) fn var(name: &str) -> String {
    let why = "start `DATA_DIR=… scripts/dev`, then `set -a; source $DATA_DIR/env; set +a`";
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: {why}"))
}

impl Stack {
    /// Beside other tests.
    pub(crate) fn here() -> Self {
        Self::open(|turn| turn.lock_shared().unwrap())
    }

    /// When no other test uses the stack: its counters belong to this one.
    pub(crate) fn alone() -> Self {
        Self::open(|turn| turn.lock().unwrap())
    }

    fn open(take: fn(&File)) -> Self {
        Self::told_by(var, take)
    }

    /// One that another way of telling names its values.
    pub(crate) fn told_by(var: impl Fn(&str) -> String, take: fn(&File)) -> Self {
        let data_dir = PathBuf::from(var("DATA_DIR"));
        let turn = File::create(data_dir.join("tests.lock")).unwrap();
        take(&turn);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .user_agent(BROWSER)
            .build()
            .unwrap();
        Self {
            edge: var("EDGE_URL"),
            origin: var("ORIGIN_URL"),
            public: var("PUBLIC_URL"),
            service_key: var("SERVICE_KEY"),
            admin_key: var("ADMIN_KEY"),
            data_dir,
            http,
            _turn: turn,
        }
    }

    /// A request to the edge.
    pub(crate) fn edge(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask(true, method, path)
    }

    /// A request to the origin.
    pub(crate) fn origin(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask(false, method, path)
    }

    /// A request of the operator.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Ask<'_> {
        self.origin(method, path).key(&self.admin_key)
    }

    fn ask(&self, at_edge: bool, method: &str, path: &str) -> Ask<'_> {
        let base = if at_edge { &self.edge } else { &self.origin };
        let verb = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        Ask {
            stack: self,
            at_edge,
            method: method.into(),
            path: path.into(),
            request: self.http.request(verb, format!("{base}{path}")),
        }
    }

    pub(crate) async fn follow(&self, code: &str) -> Answer {
        self.edge("GET", &format!("/{code}")).send().await
    }

    /// A new application and a key of it with every scope.
    pub(crate) async fn app(&self) -> App<'_> {
        self.app_of("unlimited").await
    }

    /// A new application of a tier.
    pub(crate) async fn app_of(&self, tier: &str) -> App<'_> {
        let body = json!({"name": alias(), "tier": tier});
        let made = self.admin("POST", "/admin/applications").json(&body).send().await;
        let id = made.is(201)["id"].as_str().unwrap().to_owned();
        let (key, kid) = self.key(&id, &["*"]).await;
        App { stack: self, id, key, kid }
    }

    /// A new key: its text and its kid.
    pub(crate) async fn key(&self, app: &str, scopes: &[&str]) -> (String, String) {
        let body = json!({"app": app, "scopes": scopes});
        let made = self.admin("POST", "/admin/keys").json(&body).send().await.is(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("key"), text("kid"))
    }

    /// The sum of the origin's series called `name` whose labels contain `label`.
    pub(crate) async fn count(&self, name: &str, label: &str) -> u64 {
        let metrics = self.admin("GET", "/metrics").send().await;
        let line = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            (found == name && labels.contains(label)).then(|| value.parse::<u64>().ok())?
        };
        metrics.text().lines().filter_map(line).sum()
    }

    /// A secret that `scripts/dev` made.
    pub(crate) fn secret(&self, name: &str) -> String {
        let file = std::fs::read_to_string(self.data_dir.join("secrets")).unwrap();
        let mut lines = file.lines().filter_map(|line| line.split_once('='));
        lines.find(|(known, _)| *known == name).unwrap().1.to_owned()
    }

    /// The same as the 32 bytes that it stands for.
    pub(crate) fn secret_bytes(&self, name: &str) -> [u8; 32] {
        hex::decode(self.secret(name)).unwrap().try_into().unwrap()
    }
}

/// A code that nobody else uses: of letters, since digits that are drawn may be a card's number.
pub(crate) fn alias() -> String {
    let letter = |byte: u8| char::from(b'a' + byte % 16);
    format!("t-{}", rand::random::<[u8; 16]>().map(letter).iter().collect::<String>())
}

/// A request that is being made up.
pub(crate) struct Ask<'a> {
    stack: &'a Stack,
    at_edge: bool,
    method: String,
    path: String,
    request: reqwest::RequestBuilder,
}

impl Ask<'_> {
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.body(body.into());
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap().to_vec();
        let place = format!("{} {}", self.method, self.path);
        let answer = Answer { place, status, headers, body };
        answer.keeps_the_contract(self.stack, self.at_edge, &self.method, &self.path);
        answer
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    place: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Its JSON, if it has this status.
    pub(crate) fn is(&self, status: u16) -> Value {
        let Self { place, body, .. } = self;
        let body = String::from_utf8_lossy(body);
        assert_eq!(self.status, status, "{place}: {body}");
        self.value()
    }

    /// Its problem, if it is of this kind.
    pub(crate) fn is_problem(&self, kind: &Kind) -> Value {
        let value = self.is(kind.class.status());
        let end = format!("/problems/{}/{}", kind.product, kind.slug);
        assert!(value["type"].as_str().unwrap().ends_with(&end), "{}: {value}", self.place);
        value
    }

    /// Where it leads, if it is a redirect with this status.
    pub(crate) fn leads(&self, status: u16) -> &str {
        self.is(status);
        self.header("location")
    }

    fn keeps_the_contract(&self, stack: &Stack, at_edge: bool, method: &str, path: &str) {
        let Self { place, status, .. } = self;
        let shown = String::from_utf8_lossy(&self.body);
        assert!(*status < 500, "{place}: {status} {shown}");
        if at_edge {
            let id = self.header("x-request-id");
            assert!(id.len() == 36 && id.starts_with("req_"), "{place}: {id:?}");
        }
        if *status < 400 || method == "HEAD" {
            return;
        }
        if at_edge && matches!(status, 401 | 429) && self.header("content-type") == PAGE {
            // A link asks for its password: people get a page, on the link's own path only.
            assert!(path.matches('/').count() == 1 && method != "PUT", "{place}");
            let named = if *status == 401 { "www-authenticate" } else { "retry-after" };
            assert_ne!(self.header(named), "", "{place}: without {named}");
            return;
        }
        assert_eq!(self.header("content-type"), problem::MEDIA_TYPE, "{place}: {shown}");
        let value = self.value();
        let is_its = |kind: &&&Kind| value["type"] == problem::type_url(kind, &stack.public);
        let documented = documented(at_edge, method, path);
        let kind = documented.iter().find(is_its);
        let kind = kind.unwrap_or_else(|| panic!("{place}: not documented there: {shown}"));
        assert_eq!(value["status"], *status, "{place}");
        assert_eq!(kind.class.status(), *status, "{place}");
        assert_eq!(value["title"], kind.title, "{place}");
        assert!(value["detail"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
        if at_edge && self.header("idempotent-replayed").is_empty() {
            assert_eq!(value["instance"], self.header("x-request-id"), "{place}");
        }
        let named = match kind.class {
            Class::Unauthenticated => "www-authenticate",
            Class::MethodNotAllowed => "allow",
            Class::Limited | Class::Unavailable => "retry-after",
            _ => return,
        };
        assert_ne!(self.header(named), "", "{place}: without {named}");
    }
}

/// The problems that the route of a request may answer with.
fn documented(at_edge: bool, method: &str, path: &str) -> Vec<&'static Kind> {
    let path = path.split('?').next().unwrap_or_default();
    let inner = path.strip_prefix("/internal").filter(|inner| inner.starts_with("/api/"));
    let found = match inner {
        _ if at_edge => route::find(method, path, |side| side != Side::Origin),
        Some(inner) => route::find(method, inner, |side| side == Side::Through),
        None => route::find(method, path, |side| side == Side::Origin),
    };
    match found {
        Found::Route(route, _) => route.problems(),
        Found::OtherMethod(_) => vec![&problem::METHOD_NOT_ALLOWED],
        Found::Nothing => vec![&problem::NOT_FOUND],
    }
}

/// An application with its key.
pub(crate) struct App<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) kid: String,
}

impl<'a> App<'a> {
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'a> {
        self.stack.edge(method, path).key(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    pub(crate) async fn shorten(&self, body: &Value) -> Answer {
        self.ask("POST", "/api/v1/shorten").json(body).send().await
    }

    /// A call that moves money, under a key of its own.
    pub(crate) fn pay(&self, path: &str, body: &Value) -> Ask<'a> {
        self.ask("POST", path).header("idempotency-key", &alias()).json(body)
    }

    /// Opens an account that nothing limits; its id.
    pub(crate) async fn account(&self, currency: &str) -> String {
        let body = json!({"name": alias(), "currency": currency, "kind": "asset"});
        let opened = self.pay("/api/v1/accounts", &body).send().await.is(201);
        opened["id"].as_str().unwrap().to_owned()
    }

    /// A hold between two new accounts in euros; its id.
    pub(crate) async fn hold(&self, amount: i64) -> String {
        let (debit, credit) = (self.account("EUR").await, self.account("EUR").await);
        let body = json!({
            "debit_account": debit, "credit_account": credit, "amount": amount,
            "currency": "EUR", "pending": true,
        });
        let held = self.pay("/api/v1/transfers", &body).send().await.is(201);
        held["id"].as_str().unwrap().to_owned()
    }

    /// A payment between two new accounts in euros that `op` can be asked of; its id.
    pub(crate) async fn payment(&self, op: Op) -> String {
        let manual = if op == Op::PaymentRefund { "automatic" } else { "manual" };
        let mut amount = 10_000;
        if op == Op::PaymentReview {
            amount += 1;
            let when = json!({"amount": {"at_least": amount, "currency": "EUR"}});
            let rule = json!({"when": when, "then": "review"});
            self.ask("PUT", "/api/v1/fraud/rules/held").json(&rule).send().await;
        }
        let body = json!({
            "source": self.account("EUR").await, "destination": self.account("EUR").await,
            "amount": amount, "currency": "EUR", "capture_method": manual,
        });
        let made = self.pay("/api/v1/payments", &body).send().await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A statement in CSV, held against a new account in euros; the reconciliation's id.
    pub(crate) async fn reconciliation(&self, text: &str) -> String {
        let path = format!("/api/v1/reconciliations?account={}", self.account("EUR").await);
        let ask = self.ask("POST", &path).header("idempotency-key", &alias());
        let made = ask.header("content-type", "text/csv").body(text).send().await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A payout of a new account in euros, through the simulated gateway; its id.
    pub(crate) async fn payout(&self, account: &str, token: &str, amount: i64) -> String {
        let bank = json!({"gateway": "simulator", "token": token});
        let body = json!({"account": account, "bank": bank, "amount": amount, "currency": "EUR"});
        let made = self.pay("/api/v1/payouts", &body).send().await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// Creates a link; its code.
    pub(crate) async fn code(&self, body: &Value) -> String {
        self.shorten(body).await.is(201)["short_code"].as_str().unwrap().to_owned()
    }
}
