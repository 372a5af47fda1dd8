//! A Merkle tree over a log that only grows: roots, proofs, and their check.
//!
//! Invariant: the root of `n` leaves is RFC 9162's (section 2.1.1), so that any verifier of
//! certificate transparency checks a proof. Only complete subtrees of [`TILE`] leaves and more are
//! kept; below, hashes are made again from the leaves. Refused: to know what a leaf says.
//! Source: RFC 9162, sections 2.1.1 and 2.1.3; the tiles are those of the static CT API.

use alloc::{collections::BTreeMap, collections::BTreeSet, string::String, vec::Vec};
use sha2::{Digest, Sha256};

/// SHA-256's output.
pub type Hash = [u8; 32];
/// A subtree that is kept has 2^8 leaves or more: one row per 128 transfers.
pub const TILE_LEVEL: u32 = 8;
/// Leaves of a tile.
pub const TILE: u64 = 1 << TILE_LEVEL;

/// The hash of a leaf's bytes.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// The hash over two subtrees.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The end of a growing tree: the roots of its complete subtrees, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// The root of the complete subtree of 2^`level` leaves whose first is `n`·2^`level`.
pub type Node = (u32, u64);

impl Frontier {
    /// Of a stored tree; `None` when the peaks are not those of this size.
    #[must_use]
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let fits = u64::try_from(peaks.len()).ok()? == u64::from(size.count_ones());
        fits.then_some(Self { size, peaks })
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What is stored.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf; tells `keep` of every subtree that it completes, from tiles up.
    pub fn append(&mut self, leaf: Hash, mut keep: impl FnMut(Node, Hash)) {
        let (mut hash, mut level, mut n) = (leaf, 0, self.size);
        while n & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            n >>= 1;
            if level >= TILE_LEVEL {
                keep((level, n), hash);
            }
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root; of an empty tree it is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut from_last = self.peaks.iter().rev();
        let Some(last) = from_last.next() else { return Sha256::digest([]).into() };
        from_last.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    n.next_power_of_two() >> 1
}

/// The complete subtrees that make up `count` leaves from `from` on, largest first.
fn complete(from: u64, count: u64, out: &mut BTreeSet<Node>) {
    if count == 0 {
        return;
    }
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        out.insert((level, from >> level));
        return;
    }
    let left = split(count);
    complete(from, left, out);
    complete(from.saturating_add(left), count.saturating_sub(left), out);
}

/// The hash over `count` leaves from `from` on, out of complete subtrees.
fn hash_of(from: u64, count: u64, known: &BTreeMap<Node, Hash>) -> Option<Hash> {
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return known.get(&(level, from >> level)).copied();
    }
    let left = split(count);
    let right = hash_of(from.checked_add(left)?, count.checked_sub(left)?, known)?;
    Some(node_hash(&hash_of(from, left, known)?, &right))
}

/// The siblings on the way from leaf `index` up to the root of `size` leaves, lowest first.
fn siblings(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut from, mut count) = (0, size);
    let mut out = Vec::new();
    while count > 1 {
        let left = split(count);
        if index.saturating_sub(from) < left {
            out.push((from + left, count - left));
            count = left;
        } else {
            out.push((from, left));
            from += left;
            count -= left;
        }
    }
    out.reverse();
    out
}

/// The complete subtrees whose hashes [`path`] needs.
#[must_use]
pub fn wanted(index: u64, size: u64) -> BTreeSet<Node> {
    let mut out = BTreeSet::new();
    for (from, count) in siblings(index, size) {
        complete(from, count, &mut out);
    }
    out
}

/// The complete subtrees that make up the root of `size` leaves.
#[must_use]
pub fn peaks_of(size: u64) -> Vec<Node> {
    let mut out = BTreeSet::new();
    complete(0, size, &mut out);
    out.into_iter().rev().collect()
}

/// The proof that leaf `index` is in the tree of `size` leaves; `None` when a hash is not known.
#[must_use]
pub fn path(index: u64, size: u64, known: &BTreeMap<Node, Hash>) -> Option<Vec<Hash>> {
    siblings(index, size).into_iter().map(|(from, count)| hash_of(from, count, known)).collect()
}

/// The root that a proof leads to (RFC 9162, section 2.1.3.2); `None` for one that fits no tree.
#[must_use]
pub fn root_of(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut at, mut last) = (index, size.checked_sub(1)?);
    if index > last {
        return None;
    }
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Hexadecimal digits of hashes, one after the other.
#[must_use]
pub fn to_hex(hashes: &[Hash]) -> String {
    hashes.iter().map(hex::encode).collect()
}

/// Reads [`to_hex`].
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<Hash>> {
    let bytes = hex::decode(text).ok()?;
    bytes.chunks(32).map(|chunk| chunk.try_into().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn leaf(n: u64) -> Hash {
        leaf_hash(&n.to_be_bytes())
    }

    /// RFC 9162's definition, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            many => {
                let k = many.len().next_power_of_two() / 2;
                node_hash(&mth(&many[..k]), &mth(&many[k..]))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_rfc() {
        let mut frontier = Frontier::default();
        let mut leaves = vec![];
        for n in 0..300 {
            assert_eq!(frontier.root(), mth(&leaves), "{n}");
            leaves.push(leaf(n));
            frontier.append(leaf(n), |_, _| {});
            let stored = from_hex(&to_hex(frontier.peaks())).unwrap();
            assert_eq!(Frontier::of(frontier.size(), stored), Some(frontier.clone()));
        }
        assert_eq!(Frontier::of(3, vec![leaf(1)]), None);
    }

    #[test]
    fn every_leaf_is_proven_and_no_other() {
        for size in 1..70u64 {
            let leaves: Vec<Hash> = (0..size).map(leaf).collect();
            let mut known = BTreeMap::new();
            for index in 0..size {
                for (level, n) in wanted(index, size) {
                    let (from, count) = ((n << level) as usize, 1usize << level);
                    known.insert((level, n), mth(&leaves[from..from + count]));
                }
                let proof = path(index, size, &known).unwrap();
                let root = mth(&leaves);
                assert_eq!(root_of(leaf(index), index, size, &proof), Some(root));
                assert_ne!(root_of(leaf(size), index, size, &proof), Some(root));
                for other in (0..size + 2).filter(|other| *other != index) {
                    assert_ne!(root_of(leaf(index), other, size, &proof), Some(root));
                }
                let longer = [proof.clone(), vec![leaf(0)]].concat();
                assert_ne!(root_of(leaf(index), index, size, &longer), Some(root));
            }
            let peaks = peaks_of(size);
            assert_eq!(peaks.len() as u32, size.count_ones());
        }
    }

    #[test]
    fn whole_tiles_and_more_are_kept() {
        let mut frontier = Frontier::default();
        let mut kept = vec![];
        for n in 0..TILE * 4 {
            frontier.append(leaf(n), |node, hash| kept.push((node, hash)));
        }
        let nodes: Vec<Node> = kept.iter().map(|(node, _)| *node).collect();
        assert_eq!(nodes, [(8, 0), (8, 1), (9, 0), (8, 2), (8, 3), (9, 1), (10, 0)]);
        assert_eq!(kept.last().unwrap().1, frontier.root());
    }
}
