//! Proofs out of the tiles that are kept.

use super::TreeError;
use super::rows::{ends, number, tiles};
use crate::audit::tree::{self, Hash, Range, fold};
use crate::store::Db;

/// How many events are in the tree.
pub async fn size(db: &Db) -> Result<u64, TreeError> {
    Ok(ends(db).await?.size.unsigned_abs())
}

/// That event `seq` (from 1) is leaf `seq - 1` of the tree as it was with `size` leaves.
pub async fn inclusion(db: &Db, seq: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
    require(db, size).await?;
    let index = seq.checked_sub(1).ok_or(TreeError::OutOfRange)?;
    folded(db, tree::inclusion(index, size).ok_or(TreeError::OutOfRange)?).await
}

/// That the tree of `old` leaves is the beginning of the one of `new`.
pub async fn consistency(db: &Db, old: u64, new: u64) -> Result<Vec<Hash>, TreeError> {
    require(db, new).await?;
    folded(db, tree::consistency(old, new).ok_or(TreeError::OutOfRange)?).await
}

/// The leaf of event `seq` (from 1), which is there even when the event has been deleted.
pub async fn leaf(db: &Db, seq: u64) -> Result<Hash, TreeError> {
    require(db, seq).await?;
    let start = seq.checked_sub(1).ok_or(TreeError::OutOfRange)?;
    folded(db, vec![Range { start, end: seq }]).await?.pop().ok_or(TreeError::Tile)
}

async fn require(db: &Db, size: u64) -> Result<(), TreeError> {
    if number(size)? <= ends(db).await?.size { Ok(()) } else { Err(TreeError::OutOfRange) }
}

async fn folded(db: &Db, ranges: Vec<Range>) -> Result<Vec<Hash>, TreeError> {
    let ids: Vec<_> = ranges.iter().flat_map(|range| range.tiles()).collect();
    let tiles = tiles(db, &ids).await?;
    let find = |id| tiles.iter().find(|tile| tile.id == id);
    ranges.into_iter().map(|range| fold(range, find).ok_or(TreeError::Tile)).collect()
}
