//! Lines that carry one reference on both sides.
//!
//! Invariant: equal amounts are paired first, then a sum against one line, then what is once too
//! many is told from what differs.

use super::{Board, Kind, Side, runs};
use crate::money::Currency;
use alloc::{vec, vec::Vec};

impl<'a> Board<'a> {
    pub(super) fn by_reference(&mut self) {
        let has = |line: &super::Line<'a>| !line.reference.is_empty();
        let key =
            |line: &'a super::Line<'a>| (line.reference, line.currency, line.amount, line.day);
        let (ours, theirs) = (self.free(Side::Ours, has, key), self.free(Side::Theirs, has, key));
        for (ours, theirs) in runs(&ours, &theirs, |key| key.0) {
            match (ours.as_slice(), theirs.as_slice()) {
                ([our], [their]) => self.one_to_one(*our, *their),
                _ => self.many(ours, theirs),
            }
        }
    }

    fn amount(&self, side: Side, n: u32) -> Option<(Currency, i64)> {
        self.line(side, n).map(|line| (line.currency, line.amount))
    }

    /// A reference that each side has once: by far the most.
    fn one_to_one(&mut self, our: u32, their: u32) {
        let (Some(a), Some(b)) = (self.amount(Side::Ours, our), self.amount(Side::Theirs, their))
        else {
            return;
        };
        let kind = match () {
            () if a.0 != b.0 => Kind::CurrencyDiffers,
            () if a.1 != b.1 => Kind::AmountDiffers,
            () if self.near(our, their) => Kind::Matched,
            () => Kind::Late,
        };
        self.find(kind, vec![our], vec![their]);
    }

    fn many(&mut self, ours: Vec<u32>, theirs: Vec<u32>) {
        let keyed = |board: &Self, side, places: &[u32]| -> Vec<_> {
            places.iter().filter_map(|n| Some((board.amount(side, *n)?, *n))).collect()
        };
        let (a, b) = (keyed(self, Side::Ours, &ours), keyed(self, Side::Theirs, &theirs));
        let (mut extra_ours, mut extra_theirs) = (Vec::new(), Vec::new());
        for (ours, theirs) in runs(&a, &b, |key| *key) {
            let (left_ours, left_theirs) = self.pair(&ours, &theirs);
            let both = left_ours.len().min(left_theirs.len());
            for (our, their) in left_ours.iter().zip(&left_theirs) {
                self.find(Kind::Late, vec![*our], vec![*their]);
            }
            extra_ours.extend(left_ours.into_iter().skip(both));
            extra_theirs.extend(left_theirs.into_iter().skip(both));
        }
        let ours = self.still_free(Side::Ours, &ours);
        let theirs = self.still_free(Side::Theirs, &theirs);
        if self.sum(&ours, &theirs) {
            return;
        }
        for our in extra_ours {
            self.find(Kind::Duplicate, vec![our], vec![]);
        }
        for their in extra_theirs {
            self.find(Kind::Duplicate, vec![], vec![their]);
        }
        let ours = self.still_free(Side::Ours, &ours);
        let theirs = self.still_free(Side::Theirs, &theirs);
        if !self.sum(&ours, &theirs) {
            self.differing(&ours, &theirs);
        }
    }

    fn differing(&mut self, ours: &[u32], theirs: &[u32]) {
        let keyed = |board: &Self, side, places: &[u32]| -> Vec<_> {
            places.iter().filter_map(|n| Some((board.line(side, *n)?.currency, *n))).collect()
        };
        let (a, b) = (keyed(self, Side::Ours, ours), keyed(self, Side::Theirs, theirs));
        for (ours, theirs) in runs(&a, &b, |currency| *currency) {
            for (our, their) in ours.into_iter().zip(theirs) {
                self.find(Kind::AmountDiffers, vec![our], vec![their]);
            }
        }
        let ours = self.still_free(Side::Ours, ours);
        let theirs = self.still_free(Side::Theirs, theirs);
        for (our, their) in ours.into_iter().zip(theirs) {
            self.find(Kind::CurrencyDiffers, vec![our], vec![their]);
        }
    }

    pub(super) fn still_free(&self, side: Side, places: &[u32]) -> Vec<u32> {
        let free = if side == Side::Ours { &self.ours_free } else { &self.theirs_free };
        let is_free = |n: u32| usize::try_from(n).ok().and_then(|n| free.get(n).copied());
        places.iter().copied().filter(|n| is_free(*n) == Some(true)).collect()
    }

    /// Whether several lines of one side are one line of the other; then they are found.
    pub(super) fn sum(&mut self, ours: &[u32], theirs: &[u32]) -> bool {
        let several = ours.len() > 1 && theirs.len() == 1 || ours.len() == 1 && theirs.len() > 1;
        let (Some(a), Some(b)) = (self.total(Side::Ours, ours), self.total(Side::Theirs, theirs))
        else {
            return false;
        };
        if !several || a != b {
            return false;
        }
        let near = ours.iter().all(|our| theirs.iter().all(|their| self.near(*our, *their)));
        let kind = if near { Kind::Matched } else { Kind::Late };
        self.find(kind, ours.to_vec(), theirs.to_vec());
        true
    }

    /// The sum of lines in one currency.
    fn total(&self, side: Side, places: &[u32]) -> Option<(Currency, i128)> {
        let mut lines = places.iter().filter_map(|n| self.amount(side, *n));
        let (currency, first) = lines.next()?;
        lines.try_fold((currency, i128::from(first)), |(currency, sum), (other, amount)| {
            (other == currency).then(|| (currency, sum + i128::from(amount)))
        })
    }
}
