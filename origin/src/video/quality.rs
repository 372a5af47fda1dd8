//! Quality of experience and bytes served: told by the edge, folded as it comes, summed when asked.
//!
//! Invariant: what a delivery adds is written in the transaction that raises its recorder's
//! watermark, in key order, so that replicas never wait in a circle. What is told of another
//! application's video, or of none, is refused; of a deleted one it is dropped.

use super::{not_found, row};
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::roads::Event;
use shared::time::Millis;
use shared::video::presentation::PRODUCT;
use shared::video::qoe;
use shared::video::quality::{
    self, Figures, QualityAsk, QualitySlot, UNKNOWN, VideoQuality, WINDOW_MAX_MS, Width,
};
use shared::video::served::{Told, told};
use shared::video::wire;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one transaction: short enough that deliveries do not wait.
const BATCH: u64 = 2_000;
const SUMS: &str = "plays, startup_ms, watched_ms, stalled_ms, stalls, kbits";

/// What a delivery adds up to, in the order in which it is written.
#[derive(Debug, Default)]
pub struct Sums {
    /// By video, hour, country, device.
    views: BTreeMap<(u64, Millis, String, String), qoe::Sums>,
    /// By video and rendition.
    bytes: BTreeMap<(u64, String), u64>,
}

/// Whose the videos of a delivery are; of one that is deleted, nobody's.
#[derive(Debug, Default)]
pub struct Owners(BTreeMap<u64, Option<String>>);

impl Owners {
    /// Reads them.
    ///
    /// # Errors
    /// The database is down.
    pub async fn of(tx: &mut Tx<'_>, events: &[Event]) -> Result<Self, Error> {
        let bodies = events.iter().filter(|event| event.product == PRODUCT);
        let ids: BTreeSet<u64> =
            bodies.filter_map(|event| wire::parse(told(&event.body).ok()?.video().1)).collect();
        let mut owners = Self::default();
        if ids.is_empty() {
            return Ok(owners);
        }
        let places = db::placeholders(1, ids.len());
        let sql = format!("select id, app, deleted_at from video where id in {places}");
        let ids = ids.into_iter().map(db::Value::from).collect();
        for found in tx.read(&sql, ids).await? {
            let is_deleted = db::maybe_number(&found, "deleted_at")?.is_some();
            let owner = Some(db::text(&found, "app")?).filter(|_| !is_deleted);
            owners.0.insert(db::number(&found, "id")?, owner);
        }
        Ok(owners)
    }
}

/// Adds one event to the sums.
///
/// # Errors
/// Why it can never be applied.
pub fn fold(sums: &mut Sums, owners: &Owners, event: &Event) -> Result<(), String> {
    let told = told(&event.body)?;
    let (app, video) = told.video();
    let id = wire::parse(video).ok_or_else(|| format!("no video: {video:?}"))?;
    match owners.0.get(&id) {
        None => return Err(format!("no video: {video:?}")),
        Some(None) => return Ok(()),
        Some(Some(owner)) if owner != app => return Err(format!("{video} is not of {app:?}")),
        Some(Some(_)) => {}
    }
    match told {
        Told::View(view) => {
            let country = if view.country.is_empty() { UNKNOWN.into() } else { view.country };
            let key = (id, Width::Hour.slot(event.at), country, view.device);
            let sum = sums.views.entry(key).or_default();
            *sum = sum.plus(view.sums);
        }
        Told::Served(served) => {
            for (name, bytes) in served.bytes {
                let sum = sums.bytes.entry((id, name)).or_default();
                *sum = sum.saturating_add(bytes);
            }
        }
    }
    Ok(())
}

/// Writes the sums.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, sums: Sums) -> Result<(), Error> {
    let rows = sums.views.into_iter().map(|((video, hour, country, device), sums)| {
        let qoe::Sums { plays, startup_ms, watched_ms, stalled_ms, stalls, kbits } = sums;
        values![
            video, hour, country, device, plays, startup_ms, watched_ms, stalled_ms, stalls, kbits
        ]
    });
    let sql = format!("insert into video_quality (video, hour, country, device, {SUMS}) values");
    let add =
        SUMS.split(", ").map(|name| format!("{name} = video_quality.{name} + excluded.{name}"));
    let add = add.collect::<Vec<_>>().join(", ");
    let add = format!("on conflict (video, hour, country, device) do update set {add}");
    tx.insert(&sql, rows.collect(), &add).await?;
    for ((video, name), bytes) in sums.bytes {
        let sql = "update video_rendition set bytes_served = bytes_served + $1 \
                   where video = $2 and name = $3";
        tx.write(sql, values![bytes, video, name]).await?;
    }
    Ok(())
}

