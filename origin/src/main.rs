//! The program `origin`: `serve | migrate | replay | token`.

#![allow(missing_docs, reason = "a program, not a library")]

use clap::{Parser, Subcommand};
use origin::config::Config;
use origin::{app::App, command, db::Db, telemetry};
use std::path::PathBuf;
use std::process::ExitCode;

/// A request takes some hundred small allocations on one thread and gives them back on another: a
/// fifth of the origin's time with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Selvedge's origin: owns the truth behind the edge. Configured by the environment.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the schema up to date, then serve until SIGTERM.
    Serve,
    /// Bring the schema up to date.
    Migrate,
    /// Post every register again, for an edge that lost its state.
    Replay {
        /// After a restore from a backup: what is replayed then beats what the edge holds.
        #[arg(long)]
        new_epoch: bool,
    },
    /// Make a service key in a file, or register the one that is in it.
    Token {
        /// The application's name; made when missing.
        #[arg(long)]
        app: String,
        /// The tier of a new application.
        #[arg(long, default_value = shared::admin::TIER_DEFAULT)]
        tier: String,
        /// Comma-separated scopes, or `all`.
        #[arg(long, default_value = "all")]
        scopes: String,
        /// Where the key is kept (mode 0600).
        #[arg(long)]
        key_file: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start_log();
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("origin: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_env()?;
    let db = Db::open(&config.database_url.0).await?;
    db.migrate().await?;
    if matches!(command, Command::Migrate) {
        return Ok(());
    }
    let app = App::on(config, db.into()).await?;
    let done = match command {
        Command::Migrate => Ok(()),
        Command::Serve => command::serve(&app).await,
        Command::Replay { new_epoch } => command::replay(&app, new_epoch).await,
        Command::Token { app: name, tier, scopes, key_file } => {
            command::token(&app, &name, &tier, &scopes, &key_file).await
        }
    };
    app.ids.release(&app.db).await?;
    done
}
