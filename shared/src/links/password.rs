//! Passwords of links (L14): as a caller gives one, as it is stored, and what a visitor holds who
//! has given it.
//!
//! Invariant: neither a password nor its hash is ever printed or sent to a reader; the edge knows
//! a password's version alone, and a pass is good for one link, one version and [`PASS_LIFE_MS`].

use super::error::INVALID;
use crate::problem::{FieldError, Problem, UNSUPPORTED_MEDIA_TYPE};
use crate::sign::mac;
use crate::time::{HOUR_MS, Millis, SECOND_MS};
use alloc::{format, string::String, vec};
use core::fmt;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// A password's characters.
pub const CHARS_MAX: usize = 200;
/// Passwords of one bulk call: hashed one after the other, at 100 ms each on a busy machine, 2.5 s
/// of the 10 s that the call may take.
pub const BULK_PASSWORDS_MAX: usize = 25;
/// A form: 200 characters of four bytes, each written `%XX`, are 2,400.
pub const FORM_BYTES_MAX: u64 = 4_096;
/// How long a pass is good.
pub const PASS_LIFE_MS: u64 = 12 * HOUR_MS;
/// Where the edge asks about a password.
pub const VERIFY_PATH: &str = "/internal/links/password";
/// The only field of the form.
pub const FIELD: &str = "password";

macro_rules! unprinted {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

/// A password as somebody gives it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Plain(pub String);

/// A password as it is stored: Argon2id in the PHC string format, made at the origin alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(pub String);

unprinted!(Plain);
unprinted!(Hash);

/// A password on its way to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// As the caller gave it; the machine refuses to store it.
    Plain(Plain),
    /// Hashed.
    Hashed(Hash),
}

/// What is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Of the password.
    pub hash: Hash,
    /// The row's version when it was set: another password has another.
    pub version: u64,
}

impl Sealed {
    /// What the edge knows of it. The epoch stands before the version, because a restored row's
    /// versions come again, for other passwords.
    #[must_use]
    pub fn version(&self, epoch: u32) -> String {
        format!("{epoch}-{}", self.version)
    }
}

impl Plain {
    /// Why it cannot be a password.
    ///
    /// # Errors
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        let count = self.0.chars().count();
        if (1..=CHARS_MAX).contains(&count) && !self.0.chars().any(char::is_control) {
            return Ok(());
        }
        Err(format!("must have 1 to {CHARS_MAX} characters, none of control"))
    }
}

/// What the edge asks the origin. Reads only: a copy does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// The domain's id.
    pub domain: u32,
    /// The link's.
    pub code: String,
    /// What was given.
    pub password: Plain,
}

/// What the origin says of a try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is the one; a pass names its version.
    Right {
        /// See [`Sealed::version`].
        version: String,
    },
    /// It is not.
    Wrong,
    /// The link asks for none.
    Open,
    /// Deleted or expired.
    Gone,
    /// Never issued.
    Absent,
}

/// Reads the form of a visitor.
///
/// # Errors
/// 415, 422.
pub fn form(media_type: Option<&str>, bytes: &[u8]) -> Result<Plain, Problem> {
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let detail = "send the password as application/x-www-form-urlencoded";
        return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let refuse = |detail: String| {
        let error = FieldError { pointer: format!("/{FIELD}"), detail };
        Problem::fields(&INVALID, vec![error])
    };
    let mut fields = url::form_urlencoded::parse(bytes);
    let (Some((name, text)), None) = (fields.next(), fields.next()) else {
        return Err(refuse("must be the only field".into()));
    };
    if name != FIELD {
        return Err(refuse("must be the only field".into()));
    }
    let plain = Plain(text.into_owned());
    plain.check().map_err(refuse)?;
    Ok(plain)
}

/// A pass: `{domain}.{code}.{version}.{end in ms}.{half of an HMAC}`. `link`: the register's key.
#[must_use]
pub fn seal(key: &[u8], link: &str, version: &str, now: Millis) -> String {
    let text = format!("{}.{version}.{}", dotted(link), now.plus(PASS_LIFE_MS).0);
    let tag = tag(key, &text);
    format!("{text}.{tag}")
}

/// The version that a pass names; `None`: it is no pass of this link, or it has ended.
#[must_use]
pub fn open(key: &[u8], link: &str, pass: &str, now: Millis) -> Option<String> {
    let (text, given) = pass.rsplit_once('.')?;
    if !bool::from(tag(key, text).as_bytes().ct_eq(given.as_bytes())) {
        return None;
    }
    let mut parts = text.rsplitn(3, '.');
    let (end, version, of) = (parts.next()?, parts.next()?, parts.next()?);
    let is_alive = end.parse().is_ok_and(|end| now < Millis(end));
    (of == dotted(link) && is_alive).then(|| version.into())
}

/// No code has a dot.
fn dotted(link: &str) -> String {
    link.replace('/', ".")
}

