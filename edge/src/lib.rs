//! The Worker: near the reader, and the single writer of small objects.
//!
//! Invariant: `edge → shared`; the edge knows the platform and decides nothing that `shared` could.
//! No panic (it would end strangers' requests), no await across requests, statics hold plain data.
//! Refused: SQL of the truth, retries that last longer than a request (a Durable Object has them).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]
#![cfg_attr(test, allow(clippy::panic))]

mod api;
mod auth;
mod call;
mod console;
mod door;
mod events;
mod guard;
#[allow(missing_docs, reason = "the macro's own methods have none")]
mod home;
#[allow(missing_docs, reason = "the macro's own methods have none")]
mod limiter;
mod limits;
mod links;
mod log;
mod memory;
mod objects;
mod origin;
mod payments;
mod platform;
#[allow(missing_docs, reason = "the macro's own methods have none")]
mod recorder;
mod registers;
mod respond;
mod router;
mod settings;
mod shell;
mod spared;
mod system;
mod tries;
mod video;

pub use door::follow;
pub use home::Home;
pub use limiter::Limiter;
pub use recorder::Recorder;

use call::Call;
use worker::{Context, Env, event};

/// Every request from outside.
#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    Ok(match Call::of(request, env, context) {
        Ok(call) => router::serve(&call).await,
        Err(why) => respond::broken(why),
    })
}
