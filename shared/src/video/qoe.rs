//! Quality of experience: what players tell of themselves, and its sums.
//!
//! A player's page reports what changed since its last report; of other players each segment that
//! was asked for with CMCD is a report. Each is one event of the up road. Invariant: a [`View`] is
//! bounded, whatever was sent; [`Sums`] add up in any order; nobody's name, address or session
//! stands in an event.

use super::cmcd::Cmcd;
use super::device::Screen;
use super::presentation::PRODUCT;
use crate::problem::Problem;
use crate::roads::Event;
use crate::time::Millis;
use crate::{body, problem};
use alloc::{format, string::String};
use serde::{Deserialize, Serialize};

/// A page reports at least this often while it plays.
pub const REPORT_MS: u64 = 30_000;
/// What one report may claim: twice that, for a page that the browser held up.
pub const REPORT_MS_MAX: u64 = 2 * REPORT_MS;
/// What a start may take before it counts as this.
pub const STARTUP_MS_MAX: u64 = 120_000;
/// Stalls of one report: one in a hundred milliseconds.
pub const STALLS_MAX: u32 = 600;
/// No rung of the ladder has more.
pub const KBPS_MAX: u64 = 200_000;
/// The beginning of the session's name of our own page, whose segments are no reports.
pub const PAGE: &str = "page-";
/// A report's longest body.
pub const REPORT_BYTES_MAX: u64 = 1_024;

/// `POST /v/{id}/report`: what changed since the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Milliseconds from the wish to play to the first frame, in the first report of a play.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ms: Option<u64>,
    /// Milliseconds that were played.
    pub watched_ms: u64,
    /// Milliseconds that the picture stood still, wanted or not.
    pub stalled_ms: u64,
    /// How often it stopped.
    pub stalls: u32,
    /// Kilobits of what was played: the rendition's rate times its seconds.
    pub kbits: u64,
}

/// One report as an event's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The video.
    pub video: String,
    /// Its application.
    pub app: String,
    /// ISO 3166-1, or empty.
    pub country: String,
    /// See [`Screen::name`].
    pub device: String,
    /// What it adds.
    pub sums: Sums,
}

/// Additive; every rate is a quotient of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sums {
    /// Plays that began.
    pub plays: u64,
    /// Milliseconds until their first frames.
    pub startup_ms: u64,
    /// Milliseconds that were played.
    pub watched_ms: u64,
    /// Milliseconds that stood still.
    pub stalled_ms: u64,
    /// How often it stopped.
    pub stalls: u64,
    /// Kilobits of what was played.
    pub kbits: u64,
}

impl Sums {
    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            plays: self.plays.saturating_add(other.plays),
            startup_ms: self.startup_ms.saturating_add(other.startup_ms),
            watched_ms: self.watched_ms.saturating_add(other.watched_ms),
            stalled_ms: self.stalled_ms.saturating_add(other.stalled_ms),
            stalls: self.stalls.saturating_add(other.stalls),
            kbits: self.kbits.saturating_add(other.kbits),
        }
    }

    /// Milliseconds to the first frame, on average; `None`: nobody began.
    #[must_use]
    pub fn startup(&self) -> Option<u64> {
        self.startup_ms.checked_div(self.plays)
    }

    /// Of 10,000 milliseconds so many stood still; `None`: nobody watched.
    #[must_use]
    pub fn stalled_of_10_000(&self) -> Option<u64> {
        let all = u128::from(self.watched_ms) + u128::from(self.stalled_ms);
        let part = (u128::from(self.stalled_ms) * 10_000).checked_div(all)?;
        u64::try_from(part).ok()
    }

    /// Kilobits a second, on average; `None`: nobody watched.
    #[must_use]
    pub fn kbps(&self) -> Option<u64> {
        let rate = (u128::from(self.kbits) * 1_000).checked_div(u128::from(self.watched_ms))?;
        u64::try_from(rate).ok()
    }
}

/// Reads a report; what is beyond its bound is at it, because a page may have been held up.
///
/// # Errors
/// 400, 422.
pub fn report(bytes: &[u8]) -> Result<Sums, Problem> {
    let said: Report = body::parse(bytes)?;
    let watched_ms = said.watched_ms.min(REPORT_MS_MAX);
    let sums = Sums {
        plays: u64::from(said.startup_ms.is_some()),
        startup_ms: said.startup_ms.unwrap_or_default().min(STARTUP_MS_MAX),
        watched_ms,
        stalled_ms: said.stalled_ms.min(REPORT_MS_MAX),
        stalls: u64::from(said.stalls.min(STALLS_MAX)),
        kbits: said.kbits.min(kbits_max(watched_ms)),
    };
    if sums == Sums::default() {
        let detail = "a report says what changed, and nothing did";
        return Err(Problem::new(&problem::UNACCEPTABLE, detail));
    }
    Ok(sums)
}

/// What a segment's request tells, of a player that is not our page; `None`: nothing.
#[must_use]
pub fn of_segment(said: &Cmcd, n: u32) -> Option<Sums> {
    let number = |key: &str| said.0.get(key)?.number().and_then(|value| u64::try_from(value).ok());
    let is_sound = said.0.get("ot").and_then(super::cmcd::Value::text) == Some("a");
    if said.session().is_none_or(|id| id.starts_with(PAGE)) || is_sound {
        return None;
    }
    let watched_ms = number("d")?.min(REPORT_MS_MAX);
    let kbps = number("br").unwrap_or_default().min(KBPS_MAX);
    Some(Sums {
        plays: u64::from(n == 0),
        watched_ms,
        stalls: u64::from(said.starved()),
        kbits: kbps * watched_ms / 1_000,
        ..Sums::default()
    })
}

