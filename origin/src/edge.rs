//! Signed requests to the edge.
//!
//! Invariant: what is asked is signed with the newest key, and waited for no longer than a road's
//! call.

use crate::app::App;
use crate::db;
use reqwest::{Response, StatusCode};
use shared::sign;
use std::time::Duration;

/// Why the edge did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the edge answered {0}")]
    Status(StatusCode),
}

/// Posts JSON; the answer is a success.
///
/// # Errors
/// The edge is not reached, or answers anything else.
pub async fn post(app: &App, path: &str, body: Vec<u8>) -> Result<Response, Error> {
    let content = sign::content(&body);
    let request =
        sign::Request { method: "POST", path_and_query: path, content: &content, context: "" };
    let signature = app.config.signing_keys.sign(request, db::now(), rand::random());
    let answer = app
        .http
        .post(format!("{}{path}", app.config.edge_url))
        .header(sign::SIGNATURE_HEADER, signature)
        .header("content-type", "application/json")
        .timeout(Duration::from_millis(app.config.durations.road_timeout_ms))
        .body(body)
        .send()
        .await?;
    if !answer.status().is_success() {
        return Err(Error::Status(answer.status()));
    }
    Ok(answer)
}
