//! `?explain=1`: what was chosen, and which signal decided it.
//!
//! Invariant: it is made of the very choice that the manifest is made of.

use super::presentation::Head;
use super::select::{Choice, Reason, short_side};
use super::signals::{Classified, Signal};
use alloc::{string::String, vec::Vec};
use serde::Serialize;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The class's number: what the manifest depends on beside the video.
    pub class: u8,
    /// The cap of a picture's shorter side; `null`: none.
    pub max_height: Option<u32>,
    /// What set it.
    pub max_height_by: Signal,
    /// What the line is taken to carry at least.
    pub kbps: u32,
    /// What set it.
    pub kbps_by: Signal,
    /// What the player is taken to decode, by its `User-Agent`.
    pub codecs: Vec<&'static str>,
    /// In the manifest's order, then what is left out.
    pub renditions: Vec<Explanation>,
}

/// One rendition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its name.
    pub name: String,
    /// A picture's shorter side.
    pub height: Option<u32>,
    /// RFC 6381.
    pub codec: String,
    /// Bits per second of its fastest segment.
    pub bandwidth: u64,
    /// Whether the manifest has it.
    pub kept: bool,
    /// Why, or why not.
    pub reason: Reason,
}

/// Explains a choice.
#[must_use]
pub fn explain(classified: &Classified, choices: &[Choice<'_>]) -> Explained {
    let class = classified.class;
    Explained {
        class: class.number(),
        max_height: class.cap(),
        max_height_by: classified.cap,
        kbps: class.kbps(),
        kbps_by: classified.speed,
        codecs: class.codecs().names().collect(),
        renditions: choices.iter().map(|one| of(one.head, one.reason)).collect(),
    }
}

fn of(head: &Head, reason: Reason) -> Explanation {
    Explanation {
        name: head.name.clone(),
        height: short_side(head),
        codec: head.codec.clone(),
        bandwidth: head.bandwidth,
        kept: reason.keeps(),
        reason,
    }
}
