//! Which renditions viewers want, told up the road.
//!
//! Invariant: an event names a rendition and nobody; told twice it says the same as told once.

use crate::roads::Event;
use crate::time::Millis;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// The product of these events; those of [`super::presentation::PRODUCT`] are reports of players.
pub const PRODUCT: &str = "video_want";

/// A viewer was served some of a rendition, or would have been, were it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Whose video it is.
    pub app: String,
    /// The video.
    pub video: String,
    /// The rendition's name.
    pub rendition: String,
}

impl Want {
    /// The event.
    ///
    /// # Errors
    /// It does not fit into JSON, which all of it does.
    pub fn event(&self, at: Millis) -> serde_json::Result<Event> {
        Ok(Event { product: PRODUCT.into(), at, body: serde_json::to_string(self)? })
    }

    /// Reads an event's body.
    ///
    /// # Errors
    /// For the log: it is none of these.
    pub fn read(body: &str) -> Result<Self, String> {
        serde_json::from_str(body).map_err(|why| alloc::format!("no wish: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v13_a_wish_is_read_as_it_was_told_and_its_form_is_frozen() {
        let want =
            Want { app: "app_1".into(), video: "vid_1".into(), rendition: "v720-avc".into() };
        let event = want.event(Millis(7)).unwrap();
        assert_eq!((event.product.as_str(), event.at), ("video_want", Millis(7)));
        assert_eq!(event.body, r#"{"app":"app_1","video":"vid_1","rendition":"v720-avc"}"#);
        assert_eq!(Want::read(&event.body), Ok(want));
        assert!(Want::read("{}").is_err());
    }
}
