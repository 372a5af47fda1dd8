//! Card numbers: found in whatever a caller sends, so that none is ever stored or logged.
//!
//! Invariant: a text is refused when it holds 13 to 19 digits that pass Luhn's check and begin like
//! a card network's, with blanks and dashes between them dropped. The refusal repeats no digit of
//! it. A UUID or a digest is no card number, whatever digits are in it: of random ones one in
//! some hundred would be. Refused: to tell a real card from a number that looks like one.
//! Source: ISO/IEC 7812-1, annex B (Luhn); the networks' published ranges.

use super::error::CARD_NUMBER;
use crate::problem::Problem;
use alloc::{string::String, vec::Vec};
use serde_json::Value;

/// Digits of a card number.
const DIGITS: core::ops::RangeInclusive<usize> = 13..=19;
/// Hexadecimal digits of a UUID, the shortest of the names that are drawn or hashed.
const NAME_DIGITS: usize = 32;
/// The first digits of the networks' numbers, from and to, as six digits: American Express,
/// Diners, Discover, JCB, Maestro, Mastercard, Mir, RuPay, Troy, UnionPay, Visa.
const RANGES: &[(u32, u32)] = &[
    (220_000, 220_499),
    (222_100, 272_099),
    (300_000, 305_999),
    (309_500, 309_599),
    (340_000, 349_999),
    (352_800, 358_999),
    (360_000, 399_999),
    (400_000, 499_999),
    (500_000, 589_999),
    (600_000, 699_999),
    (810_000, 829_999),
    (979_200, 979_299),
];

/// Refuses a body that holds a card number.
///
/// # Errors
/// 422, without the number.
pub fn refuse(body: &[u8]) -> Result<(), Problem> {
    if holds(body) || (body.contains(&b'\\') && holds_escaped(body)) {
        let detail = "send a gateway's token; the body holds a card number and was not kept";
        return Err(Problem::new(&CARD_NUMBER, detail));
    }
    Ok(())
}

/// Refuses an idempotency key of digits and dashes that holds a card number. One with letters is
/// not looked at: keys are drawn, and of 16 hexadecimal digits one in some hundred would be
/// refused.
///
/// # Errors
/// 422, without the number.
pub fn refuse_key(key: &str) -> Result<(), Problem> {
    let is_plain = key.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_plain { refuse(key.as_bytes()) } else { Ok(()) }
}

/// A text may hide digits behind `\u0034`.
fn holds_escaped(body: &[u8]) -> bool {
    fn texts(value: &Value) -> bool {
        match value {
            Value::String(text) => holds(text.as_bytes()),
            Value::Array(items) => items.iter().any(texts),
            Value::Object(members) => {
                members.iter().any(|(name, value)| holds(name.as_bytes()) || texts(value))
            }
            _ => false,
        }
    }
    serde_json::from_slice::<Value>(body).is_ok_and(|value| texts(&value))
}

/// Whether a text holds a card number, as it stands.
#[must_use]
pub fn holds(text: &[u8]) -> bool {
    let mut groups: Vec<&[u8]> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.iter().position(u8::is_ascii_digit) {
        let (between, digits) = rest.split_at(at);
        if !between.iter().all(|b| matches!(b, b' ' | b'-')) && is_any(&mut groups) {
            return true;
        }
        if let Some(name) = drawn(digits, between) {
            if is_any(&mut groups) {
                return true;
            }
            rest = digits.get(name..).unwrap_or_default();
            continue;
        }
        let end = digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
        let (group, after) = digits.split_at(end);
        groups.push(group);
        rest = after;
    }
    is_any(&mut groups)
}

