//! The intake: which events of a delivery are new, by one watermark per recorder.
//!
//! Invariant: a number is applied once; the watermark is raised in the transaction that applies
//! the events. A gap (an origin restored from a backup) is accepted and counted, because waiting
//! for what will never come would block the road for ever.

/// What to do with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Events at the front that were applied before.
    pub skip: u64,
    /// Numbers that never arrived.
    pub gap: u64,
    /// The watermark afterwards.
    pub applied_seq: u64,
}

/// Holds a delivery of `count` events from `first_seq` against the watermark.
#[must_use]
pub fn intake(applied_seq: u64, first_seq: u64, count: u64) -> Intake {
    let expected = applied_seq.saturating_add(1);
    let skip = expected.saturating_sub(first_seq).min(count);
    let last = first_seq.saturating_add(count).saturating_sub(1);
    Intake {
        skip,
        gap: if skip < count { first_seq.saturating_sub(expected) } else { 0 },
        applied_seq: if skip < count { last } else { applied_seq },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_overlaps_and_gaps() {
        let case = |applied, first, count| {
            let Intake { skip, gap, applied_seq } = intake(applied, first, count);
            (skip, gap, applied_seq)
        };
        assert_eq!(case(0, 1, 3), (0, 0, 3));
        assert_eq!(case(3, 1, 3), (3, 0, 3));
        assert_eq!(case(3, 2, 4), (2, 0, 5));
        assert_eq!(case(3, 4, 1), (0, 0, 4));
        assert_eq!(case(3, 6, 2), (0, 2, 7));
        assert_eq!(case(9, 1, 3), (3, 0, 9));
        assert_eq!(case(5, 6, 0), (0, 0, 5));
    }
}
