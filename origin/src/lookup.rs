//! What a user agent says: bot or human, device, browser. From two kept data sets.
//!
//! Invariant: never fails, never blocks; an agent that nobody knows is a human on a desktop with
//! the browser `Other`. Parsed here, not in the request path. Sources: `crawler-user-agents` (MIT)
//! for crawlers and HTTP libraries, `uap-core` (Apache-2.0) for browsers and devices.

use regex::RegexSet;
use shared::links::agent;
use shared::links::stats::Visitor;
use std::collections::HashMap;
use std::sync::Mutex;
use ua_parser::Extractor;

/// Parsed agents that are remembered: at 600 bytes each, 6 MB. Emptied when full.
const REMEMBERED_MAX: usize = 10_000;
const CRAWLERS: &str =
    include_str!(concat!(env!("OUT_DIR"), "/crawler-user-agents-crawler-user-agents.json"));
const REGEXES: &str = include_str!(concat!(env!("OUT_DIR"), "/uap-core-regexes.yaml"));

/// Programs that fetch on a person's behalf or for tests, which the crawler list leaves out.
const LIBRARIES: &[&str] = &[
    "^$",
    "^curl/",
    "^Wget/",
    "HTTPie/",
    "^PostmanRuntime/",
    "^okhttp/",
    "^node$",
    "HeadlessChrome",
];

pub struct UserAgents {
    bots: Option<RegexSet>,
    extractor: Option<Extractor<'static>>,
    remembered: Mutex<HashMap<String, Visitor>>,
}

impl std::fmt::Debug for UserAgents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserAgents")
    }
}

impl Default for UserAgents {
    fn default() -> Self {
        let extractor = serde_yaml_ng::from_str(REGEXES)
            .ok()
            .and_then(|regexes: ua_parser::Regexes<'static>| Extractor::try_from(regexes).ok());
        Self { bots: bots(), extractor, remembered: Mutex::default() }
    }
}

fn bots() -> Option<RegexSet> {
    let crawlers: Vec<serde_json::Value> = serde_json::from_str(CRAWLERS).ok()?;
    let patterns = crawlers.iter().filter_map(|crawler| crawler.get("pattern")?.as_str());
    // The list escapes slashes for JavaScript.
    let patterns = patterns.map(|pattern| pattern.replace("\\/", "/"));
    RegexSet::new(patterns.chain(LIBRARIES.iter().map(|&library| library.into()))).ok()
}

impl UserAgents {
    /// Whether both data sets were understood.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.bots.is_some() && self.extractor.is_some()
    }

    /// What kind of visitor sends this agent.
    #[must_use]
    pub fn visitor(&self, agent: &str) -> Visitor {
        if let Ok(remembered) = self.remembered.lock()
            && let Some(visitor) = remembered.get(agent)
        {
            return visitor.clone();
        }
        let visitor = self.parse(agent);
        if let Ok(mut remembered) = self.remembered.lock() {
            if remembered.len() >= REMEMBERED_MAX {
                remembered.clear();
            }
            remembered.insert(agent.into(), visitor.clone());
        }
        visitor
    }

    fn parse(&self, user_agent: &str) -> Visitor {
        if self.bots.as_ref().is_some_and(|bots| bots.is_match(user_agent)) {
            return Visitor::Bot;
        }
        let browser = self.extractor.as_ref().and_then(|all| all.ua.extract(user_agent));
        let browser = browser.map_or_else(|| "Other".into(), |browser| browser.family.into_owned());
        Visitor::Human { device: agent::device(user_agent), browser }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_data_sets_are_understood() {
        assert!(UserAgents::default().is_complete());
    }

    #[test]
    fn bots_and_libraries_are_no_people() {
        let agents = UserAgents::default();
        for agent in [
            "",
            "curl/8.5.0",
            "python-requests/2.31.0",
            "Go-http-client/2.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        ] {
            assert_eq!(agents.visitor(agent), Visitor::Bot, "{agent}");
        }
    }

    #[test]
    fn people_have_a_device_and_a_browser() {
        let agents = UserAgents::default();
        for (agent, device, browser) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36",
                "desktop",
                "Chrome",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "mobile",
                "Mobile Safari",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/124.0.0.0 Safari/537.36",
                "tablet",
                "Chrome",
            ),
            ("Something nobody knows", "desktop", "Other"),
        ] {
            let human = Visitor::Human { device, browser: browser.into() };
            assert_eq!(agents.visitor(agent), human, "{agent}");
        }
    }
}
