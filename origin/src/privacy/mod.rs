//! Export and erasure of one principal's data, over every product that keeps any (L25).
//!
//! Invariant: a request and its parts are written in one transaction; which products there are is
//! one closed list ([`PRODUCTS`]), so that none is forgotten. A product's step is one transaction
//! with the place where it goes on, which makes it resumable and exactly once.

pub mod job;

use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::links;
use crate::once::{self, Begun};
use crate::payments;
use crate::respond::{Call, Failure};
use crate::values;
use crate::video;
use futures::future::BoxFuture;
use serde_json::Value;
use shared::body;
use shared::envelope::Envelope;
use shared::id::{format_id, parse_id};
use shared::privacy::{
    EXPORT_KEEP_MS, ID_PREFIX, Kind, PrivacyAsk, PrivacyPart, PrivacyRequest, State, is_others,
};
use shared::problem::{CONFLICT, NOT_FOUND, Problem};
use shared::time::Millis;
use std::collections::BTreeMap;

/// What one step has at hand. Everything it writes is in `tx`.
#[derive(Debug)]
pub struct Work<'a> {
    pub app: &'a App,
    pub tx: Tx<'a>,
    pub request: u64,
    /// The application.
    pub owner: String,
    pub subject: String,
    pub now: Millis,
    /// The product's own note of where it goes on; empty at its beginning.
    pub place: String,
    /// What was done so far, by its name.
    pub counts: BTreeMap<String, u64>,
    /// What this step exports: objects with `product` and `kind`.
    pub items: Vec<Value>,
}

impl Work<'_> {
    /// Adds to a count.
    pub fn count(&mut self, name: &str, more: u64) {
        *self.counts.entry(name.into()).or_default() += more;
    }
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another step, at once.
    Step,
    /// Another step, not before this.
    Later(Millis),
    /// Nothing.
    Done,
    /// Nothing, though something stays for this reason.
    Retained(&'static str),
}

type Step = for<'a> fn(&'a mut Work<'_>) -> BoxFuture<'a, Result<Next, Error>>;

/// How a product exports and erases.
#[derive(Debug)]
pub struct Product {
    pub name: &'static str,
    pub export: Step,
    pub erase: Step,
}

/// Every product that keeps data of a principal.
pub const PRODUCTS: &[Product] = &[
    Product {
        name: shared::links::wire::PRODUCT,
        export: |work| Box::pin(links::privacy::export(work)),
        erase: |work| Box::pin(links::privacy::erase(work)),
    },
    Product {
        name: shared::payments::wire::PRODUCT,
        export: |work| Box::pin(payments::privacy::export(work)),
        erase: |work| Box::pin(payments::privacy::erase(work)),
    },
    Product {
        name: shared::video::presentation::PRODUCT,
        export: |work| Box::pin(video::privacy::export(work)),
        erase: |work| Box::pin(video::privacy::erase(work)),
    },
];

/// `POST /api/v1/privacy/exports`
pub async fn export(app: &App, call: &Call) -> Result<Envelope, Failure> {
    ask(app, call, Kind::Export).await
}

/// `POST /api/v1/privacy/erasures`
pub async fn erase(app: &App, call: &Call) -> Result<Envelope, Failure> {
    ask(app, call, Kind::Erasure).await
}

async fn ask(app: &App, call: &Call, kind: Kind) -> Result<Envelope, Failure> {
    let PrivacyAsk { subject } = {
        let asked: PrivacyAsk = body::parse(&call.body)?;
        asked.check(&call.context.principal)?;
        asked
    };
    let (id, now) = (app.ids.next().await?, db::now());
    let owner = call.context.app.as_str();
    let mut writes = vec![(
        "insert into privacy_request (id, kind, app, subject, created_at) \
         values ($1, $2, $3, $4, $5)",
        values![id, kind_name(kind), owner, subject.as_str(), now],
    )];
    writes.extend(PRODUCTS.iter().map(|product| {
        let sql = "insert into privacy_part \
                   (request, product, state, place, counts, attempts, due) \
                   values ($1, $2, $3, '', '{}', 0, $4)";
        (sql, values![id, product.name, State::Queued.name(), now])
    }));
    let part = || PrivacyPart { state: State::Queued, basis: None, counts: BTreeMap::new() };
    let request = PrivacyRequest {
        id: format_id(ID_PREFIX, id),
        kind,
        subject,
        created_at: now,
        done_at: None,
        kept_until: None,
        products: PRODUCTS.iter().map(|product| (product.name.into(), part())).collect(),
    };
    let location = format!("{}/{}", call.path, request.id);
    let answer = Envelope::json(202, &request).with("location", location);
    let mut once = match once::begin(app, call.idempotency_key()?).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::New(once) => once,
    };
    for (sql, values) in writes {
        once.tx.write(sql, values).await?;
    }
    let answer = once.commit(answer).await?;
    app.privacy_news.notify_one();
    Ok(answer)
}

