//! Which renditions a player is offered, in which order, and why.
//!
//! Invariant: a function of the renditions and the [`Class`] alone. Never empty while one picture
//! has a segment; every rendition has a reason; the first picture is the one to start with, because
//! players seed their estimate from it. What the player cannot decode or its viewer may not see is
//! left out, unless nothing else is there: then the smallest picture stands alone.

use super::class::Class;
use super::presentation::{Head, Parked};
use super::rendition::Media;
use alloc::vec::Vec;
use serde::Serialize;

/// Why a rendition stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Kept, the first: the largest whose peak the line carries.
    Start,
    /// Kept, the first: the line carries none, so the lightest.
    StartLightest,
    /// Kept: to be switched to.
    Alternative,
    /// Kept, alone: nothing that the player decodes is within the cap, so the smallest.
    OnlyOne,
    /// Kept, alone: the player decodes nothing that there is, as far as is known.
    LastResort,
    /// Kept: sound.
    Sound,
    /// Left out: larger than the cap.
    AboveCap,
    /// Left out: the player does not decode it, as far as is known.
    Codec,
    /// Left out: it has no segment yet.
    NotYet,
}

impl Reason {
    /// Whether the manifest has it.
    #[must_use]
    pub fn keeps(self) -> bool {
        self < Self::AboveCap
    }
}

/// One rendition and its place.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The rendition.
    pub head: &'a Head,
    /// Why.
    pub reason: Reason,
}

/// Chooses: first the pictures that are kept, in the manifest's order, then the sounds, in the
/// ladder's, then what is left out. No picture is kept only when none has a segment.
#[must_use]
pub fn select(renditions: &[Head], class: Class) -> Vec<Choice<'_>> {
    let mut all: Vec<Choice<'_>> =
        renditions.iter().map(|head| Choice { head, reason: judge(head, class) }).collect();
    if !all.iter().any(|one| one.reason == Reason::Alternative) {
        keep_one(&mut all, class);
    } else {
        start(&mut all, renditions, class);
    }
    // Stable: what is equal keeps the ladder's order.
    all.sort_by_key(|one| {
        (place(one.reason), if one.reason == Reason::Alternative { one.head.bandwidth } else { 0 })
    });
    all
}

/// Whether a picture that is not there would be kept, if it were.
#[must_use]
pub fn wants(parked: &Parked, class: Class) -> bool {
    let Media::Video { width, height, .. } = parked.media else { return false };
    let within = class.cap().is_none_or(|cap| width.min(height) <= cap);
    within && class.codecs().plays(&parked.codec)
}

fn place(reason: Reason) -> u8 {
    match reason {
        Reason::Start | Reason::StartLightest | Reason::OnlyOne | Reason::LastResort => 0,
        Reason::Alternative => 1,
        Reason::Sound => 2,
        Reason::AboveCap | Reason::Codec | Reason::NotYet => 3,
    }
}

fn judge(head: &Head, class: Class) -> Reason {
    match short_side(head) {
        _ if head.segments == 0 => Reason::NotYet,
        None => Reason::Sound,
        Some(_) if !class.codecs().plays(&head.codec) => Reason::Codec,
        Some(side) if class.cap().is_some_and(|cap| side > cap) => Reason::AboveCap,
        Some(_) => Reason::Alternative,
    }
}

/// The shorter side of a picture: what a rung of the ladder is called by. `None`: sound.
#[must_use]
pub fn short_side(head: &Head) -> Option<u32> {
    match head.media {
        Media::Video { width, height, .. } => Some(width.min(height)),
        Media::Audio { .. } => None,
    }
}

fn keep_one(all: &mut [Choice<'_>], class: Class) {
    let rank = |one: &Choice<'_>| {
        let side = short_side(one.head)?;
        let plays = class.codecs().plays(&one.head.codec);
        (one.head.segments > 0).then_some((!plays, side, one.head.bandwidth))
    };
    let smallest = all.iter().filter_map(rank).min();
    if let Some(one) = all.iter_mut().find(|one| smallest.is_some() && rank(one) == smallest) {
        let plays = class.codecs().plays(&one.head.codec);
        one.reason = if plays { Reason::OnlyOne } else { Reason::LastResort };
    }
}

/// The largest picture whose peak, with the loudest sound's, the line carries; of equals the one
/// that costs least. Else the lightest.
fn start(all: &mut [Choice<'_>], renditions: &[Head], class: Class) {
    let sounds = renditions.iter().filter(|head| short_side(head).is_none() && head.segments > 0);
    let sound = sounds.map(|head| head.bandwidth).max().unwrap_or_default();
    let budget = u64::from(class.kbps()) * 1_000;
    let kept = || all.iter().filter(|one| one.reason == Reason::Alternative);
    let fits = |one: &&Choice<'_>| one.head.bandwidth.saturating_add(sound) <= budget;
    let size = |one: &&Choice<'_>| (short_side(one.head), core::cmp::Reverse(one.head.bandwidth));
    let largest = kept().filter(fits).max_by_key(size).map(|one| one.head.name.as_str());
    let lightest = || kept().min_by_key(|one| one.head.bandwidth).map(|one| one.head.name.as_str());
    let (name, reason) = match largest {
        Some(name) => (Some(name), Reason::Start),
        None => (lightest(), Reason::StartLightest),
    };
    if let Some(one) = all
        .iter_mut()
        .find(|one| one.reason == Reason::Alternative && Some(one.head.name.as_str()) == name)
    {
        one.reason = reason;
    }
}

#[cfg(test)]
mod tests;
