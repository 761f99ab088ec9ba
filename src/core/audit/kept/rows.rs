//! The SQL of the tree: its size, its tiles, its checkpoints.

use chrono::{DateTime, Utc};

use crate::args;
use crate::audit::tree::{Hash, Tile, TileId};
use crate::store::{Db, Ready, Row, StoreError, Tx, Unaudited};

/// Where the tree and the log end, as one statement sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Events in the tree.
    pub size: i64,
    /// The chain's link of the last of them.
    pub link: Hash,
    /// The number of the log's last event.
    pub head: i64,
    pub head_link: Hash,
}

pub async fn ends(db: &Db) -> Result<Ends, StoreError> {
    const SQL: &str = "SELECT t.size, t.chain, h.seq, h.chain FROM audit_tree AS t CROSS JOIN audit_head AS h \
                       WHERE t.id = 1 AND h.id = 1";
    let row = db.fetch_optional(Ready::Static(SQL), args![]).await?.ok_or(StoreError::Row(0))?;
    Ok(Ends { size: row.int(0)?, link: row.array(1)?, head: row.int(2)?, head_link: row.array(3)? })
}

/// Those of the tiles that are there and have the form of one.
pub async fn tiles(db: &Db, ids: &[TileId]) -> Result<Vec<Tile>, StoreError> {
    const SQL: &str = "SELECT hashes FROM audit_tiles WHERE level = $1 AND position = $2";
    let mut wanted = ids.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut tiles = Vec::with_capacity(wanted.len());
    for id in wanted {
        let row = db.fetch_optional(Ready::Static(SQL), args![i64::from(id.level), number(id.index)?]).await?;
        if let Some(row) = row {
            tiles.extend(Tile::from_bytes(id, &row.blob(0)?));
        }
    }
    Ok(tiles)
}

/// How many tiles there are.
pub async fn count_tiles(db: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM audit_tiles";
    db.fetch_optional(Ready::Static(sql), args![]).await?.ok_or(StoreError::Row(0))?.int(0)
}

pub async fn put_tile(tx: &mut Tx<Unaudited>, tile: &Tile) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO audit_tiles (level, position, width, hashes) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (level, position) DO UPDATE SET width = excluded.width, hashes = excluded.hashes";
    let width = number(tile.hashes.len() as u64)?;
    let args = args![i64::from(tile.id.level), number(tile.id.index)?, width, tile.to_bytes()];
    tx.execute(Ready::Static(SQL), args).await.map(drop)
}

/// Moves the tree's end, unless somebody else has done that since it was read.
pub async fn grow(tx: &mut Tx<Unaudited>, from: &Ends, size: i64, link: Hash) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE audit_tree SET size = $1, chain = $2 WHERE id = 1 AND size = $3 AND chain = $4";
    Ok(tx.execute(Ready::Static(SQL), args![size, link, from.size, from.link]).await? == 1)
}

/// A checkpoint as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    pub size: i64,
    pub at: DateTime<Utc>,
    /// A C2SP signed note.
    pub note: String,
    /// The public key, in C2SP's form.
    pub verifier: String,
}

impl StoredCheckpoint {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { size: row.int(0)?, at: row.time(1)?, note: row.text(2)?, verifier: row.text(3)? })
    }
}

pub async fn put_checkpoint(tx: &mut Tx<Unaudited>, made: &StoredCheckpoint) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO audit_checkpoints (size, at, note, verifier) VALUES ($1, $2, $3, $4)";
    tx.execute(Ready::Static(SQL), args![made.size, made.at, &made.note, &made.verifier]).await.map(drop)
}

pub async fn last_checkpoint(db: &Db) -> Result<Option<StoredCheckpoint>, StoreError> {
    Ok(checkpoints_before(db, i64::MAX, 1).await?.pop())
}

/// The one over exactly so many events.
pub async fn checkpoint(db: &Db, size: i64) -> Result<Option<StoredCheckpoint>, StoreError> {
    const SQL: &str = "SELECT size, at, note, verifier FROM audit_checkpoints WHERE size = $1";
    db.fetch_optional(Ready::Static(SQL), args![size]).await?.map(|row| StoredCheckpoint::from_row(&row)).transpose()
}

/// Those over fewer events than `size`, the newest first.
pub async fn checkpoints_before(db: &Db, size: i64, limit: i64) -> Result<Vec<StoredCheckpoint>, StoreError> {
    const SQL: &str =
        "SELECT size, at, note, verifier FROM audit_checkpoints WHERE size < $1 ORDER BY size DESC LIMIT $2";
    let rows = db.fetch_all(Ready::Static(SQL), args![size, limit]).await?;
    rows.iter().map(StoredCheckpoint::from_row).collect()
}

/// Those over more events than `size`, the oldest first.
pub async fn checkpoints_after(db: &Db, size: i64, limit: i64) -> Result<Vec<StoredCheckpoint>, StoreError> {
    const SQL: &str = "SELECT size, at, note, verifier FROM audit_checkpoints WHERE size > $1 ORDER BY size LIMIT $2";
    let rows = db.fetch_all(Ready::Static(SQL), args![size, limit]).await?;
    rows.iter().map(StoredCheckpoint::from_row).collect()
}

/// Sizes and places are far below what a BIGINT holds.
pub fn number(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Row(0))
}
