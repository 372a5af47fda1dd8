//! Uploads: parts by tus, or a file by PUT, streamed into objects.
//!
//! Invariant: a part is acknowledged after it is an object on the disk and its row is committed;
//! of two parts at one offset one is taken. Nothing of a part is in memory but what is under way.

use super::row::{self, Row};
use super::{jobs, owned};
use crate::app::App;
use crate::respond::{Call, Failure};
use crate::{db, values};
use futures::StreamExt;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use shared::envelope::Envelope;
use shared::problem::{INTERNAL, MALFORMED, Problem};
use shared::video::error::UPLOAD_OFFSET;
use shared::video::presentation::Status;
use shared::video::upload::{
    self, CHECKSUMS, Checksum, EXTENSIONS, Headers, Part, Upload, VERSION,
};
use shared::video::wire::upload_path;
use std::time::Duration;

/// Writes into the store that are under way at once.
const WRITES_AT_ONCE: usize = 4;

/// `POST {upload_url}`: the creation of tus.
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    upload::version(call.header("tus-resumable").as_deref())?;
    let said = call.header("upload-length");
    let length = upload::length(said.as_deref(), app.config.video.bytes_max)?;
    let row = owned(app, call).await?;
    row.upload().create(length, db::now())?;
    let mut tx = app.db.begin().await?;
    let mut row = row::lock(&mut tx, row.id).await?.ok_or_else(super::not_found)?;
    row.upload().create(length, db::now())?;
    row.upload_length = Some(length);
    let row = finish(app, tx, row).await?;
    Ok(answer(app, 201, &row).with("location", upload_url(app, &row)))
}

/// `HEAD {upload_url}`: how far it came; as `GET`, because the edge asks in its body.
pub async fn head(app: &App, call: &Call) -> Result<Envelope, Failure> {
    upload::version(call.header("tus-resumable").as_deref())?;
    let row = owned(app, call).await?;
    // What is whole says so; what is over is gone.
    if row.status == Status::Uploading {
        row.upload().open(db::now())?;
    }
    Ok(answer(app, 200, &row).with("cache-control", "no-store"))
}

/// `PATCH {upload_url}`: a part.
pub async fn patch(app: &App, call: &Call) -> Result<Envelope, Failure> {
    upload::version(call.header("tus-resumable").as_deref())?;
    let row = owned(app, call).await?;
    let (media_type, offset) = (call.header("content-type"), call.header("upload-offset"));
    let checksum = call.header("upload-checksum");
    let headers = Headers {
        content_type: media_type.as_deref(),
        offset: offset.as_deref(),
        length: call.stream.length(),
        checksum: checksum.as_deref(),
    };
    let part = row.upload().part(&headers, db::now())?;
    let row = take(app, call, &row, &part).await?;
    Ok(answer(app, 204, &row))
}

/// `PUT {upload_url}`: the whole of a small file.
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let row = owned(app, call).await?;
    let part = row.upload().put(call.stream.length(), db::now())?;
    let mut tx = app.db.begin().await?;
    let mut locked = row::lock(&mut tx, row.id).await?.ok_or_else(super::not_found)?;
    locked.upload().put(part.length, db::now())?;
    locked.upload_length = Some(part.length);
    let row = match part.length {
        0 => finish(app, tx, locked).await?,
        _ => {
            tx.write(
                "update video set upload_length = $1 where id = $2",
                values![part.length, row.id],
            )
            .await?;
            tx.commit().await?;
            take(app, call, &locked, &part).await?
        }
    };
    Ok(answer(app, 204, &row))
}

/// Streams a part into an object, then commits it; the row after it.
async fn take(app: &App, call: &Call, row: &Row, part: &Part) -> Result<Row, Failure> {
    let nonce = hex::encode(rand::random::<[u8; 8]>());
    let object = row.object(&format!("source/{:020}-{nonce}", part.offset));
    let (bytes, is_whole) = receive(app, call, part, &object).await?;
    // A part that broke off is kept as far as it came, unless a checksum speaks of all of it.
    if bytes == 0 || !is_whole && part.checksum.is_some() {
        drop_object(app, &object).await;
        if part.length == 0 {
            return Ok(row.clone());
        }
        return Err(Problem::new(&MALFORMED, "the body broke off").into());
    }
    let taken = commit(app, row.id, part.offset, bytes, &object).await;
    if taken.is_err() {
        drop_object(app, &object).await;
    }
    let row = taken?;
    if !is_whole {
        return Err(Problem::new(&MALFORMED, "the body broke off; what came is kept").into());
    }
    Ok(row)
}

async fn drop_object(app: &App, object: &str) {
    if let Err(error) = app.objects.delete(object).await {
        tracing::warn!(%error, "a part that nobody wants was not deleted");
    }
}

