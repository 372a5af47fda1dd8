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
    INVALID "invalid" Unacceptable "The request is not acceptable";
    NO_VIDEO "no-such-video" NotFound "No such video";
    NO_FILE "no-such-file" NotFound "The video has no such file";
    NOT_PLAYABLE "not-playable" Conflict "The video has nothing to play yet, or never will";
    DENIED "playback-denied" Forbidden "The token does not let this viewer in";
    UPLOAD_OFFSET "upload-offset" Conflict "The upload goes on at another offset";
    UPLOAD_CLOSED "upload-closed" Conflict "The upload is over";
    UPLOAD_GONE "upload-gone" Gone "The upload has expired";
    TUS_VERSION "tus-version" PreconditionFailed "Another version of tus is spoken here";
    UPLOAD_TOO_LARGE "upload-too-large" TooLarge "The upload is too large";
    CHECKSUM "checksum-mismatch" ChecksumMismatch "The part is not what its checksum says";
    CHECKSUM_ALGORITHM "checksum-algorithm" Malformed "The checksum's algorithm is not known";
}