/// `GET /api/v1/privacy/exports/{request}`
pub async fn get_export(app: &App, call: &Call) -> Result<Envelope, Failure> {
    Ok(Envelope::json(200, &find(app, call, Kind::Export).await?.1))
}

/// `GET /api/v1/privacy/erasures/{request}`
pub async fn get_erasure(app: &App, call: &Call) -> Result<Envelope, Failure> {
    Ok(Envelope::json(200, &find(app, call, Kind::Erasure).await?.1))
}

/// `GET /api/v1/privacy/exports/{request}/items`
pub async fn items(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = crate::admin::roads::ask(call, &[])?;
    let (id, request) = find(app, call, Kind::Export).await?;
    if request.done_at.is_none() {
        let early = Problem::new(&CONFLICT, "the export is not done yet").retry_after(1);
        return Err(early.into());
    }
    let after = ask.after.as_deref().and_then(|after| after.parse::<u64>().ok()).unwrap_or(0);
    let sql = "select seq, body from privacy_item where request = $1 and seq > $2 \
               order by seq limit $3";
    let rows = app.db.read(sql, values![id, after, ask.rows()]).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let item: Value = serde_json::from_str(&db::text(row, "body")?).map_err(Error::from)?;
        items.push((db::number(row, "seq")?, item));
    }
    let page = ask.page(items, |(seq, _)| seq.to_string());
    let items: Vec<Value> = page.items.into_iter().map(|(_, item)| item).collect();
    let page = shared::page::Page { items, next_cursor: page.next_cursor };
    Ok(Envelope::json(200, &page))
}

/// The request that the path names, if the caller may know of it.
async fn find(app: &App, call: &Call, kind: Kind) -> Result<(u64, PrivacyRequest), Failure> {
    let missing = || Problem::new(&NOT_FOUND, "no such request, or its time is over");
    let id = parse_id(ID_PREFIX, call.segment(0)).ok_or_else(missing)?;
    let sql = "select subject, created_at, done_at from privacy_request \
               where id = $1 and app = $2 and kind = $3";
    let values = values![id, call.context.app.as_str(), kind_name(kind)];
    let rows = app.db.read(sql, values).await?;
    let row = rows.first().ok_or_else(missing)?;
    let subject = db::text(row, "subject")?;
    if is_others(&call.context.principal, &subject) {
        return Err(missing().into());
    }
    let done_at = db::maybe_number(row, "done_at")?.map(Millis);
    let kept_until = done_at.filter(|_| kind == Kind::Export).map(|at| at.plus(EXPORT_KEEP_MS));
    let sql = "select product, state, basis, counts from privacy_part where request = $1";
    let mut products = BTreeMap::new();
    for row in &app.db.read(sql, values![id]).await? {
        let part = PrivacyPart {
            state: read_state(&db::text(row, "state")?)?,
            basis: db::maybe_text(row, "basis")?,
            counts: serde_json::from_str(&db::text(row, "counts")?).map_err(Error::from)?,
        };
        products.insert(db::text(row, "product")?, part);
    }
    let created_at = Millis(db::number(row, "created_at")?);
    let id_text = format_id(ID_PREFIX, id);
    let request =
        PrivacyRequest { id: id_text, kind, subject, created_at, done_at, kept_until, products };
    Ok((id, request))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Export => "export",
        Kind::Erasure => "erasure",
    }
}

fn read_state(text: &str) -> Result<State, Error> {
    let all = [State::Queued, State::Running, State::Done, State::Retained];
    let found = all.into_iter().find(|state| state.name() == text);
    found.ok_or_else(|| Error::Stored(format!("privacy_part.state {text}")))
}
