//! A video's row, and what the edge hears of it.
//!
//! Invariant: every change raises the version and posts the register in its own transaction.

use super::made::{self, Made};
use super::pictures;
use crate::app::App;
use crate::db::{self, Db, Error, Tx};
use crate::{outbox, values};
use shared::roads::{Register, Stamp};
use shared::time::Millis;
use shared::video::plan::{Plan, SEGMENT_MS_MAX};
use shared::video::policy::Policy;
use shared::video::presentation::{Caption, PRODUCT, Presentation, Status, Visibility};
use shared::video::probe::Failure;
use shared::video::upload::Upload;
use shared::video::wire::video_id;
use sqlx::any::AnyRow;

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: u64,
    pub app: String,
    pub creator: Option<String>,
    pub title: Option<String>,
    pub visibility: Visibility,
    pub policy: Policy,
    pub status: Status,
    pub failure: Option<Failure>,
    pub version: u64,
    pub generation: u32,
    pub upload_length: Option<u64>,
    pub upload_offset: u64,
    pub upload_expires_at: Millis,
    pub plan: Option<Plan>,
    pub captions: Vec<Caption>,
    pub storyboard: bool,
    pub events: u64,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub ready_at: Option<Millis>,
    pub deleted_at: Option<Millis>,
}

const COLUMNS: &str = "id, app, creator, title, visibility, policy, status, failure, version, \
                       generation, upload_length, upload_offset, upload_expires_at, plan, \
                       captions, storyboard, events, created_at, started_at, ready_at, deleted_at";

fn word<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    let text = serde_json::to_string(value)?;
    Ok(text.trim_matches('"').to_owned())
}

fn of_word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    Ok(serde_json::from_str(&format!("\"{text}\""))?)
}

fn json<T: serde::Serialize>(value: Option<&T>) -> Result<Option<String>, Error> {
    Ok(value.map(serde_json::to_string).transpose()?)
}

