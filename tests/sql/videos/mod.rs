//! video at the origin, with a real ffmpeg: from an upload to the objects that the edge serves.
//!
//! Invariant: what is checked is checked with ffprobe or ffmpeg on the objects, as a player would
//! read them; sources are made here, small and short.

mod chain;
mod crash;
mod edge;
mod hostile;
mod matrix;
mod privacy;
mod quality;
mod s3;
mod stage;
mod tiers;
mod uploads;