/// `GET /api/v1/videos/{id}/quality`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = quality::ask(&call.query, db::now())?;
    let id = wire::parse(call.segment(0)).ok_or_else(not_found)?;
    let found = row::find(&app.db, id, &call.context.app).await?;
    found.ok_or_else(not_found)?;
    Ok(Envelope::json(200, &read(&mut app.db.snapshot().await?, id, ask).await?))
}

/// All that is kept of a video's viewing, by the day.
///
/// # Errors
/// The database is down.
pub async fn whole(tx: &mut Tx<'_>, id: u64) -> Result<VideoQuality, Error> {
    read(tx, id, QualityAsk { from: Millis(0), to: Millis(i64::MAX as u64), width: Width::Day })
        .await
}

async fn read(tx: &mut Tx<'_>, id: u64, ask: QualityAsk) -> Result<VideoQuality, Error> {
    let width = ask.width.ms();
    let slots = grouped(tx, id, &ask, &format!("hour - hour % {width}")).await?;
    let mut all = qoe::Sums::default();
    let mut series = Vec::with_capacity(slots.len());
    for found in &slots {
        let sums = sums(found)?;
        all = all.plus(sums);
        let at = Millis(db::number(found, "slot")?);
        series.push(QualitySlot { at, figures: sums.into() });
    }
    let by_country = by(&grouped(tx, id, &ask, "country").await?)?;
    let by_device = by(&grouped(tx, id, &ask, "device").await?)?;
    Ok(VideoQuality { figures: all.into(), series, by_country, by_device })
}

/// The sums of a window by an expression of ours, in its order.
async fn grouped(
    tx: &mut Tx<'_>,
    id: u64,
    ask: &QualityAsk,
    slot: &str,
) -> Result<Vec<AnyRow>, Error> {
    // A sum of bigint is numeric in PostgreSQL, which the driver does not read.
    let sums = SUMS.split(", ").map(|name| format!("cast(sum({name}) as bigint) as {name}"));
    let sql = format!(
        "select {slot} as slot, {} from video_quality \
         where video = $1 and hour >= $2 and hour < $3 group by 1 order by 1",
        sums.collect::<Vec<_>>().join(", ")
    );
    tx.read(&sql, values![id, ask.from, ask.to]).await
}

fn by(rows: &[AnyRow]) -> Result<BTreeMap<String, Figures>, Error> {
    rows.iter().map(|found| Ok((db::text(found, "slot")?, sums(found)?.into()))).collect()
}

fn sums(row: &AnyRow) -> Result<qoe::Sums, Error> {
    let number = |name: &str| db::number(row, name);
    Ok(qoe::Sums {
        plays: number("plays")?,
        startup_ms: number("startup_ms")?,
        watched_ms: number("watched_ms")?,
        stalled_ms: number("stalled_ms")?,
        stalls: number("stalls")?,
        kbits: number("kbits")?,
    })
}

/// Forgets the hours that nobody can ask for any more, batch by batch; how many rows.
///
/// # Errors
/// The database is down; what is gone stays gone.
pub async fn forget(app: &App, now: Millis) -> Result<u64, Error> {
    // A day more: the window's first slot may begin so much before the window.
    let before = now.0.saturating_sub(WINDOW_MAX_MS + Width::Day.ms());
    let mut gone = 0;
    loop {
        let mut tx = app.db.begin().await?;
        let key = "video, hour, country, device";
        let sql = format!(
            "delete from video_quality where ({key}) in (select {key} from video_quality \
             where hour < $1 order by hour limit {BATCH}{})",
            tx.skip_locked()
        );
        let count = tx.write(&sql, values![before]).await?;
        tx.commit().await?;
        gone += count;
        if count < BATCH {
            return Ok(gone);
        }
    }
}
