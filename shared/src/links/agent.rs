//! What a user agent and a language header say, coarsely and cheaply: enough for rules at the edge.
//!
//! Invariant: total and small; an agent that nobody knows is a desktop with system and browser
//! `other`. Families by name are the origin's, from a kept data set; the classes are decided here
//! for both. Source: MDN, "Browser detection using the user agent"; vendors' own tokens.

use crate::agent::TVS;
use alloc::string::String;

/// The classes of devices that rules know.
pub const DEVICES: &[&str] = &["mobile", "tablet", "desktop", "tv", "bot"];
/// The systems that rules know.
pub const SYSTEMS: &[&str] = &["ios", "android", "windows", "macos", "linux", "chromeos", "other"];
/// The browsers that rules know.
pub const BROWSERS: &[&str] = &["chrome", "safari", "firefox", "edge", "opera", "samsung", "other"];

const BOTS: &[&str] = &[
    "bot",
    "crawl",
    "spider",
    "slurp",
    "curl/",
    "wget/",
    "python",
    "go-http-client",
    "okhttp",
    "java/",
    "httpclient",
    "libwww",
    "headless",
    "facebookexternalhit",
    "preview",
    "scrapy",
    "axios/",
    "node-fetch",
    "postman",
    "httpie",
    "ruby",
    "perl",
    "php/",
    "monitor",
    "lighthouse",
];
const TABLETS: &[&str] = &["ipad", "tablet", "playbook", "silk/", "kindle"];
const MOBILES: &[&str] =
    &["mobi", "iphone", "ipod", "windows phone", "blackberry", "opera mini", "iemobile"];

/// What rules may ask of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// One of [`DEVICES`].
    pub device: &'static str,
    /// One of [`SYSTEMS`].
    pub os: &'static str,
    /// One of [`BROWSERS`].
    pub browser: &'static str,
}

/// Classifies a `User-Agent`.
#[must_use]
pub fn classify(user_agent: &str) -> Agent {
    let agent = user_agent.to_ascii_lowercase();
    let has = |tokens: &[&str]| tokens.iter().any(|token| agent.contains(token));
    let device = if agent.is_empty() || has(BOTS) { "bot" } else { device(&agent) };
    let os = if has(&["iphone", "ipad", "ipod"]) {
        "ios"
    } else if has(&["android"]) {
        "android"
    } else if has(&["windows"]) {
        "windows"
    } else if has(&["cros "]) {
        "chromeos"
    } else if has(&["mac os x", "macintosh"]) {
        "macos"
    } else if has(&["linux", "x11"]) {
        "linux"
    } else {
        "other"
    };
    // Order matters: each pretends to be those below it.
    let browser = if has(&["edg/", "edge/", "edga/", "edgios/"]) {
        "edge"
    } else if has(&["opr/", "opera"]) {
        "opera"
    } else if has(&["samsungbrowser/"]) {
        "samsung"
    } else if has(&["firefox/", "fxios/"]) {
        "firefox"
    } else if has(&["chrome/", "crios/", "chromium/"]) {
        "chrome"
    } else if has(&["safari/"]) {
        "safari"
    } else {
        "other"
    };
    Agent { device, os, browser }
}

/// The class of a device that people hold or sit before.
#[must_use]
pub fn device(user_agent: &str) -> &'static str {
    let agent = user_agent.to_ascii_lowercase();
    let has = |tokens: &[&str]| tokens.iter().any(|token| agent.contains(token));
    if has(&TVS) {
        "tv"
    } else if has(TABLETS) || (has(&["android"]) && !has(&["mobi"])) {
        "tablet"
    } else if has(MOBILES) {
        "mobile"
    } else {
        "desktop"
    }
}

/// The language that an `Accept-Language` header prefers, lower case; empty when it says nothing.
/// Source: RFC 9110, 12.5.4.
#[must_use]
pub fn language(accept_language: &str) -> String {
    let mut best: Option<(u32, &str)> = None;
    for part in accept_language.split(',') {
        let mut pieces = part.split(';');
        let tag = pieces.next().unwrap_or_default().trim();
        let weight =
            pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(1_000, thousandths);
        let better = best.is_none_or(|(known, _)| weight > known);
        if !tag.is_empty() && tag != "*" && weight > 0 && better {
            best = Some((weight, tag));
        }
    }
    best.map_or_else(String::new, |(_, tag)| tag.to_ascii_lowercase())
}

/// `0.8` as 800; what is no weight is 0.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = fraction.bytes().chain([b'0'; 3]).take(3);
    let all_digits = fraction.len() <= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    match whole {
        "1" => 1_000,
        "0" if all_digits => digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_agents_are_classified() {
        for (agent, device, os, browser) in [
            ("", "bot", "other", "other"),
            ("curl/8.5.0", "bot", "other", "other"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot", "other", "other"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36 Edg/126.0",
                "desktop",
                "windows",
                "edge",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "mobile",
                "ios",
                "safari",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/25.0 Chrome/121.0.0.0 Safari/537.36",
                "tablet",
                "android",
                "samsung",
            ),
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 Chrome/94.0 TV Safari",
                "tv",
                "linux",
                "chrome",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 \
                 Firefox/127.0",
                "desktop",
                "macos",
                "firefox",
            ),
        ] {
            assert_eq!(classify(agent), Agent { device, os, browser }, "{agent}");
        }
    }

    #[test]
    fn the_preferred_language_wins() {
        for (header, wanted) in [
            ("de-CH, fr;q=0.9, en;q=0.8", "de-ch"),
            ("en;q=0.5, ja;q=0.95", "ja"),
            ("*, pt", "pt"),
            ("fr;q=0, en;q=0.001", "en"),
            ("", ""),
            ("*", ""),
            ("de;q=x, en;q=0.1", "en"),
        ] {
            assert_eq!(language(header), wanted, "{header}");
        }
    }
}
