//! The wall clock and the timer.
//!
//! Invariant: on the platform the clock stands still between two pieces of I/O.

use shared::time::Millis;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = "
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
")]
extern "C" {
    async fn pause(ms: f64);
}

/// Now.
pub(crate) fn now() -> Millis {
    Millis(js_sys::Date::now() as u64)
}

/// Waits; only inside a request or its `wait_until`.
pub(crate) async fn sleep(ms: u64) {
    pause(ms as f64).await;
}
