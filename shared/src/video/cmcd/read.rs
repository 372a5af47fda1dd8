//! The dictionaries of RFC 8941 (section 4.2.2), as far as CMCD uses them.
//!
//! Invariant: one pass, no recursion, nothing of a text that is broken anywhere. Parameters are
//! read and dropped. Refused: byte sequences, which no key of CMCD has.

use super::{BYTES_MAX, KEYS_MAX, Value};
use alloc::{collections::BTreeMap, string::String, vec::Vec};

/// Digits of a whole number, and before and after the point of another (RFC 8941, 4.2.4).
const DIGITS_MAX: (usize, usize, usize) = (15, 12, 3);

pub(super) fn dictionary(text: &str) -> Option<BTreeMap<String, Value>> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let mut at = Reader(text.trim_matches([' ', '\t']).as_bytes());
    let mut all = BTreeMap::new();
    while at.peek().is_some() {
        let key = at.key()?;
        let value = if at.eat(b'=') { at.member()? } else { Value::Flag(true) };
        at.parameters()?;
        all.insert(key, value);
        at.spaces();
        if at.peek().is_none() {
            break;
        }
        let follows = at.eat(b',');
        at.spaces();
        if !follows || at.peek().is_none() || all.len() >= KEYS_MAX {
            return None;
        }
    }
    Some(all)
}

/// Whether this is a key: lower case, as RFC 8941 (section 3.1.2) has it.
pub(super) fn is_key(text: &str) -> bool {
    let mut at = Reader(text.as_bytes());
    at.key().is_some() && at.peek().is_none()
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next_if(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted(*first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn eat(&mut self, wanted: u8) -> bool {
        self.next_if(|byte| byte == wanted).is_some()
    }

    fn spaces(&mut self) {
        while self.next_if(|byte| matches!(byte, b' ' | b'\t')).is_some() {}
    }

    fn while_in(&mut self, wanted: impl Fn(u8) -> bool) -> String {
        let mut out = String::new();
        while let Some(byte) = self.next_if(&wanted) {
            out.push(char::from(byte));
        }
        out
    }

    fn key(&mut self) -> Option<String> {
        let first = self.peek()?;
        if !first.is_ascii_lowercase() && first != b'*' {
            return None;
        }
        Some(self.while_in(|byte| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'_' | b'-' | b'.' | b'*')
        }))
    }

    fn member(&mut self) -> Option<Value> {
        if !self.eat(b'(') {
            return self.item();
        }
        let mut all = Vec::new();
        loop {
            self.spaces();
            if self.eat(b')') {
                return Some(Value::List(all));
            }
            all.push(self.item()?);
            self.parameters()?;
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.eat(b';') {
            self.spaces();
            self.key()?;
            if self.eat(b'=') {
                self.item()?;
            }
        }
        Some(())
    }

    fn item(&mut self) -> Option<Value> {
        match self.peek()? {
            b'"' => self.text(),
            b'?' => {
                self.eat(b'?');
                let said = self.next_if(|byte| matches!(byte, b'0' | b'1'))?;
                Some(Value::Flag(said == b'1'))
            }
            b'-' | b'0'..=b'9' => self.number(),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => Some(Value::Token(self.while_in(|byte| {
                byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
            }))),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<Value> {
        self.eat(b'"');
        let mut out = String::new();
        loop {
            match self.next_if(|byte| matches!(byte, 0x20..=0x7e))? {
                b'"' => return Some(Value::Text(out)),
                b'\\' => {
                    let escaped = self.next_if(|byte| matches!(byte, b'"' | b'\\'))?;
                    out.push(char::from(escaped));
                }
                other => out.push(char::from(other)),
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let (whole_max, before_max, after_max) = DIGITS_MAX;
        let sign = if self.eat(b'-') { -1 } else { 1 };
        let whole = self.while_in(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > whole_max {
            return None;
        }
        let number: i64 = whole.parse().ok()?;
        if !self.eat(b'.') {
            return Some(Value::Integer(sign * number));
        }
        let after = self.while_in(|byte| byte.is_ascii_digit());
        if whole.len() > before_max || !(1..=after_max).contains(&after.len()) {
            return None;
        }
        let digits = after.bytes().chain([b'0'; 3]).take(3);
        let fraction = digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some(Value::Decimal(sign * (number * 1_000 + fraction)))
    }
}
