//! Time as a number: milliseconds since 1970-01-01T00:00:00Z, and its one text form.
//!
//! Invariant: text out is always RFC 3339 in UTC with exactly three decimals. There is no clock.

use alloc::{format, string::String};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// One second, in milliseconds.
pub const SECOND_MS: u64 = 1_000;
/// One hour, in milliseconds.
pub const HOUR_MS: u64 = 3_600 * SECOND_MS;
/// One day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
pub const LAST: Millis = Millis(253_402_300_799_999);

/// Milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment plus `ms`, saturating.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; 0 when the clock went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339, UTC, milliseconds: `2026-11-20T05:11:43.000Z`. Moments after [`LAST`] print as it.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = i64::try_from(self.0.min(LAST.0) / SECOND_MS).unwrap_or_default();
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let milli = self.0.min(LAST.0) % SECOND_MS;
        let month = u8::from(month);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }

    /// HTTP's form: `Fri, 20 Nov 2026 05:11:43 GMT` (RFC 9110, section 5.6.7).
    #[must_use]
    pub fn to_http_date(self) -> String {
        let seconds = i64::try_from(self.0.min(LAST.0) / SECOND_MS).unwrap_or_default();
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let (weekday, month) = (format!("{}", at.weekday()), format!("{month}"));
        let short = |name: &str| name.get(..3).map(String::from).unwrap_or_default();
        let (weekday, month) = (short(&weekday), short(&month));
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// The UTC day, `20261120`; names the salt of a day.
    #[must_use]
    pub fn day(self) -> u64 {
        self.0 / DAY_MS
    }

    /// Reads RFC 3339 with any offset and fraction (rounded down to the millisecond), or a bare
    /// date, which means the end of that UTC day. `None`: neither, or before 1970.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(at) => at,
            Err(_) => {
                let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
                let last = Time::from_hms_milli(23, 59, 59, 999).ok()?;
                PrimitiveDateTime::new(date, last).assume_offset(UtcOffset::UTC)
            }
        };
        u64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }
}

/// Serialises a [`Millis`] as RFC 3339 (`#[serde(with = "shared::time::rfc3339")]`).
pub mod rfc3339 {
    use super::Millis;
    use alloc::borrow::Cow;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the text form.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(at: &Millis, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&at.to_rfc3339())
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Text that is neither RFC 3339 nor a date.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Millis, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        Millis::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }

    /// The same for a moment that may be missing (`null`).
    pub mod option {
        use super::super::Millis;
        use alloc::borrow::Cow;
        use serde::{Deserialize, Deserializer, Serializer, de::Error};

        /// Writes the text form or `null`.
        ///
        /// # Errors
        /// Only the serializer's own.
        pub fn serialize<S: Serializer>(at: &Option<Millis>, out: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => out.serialize_str(&at.to_rfc3339()),
                None => out.serialize_none(),
            }
        }

        /// Reads the text form or `null`.
        ///
        /// # Errors
        /// Text that is neither RFC 3339 nor a date.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            input: D,
        ) -> Result<Option<Millis>, D::Error> {
            match Option::<Cow<str>>::deserialize(input)? {
                None => Ok(None),
                Some(text) => Millis::parse(&text)
                    .map(Some)
                    .ok_or_else(|| D::Error::custom("not an RFC 3339 time")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utc_with_three_decimals() {
        assert_eq!(Millis(0).to_rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Millis(784_111_777_999).to_http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(Millis(1_763_615_503_007).to_rfc3339(), "2025-11-20T05:11:43.007Z");
        assert_eq!(LAST.to_rfc3339(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Millis(u64::MAX).to_rfc3339(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn any_offset_and_fraction_is_read() {
        let at = Millis::parse("2025-11-20T05:11:43.007Z");
        assert_eq!(at, Some(Millis(1_763_615_503_007)));
        assert_eq!(Millis::parse("2025-11-20T06:41:43.0079999+01:30"), at);
        assert_eq!(Millis::parse("2025-11-20"), Millis::parse("2025-11-20T23:59:59.999Z"));
        assert_eq!(Millis::parse("1970-01-01T00:00:00Z"), Some(Millis(0)));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "now", "2025-13-01", "2025-02-30", "1969-12-31T23:59:59Z", "2025-11-20T05"]
        {
            assert_eq!(Millis::parse(text), None, "{text}");
        }
    }
}
