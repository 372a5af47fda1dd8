//! `GET /admin/ledger/proof`: that an entry is in the log, for somebody who does not trust us.
//!
//! Invariant: the head that is handed out is signed and kept, so that the check finds a log that no
//! longer leads to it.

use super::columns::{self, ENTRY, TRANSFER};
use super::store;
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::page;
use shared::payments::chain::{self, Head, SignedHead, place};
use shared::payments::error::NO_ENTRY;
use shared::payments::transfer::{Entry, Transfer};
use shared::payments::tree::{self, Hash, Node, TILE, TILE_LEVEL};
use shared::payments::wire::{LedgerProof, entry_id, parse};
use shared::problem::Problem;
use std::collections::BTreeMap;

/// `GET /admin/ledger/proof`
pub async fn proof(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let none = || Problem::new(&NO_ENTRY, "no entry has this id");
    let text = asked.get("entry").map_or("", String::as_str);
    let id = parse("ent", text).ok_or_else(none)?;
    let (shard, index) = chain::shard_and_index(id);
    let mut tx = app.db.snapshot().await?;
    let head = store::head(&mut tx, shard).await?;
    let size = head.tree.size();
    if index >= size {
        return Err(none().into());
    }
    let known = hashes(&mut tx, shard, index, size).await?;
    let path = tree::path(index, size, &known);
    let path = path.ok_or_else(|| Error::Stored(format!("the log of shard {shard}")))?;
    let rows = entries(&mut tx, id, 1).await?;
    let (entry, transfer) = rows.first().ok_or_else(none)?;
    let leaf = chain::leaf(entry, transfer);
    drop(tx);
    let head = signed(app, &head).await?;
    let path = path.iter().map(hex::encode).collect();
    Ok(Envelope::json(200, &LedgerProof { entry: entry_id(id), leaf, index, path, head }))
}

/// Signs a shard's head and keeps it, unless one of this size is kept.
///
/// # Errors
/// The database is down.
pub async fn signed(app: &App, head: &Head) -> Result<SignedHead, Error> {
    let key = chain::signing_key(&app.config.token_seed.0);
    let signed = SignedHead::sign(head, db::now(), &key);
    let mut tx = app.db.begin().await?;
    let sql = "insert into signed_head (shard, size, root, chain, at, key, signature) \
               values ($1, $2, $3, $4, $5, $6, $7) on conflict (shard, size) do nothing";
    let SignedHead { shard, size, root, chain, at, key, signature } = signed.clone();
    tx.write(sql, values![shard, size, root, chain, at, key, signature]).await?;
    tx.commit().await?;
    Ok(signed)
}

/// `count` entries from `id` on, with their transfers.
///
/// # Errors
/// The database is down.
pub async fn entries(
    tx: &mut Tx<'_>,
    id: u64,
    count: u64,
) -> Result<Vec<(Entry, Transfer)>, Error> {
    let sql = format!(
        "select {ENTRY}, {TRANSFER} from entry e join transfer t on t.id = e.transfer \
         where e.id >= $1 order by e.id limit $2"
    );
    let rows = tx.read(&sql, values![id, count]).await?;
    rows.iter().map(|row| Ok((columns::entry(row)?, columns::transfer(row)?))).collect()
}

/// The subtrees that the way from `index` up consists of: large ones are kept, those below a tile
/// are made again from the entries of the leaf's own tile and of the last one.
async fn hashes(
    tx: &mut Tx<'_>,
    shard: u64,
    index: u64,
    size: u64,
) -> Result<BTreeMap<Node, Hash>, Error> {
    let wanted = tree::wanted(index, size);
    let mut known = BTreeMap::new();
    for tile in [index / TILE, size / TILE] {
        let rows = entries(tx, place(shard, tile * TILE), TILE).await?;
        for (entry, transfer) in rows {
            let (of, at) = chain::shard_and_index(entry.id);
            if of == shard && at / TILE == tile {
                known.insert((0, at), chain::leaf_of(&entry, &transfer));
            }
        }
    }
    for level in 1..TILE_LEVEL {
        let below: Vec<u64> =
            known.keys().filter(|(of, _)| *of == level - 1).map(|(_, n)| *n).collect();
        for n in below.into_iter().filter(|n| n % 2 == 0) {
            let pair = (known.get(&(level - 1, n)), known.get(&(level - 1, n + 1)));
            if let (Some(left), Some(right)) = pair {
                let hash = tree::node_hash(left, right);
                known.insert((level, n / 2), hash);
            }
        }
    }
    for (level, n) in wanted.into_iter().filter(|(level, _)| *level >= TILE_LEVEL) {
        let sql = "select hash from ledger_node where shard = $1 and level = $2 and n = $3";
        let rows = tx.read(sql, values![shard, level, n]).await?;
        let text = rows.first().map(|row| db::text(row, "hash")).transpose()?;
        let hash = text.and_then(|text| tree::from_hex(&text)?.first().copied());
        known.extend(hash.map(|hash| ((level, n), hash)));
    }
    Ok(known)
}
