//! Writes the edge's OpenAPI document, from the route table, for `system.rs` to embed.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo names no OUT_DIR"))?;
    fs::write(Path::new(&out).join("openapi.json"), shared::openapi::edge_document())
}
