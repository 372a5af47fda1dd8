//! Rules: where a link leads for whom (L13). Decided at the edge, from the request alone.
//!
//! Invariant: the first rule whose conditions all hold wins; no rule, the link's own target. A
//! rule with a `weight` takes that many of 100 visitors among those whom its conditions admit and
//! no weighted rule before it took. The same visitor always falls to the same side.

use super::agent::{Agent, BROWSERS, DEVICES, SYSTEMS};
use super::target;
use crate::problem::FieldError;
use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Rules of a link.
pub const RULES_MAX: usize = 20;
/// Values of one condition.
pub const VALUES_MAX: usize = 50;

/// One rule; a condition that is missing holds for everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// ISO 3166-1, two capitals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub country: Vec<String>,
    /// The second part of ISO 3166-2, capitals and digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub region: Vec<String>,
    /// A language tag or its beginning: `de` holds for `de-CH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub language: Vec<String>,
    /// `mobile`, `tablet`, `desktop`, `tv`, `bot`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<String>,
    /// `ios`, `android`, `windows`, `macos`, `linux`, `chromeos`, `other`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// `chrome`, `safari`, `firefox`, `edge`, `opera`, `samsung`, `other`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub browser: Vec<String>,
    /// From this moment on, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Before this moment, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Of 100 visitors, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// Where to; as a link's own target.
    pub to: String,
}

/// What rules may ask of a request.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// ISO 3166-1, or empty.
    pub country: &'a str,
    /// The second part of ISO 3166-2, or empty.
    pub region: &'a str,
    /// Lower case, or empty.
    pub language: &'a str,
    /// The user agent's classes.
    pub agent: Agent,
    /// When.
    pub now: Millis,
    /// 0 to 99, the same for the same visitor of the same link.
    pub side: u8,
}

/// The target of the first rule that holds.
#[must_use]
pub fn decide<'a>(rules: &'a [Rule], visit: &Visit<'_>) -> Option<&'a str> {
    let mut taken: u16 = 0;
    for rule in rules.iter().filter(|rule| rule.admits(visit)) {
        match rule.weight {
            None => return Some(&rule.to),
            Some(weight) => {
                taken = taken.saturating_add(u16::from(weight));
                if u16::from(visit.side) < taken {
                    return Some(&rule.to);
                }
            }
        }
    }
    None
}

