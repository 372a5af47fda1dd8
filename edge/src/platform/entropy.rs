//! Entropy from the platform, drawn in blocks because each draw crosses the border.
//!
//! Invariant: no byte is handed out twice. Refused: a draw outside a request, which the platform
//! forbids: the block fills at first use.

use super::Thrown;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = "
export const draw = (count) => crypto.getRandomValues(new Uint8Array(count));
")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn draw(count: u32) -> Result<Vec<u8>, JsValue>;
}

/// 64 request ids.
const BLOCK_BYTES: u32 = 1_024;

thread_local! {
    static BLOCK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// 128 random bits.
pub(crate) fn bits128() -> Result<[u8; 16], Thrown> {
    BLOCK.with_borrow_mut(|block| {
        if block.len() < 16 {
            *block = draw(BLOCK_BYTES)?;
        }
        let rest = block.len().saturating_sub(16);
        let drawn = block.split_off(rest);
        drawn.try_into().map_err(|_| Thrown("the platform drew too few bytes".into()))
    })
}

/// 64 random bits; 0 when the platform draws none, which only costs jitter.
pub(crate) fn bits64() -> u64 {
    let drawn = bits128().unwrap_or_default();
    drawn.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
