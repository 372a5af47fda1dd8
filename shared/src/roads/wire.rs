//! What travels on the roads, and the names of the objects at their ends.
//!
//! Invariant: names and texts are pinned by `tests/golden`: a changed name is lost data.

use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The path on which the origin pushes projections to the edge.
pub const PROJECTIONS_PATH: &str = "/_edge/projections";
/// The path on which recorders post events to the origin.
pub const EVENTS_PATH: &str = "/internal/events";
/// Registers in one call to [`PROJECTIONS_PATH`].
pub const PROJECTIONS_MAX: usize = 100;
/// Homes of a product. 256 objects × 500 writes/s each carry 128,000 projections/s; a change
/// moves every key to another home, which then starts empty (mended by `origin replay`).
pub const HOMES: u32 = 256;
/// A register's key is at most this long: KV's 512 bytes less the product's name.
pub const KEY_BYTES_MAX: usize = 400;
/// A register's value is at most this long; an object's row may have 2 MB.
pub const VALUE_BYTES_MAX: usize = 256 * 1024;
/// Recorders of a colo: 4 × 1,000 batches/s × 64 events.
pub const RECORDERS: u32 = 4;
/// KV forgets a tombstone's copy after this; whoever asks later is answered by the home, and it by
/// the origin, whose tombstone stays. No register on the road down may be as old as this: a home
/// without row and copy takes any. 30 days.
pub const TOMBSTONE_TTL_S: u32 = 30 * 24 * 3_600;
/// Events in one hand-over of an isolate.
pub const HANDOVER_MAX: usize = 64;

/// How new a register is: the epoch, then the row's own version. Never a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Raised by a restore from a backup, so that what is replayed beats what the edge holds.
    pub epoch: u32,
    /// Raised by the UPDATE that changed the row, under the row's lock.
    pub version: u64,
}

/// One key with its newest value, or a tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The product whose key it is.
    pub product: String,
    /// The key within the product.
    pub key: String,
    /// How new it is.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The value, as the product's wire type in JSON; `None` is a tombstone.
    pub value: Option<String>,
}

impl Register {
    /// Why no home will ever take it; `None`: it is well formed.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        if self.product.is_empty() || !self.product.bytes().all(|b| b.is_ascii_lowercase()) {
            return Some("the product's name is not lower-case ASCII".into());
        }
        if self.key.is_empty() || self.key.len() > KEY_BYTES_MAX {
            return Some(format!("the key has not 1 to {KEY_BYTES_MAX} bytes"));
        }
        if self.value.as_ref().is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
            return Some(format!("the value has more than {VALUE_BYTES_MAX} bytes"));
        }
        None
    }
}

/// What became of one register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was newer than what the home had.
    Applied,
    /// The home has this one or a newer one.
    Stale,
    /// It can never be applied; to be parked.
    Refused {
        /// For the operator.
        why: String,
    },
}

/// What a home knows of a key, or the origin when a home asks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Answer {
    /// The key exists, or existed (tombstone).
    Register(Register),
    /// The key never existed.
    Absent,
}

/// The object that is home to `key`: `home/{product}/{n}`, n by FNV-1a of the key.
#[must_use]
pub fn home_name(product: &str, key: &str) -> String {
    format!("home/{product}/{}", fnv1a(key.as_bytes()) % u64::from(HOMES))
}

/// The KV key of a register's copy.
#[must_use]
pub fn copy_key(product: &str, key: &str) -> String {
    format!("{product}/{key}")
}

/// A register's copy in KV: `{epoch} {version}`, a line break, the value; a tombstone has no
/// value. Read before anything is parsed, by a split.
#[must_use]
pub fn encode_copy(stamp: Stamp, value: Option<&str>) -> String {
    format!("{} {}\n{}", stamp.epoch, stamp.version, value.unwrap_or_default())
}

/// Reads [`encode_copy`]'s text.
#[must_use]
pub fn decode_copy(text: &str) -> Option<(Stamp, Option<&str>)> {
    let (head, value) = text.split_once('\n')?;
    let (epoch, version) = head.split_once(' ')?;
    let stamp = Stamp { epoch: epoch.parse().ok()?, version: version.parse().ok()? };
    Some((stamp, if value.is_empty() { None } else { Some(value) }))
}