fn tag(key: &[u8], text: &str) -> String {
    let mac = mac(key, &format!("link password\n{text}"));
    hex::encode(mac.get(..16).unwrap_or_default())
}

/// The name of a link's cookie. `__Host-` keeps other hosts of the domain from setting it, and
/// demands `Path=/`: so the code stands in the name, and two links' passes do not meet.
/// Source: RFC 6265bis, section 4.1.3.2.
#[must_use]
pub fn cookie_name(code: &str, is_https: bool) -> String {
    if is_https { format!("__Host-link-{code}") } else { format!("link-{code}") }
}

/// The whole `Set-Cookie`.
#[must_use]
pub fn set_cookie(code: &str, is_https: bool, pass: &str) -> String {
    let name = cookie_name(code, is_https);
    let secure = if is_https { "; Secure" } else { "" };
    let life_s = PASS_LIFE_MS / SECOND_MS;
    format!("{name}={pass}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}")
}

/// The version that the passes among a request's cookies name; the first that is good.
#[must_use]
pub fn admitted(
    key: &[u8],
    (link, name): (&str, &str),
    cookies: &str,
    now: Millis,
) -> Option<String> {
    let given = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
    given.filter(|(known, _)| *known == name).find_map(|(_, pass)| open(key, link, pass, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const KEY: &[u8] = b"key";
    const NOW: Millis = Millis(1_790_000_000_000);

    #[test]
    fn a_pass_is_good_for_its_link_until_its_end_and_for_nothing_else() {
        let pass = seal(KEY, "0/abc", "1-3", NOW);
        let at = |link: &str, pass: &str, now| open(KEY, link, pass, now);
        assert_eq!(at("0/abc", &pass, NOW).as_deref(), Some("1-3"));
        let end = NOW.plus(PASS_LIFE_MS);
        assert_eq!(at("0/abc", &pass, Millis(end.0 - 1)).as_deref(), Some("1-3"));
        assert_eq!(at("0/abc", &pass, end), None);
        for link in ["1/abc", "0/abd", "0/ab", "0/abc.1-3"] {
            assert_eq!(at(link, &pass, NOW), None, "{link}");
        }
        assert_eq!(open(b"yek", "0/abc", &pass, NOW), None);
        for (from, to) in [("1-3", "1-4"), ("0.abc", "0.abd"), (".1790", ".1990")] {
            assert_eq!(at("0/abc", &pass.replacen(from, to, 1), NOW), None, "{to}");
        }
        for none in ["", ".", "....", "0.abc.1-3.9999999999999.", &pass[..pass.len() - 1]] {
            assert_eq!(at("0/abc", none, NOW), None, "{none}");
        }
    }

    #[test]
    fn the_right_one_of_many_cookies_is_found() {
        let name = cookie_name("abc", true);
        let pass = seal(KEY, "0/abc", "1-3", NOW);
        let read = |cookies: &str| admitted(KEY, ("0/abc", &name), cookies, NOW);
        assert_eq!(read(&format!("a=b; {name}=x;{name}={pass}; c")).as_deref(), Some("1-3"));
        assert_eq!(read(&format!("link-abc={pass}")), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_cookie_of_https_is_of_its_host_alone() {
        let set = set_cookie("abc", true, "p");
        let rest = "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax";
        assert_eq!(set, format!("__Host-link-abc=p; {rest}; Secure"));
        assert_eq!(set_cookie("abc", false, "p"), format!("link-abc=p; {rest}"));
    }

    #[test]
    fn a_form_has_one_password() {
        let media_type = Some("Application/X-WWW-Form-Urlencoded; charset=utf-8");
        let read = |text: &str| form(media_type, text.as_bytes());
        let whole = "é".repeat(CHARS_MAX);
        for (text, password) in [
            ("password=open+sesame%21", "open sesame!"),
            ("password=%C3%A9", "é"),
            ("password=a%3Db&", "a=b"),
            (&format!("password={whole}"), &whole),
        ] {
            assert_eq!(read(text).unwrap().0, password, "{text}");
        }
        let long = format!("password=x{whole}");
        for wrong in ["", "password=", "password=a&password=b", "pass=a", "password=%00", &long] {
            assert_eq!(read(wrong).unwrap_err().status(), 422, "{wrong}");
        }
        assert_eq!(form(Some("application/json"), b"password=a").unwrap_err().status(), 415);
        assert_eq!(form(None, b"password=a").unwrap_err().status(), 415);
    }

    #[test]
    fn nothing_secret_is_printed() {
        let plain = Plain("open sesame".into());
        let sealed = Sealed { hash: Hash("$argon2id$".into()), version: 3 };
        let asked = Try { domain: 0, code: "abc".into(), password: plain.clone() };
        let printed =
            format!("{plain:?} {sealed:?} {asked:?} {:?}", Password::Plain(plain.clone()));
        assert!(!printed.contains("sesame") && !printed.contains("argon"), "{printed}");
        assert_eq!(sealed.version(2), "2-3".to_string());
    }
}
