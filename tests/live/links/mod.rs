//! links at the edge's URL.

mod bad_input;
mod bounds;
mod changes;
mod clicks;
mod codes;
mod domains;
mod expiry;
mod options;
mod passwords;
mod preview;
mod qr;
mod reads;
mod redirects;
mod reserved;
mod rules;
mod targets;
mod transfer;
mod tries;