/// The length of what is left of a UUID or a digest that begins at the end of `before`: at least
/// 32 hexadecimal digits, letters among them, with nothing but dashes between.
fn drawn(text: &[u8], before: &[u8]) -> Option<usize> {
    let is_part = |b: &u8| b.is_ascii_hexdigit() || *b == b'-';
    let head = before.iter().rev().take_while(|b| is_part(b)).count();
    let head = before.get(before.len().saturating_sub(head)..).unwrap_or_default();
    let end = text.iter().position(|b| !is_part(b)).unwrap_or(text.len());
    let tail = text.get(..end).unwrap_or_default();
    let both = || head.iter().chain(tail);
    let digits = both().filter(|b| b.is_ascii_hexdigit()).count();
    let letters = both().filter(|b| b.is_ascii_alphabetic()).count();
    (digits >= NAME_DIGITS && letters > 0).then_some(end)
}

/// Whether neighbours among the groups make up a card number; forgets the groups.
fn is_any(groups: &mut Vec<&[u8]>) -> bool {
    let groups = core::mem::take(groups);
    if groups.iter().map(|group| group.len()).sum::<usize>() < *DIGITS.start() {
        return false;
    }
    (0..groups.len()).any(|from| {
        let mut digits: Vec<u8> = Vec::new();
        groups.iter().skip(from).take(*DIGITS.end()).any(|group| {
            digits.extend_from_slice(group.get(..20).unwrap_or(group));
            DIGITS.contains(&digits.len()) && is_card(&digits)
        })
    })
}

fn is_card(digits: &[u8]) -> bool {
    let first: String = digits.iter().take(6).map(|digit| char::from(*digit)).collect();
    let first: u32 = first.parse().unwrap_or(0);
    RANGES.iter().any(|(from, to)| (*from..=*to).contains(&first)) && passes_luhn(digits)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit.saturating_sub(b'0'));
            let doubled = digit * 2;
            if at % 2 == 0 { digit } else { doubled / 10 + doubled % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_digits_alone_is_no_card_number() {
        for key in ["4242424242424242", "4242-4242-4242-4242", "42-4242424242424242"] {
            assert!(refuse_key(key).is_err(), "{key}");
        }
        for key in ["a4242424242424242", "4242424242424242f00d", "order-17", ""] {
            assert!(refuse_key(key).is_ok(), "{key}");
        }
    }

    #[test]
    fn drawn_names_are_no_cards_and_hide_none() {
        for name in [
            "a4242424-2424-4242-8000-00000000000a",
            "4242424242424242deadbeefdeadbeef",
            "key-1b4242424242424242000000000000000c1d",
        ] {
            assert!(!holds(name.as_bytes()), "{name}");
            let beside = alloc::format!("{name} 4242 4242 4242 4242 {name}");
            assert!(holds(beside.as_bytes()), "{beside}");
        }
        // Short, without letters, or with other letters in it: no name that was drawn.
        for text in ["ab4242424242424242cd", "x4242424242424242", "4242424242424242-00000000-0"] {
            assert!(holds(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_networks_test_numbers_are_found_however_they_are_written() {
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "30569309025904",
            "3566002020360505",
            "6200000000000005",
            "4000000000000000006",
        ] {
            for body in [
                alloc::format!("{{\"reference\":\"{number}\"}}"),
                alloc::format!("{{\"reference\":\"card {number} 12 27 123\"}}"),
                alloc::format!("{{\"n\":{number}}}"),
            ] {
                assert_eq!(refuse(body.as_bytes()).unwrap_err().status(), 422, "{body}");
            }
        }
        let hidden = br#"{"reference":"\u0034242424242424242"}"#;
        let refused = refuse(hidden).unwrap_err();
        assert!(!refused.detail.contains("4242"), "{}", refused.detail);
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "",
            "4242424242424241",
            "1234567890123",
            "42424242424242424242",
            "9007199254740991",
            "2026-11-20T05:11:43.000Z",
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
            "+81 3 1234 5678",
            "4242,4242,4242,4242",
            "acc_08Ew1PYy71m",
        ] {
            assert!(refuse(alloc::format!("{{\"a\":\"{text}\"}}").as_bytes()).is_ok(), "{text}");
        }
    }
}
