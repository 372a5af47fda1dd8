//! The preview of a link: a page that says where it leads and goes nowhere.
//!
//! Invariant: every text on it is escaped; the host stands in punycode, so that a look-alike is
//! seen; looking is no click. Where a link with a password leads is not shown.

use super::gone;
use crate::call::Call;
use shared::envelope::Envelope;
use shared::links::redirect::Redirect;
use shared::problem::Problem;

/// The page.
///
/// # Errors
/// 410.
pub(super) fn page(call: &Call, code: &str, decided: &Redirect<'_>) -> Result<Envelope, Problem> {
    let short = escape(&call.short_url(code));
    let said = match decided {
        Redirect::To { location, .. } => {
            let (shown, host) = (escape(location), escape(host(location)));
            format!(
                "<h1>{short} leads to {host}</h1>\n<p>The whole address: \
                 <a rel=\"noopener noreferrer nofollow\" href=\"{shown}\">{shown}</a></p>"
            )
        }
        // Whoever has given it sees where it leads by following it.
        Redirect::Locked => format!(
            "<h1>{short} asks for a password</h1>\n<p>Where it leads is shown to nobody without \
             it: <a rel=\"nofollow\" href=\"/{}\">give the password</a></p>",
            escape(code)
        ),
        Redirect::Gone | Redirect::UsedUp => return Err(gone(decided)),
    };
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Where {short} leads</title>\n\
         <main>\n{said}\n</main>\n</html>\n"
    );
    let page = Envelope::empty(200).with("content-type", "text/html; charset=utf-8");
    Ok(Envelope { body, ..page })
}

fn host(url: &str) -> &str {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_the_host_is_the_real_one() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        assert_eq!(host("https://good.example@evil.example:8/x"), "evil.example:8");
    }
}
