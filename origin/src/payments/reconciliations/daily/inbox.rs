//! Statements that the bank puts into a directory: each is taken in once.
//!
//! Invariant: a file is known by what it holds; one that is refused is told once and holds up no
//! other. That a payout was paid is told to its saga before the file counts as read.

use super::super::super::gateway::bank;
use super::super::super::payouts;
use super::super::super::statement::{self, pain002};
use super::super::run::{Job, Source};
use super::super::{ours, unreadable};
use super::{DIRECTORY, awaited, finish};
use crate::app::App;
use crate::db::{self, Error};
use crate::values;
use sha2::{Digest, Sha256};
use shared::money::Currency;
use shared::payments::gateway::{Happened, Report};
use shared::payments::payout::of_bank_reference;
use shared::payments::reconcile::request::{Asked, WINDOW_DAYS_DEFAULT};
use shared::payments::reconcile::statement::StatementLine;
use shared::time::Millis;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file that was changed less than this ago may still be written.
const QUIET: Duration = Duration::from_millis(500);

/// Takes in every new file of the bank's directory.
///
/// # Errors
/// The database is down.
pub async fn files(app: &App, directory: &Path, now: Millis) -> Result<(), Error> {
    let found = directory.to_owned();
    let listed = tokio::task::spawn_blocking(move || list_files(&found)).await;
    let listed = listed.map_err(|error| Error::Stored(error.to_string()))?;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            tracing::error!(code = "statement-directory", %error, "statements cannot be read");
            return Ok(());
        }
    };
    for path in listed {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let Ok(bytes) = tokio::fs::read(&path).await else { continue };
        if bytes.len() as u64 > statement::STATEMENT_BYTES_MAX {
            tracing::error!(code = "statement-refused", file = name, "the file is too long");
            continue;
        }
        let digest = hex::encode(Sha256::digest(&bytes));
        let sql = "select digest from statement_file where digest = $1";
        if !app.db.read(sql, values![digest.as_str()]).await?.is_empty() {
            continue;
        }
        let refused = match take(app, bytes, &digest).await {
            Ok(()) => None,
            Err(Untaken::Later(why)) => {
                tracing::warn!(file = name, why, "a statement is tried again");
                continue;
            }
            Err(Untaken::Never(why)) => {
                tracing::error!(code = "statement-refused", file = name, why, "a statement");
                Some(why)
            }
        };
        let mut tx = app.db.begin().await?;
        let sql = "insert into statement_file (digest, name, refused, at) \
                   values ($1, $2, $3, $4) on conflict do nothing";
        tx.write(sql, values![digest, name, refused, now]).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Files at rest, by name.
fn list_files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        let is_quiet = meta.modified()?.elapsed().is_ok_and(|since| since >= QUIET);
        let is_xml = entry.path().extension().is_some_and(|of| of.eq_ignore_ascii_case("xml"));
        if meta.is_file() && is_quiet && is_xml {
            all.push(entry.path());
        }
    }
    all.sort();
    Ok(all)
}

/// Why a file was not taken in.
enum Untaken {
    Later(String),
    Never(String),
}

async fn take(app: &App, bytes: Vec<u8>, digest: &str) -> Result<(), Untaken> {
    let broken = |error: Error| Untaken::Later(error.to_string());
    if pain002::is_one(&bytes) {
        let rejected = pain002::read(&bytes);
        let rejected = rejected.map_err(|refusal| Untaken::Never(unreadable(&refusal).detail))?;
        for rejection in rejected {
            payouts::steps::rejected(app, bank::NAME, &rejection).await.map_err(broken)?;
        }
        return Ok(());
    }
    let read = move || statement::read(&bytes, Currency::EUR);
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.map_err(|error| Untaken::Later(error.to_string()))?;
    let (format, statements) =
        read.map_err(|refusal| Untaken::Never(unreadable(&refusal).detail))?;
    for line in statements.iter().flat_map(|statement| &statement.lines) {
        paid(app, line).await.map_err(broken)?;
    }
    let mut known = Vec::new();
    for name in statements.iter().flat_map(|statement| &statement.accounts) {
        let sql = "select account from statement_account where bank_account = $1";
        let rows = app.db.read(sql, values![name.as_str()]).await.map_err(broken)?;
        if let Some(row) = rows.first()
            && !known.iter().any(|(_, seen)| seen == name)
        {
            known.push((db::number(row, "account").map_err(broken)?, name.clone()));
        }
    }
    for (account, name) in known {
        let Some(account) = ours::account(app, account).await.map_err(broken)? else { continue };
        let statement = statement::of_account(statements.clone(), Some(&name));
        let Ok(statement) = statement else { continue };
        // What is told of a moment is told again by the day's statement.
        if !statement.is_whole {
            continue;
        }
        let asked = Asked {
            account: account.id,
            from: None,
            day: None,
            window_days: WINDOW_DAYS_DEFAULT,
            closes: true,
        };
        let number = account.id;
        let job = Job {
            source: Source::Account(account),
            name: DIRECTORY.into(),
            format: format.as_str(),
            digest: digest.to_owned(),
            asked,
            statement,
            by: "system".into(),
            request: String::new(),
        };
        finish(app, job).await.map_err(Untaken::Later)?;
        awaited(app, number).await.map_err(broken)?;
    }
    Ok(())
}

/// A booked debit that names a payout is the bank's word that it has paid it, a booked credit that
/// it gives it back. What a stranger may write (free text) names nothing that came back.
async fn paid(app: &App, line: &StatementLine) -> Result<(), Error> {
    let is_debit = line.amount < 0;
    let texts = line.texts.iter().filter(|_| is_debit);
    let mut named = line.references.iter().chain(texts);
    let Some(reference) = named.find_map(|text| of_bank_reference(text)) else { return Ok(()) };
    let happened = match is_debit {
        true => Happened::PaidOut,
        false => Happened::Returned(line.returned.clone()),
    };
    let report = Report {
        reference,
        key: None,
        subject: String::new(),
        part: None,
        happened,
        amount: line.amount.saturating_abs(),
        currency: line.currency,
        fee: None,
    };
    payouts::steps::told(app, bank::NAME, report).await.map(|_| ())
}
