//! Embeds what is made elsewhere: the OpenAPI document and the kept data sets on user agents.
//!
//! The data sets come from the packages `uap-core` and `crawler-user-agents` in `node_modules`.

use std::{env, fs, path::Path};

const DATA: [&str; 2] = ["uap-core/regexes.yaml", "crawler-user-agents/crawler-user-agents.json"];

fn main() {
    let out = env::var("OUT_DIR").unwrap_or_default();
    let out = Path::new(&out);
    let document = shared::openapi::origin_document();
    write(&out.join("openapi.json"), document.as_bytes());
    for file in DATA {
        let from = Path::new("../node_modules").join(file);
        println!("cargo::rerun-if-changed={}", from.display());
        match fs::read(&from) {
            Ok(bytes) => write(&out.join(file.replace('/', "-")), &bytes),
            Err(_) => println!("cargo::error={file} is missing: run scripts/setup"),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    if let Err(error) = fs::write(path, bytes) {
        println!("cargo::error={}: {error}", path.display());
    }
}
