//! Variables and secrets, read and checked once per isolate.
//!
//! Invariant: plain data, the same for the whole life of an isolate (a deployment starts new
//! ones); nothing here prints a secret. Refused: to serve with a setting that is missing or wrong.

use crate::platform::Thrown;
use shared::config::Durations;
use shared::limits::guard::Tiers;
use shared::links::domain::Domains;
use shared::sign::{Keyed, Keys};
use shared::webhook::inbound::Gateways;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use worker::Env;

#[wasm_bindgen(inline_js = r#"
export function texts(env) {
  const found = Object.entries(env).filter(([, value]) => typeof value === "string");
  return JSON.stringify({ ...Object.fromEntries(found), deployment: env.VERSION?.id ?? "" });
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn texts(env: &Env) -> Result<String, JsValue>;
}

/// Everything that a deployment decides.
pub(crate) struct Settings {
    /// Where the origin listens, without a slash at the end.
    pub(crate) origin_url: String,
    /// Where the world finds the edge.
    pub(crate) public_url: String,
    /// Where short links live.
    pub(crate) domains: Domains,
    /// Origins of web pages that may call the API; `*` is every one.
    pub(crate) cors_origins: Vec<String>,
    /// Crate version and deployment.
    pub(crate) version: String,
    /// Calls a minute of each tier.
    pub(crate) tiers: Tiers,
    /// Whether this machine's own addresses are limited too.
    pub(crate) limits_loopback: bool,
    /// Between edge and origin.
    pub(crate) signing: Keys,
    /// Checks service keys.
    pub(crate) key_mac: Vec<u8>,
    /// Who may send webhooks, and what they sign with.
    pub(crate) gateways: Gateways,
    /// Names visitors.
    pub(crate) visitors: Keyed,
    /// How long, how patient.
    pub(crate) durations: Durations,
}

thread_local! {
    static READ: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

impl Settings {
    /// The isolate's settings.
    ///
    /// # Errors
    /// The name of what is missing or wrong, never its value.
    pub(crate) fn of(env: &Env) -> Result<Rc<Self>, Thrown> {
        if let Some(read) = Self::at_hand() {
            return Ok(read);
        }
        let texts: BTreeMap<String, String> = serde_json::from_str(&texts(env)?)?;
        let read = Rc::new(Self::read(&texts).map_err(Thrown)?);
        READ.set(Some(Rc::clone(&read)));
        Ok(read)
    }

    /// The isolate's settings, when a request has read them already.
    pub(crate) fn at_hand() -> Option<Rc<Self>> {
        READ.with_borrow(Clone::clone)
    }

    pub(crate) fn read(texts: &BTreeMap<String, String>) -> Result<Self, String> {
        let get = |name: &str| texts.get(name).map(String::as_str).unwrap_or_default();
        let url = |name: &str| match get(name).trim_end_matches('/') {
            url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_string()),
            _ => Err(format!("{name} is no http(s) URL")),
        };
        let secret = |name: &str| match hex::decode(get(name)) {
            Ok(bytes) if bytes.len() == 32 => Ok(bytes),
            _ => Err(format!("{name} has not 64 hexadecimal digits")),
        };
        let origins = get("CORS_ORIGINS").split(',').map(str::trim);
        let crate_version = env!("CARGO_PKG_VERSION");
        Ok(Self {
            origin_url: url("ORIGIN_URL")?,
            domains: Domains::parse(&url("PUBLIC_URL")?, get("SHORT_DOMAINS"))
                .map_err(|why| format!("SHORT_DOMAINS: {why}"))?,
            public_url: url("PUBLIC_URL")?,
            tiers: Tiers::parse(get("LIMITS_TIERS"))
                .map_err(|why| format!("LIMITS_TIERS: {why}"))?,
            limits_loopback: get("LIMITS_LOOPBACK") == "1",
            cors_origins: origins.filter(|one| !one.is_empty()).map(str::to_string).collect(),
            version: match get("deployment") {
                "" => crate_version.into(),
                id => format!("{crate_version}+{id}"),
            },
            signing: Keys::parse(get("SIGNING_KEYS"))
                .ok_or_else(|| String::from("SIGNING_KEYS is not id:hex64[,id:hex64]"))?,
            key_mac: secret("KEY_MAC_SECRET")?,
            gateways: Gateways::read(
                texts.iter().map(|(name, text)| (name.as_str(), text.as_str())),
            )
            .map_err(|name| format!("{name} is no list of secrets"))?,
            visitors: Keyed::new(&secret("VISITOR_SECRET")?),
            durations: Durations::read(|name| texts.get(name).cloned())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(change: &[(&str, &str)]) -> BTreeMap<String, String> {
        let hex = "ab".repeat(32);
        let signing = format!("k1:{hex}");
        let base = [
            ("ORIGIN_URL", "http://127.0.0.1:8788/"),
            ("PUBLIC_URL", "https://sho.rt"),
            ("SIGNING_KEYS", &signing),
            ("KEY_MAC_SECRET", &hex),
            ("VISITOR_SECRET", &hex),
            ("CORS_ORIGINS", "https://a.example, https://b.example"),
        ];
        base.iter().chain(change).map(|(name, text)| ((*name).into(), (*text).into())).collect()
    }

    #[test]
    fn settings_are_read() {
        let read = Settings::read(&texts(&[("SELVEDGE_HANDOVER_MS", "50")])).unwrap();
        assert_eq!(read.origin_url, "http://127.0.0.1:8788");
        assert_eq!(read.cors_origins, ["https://a.example", "https://b.example"]);
        assert_eq!(read.durations.handover_ms, 50);
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        for name in ["ORIGIN_URL", "PUBLIC_URL", "SIGNING_KEYS", "KEY_MAC_SECRET"] {
            let why = Settings::read(&texts(&[(name, "hunter2")])).err().unwrap();
            assert!(why.contains(name) && !why.contains("hunter2"), "{why}");
        }
    }
}
