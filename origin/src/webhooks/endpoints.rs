//! Endpoints: made, changed, given a new secret, deleted; each change is in the audit.
//!
//! Invariant: a secret is shown in the answer that made it and nowhere else; a row's version rises
//! with each change, and `If-Match` names it.

use super::secret;
use crate::app::App;
use crate::audit::{self, Who};
use crate::db::{self, Error, Tx};
use crate::once::{self, Begun};
use crate::respond::{Call, Failure};
use crate::values;
use serde_json::json;
use shared::envelope::Envelope;
use shared::etag;
use shared::id::{format_id, parse_id};
use shared::page;
use shared::payments::card;
use shared::payments::error::{ENDPOINTS_FULL, NO_ENDPOINT};
use shared::problem::{PRECONDITION_FAILED, Problem};
use shared::time::Millis;
use shared::webhook::endpoint::{self, ENDPOINTS_MAX, ID_PREFIX, OVERLAP_MS, WebhookEndpoint};
use sqlx::any::AnyRow;

const COLUMNS: &str = "id, url, events, secret_n, previous_until, created_at, disabled_at, \
                       disabled_reason, version";

/// A row.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub id: u64,
    url: String,
    events: Vec<String>,
    secret_n: u64,
    previous_until: Option<Millis>,
    created_at: Millis,
    pub disabled_at: Option<Millis>,
    disabled_reason: Option<String>,
    version: u64,
}

fn read(row: &AnyRow) -> Result<Endpoint, Error> {
    Ok(Endpoint {
        id: db::number(row, "id")?,
        url: db::text(row, "url")?,
        events: db::text(row, "events")?.split(' ').map(str::to_owned).collect(),
        secret_n: db::number(row, "secret_n")?,
        previous_until: db::maybe_number(row, "previous_until")?.map(Millis),
        created_at: Millis(db::number(row, "created_at")?),
        disabled_at: db::maybe_number(row, "disabled_at")?.map(Millis),
        disabled_reason: db::maybe_text(row, "disabled_reason")?,
        version: db::number(row, "version")?,
    })
}

impl Endpoint {
    fn name(&self) -> String {
        format_id(ID_PREFIX, self.id)
    }

    fn view(&self, now: Millis) -> WebhookEndpoint {
        WebhookEndpoint {
            id: self.name(),
            url: self.url.clone(),
            events: self.events.clone(),
            enabled: self.disabled_at.is_none(),
            disabled_reason: self.disabled_reason.clone(),
            created_at: self.created_at,
            secret: None,
            previous_secret_until: self.previous_until.filter(|until| now < *until),
        }
    }

    fn with_secret(&self, app: &App, now: Millis) -> WebhookEndpoint {
        let secret = secret(app, self.id, self.secret_n).map(|secret| secret.to_standard());
        WebhookEndpoint { secret, ..self.view(now) }
    }

    fn shown(&self, status: u16, view: &WebhookEndpoint) -> Envelope {
        Envelope::json(status, view).with("etag", etag::of(self.version))
    }

    fn check_version(&self, call: &Call) -> Result<(), Problem> {
        let named = call.header("if-match");
        if named.is_none_or(|wanted| etag::is_named(&wanted, &etag::of(self.version))) {
            return Ok(());
        }
        Err(Problem::new(&PRECONDITION_FAILED, "the endpoint has changed since"))
    }

    async fn write(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let sql = "update webhook_endpoint set url = $1, events = $2, secret_n = $3, \
                   previous_until = $4, disabled_at = $5, disabled_reason = $6, version = $7 \
                   where id = $8";
        let Self { id, url, secret_n, previous_until, disabled_at, disabled_reason, .. } = self;
        let values = values![
            url.as_str(),
            self.events.join(" "),
            *secret_n,
            *previous_until,
            *disabled_at,
            disabled_reason.clone(),
            self.version,
            *id,
        ];
        tx.write(sql, values).await?;
        Ok(())
    }
}

/// 404.
pub fn missing() -> Problem {
    Problem::new(&NO_ENDPOINT, "no endpoint of yours has this id")
}

/// The caller's endpoint that the path names, locked.
///
/// # Errors
/// 404, or the database is down.
pub async fn locked(tx: &mut Tx<'_>, call: &Call) -> Result<Endpoint, Failure> {
    let id = parse_id(ID_PREFIX, call.segment(0)).ok_or_else(missing)?;
    let lock = tx.for_update();
    let sql = format!(
        "select {COLUMNS} from webhook_endpoint \
         where id = $1 and app = $2 and deleted_at is null{lock}"
    );
    let rows = tx.read(&sql, values![id, call.context.app.as_str()]).await?;
    Ok(read(rows.first().ok_or_else(missing)?)?)
}

/// The same, to be looked at.
///
/// # Errors
/// 404, or the database is down.
pub async fn owned(app: &App, call: &Call) -> Result<Endpoint, Failure> {
    let id = parse_id(ID_PREFIX, call.segment(0)).ok_or_else(missing)?;
    let sql = format!(
        "select {COLUMNS} from webhook_endpoint where id = $1 and app = $2 and deleted_at is null"
    );
    let rows = app.db.read(&sql, values![id, call.context.app.as_str()]).await?;
    Ok(read(rows.first().ok_or_else(missing)?)?)
}

