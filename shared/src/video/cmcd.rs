//! What a player says of itself with each request (CTA-5004, Common Media Client Data, 1 and 2).
//!
//! Invariant: reading never fails loudly: what is not well formed says nothing at all, as RFC 8941
//! (section 4.2) asks for, and what a player claims only orders its own manifest. Refused: more
//! than [`KEYS_MAX`] keys, texts beyond [`BYTES_MAX`].

mod check;
mod read;

pub use check::*;

use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};

/// All four headers, or the query's parameter: every key of version 2 with short values is 1 KiB.
pub const BYTES_MAX: usize = 4_096;
/// Version 2 has about 50 keys; the rest is for custom ones.
pub const KEYS_MAX: usize = 64;
/// The four headers whose dictionaries are one.
pub const HEADERS: [&str; 4] = ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"];
/// The query's parameter.
pub const PARAMETER: &str = "CMCD";
/// Keys whose values are lists from version 2 on; version 1 has one value.
const LISTS: [&str; 16] = [
    "ab", "bl", "br", "bsa", "bsd", "bsda", "ec", "lab", "lb", "mtp", "nor", "pb", "tab", "tb",
    "tbl", "tpb",
];

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A bare key, or `?0`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Thousandths of a number with a fraction.
    Decimal(i64),
    /// In quotes.
    Text(String),
    /// Without.
    Token(String),
    /// In brackets.
    List(Vec<Value>),
}

impl Value {
    /// A number, the fraction cut off; of a list the first.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Decimal(thousandths) => Some(thousandths / 1_000),
            Self::List(all) => all.first()?.number(),
            _ => None,
        }
    }

    /// A text or token; of a list the first.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Token(text) => Some(text),
            Self::List(all) => all.first()?.text(),
            _ => None,
        }
    }
}

/// What a player said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cmcd(pub BTreeMap<String, Value>);

impl Cmcd {
    /// Reads one dictionary; nothing of one that is broken.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(read::dictionary(text).unwrap_or_default())
    }

    /// Reads the headers of [`HEADERS`], in any order.
    #[must_use]
    pub fn of_headers<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = BTreeMap::new();
        for header in headers {
            all.extend(Self::read(header).0);
        }
        Self(all)
    }

    /// Reads a query's parameter, wherever it stands.
    #[must_use]
    pub fn of_query(query: &str) -> Self {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(name, _)| name == PARAMETER);
        found.map_or_else(Self::default, |(_, value)| Self::read(&value))
    }

    /// As version 2 writes it: what version 2 has lists of are lists.
    #[must_use]
    pub fn latest(mut self) -> Self {
        for (key, value) in &mut self.0 {
            if LISTS.contains(&key.as_str()) && !matches!(value, Value::List(_)) {
                *value = Value::List(vec![value.clone()]);
            }
        }
        self
    }

    /// The dictionary's text, keys in order; a false flag is left out.
    #[must_use]
    pub fn write(&self) -> String {
        let mut parts = Vec::new();
        for (key, value) in &self.0 {
            match value {
                Value::Flag(true) => parts.push(key.clone()),
                Value::Flag(false) => {}
                other => parts.push(format!("{key}={}", written(other))),
            }
        }
        parts.join(",")
    }

    /// The measured throughput, in kbit/s.
    #[must_use]
    pub fn throughput_kbps(&self) -> Option<u32> {
        self.count("mtp")
    }

    /// What the player has in store, in milliseconds.
    #[must_use]
    pub fn buffer_ms(&self) -> Option<u32> {
        self.count("bl")
    }

    /// Whether the player ran dry since its last request.
    #[must_use]
    pub fn starved(&self) -> bool {
        self.0.get("bs") == Some(&Value::Flag(true))
    }

    /// The object that it will ask for next, relative to this one.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.0.get("nor")?.text()
    }

    /// The session's name.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.0.get("sid")?.text().filter(|id| id.len() <= SESSION_BYTES_MAX)
    }

    fn count(&self, key: &str) -> Option<u32> {
        u32::try_from(self.0.get(key)?.number()?).ok()
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Flag(value) => String::from(if *value { "?1" } else { "?0" }),
        Value::Integer(number) => format!("{number}"),
        Value::Decimal(thousandths) => {
            let sign = if *thousandths < 0 { "-" } else { "" };
            let size = thousandths.unsigned_abs();
            let text = format!("{sign}{}.{:03}", size / 1_000, size % 1_000);
            let cut = text.trim_end_matches('0');
            if cut.ends_with('.') { format!("{cut}0") } else { cut.into() }
        }
        Value::Text(text) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Value::Token(token) => token.clone(),
        Value::List(all) => {
            format!("({})", all.iter().map(written).collect::<Vec<_>>().join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_orders_a_manifest_is_found_in_either_version() {
        for text in [
            "bl=2100,bs,mtp=5400,nor=\"7.m4s\",sid=\"abc\"",
            "bl=(2100),bs,mtp=(5400),nor=(\"7.m4s\" \"8.m4s\"),sid=\"abc\",v=2",
        ] {
            let said = Cmcd::read(text);
            assert_eq!((said.throughput_kbps(), said.buffer_ms()), (Some(5_400), Some(2_100)));
            assert_eq!(
                (said.starved(), said.next(), said.session()),
                (true, Some("7.m4s"), Some("abc"))
            );
            assert_eq!(Cmcd::read(&said.write()), said);
        }
    }

    #[test]
    fn what_is_broken_says_nothing() {
        for broken in [
            "bl",
            "bl=-1",
            "bl=\"5",
            "bl=(5",
            "bl=5,",
            ",bl=5",
            "bl=5;",
            "Bl=5",
            "bl=5 6",
            "bl==5",
            "bl=9999999999999999",
            "bl=1.2345",
            "é=1",
            "bl=\"é\"",
            "bl=((5))",
        ] {
            assert_eq!(Cmcd::read(broken).buffer_ms(), None, "{broken}");
        }
        let many: String = (0..=KEYS_MAX).map(|n| format!("x-{n},")).collect();
        assert_eq!(Cmcd::read(&format!("{many}bl=5")), Cmcd::default());
        let long = format!("bl=5,x-y=\"{}\"", "a".repeat(BYTES_MAX));
        assert_eq!(Cmcd::read(&long), Cmcd::default());
        assert_eq!(Cmcd::of_query("a=b&CMCD=bl%3D5%2Csid%3D%22x%22").buffer_ms(), Some(5));
        assert_eq!(Cmcd::of_query("a=b&cmcd=bl%3D5"), Cmcd::default());
    }
}
