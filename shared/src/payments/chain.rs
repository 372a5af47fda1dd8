//! The log of entries: each is chained to the one before, all are leaves of one tree per shard.
//!
//! A shard is a replica's leased node number, so that replicas never wait for one another's head.
//! Invariant: H1 entries of a shard are numbered 0, 1, 2 … without a gap. H2 a head commits to
//! every entry before it, twice: by the chain (SHA-256 of the chain so far and the leaf) and by the
//! tree ([`super::tree`]). H3 a leaf says everything that its entry says, in the frozen form of
//! [`leaf`].

use super::transfer::{Entry, Transfer};
use super::tree::{Frontier, Hash, leaf_hash};
use super::wire::{account_id, entry_id, transfer_id};
use crate::time::Millis;
use alloc::{format, string::String};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Entries of a shard: 2^48 of them last for 890 years at 10,000 a second.
const PLACE_BITS: u32 = 48;
/// What is derived from the platform's key is bound to this use.
const KEY_LABEL: &str = "selvedge ledger head v1";

/// An entry's number from its shard and its place there.
#[must_use]
pub fn place(shard: u64, index: u64) -> u64 {
    (shard << PLACE_BITS) | index
}

/// The shard and the place of an entry's number.
#[must_use]
pub fn shard_and_index(id: u64) -> (u64, u64) {
    (id >> PLACE_BITS, id & ((1 << PLACE_BITS) - 1))
}

/// A shard's end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The shard.
    pub shard: u64,
    /// The chain so far; zeros before the first entry.
    pub chain: Hash,
    /// The tree so far.
    pub tree: Frontier,
}

impl Head {
    /// The number of the next entry.
    #[must_use]
    pub fn next(&self) -> u64 {
        place(self.shard, self.tree.size())
    }

    /// Appends an entry's leaf; `keep` is told of nodes as in [`Frontier::append`].
    pub fn append(&mut self, leaf: Hash, keep: impl FnMut((u32, u64), Hash)) {
        self.chain = Sha256::new().chain_update(self.chain).chain_update(leaf).finalize().into();
        self.tree.append(leaf, keep);
    }
}

/// What is hashed of an entry: JSON, a list, everything in it as it is shown.
#[must_use]
pub fn leaf(entry: &Entry, transfer: &Transfer) -> String {
    let stamp = transfer.posting();
    let fields = (
        "v1",
        entry_id(entry.id),
        account_id(entry.account),
        entry.n,
        transfer_id(entry.transfer),
        entry.amount,
        entry.balance,
        transfer.currency,
        transfer.purpose,
        &transfer.reference,
        entry.at.0,
        &stamp.by,
        &stamp.request,
    );
    serde_json::to_string(&fields).unwrap_or_default()
}

/// The hash of [`leaf`].
#[must_use]
pub fn leaf_of(entry: &Entry, transfer: &Transfer) -> Hash {
    leaf_hash(leaf(entry, transfer).as_bytes())
}

/// A head under the platform's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedHead {
    /// The shard.
    pub shard: u64,
    /// Entries.
    pub size: u64,
    /// The tree's root, in hexadecimal digits.
    pub root: String,
    /// The chain, in hexadecimal digits.
    pub chain: String,
    /// When it was signed.
    #[serde(with = "crate::time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// The Ed25519 public key, in hexadecimal digits.
    pub key: String,
    /// Over the lines `selvedge-ledger-head-v1`, shard, size, root, chain, at, as they stand here.
    pub signature: String,
}

/// The key that signs heads, derived from the platform's seed.
#[must_use]
pub fn signing_key(seed: &[u8; 32]) -> SigningKey {
    SigningKey::from_bytes(&crate::sign::mac(seed, KEY_LABEL))
}

impl SignedHead {
    /// Signs a head.
    #[must_use]
    pub fn sign(head: &Head, at: Millis, key: &SigningKey) -> Self {
        let mut signed = Self {
            shard: head.shard,
            size: head.tree.size(),
            root: hex::encode(head.tree.root()),
            chain: hex::encode(head.chain),
            at,
            key: hex::encode(key.verifying_key().as_bytes()),
            signature: String::new(),
        };
        signed.signature = hex::encode(key.sign(signed.text().as_bytes()).to_bytes());
        signed
    }

    /// Whether the signature is that of `key`.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let mut bytes = [0; 64];
        hex::decode_to_slice(&self.signature, &mut bytes).is_ok()
            && key
                .verify_strict(
                    self.text().as_bytes(),
                    &ed25519_dalek::Signature::from_bytes(&bytes),
                )
                .is_ok()
    }

    fn text(&self) -> String {
        let Self { shard, size, root, chain, at, .. } = self;
        format!("selvedge-ledger-head-v1\n{shard}\n{size}\n{root}\n{chain}\n{}", at.to_rfc3339())
    }
}
