//! The classes into which all that is known of a request falls: what a manifest depends on.
//!
//! Invariant: there are [`CLASSES`], so a video has at most that many manifests, whatever players
//! say. A quantised cap never lets more through than the cap, a quantised speed promises no more.

use super::device::Codecs;

/// Caps of a picture's shorter side; the last is none. One below the first is the first: nobody
/// makes less.
pub const CAPS: [u32; 8] = [240, 360, 480, 720, 1_080, 1_440, 2_160, u32::MAX];
/// What a line carries at least, in kbit/s: beneath 360p, for 360p, 480p, 720p, 1080p, and more.
pub const SPEEDS_KBPS: [u32; 6] = [0, 700, 1_500, 3_000, 6_000, 12_000];
/// 8 caps × 6 speeds × 4 sets of codecs.
pub const CLASSES: u8 = 192;

const _: () = assert!(
    CAPS.len() * SPEEDS_KBPS.len() * (Codecs::SETS as usize) == CLASSES as usize,
    "a class has a number of its own"
);

/// One class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    cap: u8,
    speed: u8,
    codecs: Codecs,
}

impl Class {
    /// The class of a cap (`None`: none), a speed and a set of codecs.
    #[must_use]
    pub fn of(cap: Option<u32>, kbps: u32, codecs: Codecs) -> Self {
        let cap = CAPS.iter().rposition(|known| *known <= cap.unwrap_or(u32::MAX));
        let speed = SPEEDS_KBPS.iter().rposition(|known| *known <= kbps);
        let place = |at: Option<usize>| u8::try_from(at.unwrap_or_default()).unwrap_or_default();
        Self { cap: place(cap), speed: place(speed), codecs }
    }

    /// Its number, below [`CLASSES`].
    #[must_use]
    pub fn number(self) -> u8 {
        (self.cap * 6 + self.speed) * Codecs::SETS + self.codecs.bits()
    }

    /// The class of a number.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        let (rest, codecs) = (number / Codecs::SETS, Codecs::of_bits(number));
        (number < CLASSES).then_some(Self { cap: rest / 6, speed: rest % 6, codecs })
    }

    /// The longest that a picture's shorter side may be; `None`: as long as it likes.
    #[must_use]
    pub fn cap(self) -> Option<u32> {
        CAPS.get(usize::from(self.cap)).copied().filter(|cap| *cap < u32::MAX)
    }

    /// What the line carries at least, in kbit/s.
    #[must_use]
    pub fn kbps(self) -> u32 {
        SPEEDS_KBPS.get(usize::from(self.speed)).copied().unwrap_or_default()
    }

    /// What the player decodes.
    #[must_use]
    pub fn codecs(self) -> Codecs {
        self.codecs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn every_class_has_a_number_and_there_are_no_others() {
        let mut seen = BTreeSet::new();
        for number in 0..CLASSES {
            let class = Class::of_number(number).unwrap();
            assert_eq!(class.number(), number);
            assert_eq!(Class::of(class.cap(), class.kbps(), class.codecs()), class);
            seen.insert(class);
        }
        assert_eq!(seen.len(), usize::from(CLASSES));
        assert!((CLASSES..=u8::MAX).all(|number| Class::of_number(number).is_none()));
        for cap in (0..2_400).map(Some).chain([None, Some(u32::MAX)]) {
            for kbps in [0, 1, 699, 700, 701, 5_999, 6_000, 11_999, 12_000, u32::MAX] {
                for codecs in (0..Codecs::SETS).map(Codecs::of_bits) {
                    let class = Class::of(cap, kbps, codecs);
                    assert!(seen.contains(&class) && class.number() < CLASSES);
                    assert!(class.kbps() <= kbps);
                    let given = cap.unwrap_or(u32::MAX);
                    assert!(class.cap().unwrap_or(u32::MAX) <= given.max(CAPS[0]), "{cap:?}");
                }
            }
        }
    }
}
