//! Reconciliation: our lines held against theirs, as a function of both.
//!
//! Invariant: every line of either side stands in exactly one finding. A reference that both sides
//! carry decides; a batch's reference stands for its sum; only where one side has no reference do
//! amount and date decide, and then as many as can be are paired. Equal input, equal output.
//! Refused: two references that differ are never the same money, however alike the lines are.

pub mod amount;
mod batches;
pub mod csv;
pub mod line;
mod references;
pub mod request;
pub mod statement;
pub mod wire;

pub use line::{Finding, Kind, Line};

use alloc::{vec, vec::Vec};

/// What is decided so far, over lines that do not change.
struct Board<'a> {
    ours: &'a [Line<'a>],
    theirs: &'a [Line<'a>],
    window_days: u32,
    ours_free: Vec<bool>,
    theirs_free: Vec<bool>,
    findings: Vec<Finding>,
}

/// Which side a place belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

/// Holds our lines against theirs. Both may have up to 2^32 − 1 lines; what is beyond is not looked
/// at, and the caller's limits are far below.
#[must_use]
pub fn reconcile(ours: &[Line<'_>], theirs: &[Line<'_>], window_days: u32) -> Vec<Finding> {
    let mut board = Board {
        ours,
        theirs,
        window_days,
        ours_free: vec![true; ours.len()],
        theirs_free: vec![true; theirs.len()],
        findings: Vec::with_capacity(ours.len().max(theirs.len())),
    };
    board.repeated();
    board.by_reference();
    board.by_batch();
    board.by_amount();
    board.rest();
    board.findings
}

impl<'a> Board<'a> {
    fn line(&self, side: Side, n: u32) -> Option<&'a Line<'a>> {
        let lines = if side == Side::Ours { self.ours } else { self.theirs };
        usize::try_from(n).ok().and_then(|n| lines.get(n))
    }

    /// The places of one side that are free and that `keep` keeps, in the order of `key`.
    fn free<K: Ord>(
        &self,
        side: Side,
        keep: impl Fn(&Line<'a>) -> bool,
        key: impl Fn(&'a Line<'a>) -> K,
    ) -> Vec<(K, u32)> {
        let (lines, free) = match side {
            Side::Ours => (self.ours, &self.ours_free),
            Side::Theirs => (self.theirs, &self.theirs_free),
        };
        let all = lines.iter().zip(free).zip(0u32..);
        let kept = all.filter(|((line, free), _)| **free && keep(line));
        let mut places: Vec<(K, u32)> = kept.map(|((line, _), n)| (key(line), n)).collect();
        places.sort_unstable();
        places
    }

    fn find(&mut self, kind: Kind, mut ours: Vec<u32>, mut theirs: Vec<u32>) {
        ours.sort_unstable();
        theirs.sort_unstable();
        for (places, free) in [(&ours, &mut self.ours_free), (&theirs, &mut self.theirs_free)] {
            for n in places {
                if let Some(free) = usize::try_from(*n).ok().and_then(|n| free.get_mut(n)) {
                    *free = false;
                }
            }
        }
        self.findings.push(Finding { kind, ours, theirs });
    }

    fn day(&self, side: Side, n: u32) -> u32 {
        self.line(side, n).map_or(0, |line| line.day)
    }

    fn near(&self, ours: u32, theirs: u32) -> bool {
        self.day(Side::Ours, ours).abs_diff(self.day(Side::Theirs, theirs)) <= self.window_days
    }

    /// Pairs as many as can be within the window; both in the order of their days. What is left.
    fn pair(&mut self, ours: &[u32], theirs: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let (mut left_ours, mut left_theirs) = (Vec::new(), Vec::new());
        let (mut a, mut b) = (ours.iter().copied().peekable(), theirs.iter().copied().peekable());
        while let (Some(our), Some(their)) = (a.peek().copied(), b.peek().copied()) {
            if self.near(our, their) {
                self.find(Kind::Matched, vec![our], vec![their]);
                a.next();
                b.next();
            } else if self.day(Side::Ours, our) < self.day(Side::Theirs, their) {
                left_ours.extend(a.next());
            } else {
                left_theirs.extend(b.next());
            }
        }
        left_ours.extend(a);
        left_theirs.extend(b);
        (left_ours, left_theirs)
    }

    /// The bank's own number twice is one line that was sent twice.
    fn repeated(&mut self) {
        let key = |line: &'a Line<'a>| (line.id, line.currency, line.amount, line.day);
        let places = self.free(Side::Theirs, |line| !line.id.is_empty(), key);
        for two in places.windows(2) {
            if let [(before, _), (key, n)] = two
                && before == key
            {
                self.find(Kind::Duplicate, vec![], vec![*n]);
            }
        }
    }

    /// Where a side has no reference, currency, amount and date decide.
    fn by_amount(&mut self) {
        for (with_ours, with_theirs) in [(false, false), (true, false), (false, true)] {
            let key = |line: &'a Line<'a>| (line.currency, line.amount, line.day);
            let ours = self.free(Side::Ours, |line| line.reference.is_empty() != with_ours, key);
            let theirs =
                self.free(Side::Theirs, |line| line.reference.is_empty() != with_theirs, key);
            let same = |key: &(_, _, u32)| (key.0, key.1);
            for (ours, theirs) in runs(&ours, &theirs, same) {
                self.pair(&ours, &theirs);
            }
        }
    }

    /// What stands on one side only.
    fn rest(&mut self) {
        for n in self.free(Side::Ours, |_| true, |_| ()) {
            self.find(Kind::MissingThere, vec![n.1], vec![]);
        }
        for n in self.free(Side::Theirs, |_| true, |_| ()) {
            self.find(Kind::MissingHere, vec![], vec![n.1]);
        }
    }
}

/// Both lists' places under each key that both have; the lists are in the order of their keys.
fn runs<K, S: Ord>(
    ours: &[(K, u32)],
    theirs: &[(K, u32)],
    same: impl Fn(&K) -> S,
) -> Vec<(Vec<u32>, Vec<u32>)> {
    let places = |run: &[(K, u32)]| run.iter().map(|(_, n)| *n).collect::<Vec<_>>();
    let by = |a: &(K, u32), b: &(K, u32)| same(&a.0) == same(&b.0);
    let (mut a, mut b) = (ours.chunk_by(by).peekable(), theirs.chunk_by(by).peekable());
    let mut found = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let (Some((x_key, _)), Some((y_key, _))) = (x.first(), y.first()) else { break };
        match same(x_key).cmp(&same(y_key)) {
            core::cmp::Ordering::Less => {
                a.next();
            }
            core::cmp::Ordering::Greater => {
                b.next();
            }
            core::cmp::Ordering::Equal => {
                found.push((places(x), places(y)));
                a.next();
                b.next();
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