impl Rule {
    fn admits(&self, visit: &Visit<'_>) -> bool {
        let one_of = |values: &[String], given: &str| {
            values.is_empty() || values.iter().any(|value| value == given)
        };
        let speaks = |tag: &String| {
            let rest = visit.language.strip_prefix(tag.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let moment = |text: &Option<String>| text.as_deref().and_then(Millis::parse);
        one_of(&self.country, visit.country)
            && one_of(&self.region, visit.region)
            && (self.language.is_empty() || self.language.iter().any(speaks))
            && one_of(&self.device, visit.agent.device)
            && one_of(&self.os, visit.agent.os)
            && one_of(&self.browser, visit.agent.browser)
            && moment(&self.after).is_none_or(|after| visit.now >= after)
            && moment(&self.before).is_none_or(|before| visit.now < before)
    }
}

/// Checks rules and puts them into their normal form; what is wrong goes to `refuse`.
pub fn check(mut rules: Vec<Rule>, own: &[&str], errors: &mut Vec<FieldError>) -> Vec<Rule> {
    let mut refuse = |pointer: String, detail: &str| {
        errors.push(FieldError { pointer, detail: detail.into() });
    };
    if rules.len() > RULES_MAX {
        refuse("/rules".into(), &format!("must be at most {RULES_MAX} rules"));
    }
    for (index, rule) in rules.iter_mut().enumerate() {
        let at = |field: &str| format!("/rules/{index}/{field}");
        match target::normalise(&rule.to, own) {
            Ok(normal) => rule.to = normal,
            Err(refused) => refuse(at("to"), refused.detail()),
        }
        rule.language.iter_mut().for_each(|tag| *tag = tag.to_ascii_lowercase());
        let is_country = |v: &str| v.len() == 2 && v.bytes().all(|b| b.is_ascii_uppercase());
        let is_region = |v: &str| {
            (1..=3).contains(&v.len())
                && v.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let is_tag = |v: &str| {
            (2..=35).contains(&v.len()) && v.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        type Is<'a> = &'a dyn Fn(&str) -> bool;
        let conditions: [(&str, &Vec<String>, Is<'_>, &str); 6] = [
            ("country", &rule.country, &is_country, "must be ISO 3166-1, as JP"),
            ("region", &rule.region, &is_region, "must be the end of ISO 3166-2, as BY"),
            ("language", &rule.language, &is_tag, "must be a language tag, as de or de-CH"),
            ("device", &rule.device, &|v| DEVICES.contains(&v), "is no device class"),
            ("os", &rule.os, &|v| SYSTEMS.contains(&v), "is no system"),
            ("browser", &rule.browser, &|v| BROWSERS.contains(&v), "is no browser"),
        ];
        for (field, values, is, detail) in conditions {
            if values.len() > VALUES_MAX {
                refuse(at(field), &format!("must have at most {VALUES_MAX} values"));
            }
            for (n, value) in values.iter().enumerate().filter(|(_, value)| !is(value)) {
                let shown: String = value.chars().take(40).collect();
                refuse(at(&format!("{field}/{n}")), &format!("{shown:?} {detail}"));
            }
        }
        for (field, text) in [("after", &rule.after), ("before", &rule.before)] {
            if text.as_deref().is_some_and(|text| Millis::parse(text).is_none()) {
                refuse(at(field), "must be an RFC 3339 time or a date");
            }
        }
        if rule.weight.is_some_and(|weight| !(1..=100).contains(&weight)) {
            refuse(at("weight"), "must be 1 to 100");
        }
    }
    rules
}

/// Which side of a split a visitor falls to: 0 to 99 of a hash that was drawn for the visitor.
#[must_use]
pub fn side(hash: &[u8]) -> u8 {
    let number = hash.iter().take(8).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    u8::try_from(number % 100).unwrap_or(0)
}

/// The rules as text for the row; empty for none.
#[must_use]
pub fn to_text(rules: &[Rule]) -> Option<String> {
    if rules.is_empty() { None } else { serde_json::to_string(rules).ok() }
}

#[cfg(test)]
mod tests {
    use super::super::agent::classify;
    use super::*;
    use alloc::{string::ToString, vec};

    fn rule(change: impl FnOnce(&mut Rule)) -> Rule {
        let mut rule = Rule { to: "https://to.example/".to_string(), ..Rule::default() };
        change(&mut rule);
        rule
    }

    fn visit<'a>() -> Visit<'a> {
        let agent = classify("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Mobile Safari/604.1");
        let now = Millis(1_790_000_000_000);
        Visit { country: "JP", region: "13", language: "ja-jp", agent, now, side: 49 }
    }

    fn holds(change: impl FnOnce(&mut Rule)) -> bool {
        decide(&[rule(change)], &visit()).is_some()
    }

    #[test]
    fn every_condition_admits_and_refuses() {
        assert!(holds(|_| {}));
        assert!(holds(|r| r.country = vec!["DE".into(), "JP".into()]));
        assert!(!holds(|r| r.country = vec!["DE".into()]));
        assert!(holds(|r| r.region = vec!["13".into()]));
        assert!(!holds(|r| r.region = vec!["27".into()]));
        assert!(holds(|r| r.language = vec!["ja".into()]));
        assert!(!holds(|r| r.language = vec!["j".into(), "jav".into()]));
        assert!(holds(|r| r.device = vec!["mobile".into()]));
        assert!(!holds(|r| r.device = vec!["desktop".into()]));
        assert!(holds(|r| r.os = vec!["ios".into()]));
        assert!(!holds(|r| r.os = vec!["android".into()]));
        assert!(holds(|r| r.browser = vec!["safari".into()]));
        assert!(!holds(|r| r.browser = vec!["chrome".into()]));
        assert!(holds(|r| r.after = Some("2026-01-01T00:00:00Z".into())));
        assert!(!holds(|r| r.before = Some("2026-01-01T00:00:00Z".into())));
        assert!(!holds(|r| {
            r.country = vec!["JP".into()];
            r.device = vec!["tv".into()];
        }));
    }

    #[test]
    fn the_first_that_holds_wins_and_none_is_the_links_own() {
        let rules = [
            rule(|r| r.country = vec!["DE".into()]),
            rule(|r| r.to = "https://second.example/".into()),
            rule(|r| r.to = "https://third.example/".into()),
        ];
        assert_eq!(decide(&rules, &visit()), Some("https://second.example/"));
        assert_eq!(decide(&rules[..1], &visit()), None);
    }

    #[test]
    fn weights_split_a_hundred_sides_and_count_only_whom_the_conditions_admit() {
        let weighted = |weight, to: &str, country: &str| {
            rule(|r| {
                r.weight = Some(weight);
                r.to = to.into();
                r.country = vec![country.into()];
            })
        };
        let rules = [
            weighted(90, "https://de.example/", "DE"),
            weighted(20, "https://a.example/", "JP"),
            weighted(30, "https://b.example/", "JP"),
        ];
        let count = |to: Option<&str>| {
            (0..100).filter(|side| decide(&rules, &Visit { side: *side, ..visit() }) == to).count()
        };
        assert_eq!(count(Some("https://a.example/")), 20);
        assert_eq!(count(Some("https://b.example/")), 30);
        assert_eq!(count(None), 50);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut errors = Vec::new();
        let bad = rule(|r| {
            r.to = "ftp://x".into();
            r.country = vec!["JP".into(), "Japan".into()];
            r.device = vec!["phone".into()];
            r.after = Some("soon".into());
            r.weight = Some(0);
        });
        check(vec![rule(|_| {}), bad], &[], &mut errors);
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/rules/1/to",
                "/rules/1/country/1",
                "/rules/1/device/0",
                "/rules/1/after",
                "/rules/1/weight"
            ]
        );
    }
}