fn of_json<T: serde::de::DeserializeOwned>(row: &AnyRow, name: &str) -> Result<Option<T>, Error> {
    let text = db::maybe_text(row, name)?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

fn read(row: &AnyRow) -> Result<Row, Error> {
    let moment = |name| Ok::<_, Error>(db::maybe_number(row, name)?.map(Millis));
    Ok(Row {
        id: db::number(row, "id")?,
        app: db::text(row, "app")?,
        creator: db::maybe_text(row, "creator")?,
        title: db::maybe_text(row, "title")?,
        visibility: of_word(&db::text(row, "visibility")?)?,
        policy: of_json(row, "policy")?.unwrap_or_default(),
        status: of_word(&db::text(row, "status")?)?,
        failure: of_json(row, "failure")?,
        version: db::number(row, "version")?,
        generation: u32::try_from(db::number(row, "generation")?).unwrap_or(u32::MAX),
        upload_length: db::maybe_number(row, "upload_length")?,
        upload_offset: db::number(row, "upload_offset")?,
        upload_expires_at: Millis(db::number(row, "upload_expires_at")?),
        plan: of_json(row, "plan")?,
        captions: of_json(row, "captions")?.unwrap_or_default(),
        storyboard: db::number(row, "storyboard")? != 0,
        events: db::number(row, "events")?,
        created_at: Millis(db::number(row, "created_at")?),
        started_at: moment("started_at")?,
        ready_at: moment("ready_at")?,
        deleted_at: moment("deleted_at")?,
    })
}

impl Row {
    /// The upload as its rules see it.
    #[must_use]
    pub fn upload(&self) -> Upload {
        Upload {
            status: self.status,
            length: self.upload_length,
            offset: self.upload_offset,
            expires_at: self.upload_expires_at,
        }
    }

    /// Where its objects begin; `path` as the presentation names it.
    #[must_use]
    pub fn object(&self, path: &str) -> String {
        object(&self.app, self.id, self.generation, path)
    }

    /// What the edge hears.
    ///
    /// # Errors
    /// The presentation does not fit into a register.
    pub fn register(&self, epoch: u32, made: &Made) -> Result<Register, Error> {
        let value = match self.deleted_at {
            Some(_) => None,
            None => Some(serde_json::to_string(&self.presentation(made)?)?),
        };
        let stamp = Stamp { epoch, version: self.version };
        Ok(Register { product: PRODUCT.into(), key: video_id(self.id), stamp, value })
    }

    fn presentation(&self, made: &Made) -> Result<Presentation, Error> {
        let bare = Presentation {
            id: video_id(self.id),
            app: self.app.clone(),
            visibility: self.visibility,
            status: self.status,
            generation: self.generation,
            title: self.title.clone(),
            started_at: self.started_at.unwrap_or(self.created_at),
            segment_ms: SEGMENT_MS_MAX,
            duration_ms: self.plan.as_ref().map_or(0, Plan::duration_ms),
            captions: self.captions.clone(),
            storyboard: self.plan.as_ref().filter(|_| self.storyboard).map(pictures::board),
            policy: self.policy.clone(),
            ..Presentation::default()
        };
        let renditions = self.plan.as_ref().map(|plan| made.renditions(plan)).unwrap_or_default();
        bare.with(&renditions).map_err(|why| Error::Stored(format!("a presentation: {why:?}")))
    }
}

/// The name of an object in the store: a generation has its own.
#[must_use]
pub fn object(app: &str, id: u64, generation: u32, path: &str) -> String {
    format!("{app}/{}/{generation}/{path}", video_id(id))
}

/// A video that its application may see.
///
/// # Errors
/// The database is down.
pub async fn find(db: &Db, id: u64, app: &str) -> Result<Option<Row>, Error> {
    let sql =
        format!("select {COLUMNS} from video where id = $1 and app = $2 and deleted_at is null");
    db.read(&sql, values![id, app]).await?.first().map(read).transpose()
}

/// The same, whoever asks and whether it is deleted or not.
///
/// # Errors
/// The database is down.
pub async fn any(db: &Db, id: u64) -> Result<Option<Row>, Error> {
    let sql = format!("select {COLUMNS} from video where id = $1");
    db.read(&sql, values![id]).await?.first().map(read).transpose()
}

/// The same, locked until the transaction ends.
///
/// # Errors
/// The database is down.
pub async fn lock(tx: &mut Tx<'_>, id: u64) -> Result<Option<Row>, Error> {
    let lock = tx.for_update();
    let sql = format!("select {COLUMNS} from video where id = $1 and deleted_at is null{lock}");
    tx.read(&sql, values![id]).await?.first().map(read).transpose()
}

/// The application's videos before `before`, newest first.
///
/// # Errors
/// The database is down.
pub async fn list(db: &Db, app: &str, before: u64, rows: u64) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "select {COLUMNS} from video where app = $1 and id < $2 and deleted_at is null \
         order by id desc limit $3"
    );
    db.read(&sql, values![app, before, rows]).await?.iter().map(read).collect()
}

/// A new row, with its first event and its register.
///
/// # Errors
/// The database is down.
pub async fn insert(tx: &mut Tx<'_>, app: &App, row: &mut Row) -> Result<Register, Error> {
    let sql = "insert into video (id, app, creator, title, visibility, policy, status, version, \
               generation, upload_length, upload_offset, upload_expires_at, captions, storyboard, \
               events, created_at) values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, 0, $10, '[]', \
               0, 0, $11)";
    let values = values![
        row.id,
        row.app.as_str(),
        row.creator.clone(),
        row.title.clone(),
        word(&row.visibility)?,
        serde_json::to_string(&row.policy)?,
        word(&row.status)?,
        row.generation,
        row.upload_length,
        row.upload_expires_at,
        row.created_at,
    ];
    tx.write(sql, values).await?;
    save_answered(tx, app, row, Some(("created", String::new()))).await
}

