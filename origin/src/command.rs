//! What the program's commands do once the database is open.

use crate::app::App;
use crate::audit::Who;
use crate::keys::{self, NewKey};
use crate::{db, limits, links, outbox, payments, privacy, router, sagas, shell, video, webhooks};
use shared::route::check_scopes;
use shared::token::{EVERY_SCOPE, ServiceKey};
use std::error::Error;
use std::future::IntoFuture;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Stored answers that are over are forgotten this often.
const SWEEP: Duration = Duration::from_secs(600);
/// Requests under way may take this long after SIGTERM.
const DRAIN: Duration = Duration::from_secs(30);

/// Serves until SIGTERM or SIGINT, then lets requests under way end.
///
/// # Errors
/// The port is in use, or the database is down at start.
pub async fn serve(app: &Arc<App>) -> Result<(), Box<dyn Error>> {
    keys::adopt_verifier(app).await?;
    let listener = tokio::net::TcpListener::bind(app.config.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error} (set ORIGIN_PORT)", app.config.listen)
    })?;
    tracing::info!(listen = %app.config.listen, engine = ?app.db.engine, "serving");
    let videos = video::start(app).await?;
    let tasks = [
        tokio::spawn(Arc::clone(&app.ids).keep(Arc::clone(&app.db))),
        tokio::spawn(db::checkpoint::run(Arc::clone(&app.db))),
        tokio::spawn(outbox::relay(Arc::clone(app))),
        tokio::spawn(privacy::job::run(Arc::clone(app))),
        tokio::spawn(sweep(Arc::clone(app))),
        tokio::spawn(webhooks::relay::run(Arc::clone(app))),
        tokio::spawn(payments::expiry::watch(Arc::clone(app))),
        tokio::spawn(payments::orders::relay(Arc::clone(app))),
        tokio::spawn(payments::said::watch(Arc::clone(app))),
        tokio::spawn(sagas::run(Arc::clone(app))),
        tokio::spawn(payments::reconciliations::daily::watch(Arc::clone(app))),
    ];
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let signal = async move {
        terminated().await;
        tracing::info!("stopping");
        let _ = stop.send(());
    };
    let server = axum::serve(listener, router::router(Arc::clone(app)))
        .with_graceful_shutdown(signal)
        .into_future();
    let drained = async {
        let _ = stopped.await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = server => served?,
        () = drained => tracing::warn!("requests were still under way after the drain"),
    }
    tasks.iter().chain(&videos).for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

async fn sweep(app: Arc<App>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        match links::sweep::sweep(&app, db::now()).await {
            Ok(swept) => tracing::debug!(swept, "links shrank to tombstones"),
            Err(error) => tracing::warn!(%error, "links were not swept"),
        }
        match links::retention::fold(&app, db::now()).await {
            Ok(folded) => tracing::debug!(folded, "hours became days"),
            Err(error) => tracing::warn!(%error, "clicks were not folded"),
        }
        match limits::retention::forget(&app, db::now()).await {
            Ok(gone) => tracing::debug!(gone, "usage of limits was forgotten"),
            Err(error) => tracing::warn!(%error, "usage of limits was not forgotten"),
        }
        match video::quality::forget(&app, db::now()).await {
            Ok(gone) => tracing::debug!(gone, "viewing of videos was forgotten"),
            Err(error) => tracing::warn!(%error, "viewing of videos was not forgotten"),
        }
        match privacy::job::sweep(&app, db::now()).await {
            Ok(gone) => tracing::debug!(gone, "exports were forgotten"),
            Err(error) => tracing::warn!(%error, "exports were not swept"),
        }
        match webhooks::sweep(&app, db::now()).await {
            Ok(gone) => tracing::debug!(gone, "webhooks were forgotten"),
            Err(error) => tracing::warn!(%error, "webhooks were not swept"),
        }
        match shell::sweep(&app).await {
            Ok(gone) => tracing::debug!(gone, "stored answers were forgotten"),
            Err(error) => tracing::warn!(%error, "stored answers were not swept"),
        }
    }
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
}

/// Posts every register again and says how many.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App, new_epoch: bool) -> Result<(), Box<dyn Error>> {
    let posted = outbox::replay(app, new_epoch).await?;
    println!("{posted} registers were posted; a running origin relays them");
    Ok(())
}

/// Makes sure that `key_file` holds a service key which the database knows.
///
/// # Errors
/// An unknown scope, a file that cannot be read or written, the database is down.
pub async fn token(
    app: &App,
    name: &str,
    tier: &str,
    scopes: &str,
    key_file: &Path,
) -> Result<(), Box<dyn Error>> {
    let scopes: Vec<String> = match scopes {
        "all" => vec![EVERY_SCOPE.into()],
        list => list.split(',').map(|scope| scope.trim().to_owned()).collect(),
    };
    check_scopes(scopes.iter().map(String::as_str)).map_err(|s| format!("{s:?} is no scope"))?;
    let known = keys::application_named(&app.db, name).await?;
    let application = match known {
        Some(application) => application,
        None => keys::create_application(app, name, tier)
            .await?
            .ok_or("another process made the application; try again")?,
    };
    let new = NewKey { application: &application.id, name: "token", scopes: &scopes };
    if let Ok(text) = std::fs::read_to_string(key_file) {
        let refused = |_| format!("{} holds no key of this installation", key_file.display());
        let key = ServiceKey::parse(&app.config.key_mac.0, text.trim()).map_err(refused)?;
        keys::adopt_key(app, &key, new).await?;
        println!("{} holds the key {}", key_file.display(), key.kid);
        return Ok(());
    }
    let (text, kid) = keys::create_key(app, &Who::operator(), new).await?;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(key_file)?;
    writeln!(file, "{text}")?;
    println!("{} holds the new key {kid}", key_file.display());
    Ok(())
}
