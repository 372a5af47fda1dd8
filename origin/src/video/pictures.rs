//! Pictures: the storyboard of every video, thumbnails when somebody asks.
//!
//! Invariant: a thumbnail is made of a segment that is there, so that the source is not needed;
//! made once, it is an object like any other.

use super::make::Stop;
use super::row::Row;
use super::tool::Tool;
use super::{command, made, source};
use crate::app::App;
use crate::{db, objects};
use shared::video::picture::{Storyboard, TILES, read_thumbnail};
use shared::video::plan::Plan;
use shared::video::rendition::{Media, Rendition};
use std::time::Duration;

/// A picture of a segment of at most 10 s.
const THUMBNAIL_WALL: Duration = Duration::from_secs(20);

/// The storyboard of a plan's picture.
#[must_use]
pub fn board(plan: &Plan) -> Storyboard {
    let video = &plan.facts.video;
    Storyboard::of(plan.duration_ms(), (video.width, video.height))
}

/// Makes the sheets of the storyboard; the milliseconds of CPU that it took.
///
/// # Errors
/// To be tried again.
pub async fn storyboard(app: &App, tool: &Tool, (row, plan): (&Row, &Plan)) -> Result<u64, Stop> {
    let place = source::place(app, row).await?;
    let board = board(plan);
    let Storyboard { step_s, width, height, .. } = board;
    // One key frame is a picture too; the last one again, until the last sheet is full.
    let filter = format!(
        "[0:{}]fps=fps=1/{step_s}:start_time=0:eof_action=pass,scale={width}:{height},setsar=1,\
         tpad=stop=-1:stop_mode=clone,tile={TILES}x{TILES}[o]",
        plan.facts.video.stream
    );
    let mut input = command::input(None);
    // Key frames alone: a moment's picture is the key frame before it.
    input.extend(["-skip_frame", "nokey"].map(str::to_owned));
    let mut rest = vec!["-filter_complex".to_owned(), filter];
    let count = board.sheets().to_string();
    let more = ["-map", "[o]", "-frames:v", &count, "-fps_mode", "passthrough", "-c:v", "mjpeg"];
    rest.extend(more.map(str::to_owned));
    let more = ["-pix_fmt", "yuvj420p", "-q:v", "5", "-start_number", "0", "-f", "image2"];
    rest.extend(more.map(str::to_owned));
    rest.push("file:storyboard-%d.jpg".into());
    let wall = Duration::from_secs(60 + plan.duration_ms() / 1_000);
    let said = tool.encode(&place.0, &input, &rest, wall).await?;
    for n in 0..board.sheets() {
        let name = format!("storyboard-{n}.jpg");
        let bytes = tokio::fs::read(place.0.join(&name)).await.map_err(source::Error::from)?;
        app.objects.put(&row.object(&name), bytes).await?;
    }
    Ok(said.cpu_ms)
}

/// Makes a thumbnail; `false`: there is nothing to make it of, or nothing to make it with.
///
/// # Errors
/// To be tried again.
pub async fn thumbnail(app: &App, row: &Row, path: &str) -> Result<bool, Stop> {
    let (Some((second, width)), Some(plan), Some(tool)) =
        (read_thumbnail(path), &row.plan, app.video.tool.get())
    else {
        return Ok(false);
    };
    let mut tx = app.db.snapshot().await?;
    let renditions = made::load(&mut tx, row.id).await?.renditions(plan);
    drop(tx);
    let Some((rendition, number, from_ms)) = at(&renditions, second, width) else {
        return Ok(false);
    };
    let dir =
        app.config.work_dir.join(format!("picture.{}", hex::encode(rand::random::<[u8; 8]>())));
    tokio::fs::create_dir_all(&dir).await.map_err(source::Error::from)?;
    let place = source::Place(dir);
    let mut bytes =
        app.objects.read(&row.object(&format!("{}/init.mp4", rendition.name))).await?.to_vec();
    let segment = row.object(&format!("{}/{number}.m4s", rendition.name));
    bytes.extend_from_slice(&app.objects.read(&segment).await?);
    tokio::fs::write(place.0.join("source"), bytes).await.map_err(source::Error::from)?;
    // The segment's clock begins with the segment; 10 ms earlier, so that none is passed over.
    let ms = (second * 1_000).saturating_sub(from_ms);
    let scale =
        format!("select=gte(t\\,{}.{:03}-0.01),scale={width}:-2,setsar=1", ms / 1_000, ms % 1_000);
    let more = ["-vf", &scale, "-frames:v", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"];
    let mut rest = more.map(str::to_owned).to_vec();
    rest.extend(["-q:v", "4", "-f", "image2pipe", "pipe:1"].map(str::to_owned));
    let said = tool.encode(&place.0, &command::input(None), &rest, THUMBNAIL_WALL).await?;
    if said.out.is_empty() {
        return Ok(false);
    }
    app.objects.put(&row.object(path), said.out).await?;
    Ok(true)
}

/// The rendition that is just wide enough, its segment at that second, and when that begins.
fn at(renditions: &[Rendition], second: u64, width: u32) -> Option<(&Rendition, usize, u64)> {
    let wide = |one: &&Rendition| match one.media {
        Media::Video { width: own, .. } => (own < width, own.abs_diff(width)),
        Media::Audio { .. } => (true, u32::MAX),
    };
    let pictures = renditions
        .iter()
        .filter(|one| matches!(one.media, Media::Video { .. }) && one.codec.starts_with("avc1"));
    let best = pictures.min_by_key(wide)?;
    let mut end = 0;
    let mut begin = 0;
    let wanted = second * u64::from(best.timescale);
    let mut found = 0;
    for (n, segment) in best.segments.iter().enumerate() {
        (begin, end, found) = (end, end + u64::from(segment.duration), n);
        if wanted < end {
            break;
        }
    }
    Some((best, found, begin * 1_000 / u64::from(best.timescale.max(1))))
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Later(error.to_string())
    }
}

/// The object of that name, made when it is a thumbnail that is missing.
///
/// # Errors
/// [`objects::Error::Absent`], or the store or the database.
pub async fn find(app: &App, row: &Row, path: &str) -> Result<objects::Found, objects::Error> {
    let key = row.object(path);
    match app.objects.get(&key).await {
        Err(objects::Error::Absent) if path.starts_with("thumbnail/") => {}
        other => return other,
    }
    match thumbnail(app, row, path).await {
        Ok(true) => app.objects.get(&key).await,
        Ok(false) => Err(objects::Error::Absent),
        Err(Stop::Never(_)) => Err(objects::Error::Absent),
        Err(Stop::Later(why)) => {
            tracing::warn!(video = row.id, path, why, at = db::now().0, "no thumbnail was made");
            Err(objects::Error::Io(std::io::Error::other(why)))
        }
    }
}