/// `POST /api/v1/webhook_endpoints`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    card::refuse(&call.body)?;
    let asked = endpoint::request(&call.body, app.outgoing.private)?;
    let who = Who::of(app, &call.context).await?;
    let id = app.ids.next().await?;
    let mut once = match once::begin(app, Some(key)).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::New(once) => once,
    };
    let owner = call.context.app.as_str();
    // Who makes two at once is counted one after the other.
    let lock = once.tx.for_update();
    let sql = format!("select id from application where id = $1{lock}");
    once.tx.read(&sql, values![owner]).await?;
    let sql = "select id from webhook_endpoint where app = $1 and deleted_at is null";
    if once.tx.read(sql, values![owner]).await?.len() as u64 >= ENDPOINTS_MAX {
        let detail = format!("at most {ENDPOINTS_MAX} endpoints");
        return Err(Problem::new(&ENDPOINTS_FULL, detail).into());
    }
    let made = Endpoint {
        id,
        url: asked.url,
        events: asked.events,
        secret_n: 0,
        previous_until: None,
        created_at: once.now,
        disabled_at: None,
        disabled_reason: None,
        version: 1,
    };
    let sql = "insert into webhook_endpoint (id, app, url, events, secret_n, created_at, version) \
               values ($1, $2, $3, $4, 0, $5, 1)";
    let (url, events) = (made.url.as_str(), made.events.join(" "));
    once.tx.write(sql, values![id, owner, url, events, once.now]).await?;
    let data = json!({"url": made.url, "events": made.events});
    let name = made.name();
    audit::record(&mut once.tx, app, &who, ("webhook_endpoint.created", &name), &data).await?;
    let answer = made.shown(201, &made.with_secret(app, once.now));
    let location = format!("{}/{}", call.path, made.name());
    once.commit(answer.with("location", location)).await
}

/// `GET /api/v1/webhook_endpoints`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = crate::admin::roads::ask(call, &[])?;
    let after = ask.after.as_deref().and_then(|after| after.parse::<u64>().ok()).unwrap_or(0);
    let sql = format!(
        "select {COLUMNS} from webhook_endpoint \
         where app = $1 and deleted_at is null and id > $2 order by id limit $3"
    );
    let rows = app.db.read(&sql, values![call.context.app.as_str(), after, ask.rows()]).await?;
    let rows = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let page = ask.page(rows, |last| last.id.to_string());
    let now = db::now();
    let items = page.items.iter().map(|one| one.view(now)).collect();
    Ok(Envelope::json(200, &page::Page { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/webhook_endpoints/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let found = owned(app, call).await?;
    Ok(found.shown(200, &found.view(db::now())))
}

/// `PATCH /api/v1/webhook_endpoints/{id}`
pub async fn patch(app: &App, call: &Call) -> Result<Envelope, Failure> {
    card::refuse(&call.body)?;
    let asked = endpoint::patch(&call.body, app.outgoing.private)?;
    let who = Who::of(app, &call.context).await?;
    let mut tx = app.db.begin().await?;
    let mut found = locked(&mut tx, call).await?;
    found.check_version(call)?;
    let now = db::now();
    let data = json!(asked);
    found.url = asked.url.unwrap_or(found.url);
    found.events = asked.events.unwrap_or(found.events);
    match asked.enabled {
        Some(true) => (found.disabled_at, found.disabled_reason) = (None, None),
        Some(false) => found.disabled_at = found.disabled_at.or(Some(now)),
        None => {}
    }
    found.version += 1;
    found.write(&mut tx).await?;
    let name = found.name();
    audit::record(&mut tx, app, &who, ("webhook_endpoint.changed", &name), &data).await?;
    tx.commit().await?;
    app.webhook_news.notify_one();
    Ok(found.shown(200, &found.view(now)))
}

/// `POST /api/v1/webhook_endpoints/{id}/secret`
pub async fn rotate(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let who = Who::of(app, &call.context).await?;
    let mut once = match once::begin(app, Some(key)).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::New(once) => once,
    };
    let mut found = locked(&mut once.tx, call).await?;
    found.secret_n += 1;
    found.previous_until = Some(once.now.plus(OVERLAP_MS));
    found.version += 1;
    found.write(&mut once.tx).await?;
    let name = found.name();
    let data = json!({"secret": found.secret_n});
    let done = ("webhook_endpoint.secret_made", name.as_str());
    audit::record(&mut once.tx, app, &who, done, &data).await?;
    let answer = found.shown(200, &found.with_secret(app, once.now));
    once.commit(answer).await
}

/// `DELETE /api/v1/webhook_endpoints/{id}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let who = Who::of(app, &call.context).await?;
    let mut tx = app.db.begin().await?;
    let found = locked(&mut tx, call).await?;
    found.check_version(call)?;
    let sql = "update webhook_endpoint set deleted_at = $1, version = version + 1 where id = $2";
    tx.write(sql, values![db::now(), found.id]).await?;
    let sql = "update webhook_delivery set status = 3 where endpoint = $1 and status = 0";
    tx.write(sql, values![found.id]).await?;
    let name = found.name();
    audit::record(&mut tx, app, &who, ("webhook_endpoint.deleted", &name), &json!({})).await?;
    tx.commit().await?;
    Ok(Envelope::empty(204))
}
