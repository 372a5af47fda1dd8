//! The console's files: handed over to the platform's assets, which nothing else passes.
//!
//! Invariant: a redirect pays for the console with one comparison; the files' own headers (the
//! policy of content, how long they are kept) stand in `edge/console/static/_headers`. Refused: a
//! method that is not a read, a path outside `/console`.

use crate::call::Call;
use crate::platform::http;
use crate::respond::{self, Answer};
use crate::system;
use shared::envelope::Envelope;
use shared::problem::{METHOD_NOT_ALLOWED, Problem};
use web_sys::Response;

const ROOT: &str = "/console";
/// What the page of `video/embed.rs` loads.
const PLAYER: &str = "/embed/files/";

/// Whether the path is the console's; an alias that merely begins alike is not.
pub(crate) fn owns(path: &str) -> bool {
    path.starts_with(PLAYER)
        || path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Serves a file, or the page itself.
pub(crate) async fn serve(call: &Call) -> Response {
    let refused: Result<Answer, Problem> = match call.facts.method.as_str() {
        "GET" | "HEAD" => match http::asset(&call.env, &call.request, &call.id).await {
            Ok(Some(response)) => return response,
            Ok(None) => Err(system::not_found()),
            Err(why) => Err(call.unavailable("assets", why)),
        },
        "OPTIONS" => Ok(Envelope::empty(204).with("allow", "GET, HEAD, OPTIONS").into()),
        _ => Err(Problem::new(&METHOD_NOT_ALLOWED, "the console's files are only read")
            .with("allow", "GET, HEAD")),
    };
    respond::respond(call, None, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_alike_is_not_the_consoles() {
        assert!(owns("/embed/files/player.js") && !owns("/embed/vid_1"));
        assert!(owns("/console") && owns("/console/") && owns("/console/app.js"));
        assert!(!owns("/consoles") && !owns("/console-x") && !owns("/") && !owns("/Console"));
    }
}
