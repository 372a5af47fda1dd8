//! The problems of video: what a caller can act on.

use crate::problem::{Class, Kind};

macro_rules! kinds {
    ($($name:ident $slug:literal $class:ident $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Kind =
            Kind { product: "video", slug: $slug, title: $title, class: Class::$class };)*
        /// Every problem type of video.
        pub const KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    NO_VIDEO "no-such-video" NotFound "No such video";
    NO_FILE "no-such-file" NotFound "The video has no such file";
    NOT_PLAYABLE "not-playable" Conflict "The video has nothing to play yet, or never will";
    DENIED "playback-denied" Forbidden "The token does not let this viewer in";
}
