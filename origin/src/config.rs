//! The configuration, read from the environment and checked at start.
//!
//! Invariant: a wrong or missing variable ends the program with its name; a secret prints `…`.

use crate::payments::gateway::bank::pain::{Debtor, Version};
use shared::config::Durations;
use shared::links::domain::Domains;
use shared::sign::Keys;
use shared::video::ladder::Codec;
use std::path::PathBuf;
use std::{env, fmt, net::SocketAddr};

/// The origin's port unless `ORIGIN_PORT` says otherwise.
pub const PORT_DEFAULT: u16 = 8788;
const STRIPE_URL_DEFAULT: &str = "https://api.stripe.com";
const EDGE_URL_DEFAULT: &str = "http://127.0.0.1:8787";

/// What an S3-compatible store is reached by.
pub const S3_NAMES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ALLOW_HTTP",
];

/// A value that no log may show.
#[derive(Clone)]
pub struct Secret<T>(pub T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Where Stripe's API is, and our key there.
#[derive(Clone, Debug)]
pub struct Stripe {
    pub url: String,
    pub key: Secret<String>,
}

/// The directories that the bank and we exchange files in, and who we are there.
#[derive(Clone, Debug)]
pub struct Bank {
    /// Orders that the bank fetches.
    pub out: PathBuf,
    /// Statements that the bank puts.
    pub statements: Option<PathBuf>,
    pub debtor: Debtor,
    pub version: Version,
}

impl Bank {
    fn read(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Invalid> {
        let Some(out) = get("GATEWAY_BANK_OUT_DIR") else { return Ok(None) };
        let need = |name| get(name).ok_or_else(|| invalid(name, "is not set"));
        let iban = need("GATEWAY_BANK_IBAN")?.replace(' ', "");
        let version = match get("GATEWAY_BANK_PAIN").as_deref() {
            None | Some("09") => Version::Nine,
            Some("03") => Version::Three,
            Some(_) => return Err(invalid("GATEWAY_BANK_PAIN", "must be 03 or 09")),
        };
        if !shared::payments::payout::is_iban(&iban) {
            return Err(invalid("GATEWAY_BANK_IBAN", "must be an IBAN"));
        }
        let name = need("GATEWAY_BANK_NAME")?;
        Ok(Some(Self {
            out: out.into(),
            statements: get("GATEWAY_BANK_IN_DIR").map(Into::into),
            debtor: Debtor { name, iban, bic: get("GATEWAY_BANK_BIC") },
            version,
        }))
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: Secret<String>,
    /// Loopback unless told otherwise.
    pub listen: SocketAddr,
    /// Where the relay reaches the edge.
    pub edge_url: String,
    /// What clients call the service; problem types and short URLs begin with it.
    pub public_url: String,
    /// Where short links live.
    pub domains: Domains,
    /// Both sides' signatures.
    pub signing_keys: Keys,
    /// The MAC of service keys.
    pub key_mac: Secret<[u8; 32]>,
    /// The permutation of codes; changing it makes issued ids collide with issued codes.
    pub code_key: Secret<[u8; 32]>,
    /// The operator's key.
    pub admin_key: Secret<String>,
    /// The Ed25519 seed that signs user tokens.
    pub token_seed: Secret<[u8; 32]>,
    /// Payments may use the simulated gateway, which moves no money.
    pub gateway_simulator: bool,
    pub stripe: Option<Stripe>,
    /// Seals what is kept aside, names subjects and makes webhooks' secrets; changing it makes all
    /// of them anew.
    pub data_key: Secret<[u8; 32]>,
    /// Webhooks may go to addresses inside, and by http.
    pub webhooks_allow_private: bool,
    pub bank: Option<Bank>,
    pub durations: Durations,
    /// Where objects are: a directory, or `s3://bucket/prefix`.
    pub objects_url: String,
    /// Of that store, by the names of [`S3_NAMES`].
    pub s3: Secret<Vec<(&'static str, String)>>,
    /// Where jobs have their files while they run.
    pub work_dir: PathBuf,
    pub video: Video,
}

/// What the origin makes of videos.
#[derive(Clone, Debug)]
pub struct Video {
    /// Jobs at once; `None`: as many as there are cores, if there is an ffmpeg. 0: another replica
    /// transcodes.
    pub workers: Option<usize>,
    /// H.264 first.
    pub codecs: Vec<Codec>,
    /// The longest source, in minutes: at 3 s a segment a register holds 270.
    pub minutes_max: u64,
    /// The largest source.
    pub bytes_max: u64,
}

/// Names the variable that is wrong, and how.
#[derive(Debug, thiserror::Error)]
#[error("{name} {what}")]
pub struct Invalid {
    name: &'static str,
    what: String,
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Invalid> {
        Self::read(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Reads every variable through `get`.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Invalid> {
        let need = |name| get(name).ok_or_else(|| invalid(name, "is not set"));
        let bytes = |name| {
            let mut out = [0; 32];
            hex::decode_to_slice(need(name)?, &mut out)
                .map_err(|_| invalid(name, "must be 64 hexadecimal digits"))?;
            Ok(Secret(out))
        };
        let url = |name, default: &str| {
            let text = get(name).unwrap_or_else(|| default.into());
            let is_http = text.starts_with("http://") || text.starts_with("https://");
            let text = text.trim_end_matches('/').to_owned();
            if is_http { Ok(text) } else { Err(invalid(name, "must be an http(s) URL")) }
        };
        let host = get("ORIGIN_HOST").unwrap_or_else(|| "127.0.0.1".into());
        let host = host.parse().map_err(|_| invalid("ORIGIN_HOST", "must be an IP address"))?;
        let port = match get("ORIGIN_PORT") {
            None => PORT_DEFAULT,
            Some(text) => {
                text.parse().map_err(|_| invalid("ORIGIN_PORT", "must be a port number"))?
            }
        };
        let admin_key = need("ADMIN_KEY")?;
        if admin_key.len() < 32 {
            return Err(invalid("ADMIN_KEY", "must have at least 32 characters"));
        }
        let edge_url = url("EDGE_URL", EDGE_URL_DEFAULT)?;
        let public_url = url("PUBLIC_URL", &edge_url)?;
        let stripe_url = url("GATEWAY_STRIPE_URL", STRIPE_URL_DEFAULT)?;
        let stripe = |key| Stripe { url: stripe_url, key: Secret(key) };
        let domains = get("SHORT_DOMAINS").unwrap_or_default();
        Ok(Self {
            domains: Domains::parse(&public_url, &domains)
                .map_err(|what| invalid("SHORT_DOMAINS", &what))?,
            database_url: Secret(database_url(&get)?),
            listen: SocketAddr::new(host, port),
            public_url,
            edge_url,
            signing_keys: Keys::parse(&need("SIGNING_KEYS")?)
                .ok_or_else(|| invalid("SIGNING_KEYS", "must be id:hex64 or id:hex64,id:hex64"))?,
            key_mac: bytes("KEY_MAC_SECRET")?,
            code_key: bytes("CODE_KEY")?,
            admin_key: Secret(admin_key),
            token_seed: bytes("TOKEN_KEY")?,
            gateway_simulator: match get("GATEWAY_SIMULATOR").as_deref() {
                None | Some("0") => false,
                Some("1") => true,
                Some(_) => return Err(invalid("GATEWAY_SIMULATOR", "must be 0 or 1")),
            },
            stripe: get("GATEWAY_STRIPE_KEY").map(stripe),
            data_key: bytes("DATA_KEY")?,
            webhooks_allow_private: get("WEBHOOKS_ALLOW_PRIVATE").as_deref() == Some("1"),
            bank: Bank::read(&get)?,
            objects_url: get("OBJECTS_URL")
                .unwrap_or_else(|| format!("{}/objects", data_dir(&get))),
            s3: Secret(S3_NAMES.iter().filter_map(|name| Some((*name, get(name)?))).collect()),
            work_dir: PathBuf::from(data_dir(&get)).join("work"),
            video: video(&get)?,
            durations: Durations::read(&get).map_err(|what| invalid("SELVEDGE_…", &what))?,
        })
    }
}

fn data_dir(get: &impl Fn(&str) -> Option<String>) -> String {
    get("DATA_DIR").unwrap_or_else(|| ".dev".into())
}

/// The longest source unless `VIDEO_MINUTES_MAX` says otherwise, and the longest it may say.
const MINUTES_MAX: (u64, u64) = (240, 270);
/// The largest source unless `VIDEO_BYTES_MAX` says otherwise: 64 GiB.
const BYTES_MAX: u64 = 64 << 30;

fn video(get: &impl Fn(&str) -> Option<String>) -> Result<Video, Invalid> {
    let number = |name: &'static str| {
        let parse = |text: String| text.parse().map_err(|_| invalid(name, "must be a number"));
        get(name).map(parse).transpose()
    };
    let minutes_max = number("VIDEO_MINUTES_MAX")?.unwrap_or(MINUTES_MAX.0);
    if minutes_max > MINUTES_MAX.1 {
        return Err(invalid("VIDEO_MINUTES_MAX", &format!("must be at most {}", MINUTES_MAX.1)));
    }
    let workers: Option<u64> = number("VIDEO_WORKERS")?;
    let codecs = get("VIDEO_CODECS").unwrap_or_default();
    Ok(Video {
        workers: workers.map(|count| usize::try_from(count).unwrap_or(usize::MAX).min(256)),
        codecs: Codec::list(&codecs)
            .ok_or_else(|| invalid("VIDEO_CODECS", "must be a list of h264, vp9, av1"))?,
        minutes_max,
        bytes_max: number("VIDEO_BYTES_MAX")?.unwrap_or(BYTES_MAX),
    })
}

/// `DATABASE_URL`, or a file under `DATA_DIR` (default `.dev`).
///
/// # Errors
/// A URL of neither engine.
pub fn database_url(get: &impl Fn(&str) -> Option<String>) -> Result<String, Invalid> {
    let default = || format!("sqlite://{}/origin.sqlite?mode=rwc", data_dir(get));
    let url = get("DATABASE_URL").unwrap_or_else(default);
    let known = ["sqlite:", "postgres:", "postgresql:"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(url);
    }
    Err(invalid("DATABASE_URL", "must begin with sqlite: or postgres:"))
}

fn invalid(name: &'static str, what: &str) -> Invalid {
    Invalid { name, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        Some(match name {
            "SIGNING_KEYS" => format!("k1:{}", "ab".repeat(32)),
            "KEY_MAC_SECRET" | "CODE_KEY" | "TOKEN_KEY" | "DATA_KEY" => "cd".repeat(32),
            "ADMIN_KEY" => "x".repeat(32),
            "GATEWAY_BANK_OUT_DIR" => "/tmp/out".into(),
            "GATEWAY_BANK_IBAN" => "NL91ABNA0417164300".into(),
            "GATEWAY_BANK_NAME" => "Selvedge".into(),
            _ => return None,
        })
    }

    #[test]
    fn a_complete_environment_is_read_and_prints_no_secret() {
        let config = Config::read(complete).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8788");
        assert_eq!(config.public_url, "http://127.0.0.1:8787");
        let shown = format!("{config:?}");
        assert!(!shown.contains("abab") && !shown.contains("cdcd") && !shown.contains("xxx"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("ADMIN_KEY", Some("short")),
            ("CODE_KEY", Some("zz")),
            ("SIGNING_KEYS", None),
            ("ORIGIN_PORT", Some("99999")),
            ("DATABASE_URL", Some("mysql://x")),
            ("PUBLIC_URL", Some("ftp://x")),
            ("SHORT_DOMAINS", Some("go.example")),
            ("GATEWAY_SIMULATOR", Some("yes")),
            ("GATEWAY_STRIPE_URL", Some("api.stripe.com")),
            ("GATEWAY_BANK_PAIN", Some("10")),
            ("GATEWAY_BANK_IBAN", Some("NL00ABNA0417164300")),
            ("VIDEO_WORKERS", Some("many")),
            ("VIDEO_CODECS", Some("divx")),
            ("VIDEO_MINUTES_MAX", Some("271")),
        ] {
            let read =
                Config::read(
                    |asked| {
                        if asked == name { value.map(Into::into) } else { complete(asked) }
                    },
                );
            assert!(read.unwrap_err().to_string().starts_with(name), "{name}");
        }
    }
}
