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
use shared::video::picture::read_thumbnail;
use shared::video::plan::Plan;
use shared::video::rendition::{Media, Rendition};
use std::fmt::Write;
use std::time::Duration;

/// A sprite's tiles in a row, and rows: 25 pictures in 100 KB.
const TILES: u64 = 5;
/// A tile's width.
const TILE_PIXELS: u32 = 160;
/// Tiles of a video: 4 sheets of a long one, as many as fit beside a seek bar.
const TILES_MAX: u64 = 100;
/// Between two tiles, at least.
const STEP_S_MIN: u64 = 2;
/// A picture of a segment of at most 10 s.
const THUMBNAIL_WALL: Duration = Duration::from_secs(20);

/// Makes the sheets and `storyboard.vtt`; the milliseconds of CPU that it took.
///
/// # Errors
/// To be tried again.
pub async fn storyboard(app: &App, tool: &Tool, (row, plan): (&Row, &Plan)) -> Result<u64, Stop> {
    let place = source::place(app, row).await?;
    let ms = plan.duration_ms().max(1);
    let step_s = ms.div_ceil(TILES_MAX * 1_000).max(STEP_S_MIN);
    let tiles = ms.div_ceil(step_s * 1_000).max(1);
    let (width, height) = (plan.facts.video.width.max(1), plan.facts.video.height);
    let tile = (TILE_PIXELS, (TILE_PIXELS * height / width / 2 * 2).clamp(2, TILE_PIXELS * 4));
    let filter = format!(
        "[0:{}]fps=fps=1/{step_s}:start_time=0,scale={}:{},setsar=1,tile={TILES}x{TILES}[o]",
        plan.facts.video.stream, tile.0, tile.1
    );
    let sheets = tiles.div_ceil(TILES * TILES);
    let mut input = command::input(None);
    // Key frames alone: a moment's picture is the key frame before it.
    input.extend(["-skip_frame", "nokey"].map(str::to_owned));
    let mut rest = vec!["-filter_complex".to_owned(), filter];
    let count = sheets.to_string();
    let more = ["-map", "[o]", "-frames:v", &count, "-fps_mode", "passthrough", "-c:v", "mjpeg"];
    rest.extend(more.map(str::to_owned));
    let more = ["-pix_fmt", "yuvj420p", "-q:v", "5", "-start_number", "0", "-f", "image2"];
    rest.extend(more.map(str::to_owned));
    rest.push("file:storyboard-%d.jpg".into());
    let wall = Duration::from_secs(60 + ms / 1_000);
    let said = tool.encode(&place.0, &input, &rest, wall).await?;
    let mut made = 0;
    while made < sheets {
        let name = format!("storyboard-{made}.jpg");
        let Ok(bytes) = tokio::fs::read(place.0.join(&name)).await else { break };
        app.objects.put(&row.object(&name), bytes).await?;
        made += 1;
    }
    if made == 0 {
        return Err(Stop::Later("no sheet of the storyboard was made".into()));
    }
    let text = index(ms, step_s, tiles.min(made * TILES * TILES), tile);
    app.objects.put(&row.object("storyboard.vtt"), text.into_bytes()).await?;
    Ok(said.cpu_ms)
}

/// WebVTT whose cues are places in the sheets.
fn index(ms: u64, step_s: u64, tiles: u64, (width, height): (u32, u32)) -> String {
    let mut text = String::from("WEBVTT\n");
    let stamp = |ms: u64| {
        let s = ms / 1_000;
        format!("{:02}:{:02}:{:02}.{:03}", s / 3_600, s / 60 % 60, s % 60, ms % 1_000)
    };
    for n in 0..tiles {
        let (from, to) = (n * step_s * 1_000, ((n + 1) * step_s * 1_000).min(ms));
        let (sheet, on) = (n / (TILES * TILES), n % (TILES * TILES));
        let (x, y) = (on % TILES * u64::from(width), on / TILES * u64::from(height));
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "\n{} --> {}\nstoryboard-{sheet}.jpg#xywh={x},{y},{width},{height}\n",
            stamp(from),
            stamp(to)
        );
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_one_place_in_a_sheet() {
        let text = index(57_500, 2, 29, (160, 90));
        let cues: Vec<&str> = text.split("\n\n").skip(1).collect();
        assert_eq!(cues.len(), 29);
        assert_eq!(cues[0], "00:00:00.000 --> 00:00:02.000\nstoryboard-0.jpg#xywh=0,0,160,90");
        assert_eq!(cues[24], "00:00:48.000 --> 00:00:50.000\nstoryboard-0.jpg#xywh=640,360,160,90");
        let last = "00:00:56.000 --> 00:00:57.500\nstoryboard-1.jpg#xywh=480,0,160,90\n";
        assert_eq!(cues[28], last);
    }
}