/// The object that records the events of an isolate: `recorder/{colo}/{0..3}`.
#[must_use]
pub fn recorder_name(colo: &str, isolate: &str) -> String {
    format!("recorder/{colo}/{}", fnv1a(isolate.as_bytes()) % u64::from(RECORDERS))
}

/// Something that happened at the edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whose happening it is.
    pub product: String,
    /// When it happened, by the edge's clock.
    pub at: Millis,
    /// The product's wire type, as JSON text.
    pub body: String,
}

/// Events as one text, so that nobody on their way reads them: each as JSON, commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    count: u64,
    text: String,
}

impl Events {
    /// Puts an event at the end.
    ///
    /// # Errors
    /// It does not fit into JSON, which every event does.
    pub fn push(&mut self, event: &Event) -> serde_json::Result<()> {
        let text = serde_json::to_string(event)?;
        if self.count > 0 {
            self.text.push(',');
        }
        self.text.push_str(&text);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Takes up what [`Events::text`] was, without reading it; `None` is another text or another
    /// count than a hand-over has. Whoever wrote it is this very code.
    #[must_use]
    pub fn kept(count: u64, text: String) -> Option<Self> {
        let is_one = text.starts_with('{') && text.ends_with('}');
        let fits = usize::try_from(count).is_ok_and(|count| (1..=HANDOVER_MAX).contains(&count));
        (is_one && fits).then_some(Self { count, text })
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their text; an array of it stands between brackets.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One hand-over of an isolate; named (isolate, n), stored once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// 128 random bits, drawn when the isolate began.
    pub isolate: String,
    /// 1, 2, 3 … within the isolate.
    pub n: u64,
    /// At most [`HANDOVER_MAX`].
    pub events: Events,
}

impl Batch {
    /// `{isolate} {n} {count}`, a line break, the events' text.
    #[must_use]
    pub fn encode(&self) -> String {
        let Self { isolate, n, events: Events { count, text } } = self;
        format!("{isolate} {n} {count}\n{text}")
    }

    /// Reads what [`Batch::encode`] wrote, but for the events.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (head, text) = text.split_once('\n')?;
        let mut head = head.split(' ');
        let (isolate, n, count) = (head.next()?, head.next()?, head.next()?);
        if isolate.is_empty() || head.next().is_some() {
            return None;
        }
        let events = Events::kept(count.parse().ok()?, text.into())?;
        Some(Self { isolate: isolate.into(), n: n.parse().ok()?, events })
    }
}

/// One call of a recorder to [`EVENTS_PATH`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The recorder with its incarnation: a wiped object begins anew under another name.
    pub recorder: String,
    /// The number of the first event.
    pub first_seq: u64,
    /// In order, without a gap.
    pub events: Vec<Event>,
}

impl Delivery {
    /// A delivery of events that nobody reads on their way. `events`: in order, by commas.
    ///
    /// # Errors
    /// The name does not fit into JSON, which every name does.
    pub fn text(recorder: &str, first_seq: u64, events: &str) -> serde_json::Result<String> {
        let recorder = serde_json::to_string(recorder)?;
        Ok(format!(r#"{{"recorder":{recorder},"first_seq":{first_seq},"events":[{events}]}}"#))
    }
}

/// The origin's answer to a [`Delivery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Every event up to this number is applied.
    pub applied_seq: u64,
}

/// How long KV keeps the copy of a register with this value; `None` is for ever.
#[must_use]
pub fn copy_ttl_s(value: Option<&str>) -> Option<u32> {
    if value.is_none() { Some(TOMBSTONE_TTL_S) } else { None }
}

/// FNV-1a, 64 bits. Source: draft-eastlake-fnv-17.
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_on(0xcbf2_9ce4_8422_2325, bytes)
}

/// The same, of what comes after the bytes whose hash is given.
#[must_use]
pub fn fnv1a_on(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