/// The event of a report.
///
/// # Errors
/// It does not fit into JSON, which all of it does.
pub fn event(
    (app, video): (&str, &str),
    country: &str,
    screen: Screen,
    sums: Sums,
    at: Millis,
) -> serde_json::Result<Event> {
    let view = View {
        video: video.into(),
        app: app.into(),
        country: if is_country(country) { country.into() } else { String::new() },
        device: screen.name().into(),
        sums,
    };
    Ok(Event { product: PRODUCT.into(), at, body: serde_json::to_string(&view)? })
}

/// Whether a view can be stored: no more than one report may claim.
///
/// # Errors
/// For the log: what of it cannot.
pub fn check(view: &View) -> Result<(), String> {
    if Screen::named(&view.device).is_none() {
        return Err(format!("no device: {:?}", view.device));
    }
    if !view.country.is_empty() && !is_country(&view.country) {
        return Err(format!("no country: {:?}", view.country));
    }
    let Sums { plays, startup_ms, watched_ms, stalled_ms, stalls, kbits } = view.sums;
    let is_within = plays <= 1
        && startup_ms <= STARTUP_MS_MAX
        && watched_ms <= REPORT_MS_MAX
        && stalled_ms <= REPORT_MS_MAX
        && stalls <= u64::from(STALLS_MAX)
        && kbits <= kbits_max(REPORT_MS_MAX);
    if is_within { Ok(()) } else { Err("it claims more than a report may".into()) }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What can be played in a time, with a second more for what was rounded.
fn kbits_max(watched_ms: u64) -> u64 {
    (watched_ms / 1_000 + 1) * KBPS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v12_a_report_is_bounded() {
        let said =
            r#"{"startup_ms":400,"watched_ms":30000,"stalled_ms":500,"stalls":1,"kbits":90000}"#;
        let sums = report(said.as_bytes()).unwrap();
        assert_eq!(
            (sums.startup(), sums.stalled_of_10_000(), sums.kbps()),
            (Some(400), Some(163), Some(3_000))
        );
        let huge = format!(
            r#"{{"watched_ms":{0},"stalled_ms":{0},"stalls":4294967295,"kbits":{0}}}"#,
            u64::MAX
        );
        let sums = report(huge.as_bytes()).unwrap();
        assert_eq!(
            (sums.plays, sums.watched_ms, sums.stalled_ms),
            (0, REPORT_MS_MAX, REPORT_MS_MAX)
        );
        assert!(
            sums.kbps() <= Some(KBPS_MAX * 61 / 60 + 1) && sums.stalls == u64::from(STALLS_MAX)
        );
        for (wrong, status) in [
            ("{", 400),
            ("{}", 422),
            (r#"{"watched_ms":0,"stalled_ms":0,"stalls":0,"kbits":0}"#, 422),
            (r#"{"watched_ms":-1,"stalled_ms":0,"stalls":0,"kbits":0}"#, 422),
            (r#"{"watched_ms":1,"stalled_ms":0,"stalls":0,"kbits":0,"ip":"x"}"#, 422),
        ] {
            assert_eq!(report(wrong.as_bytes()).unwrap_err().status(), status, "{wrong}");
        }
    }

    #[test]
    fn v12_sums_add_up_in_any_order_and_never_overflow() {
        let sums = |n: u64| Sums { plays: 1, watched_ms: n, stalls: n / 2, ..Sums::default() };
        let all = [sums(10), sums(20), sums(40), sums(u64::MAX)];
        let forth = all.into_iter().fold(Sums::default(), Sums::plus);
        let back = all.into_iter().rev().fold(Sums::default(), Sums::plus);
        assert_eq!(forth, back);
        assert_eq!((forth.plays, forth.watched_ms), (4, u64::MAX));
        assert_eq!(Sums::default().kbps().or(Sums::default().startup()), None);
        let view = |country: &str| {
            let event = event(("app_1", "vid_1"), country, Screen::Tv, sums(1), Millis(7)).unwrap();
            serde_json::from_str::<View>(&event.body).unwrap()
        };
        assert_eq!((&*view("JP").country, &*view("x/y").country), ("JP", ""));
        assert!(check(&view("JP")).is_ok() && check(&view("")).is_ok());
    }

    #[test]
    fn v12_a_segment_tells_of_players_that_are_not_our_page() {
        let of = |text: &str, n| of_segment(&Cmcd::read(text), n);
        let sums = of("br=3000,bs,d=4000,ot=v,sid=\"a\"", 0).unwrap();
        assert_eq!((sums.plays, sums.watched_ms, sums.stalls, sums.kbits), (1, 4_000, 1, 12_000));
        assert_eq!(of("br=3000,d=4000,ot=v,sid=\"a\"", 3).map(|sums| sums.plays), Some(0));
        for none in [
            "",
            "br=3000,d=4000",
            "br=128,d=4000,ot=a,sid=\"a\"",
            "br=3000,d=4000,sid=\"page-1\"",
            "br=1,sid=\"a\"",
        ] {
            assert_eq!(of(none, 0), None, "{none}");
        }
    }
}