/// Writes a changed row under its lock, with an event, and posts its register at once.
///
/// # Errors
/// The database is down.
pub async fn save(
    tx: &mut Tx<'_>,
    app: &App,
    row: &mut Row,
    event: Option<(&str, String)>,
) -> Result<Register, Error> {
    save_due(tx, app, row, event, 0).await
}

/// The same for a request whose answer carries the register: it is posted if that gets lost.
///
/// # Errors
/// The database is down.
pub async fn save_answered(
    tx: &mut Tx<'_>,
    app: &App,
    row: &mut Row,
    event: Option<(&str, String)>,
) -> Result<Register, Error> {
    save_due(tx, app, row, event, app.config.durations.relay_grace_ms).await
}

async fn save_due(
    tx: &mut Tx<'_>,
    app: &App,
    row: &mut Row,
    event: Option<(&str, String)>,
    wait_ms: u64,
) -> Result<Register, Error> {
    row.version += 1;
    if let Some((kind, detail)) = event {
        row.events += 1;
        let sql =
            "insert into video_event (video, n, at, kind, detail) values ($1, $2, $3, $4, $5)";
        tx.write(sql, values![row.id, row.events, db::now(), kind, detail]).await?;
    }
    let sql = "update video set title = $1, visibility = $2, policy = $3, status = $4, \
               failure = $5, version = $6, generation = $7, upload_length = $8, \
               upload_offset = $9, upload_expires_at = $10, plan = $11, captions = $12, \
               storyboard = $13, events = $14, started_at = $15, ready_at = $16, \
               deleted_at = $17 where id = $18";
    let values = values![
        row.title.clone(),
        word(&row.visibility)?,
        serde_json::to_string(&row.policy)?,
        word(&row.status)?,
        json(row.failure.as_ref())?,
        row.version,
        row.generation,
        row.upload_length,
        row.upload_offset,
        row.upload_expires_at,
        json(row.plan.as_ref())?,
        serde_json::to_string(&row.captions)?,
        u64::from(row.storyboard),
        row.events,
        row.started_at,
        row.ready_at,
        row.deleted_at,
        row.id,
    ];
    tx.write(sql, values).await?;
    let made = made::load(tx, row.id).await?;
    let epoch = outbox::epoch(tx).await?;
    let register = row.register(epoch, &made)?;
    let due = db::now().plus(wait_ms);
    outbox::append(tx, app, std::slice::from_ref(&register), due).await?;
    Ok(register)
}

/// Videos of one page of a replay.
const REPLAY_PAGE: u64 = 50;

/// Posts every video's register again; how many.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App) -> Result<u64, Error> {
    let sql = format!("select {COLUMNS} from video where id > $1 order by id limit {REPLAY_PAGE}");
    let (mut posted, mut after) = (0, 0u64);
    loop {
        let mut tx = app.db.begin().await?;
        let epoch = outbox::epoch(&mut tx).await?;
        let rows = tx.read(&sql, values![after]).await?;
        let rows = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = rows.last() else { return Ok(posted) };
        after = last.id;
        let mut registers = Vec::with_capacity(rows.len());
        for row in &rows {
            let made = made::load(&mut tx, row.id).await?;
            registers.push(row.register(epoch, &made)?);
        }
        outbox::append(&mut tx, app, &registers, db::now()).await?;
        tx.commit().await?;
        posted += registers.len() as u64;
    }
}

/// What the truth knows of a register.
///
/// # Errors
/// The database is down.
pub async fn ask(app: &App, key: &str) -> Result<shared::roads::Answer, Error> {
    let Some(id) = shared::video::wire::parse(key) else {
        return Ok(shared::roads::Answer::Absent);
    };
    let mut tx = app.db.snapshot().await?;
    let sql = format!("select {COLUMNS} from video where id = $1");
    let Some(row) = tx.read(&sql, values![id]).await?.first().map(read).transpose()? else {
        return Ok(shared::roads::Answer::Absent);
    };
    let made = made::load(&mut tx, id).await?;
    let epoch = outbox::epoch(&mut tx).await?;
    Ok(shared::roads::Answer::Register(row.register(epoch, &made)?))
}
