//! links at the origin: create, change, delete, list, and the clicks by the hour.

pub mod blocked;
pub mod bulk;
pub mod clicks;
mod listed;
pub mod password;
pub mod privacy;
pub mod reserved;
pub mod retention;
pub mod store;
pub mod sweep;
pub mod visitors;

use crate::app::App;
use crate::db;
use crate::respond::{Call, Failure};
use crate::shell::{Answer, Done};
use blocked::Blocked;
use reserved::Reserved;
use shared::envelope::Envelope;
use shared::idempotency::Key;
use shared::links::error::EXHAUSTED;
use shared::links::machine::{Change, Input, Name, Reply, not_found};
use shared::links::request::Draft;
use shared::links::wire::Link;
use shared::links::{alias, query, request};
use shared::page::Page;
use shared::problem::Problem;
use std::sync::Arc;

/// `POST /api/v1/shorten`
pub async fn shorten(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let draft = request::shorten(&call.body, &app.config.domains.bases(), db::now())?;
    let alias = draft.alias.as_deref();
    Blocked::among(app, draft.targets()).await?.check(draft.targets())?;
    Reserved::among(app, alias).await?.check(alias)?;
    let key = call.idempotency_key()?;
    let key = if draft.password.is_some() { password::guarded(app, key) } else { key };
    let input = prepare(app, call, draft).await?;
    create(app, call, input, key).await
}

/// Draws what a new link needs, and hashes its password.
async fn prepare(app: &App, call: &Call, mut draft: Draft) -> Result<Input, Failure> {
    draft.password = password::hashed(app, draft.password).await?;
    let id = app.ids.next().await?;
    let code = match &draft.alias {
        Some(alias) => alias.clone(),
        None => draw_code(app).await?,
    };
    let name = Name { domain: call.context.domain, code };
    let creator = call.context.principal.strip_prefix("user:").map(Into::into);
    Ok(Input::Create { id, name, app: call.context.app.clone(), creator, draft })
}

async fn create(
    app: &App,
    call: &Call,
    mut input: Input,
    key: Option<Key>,
) -> Result<Envelope, Failure> {
    loop {
        match app.links.submit(key.clone(), input.clone(), answer(app, call)).await? {
            Done::Answered(envelope) => return Ok(envelope),
            // An alias of 7 characters stands there: the next code is as good.
            Done::Reply(_) => {
                if let Input::Create { name, .. } = &mut input {
                    name.code = draw_code(app).await?;
                }
            }
        }
    }
}

async fn draw_code(app: &App) -> Result<String, Failure> {
    let id = app.ranges.next(&app.db).await?;
    let exhausted = || Problem::new(&EXHAUSTED, "every code was issued").retry_after(3_600);
    Ok(app.codes.code(id).ok_or_else(exhausted)?)
}

/// `PATCH /api/v1/links/{code}`
pub async fn patch(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let mut patch = request::patch(&call.body, &app.config.domains.bases(), db::now())?;
    Blocked::among(app, patch.targets()).await?.check(patch.targets())?;
    if let Some(given) = patch.password {
        patch.password = Some(password::hashed(app, given).await?);
    }
    change(app, call, Change::Patch(patch)).await
}

/// `DELETE /api/v1/links/{code}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    change(app, call, Change::Delete).await
}

async fn change(app: &App, call: &Call, change: Change) -> Result<Envelope, Failure> {
    let name = name(call)?;
    let if_match = call.header("if-match");
    let input = Input::Change { name, app: call.context.app.clone(), if_match, change };
    match app.links.submit(None, input, answer(app, call)).await? {
        Done::Answered(envelope) => Ok(envelope),
        Done::Reply(_) => Err(not_found().into()),
    }
}

/// `GET /api/v1/links/{code}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let row = owned(app, call).await?;
    let link = row.link(app.config.domains.base(row.name.domain));
    Ok(Envelope::json(200, &link).with("etag", row.etag()))
}

/// `GET /api/v1/links`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = query::list(&call.query)?;
    let rows = store::list(&app.db, &call.context.app, &ask).await?;
    let Page { items, next_cursor } = ask.page.page(rows, |row| row.id.to_string());
    let items: Vec<Link> =
        items.iter().map(|row| row.link(app.config.domains.base(row.name.domain))).collect();
    Ok(Envelope::json(200, &Page { items, next_cursor }))
}

/// `GET /api/v1/stats/{code}`
pub async fn stats(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = query::stats(&call.query, db::now())?;
    let row = owned(app, call).await?;
    let stats = clicks::stats(app, &row, &ask).await?;
    Ok(Envelope::json(200, &stats))
}

async fn owned(app: &App, call: &Call) -> Result<shared::links::machine::Row, Failure> {
    let row = store::find(&app.db, &name(call)?).await?.ok_or_else(not_found)?;
    row.owned_by(&call.context.app)?;
    Ok(row)
}

fn name(call: &Call) -> Result<Name, Problem> {
    let code = call.segment(0);
    let is_code = alias::is_code(code);
    is_code.then(|| Name { domain: call.context.domain, code: code.into() }).ok_or_else(not_found)
}

/// How the machine's replies are answered.
fn answer(app: &App, call: &Call) -> Answer<Reply> {
    let base = app.config.public_url.clone();
    let domains = app.config.domains.clone();
    let request_id = call.context.request_id.clone();
    Arc::new(move |reply| {
        let shown = |status, row: &shared::links::machine::Row| {
            Envelope::json(status, &row.link(domains.base(row.name.domain)))
                .with("etag", row.etag())
        };
        let (envelope, register) = match reply {
            Reply::CodeInTheWay => return None,
            Reply::Refused(problem) => {
                return Some(Envelope::problem(problem, &base, &request_id));
            }
            Reply::Created(row, register) => {
                let location = format!("/api/v1/links/{}", row.name.code);
                (shown(201, row).with("location", location), register)
            }
            Reply::Reused(row, register) => {
                let location = format!("/api/v1/links/{}", row.name.code);
                (shown(200, row).with("location", location), register)
            }
            Reply::Changed(row, register) => (shown(200, row), register),
            Reply::Deleted(register) => (Envelope::empty(204), register),
        };
        Some(Envelope { projections: vec![register.clone()], ..envelope })
    })
}
