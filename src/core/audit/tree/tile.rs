//! Tiles: the hashes of a tree, 256 in a row, as C2SP tlog-tiles cuts them.
//!
//! A tile of level 0 holds leaves; one of level n holds the roots of full tiles of level n - 1. Levels between are folded
//! out of a tile when they are asked for.

use super::{Hash, node};

/// Hashes of a full tile.
pub const WIDTH: usize = 256;
/// Levels of the tree that one tile spans: 2^8 = 256.
const HEIGHT: u32 = 8;

/// Which tile: its level, and its place in that level from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    pub level: u32,
    pub index: u64,
}

/// A tile, as wide as it is: 1 to 256 hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    pub id: TileId,
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// `None` for a length that isn't 1 to 256 hashes.
    pub fn from_bytes(id: TileId, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let is_tile = rest.is_empty() && !hashes.is_empty() && hashes.len() <= WIDTH;
        is_tile.then(|| Self { id, hashes: hashes.to_vec() })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }
}

/// A full subtree of 2^level leaves, counted from the left in its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    pub level: u32,
    pub index: u64,
}

impl Node {
    /// The tile that holds what its hash is folded of.
    pub const fn tile(self) -> TileId {
        TileId { level: self.level / HEIGHT, index: (self.index << (self.level % HEIGHT)) >> HEIGHT }
    }

    /// Its hash, folded out of its tile; `None` if that isn't wide enough.
    pub fn hash(self, tile: &Tile) -> Option<Hash> {
        let height = self.level % HEIGHT;
        let first = usize::try_from((self.index << height) % WIDTH as u64).ok()?;
        tile.hashes.get(first..first + (1 << height)).map(full)
    }
}

/// How many hashes the last tile of a level has in a tree of that size; 0 if it would be empty.
pub const fn last_width(size: u64, level: u32) -> u64 {
    match size.checked_shr(HEIGHT * level) {
        Some(hashes) => hashes % WIDTH as u64,
        None => 0,
    }
}

/// The place of the last tile of a level, which may be empty.
pub const fn last_index(size: u64, level: u32) -> u64 {
    match size.checked_shr(HEIGHT * (level + 1)) {
        Some(index) => index,
        None => 0,
    }
}

/// The last tiles of all levels that aren't empty: what a tree goes on from. The width is their least.
pub fn edge(size: u64) -> Vec<(TileId, usize)> {
    let level = |level| {
        let width = usize::try_from(last_width(size, level)).unwrap_or(WIDTH);
        (width > 0).then(|| (TileId { level, index: last_index(size, level) }, width))
    };
    (0..u64::BITS / HEIGHT).filter_map(level).collect()
}

/// The root over a power of two of hashes.
pub(super) fn full(hashes: &[Hash]) -> Hash {
    match hashes {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node(&full(left), &full(right))
        }
    }
}