/// The bytes that came, and whether they are all; with their checksum checked.
async fn receive(
    app: &App,
    call: &Call,
    part: &Part,
    object: &str,
) -> Result<(u64, bool), Failure> {
    let lost = |error: crate::objects::Error| {
        tracing::error!(%error, "a part could not be stored");
        Failure::Problem(Problem::new(&INTERNAL, "the failure was logged under this request's id"))
    };
    let Some(body) = call.stream.take() else { return Ok((0, part.length == 0)) };
    let mut parts = body.into_data_stream();
    let mut upload = app.objects.begin(object).await.map_err(lost)?;
    let (mut sha1, mut sha256) = (Sha1::new(), Sha256::new());
    let (mut count, mut is_whole) = (0u64, true);
    let timeout = Duration::from_millis(app.config.durations.stream_timeout_ms);
    let until = tokio::time::Instant::now() + timeout;
    loop {
        let bytes = match tokio::time::timeout_at(until, parts.next()).await {
            Ok(Some(Ok(bytes))) => bytes,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => {
                is_whole = false;
                break;
            }
        };
        if count + bytes.len() as u64 > part.length {
            is_whole = false;
            break;
        }
        count += bytes.len() as u64;
        match &part.checksum {
            Some(Checksum::Sha1(_)) => sha1.update(&bytes),
            Some(Checksum::Sha256(_)) => sha256.update(&bytes),
            None => {}
        }
        upload.put(bytes);
        let stored = upload.wait_for_capacity(WRITES_AT_ONCE).await;
        stored.map_err(|error| lost(error.into()))?;
    }
    is_whole &= count == part.length;
    let checked = match (&part.checksum, is_whole) {
        (Some(sum @ Checksum::Sha1(_)), true) => sum.check(&sha1.finalize()),
        (Some(sum @ Checksum::Sha256(_)), true) => sum.check(&sha256.finalize()),
        _ => Ok(()),
    };
    if let Err(problem) = checked {
        if let Err(error) = upload.abort().await {
            tracing::warn!(%error, "a part with a wrong checksum was not dropped");
        }
        return Err(problem.into());
    }
    app.objects.finish(object, upload).await.map_err(lost)?;
    Ok((count, is_whole))
}

/// Takes a stored part in, if the upload still ends where it begins.
async fn commit(app: &App, id: u64, offset: u64, bytes: u64, object: &str) -> Result<Row, Failure> {
    let mut tx = app.db.begin().await?;
    let mut row = row::lock(&mut tx, id).await?.ok_or_else(super::not_found)?;
    row.upload().open(db::now())?;
    if row.upload_offset != offset {
        let why = format!("another part was faster: {} bytes are there", row.upload_offset);
        return Err(Problem::new(&UPLOAD_OFFSET, why).into());
    }
    let sql = "insert into video_part (video, start, bytes, object) values ($1, $2, $3, $4)";
    tx.write(sql, values![id, offset, bytes, object]).await?;
    row.upload_offset = offset + bytes;
    row.upload_expires_at = db::now().plus(app.config.durations.upload_keep_ms);
    finish(app, tx, row).await
}

/// Writes the row; an upload that is whole goes into the queue with it.
async fn finish(app: &App, mut tx: db::Tx<'_>, mut row: Row) -> Result<Row, Failure> {
    let is_whole = row.upload_length == Some(row.upload_offset);
    if is_whole {
        row.status = Status::Queued;
        jobs::begin(&mut tx, app, &row).await?;
        let event = format!("{} bytes", row.upload_offset);
        row::save(&mut tx, app, &mut row, Some(("queued", event))).await?;
    } else {
        // A viewer sees nothing of a part: no register is posted.
        let sql = "update video set upload_length = $1, upload_offset = $2, \
                   upload_expires_at = $3 where id = $4";
        let values = values![row.upload_length, row.upload_offset, row.upload_expires_at, row.id];
        tx.write(sql, values).await?;
    }
    tx.commit().await?;
    if is_whole {
        app.outbox_news.notify_one();
        app.video.news.notify_waiters();
    }
    Ok(row)
}

fn upload_url(app: &App, row: &Row) -> String {
    format!("{}{}", app.config.public_url, upload_path(row.id))
}

/// The headers that every answer of tus has.
fn answer(app: &App, status: u16, row: &Row) -> Envelope {
    let Upload { length, offset, expires_at, .. } = row.upload();
    let mut answer = Envelope::empty(status)
        .with("tus-resumable", VERSION)
        .with("tus-version", VERSION)
        .with("tus-extension", EXTENSIONS)
        .with("tus-checksum-algorithm", CHECKSUMS)
        .with("tus-max-size", app.config.video.bytes_max.to_string())
        .with("upload-offset", offset.to_string());
    if let Some(length) = length {
        answer = answer.with("upload-length", length.to_string());
    }
    if row.status == Status::Uploading {
        answer = answer.with("upload-expires", expires_at.to_http_date());
    }
    answer
}
