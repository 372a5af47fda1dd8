//! Bytes that left the edge for viewers, by rendition: what an isolate counted since the last time.
//!
//! Invariant: an event is bounded and names renditions, never who got them; counts add up in any
//! order. Refused: an event that is neither a [`View`] nor a count.

use super::presentation::{PRODUCT, RENDITIONS_MAX};
use super::qoe::{self, View};
use crate::roads::Event;
use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Bytes of one rendition in one event: a second at 8 Tbit/s. 2^63 hold 9 · 10^6 such events.
pub const BYTES_MAX: u64 = 1_000_000_000_000;
/// A rendition's name.
const NAME_BYTES_MAX: usize = 32;

/// What was served of one video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// The video.
    pub video: String,
    /// Its application.
    pub app: String,
    /// By rendition; a list, because a tree's code would weigh more at the edge than it saves.
    pub bytes: Vec<(String, u64)>,
}

impl Served {
    /// Adds what was served of a rendition.
    pub fn add(&mut self, rendition: &str, bytes: u64) {
        match self.bytes.iter_mut().find(|(name, _)| name == rendition) {
            Some((_, sum)) => *sum = sum.saturating_add(bytes).min(BYTES_MAX),
            None => self.bytes.push((rendition.into(), bytes.min(BYTES_MAX))),
        }
    }

    /// The event.
    ///
    /// # Errors
    /// It does not fit into JSON, which all of it does.
    pub fn event(&self, at: Millis) -> serde_json::Result<Event> {
        Ok(Event { product: PRODUCT.into(), at, body: serde_json::to_string(self)? })
    }

    fn check(&self) -> Result<(), &'static str> {
        if !(1..=RENDITIONS_MAX).contains(&self.bytes.len()) {
            return Err("it names no rendition, or too many");
        }
        let is_name = |name: &str| {
            let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(known)
        };
        if !self.bytes.iter().all(|(name, _)| is_name(name)) {
            return Err("a rendition's name is not readable");
        }
        if self.bytes.iter().any(|(_, bytes)| *bytes > BYTES_MAX) {
            return Err("it counts more than can be");
        }
        Ok(())
    }
}

/// What an event of this product says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Told {
    /// How it went for a viewer.
    View(View),
    /// What left the edge.
    Served(Served),
}

impl Told {
    /// Of which video.
    #[must_use]
    pub fn video(&self) -> (&str, &str) {
        match self {
            Self::View(View { app, video, .. }) | Self::Served(Served { app, video, .. }) => {
                (app, video)
            }
        }
    }
}

/// Reads an event's body.
///
/// # Errors
/// For the log: what it is not.
pub fn told(body: &str) -> Result<Told, String> {
    let told: Told =
        serde_json::from_str(body).map_err(|_| String::from("neither a view nor a count"))?;
    match &told {
        Told::View(view) => qoe::check(view).map_err(|why| format!("no view: {why}"))?,
        Told::Served(served) => served.check().map_err(|why| format!("no count: {why}"))?,
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::device::Screen;
    use crate::video::qoe::{REPORT_MS_MAX, Sums};

    #[test]
    fn v12_v17_an_event_is_a_view_or_a_count_and_bounded() {
        let sums = Sums { plays: 1, watched_ms: 7, ..Sums::default() };
        let of = ("app_1", "vid_1");
        let view = qoe::event(of, "JP", Screen::Tv, sums, Millis(7)).unwrap();
        let Told::View(seen) = told(&view.body).unwrap() else { panic!("no view") };
        assert_eq!(
            (seen.sums, seen.country.as_str(), view.product.as_str()),
            (sums, "JP", "video")
        );
        let count = |name: &str, bytes| Served {
            video: "vid_1".into(),
            app: "app_1".into(),
            bytes: [(name.into(), bytes)].into(),
        };
        let mut more = count("v720-avc", BYTES_MAX - 1);
        more.add("v720-avc", 7);
        more.add("a0-aac", 1);
        assert_eq!(more.bytes, [("v720-avc".into(), BYTES_MAX), ("a0-aac".into(), 1)]);
        let event = count("v720-avc", BYTES_MAX).event(Millis(7)).unwrap();
        let seen = told(&event.body).unwrap();
        assert_eq!(seen.video(), of);
        assert_eq!(seen, Told::Served(count("v720-avc", BYTES_MAX)));
        let text = |served: &Served| served.event(Millis(7)).unwrap().body;
        let nothing = Served { bytes: Vec::new(), ..count("a", 1) };
        let long = Sums { watched_ms: REPORT_MS_MAX + 1, ..sums };
        for wrong in [
            "{}".into(),
            "no JSON".into(),
            text(&nothing),
            text(&count("../x", 1)),
            text(&count("v720-avc", BYTES_MAX + 1)),
            r#"{"video":"vid_1","app":"app_1","bytes":[["a",-1]]}"#.into(),
            r#"{"video":"vid_1","app":"app_1","bytes":[["a",1]],"ip":"x"}"#.into(),
            qoe::event(of, "JP", Screen::Tv, long, Millis(7)).unwrap().body,
            view.body.replace("\"tv\"", "\"toaster\""),
            view.body.replace("\"JP\"", "\"Japan\""),
            view.body.replace("\"plays\":1", "\"plays\":2"),
        ] {
            assert!(told(&wrong).is_err(), "{wrong}");
        }
    }
}
