//! Batches: one line of a side that stands for several of the other, which name it as their batch.
//!
//! Invariant: a batch is compared whole; when its sum differs, so does its amount, and no line of
//! it is called missing.

use super::{Board, Kind, Line, Side, runs};

impl<'a> Board<'a> {
    pub(super) fn by_batch(&mut self) {
        let batch = |line: &'a Line<'a>| (line.batch, line.currency, line.day, line.amount);
        let own = |line: &'a Line<'a>| (line.reference, line.currency, line.day, line.amount);
        let has_batch = |line: &Line<'a>| !line.batch.is_empty();
        let has_own = |line: &Line<'a>| !line.reference.is_empty();
        let ours = self.free(Side::Ours, has_batch, batch);
        let theirs = self.free(Side::Theirs, has_own, own);
        for (ours, theirs) in runs(&ours, &theirs, |key| (key.0, key.1)) {
            self.whole(&ours, &theirs);
        }
        let ours = self.free(Side::Ours, has_own, own);
        let theirs = self.free(Side::Theirs, has_batch, batch);
        for (ours, theirs) in runs(&ours, &theirs, |key| (key.0, key.1)) {
            self.whole(&ours, &theirs);
        }
    }

    fn whole(&mut self, ours: &[u32], theirs: &[u32]) {
        let ours = self.still_free(Side::Ours, ours);
        let theirs = self.still_free(Side::Theirs, theirs);
        if ours.is_empty() || theirs.is_empty() || self.sum(&ours, &theirs) {
            return;
        }
        if let ([our], [their]) = (ours.as_slice(), theirs.as_slice())
            && self.line(Side::Ours, *our).map(|line| line.amount)
                == self.line(Side::Theirs, *their).map(|line| line.amount)
        {
            let kind = if self.near(*our, *their) { Kind::Matched } else { Kind::Late };
            return self.find(kind, ours, theirs);
        }
        self.find(Kind::AmountDiffers, ours, theirs);
    }
}
