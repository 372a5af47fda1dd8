//! The upper end of the road up: a recorder's delivery, applied once.
//!
//! Invariant: the watermark is raised in the transaction that applies the events. An event that no
//! product can apply becomes a dead letter in the same transaction and blocks nobody.

use crate::app::App;
use crate::db::{self, Error};
use crate::limits::usage;
use crate::links::clicks;
use crate::payments::fraud::attempts;
use crate::payments::hooks;
use crate::respond::{Call, Failure};
use crate::values;
use crate::video::{quality, tiers};
use shared::body;
use shared::envelope::Envelope;
use shared::limits::wire as limits;
use shared::links::wire as links;
use shared::payments::fraud::{Attempt, wire as fraud};
use shared::payments::wire as payments;
use shared::problem::{FieldError, Problem, UNACCEPTABLE};
use shared::roads::intake::intake;
use shared::roads::recorder::DELIVERY_MAX;
use shared::roads::{Delivery, Event, Receipt};
use shared::video::presentation as video;
use shared::video::want;

/// `POST /internal/events`
pub async fn take(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let delivery: Delivery = body::read(&call.body)?;
    if delivery.events.len() > DELIVERY_MAX {
        let detail = format!("at most {DELIVERY_MAX} events");
        let error = FieldError { pointer: "/events".into(), detail };
        return Err(Problem::fields(&UNACCEPTABLE, vec![error]).into());
    }
    let applied_seq = apply(app, &delivery).await?;
    Ok(Envelope::json(200, &Receipt { applied_seq }))
}

async fn apply(app: &App, delivery: &Delivery) -> Result<u64, Error> {
    let mut tx = app.db.begin().await?;
    let name = delivery.recorder.as_str();
    // Makes the row that is then locked; a second replica waits here.
    let sql = "insert into recorder (name, applied_seq, missing, updated_at) \
               values ($1, 0, 0, $2) on conflict (name) do update set updated_at = $2";
    tx.write(sql, values![name, db::now()]).await?;
    let rows = tx.read("select applied_seq from recorder where name = $1", values![name]).await?;
    let row = rows.first().ok_or_else(|| Error::Stored("the recorder vanished".into()))?;
    let seen = db::number(row, "applied_seq")?;
    let count = delivery.events.len() as u64;
    let taken = intake(seen, delivery.first_seq, count);
    let owners = quality::Owners::of(&mut tx, &delivery.events).await?;
    let mut sums = Sums { owners, ..Sums::default() };
    let mut dead = Vec::new();
    for (seq, event) in (delivery.first_seq..).zip(&delivery.events) {
        if seq < delivery.first_seq + taken.skip {
            continue;
        }
        if let Err(why) = fold(app, &mut sums, event).await {
            let id = app.ids.next().await?;
            let (product, body) = (event.product.as_str(), event.body.as_str());
            dead.push(values![id, name, seq, product, body, why, db::now()]);
        }
    }
    let decided = sums.usage.total;
    clicks::write(&mut tx, sums.clicks).await?;
    usage::write(&mut tx, sums.usage).await?;
    attempts::write(&mut tx, &sums.blocked).await?;
    hooks::write(&mut tx, sums.hooks).await?;
    quality::write(&mut tx, sums.quality).await?;
    let is_wanted = tiers::write(&mut tx, sums.wants).await?;
    let died = dead.len() as u64;
    let sql = "insert into dead_letter (id, recorder, seq, product, body, why, created_at) values";
    tx.insert(sql, dead, "").await?;
    let sql = "update recorder set applied_seq = $1, missing = missing + $2 where name = $3";
    tx.write(sql, values![taken.applied_seq, taken.gap, name]).await?;
    tx.commit().await?;
    if is_wanted {
        app.video.chores.notify_one();
    }
    app.metrics.events_applied.inc_by(count - taken.skip);
    app.metrics.events_missing.inc_by(taken.gap);
    app.metrics.dead_letters.inc_by(died);
    app.metrics.decided(&decided);
    Ok(taken.applied_seq)
}

/// What a delivery adds up to, by product.
#[derive(Debug, Default)]
struct Sums {
    clicks: clicks::Sums,
    usage: usage::Sums,
    blocked: Vec<Attempt>,
    hooks: hooks::Sums,
    owners: quality::Owners,
    quality: quality::Sums,
    wants: tiers::Wants,
}

async fn fold(app: &App, sums: &mut Sums, event: &Event) -> Result<(), String> {
    match event.product.as_str() {
        links::PRODUCT => clicks::fold(&mut sums.clicks, &app.user_agents, event),
        payments::PRODUCT => hooks::fold(&mut sums.hooks, event),
        limits::PRODUCT => usage::fold(&mut sums.usage, event),
        fraud::PRODUCT => attempts::fold(app, &mut sums.blocked, event).await,
        video::PRODUCT => quality::fold(&mut sums.quality, &sums.owners, event),
        want::PRODUCT => tiers::fold(&mut sums.wants, event),
        other => Err(format!("no product {other:?} takes events")),
    }
}
