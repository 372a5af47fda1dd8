//! video: at the edge's URL, from an upload to a film that plays, with a real ffmpeg on both ends.

mod deletion;
mod growth;
mod playback;
mod signed;
mod stage;
mod uploads;
mod viewers;
