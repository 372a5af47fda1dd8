//! Passwords of links: what visitors hold, and what the two sides say to one another.
//!
//! Invariant: every text is read back into what was written; a cookie that was given out is good
//! for its twelve hours whatever is deployed meanwhile.

use crate::frozen;
use shared::links::password::{
    PASS_LIFE_MS, Plain, Sealed, Try, VERIFY_PATH, Verdict, admitted, cookie_name, open, seal,
    set_cookie,
};
use shared::time::Millis;

const KEY: &[u8] = &[9; 32];
const NOW: Millis = Millis(1_795_151_503_007);
const PASS: &str = "7.my-alias.3-42.1795194703007.c5ed8f2541396f332c6367b5c1909b14";

#[test]
fn pass_and_cookie_format_unchanged() {
    assert_eq!(seal(KEY, "7/my-alias", "3-42", NOW), PASS);
    assert_eq!(open(KEY, "7/my-alias", PASS, NOW).as_deref(), Some("3-42"));
    let last = Millis(NOW.0 + PASS_LIFE_MS - 1);
    assert_eq!(open(KEY, "7/my-alias", PASS, last).as_deref(), Some("3-42"));
    let name = cookie_name("my-alias", true);
    assert_eq!(
        (name.as_str(), &*cookie_name("my-alias", false)),
        ("__Host-link-my-alias", "link-my-alias")
    );
    let cookies = format!("a=b; {name}={PASS}");
    assert_eq!(admitted(KEY, ("7/my-alias", &name), &cookies, NOW).as_deref(), Some("3-42"));
    let wanted = "; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(set_cookie("my-alias", true, PASS), format!("{name}={PASS}{wanted}"));
}

#[test]
fn try_and_verdict_format_unchanged() {
    assert_eq!(VERIFY_PATH, "/internal/links/password");
    frozen(
        &Try { domain: 7, code: "my-alias".into(), password: Plain("open sesame".into()) },
        r#"{"domain":7,"code":"my-alias","password":"open sesame"}"#,
    );
    for (verdict, text) in [
        (Verdict::Right { version: "3-42".into() }, r#"{"verdict":"right","version":"3-42"}"#),
        (Verdict::Wrong, r#"{"verdict":"wrong"}"#),
        (Verdict::Open, r#"{"verdict":"open"}"#),
        (Verdict::Gone, r#"{"verdict":"gone"}"#),
        (Verdict::Absent, r#"{"verdict":"absent"}"#),
    ] {
        frozen(&verdict, text);
    }
    let sealed = Sealed { hash: shared::links::password::Hash("x".into()), version: 42 };
    assert_eq!(sealed.version(3), "3-42");
}
