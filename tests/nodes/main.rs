//! Several isolates of the Worker, each on a socket of its own, one owner of the objects: what the
//! product `limits` promises whichever isolate is asked, on real workerd, also when it is killed,
//! when the objects are taken away, and when the origin is; and what `video` promises to many
//! viewers at several places.
//!
//! Invariant: every test starts a stack of its own and leaves nothing running, also when it fails;
//! they take turns by the file lock of `tests/crash`, whose stacks these are. What judges a run
//! (`judge`) sees it from outside only, and is itself tested against a limiter that admits 5 % too
//! much. `NODES_FULL=1` runs every cell of the matrix.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod alone;
mod cells;
#[path = "../crash/client.rs"]
#[allow(dead_code, reason = "shared with tests/crash")]
mod crash_client;
mod judge;
#[path = "../crash/keeper.rs"]
#[allow(dead_code, reason = "shared with tests/crash")]
mod keeper;
mod kill;
#[path = "../live/client.rs"]
#[allow(dead_code, reason = "shared with tests/live")]
mod live;
mod matrix;
mod node;
mod once;
mod orphan;
#[path = "../crash/stack.rs"]
#[allow(dead_code, reason = "shared with tests/crash")]
mod stack;
#[path = "../live/videos/stage.rs"]
#[allow(dead_code, reason = "shared with tests/live")]
mod stage;
mod viewers;
#[path = "../http/visit.rs"]
#[allow(dead_code, reason = "shared with tests/http")]
mod visit;
mod waits;

/// What the modules of other suites ask with.
mod client {
    pub(crate) use crate::crash_client::Client;
    pub(crate) use crate::live::{Answer, App, Ask, Stack, alias};
}
