//! A tree that grows at its right edge: takes leaves in order, gives tiles as they become full, and its root at any time.

use super::tile::{edge, full, last_index};
use super::{EMPTY, Hash, Tile, TileId, WIDTH, node};

/// Knows only the tiles of the right edge; a tree of a million leaves takes 24 KB at most.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    size: u64,
    /// The unfinished tile of each level.
    edge: Vec<Vec<Hash>>,
}

impl Builder {
    pub const fn new() -> Self {
        Self { size: 0, edge: Vec::new() }
    }

    /// Goes on behind `size` leaves. `tiles` are those of the edge, in any order and as wide as they have become since.
    /// `None` if one is missing or too narrow.
    pub fn resume(size: u64, tiles: &[Tile]) -> Option<Self> {
        let mut builder = Self { size, edge: Vec::new() };
        for (id, width) in edge(size) {
            let tile = tiles.iter().find(|tile| tile.id == id)?;
            let level = builder.level(id.level);
            level.extend_from_slice(tile.hashes.get(..width)?);
        }
        Some(builder)
    }

    /// Tiles that [`Self::resume`] needs.
    pub fn needs(size: u64) -> Vec<TileId> {
        edge(size).into_iter().map(|(id, _)| id).collect()
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; gives the tiles that are full now, the lowest first.
    pub fn push(&mut self, leaf: Hash) -> Vec<Tile> {
        self.size += 1;
        let (mut done, mut hash, mut level) = (Vec::new(), leaf, 0);
        loop {
            let place = self.level(level);
            place.push(hash);
            if place.len() < WIDTH {
                return done;
            }
            let hashes = std::mem::take(place);
            hash = full(&hashes);
            let index = last_index(self.size, level) - 1;
            done.push(Tile { id: TileId { level, index }, hashes });
            level += 1;
        }
    }

    /// The tiles of the right edge as they are now.
    pub fn unfinished(&self) -> Vec<Tile> {
        let tile = |(level, hashes): (u32, &Vec<Hash>)| {
            let id = TileId { level, index: last_index(self.size, level) };
            (!hashes.is_empty()).then(|| Tile { id, hashes: hashes.clone() })
        };
        (0..).zip(&self.edge).filter_map(tile).collect()
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        // Full subtrees from right to left: each becomes the left side of what stands right of it.
        let mut root: Option<Hash> = None;
        for hashes in &self.edge {
            let mut end = hashes.len();
            while end > 0 {
                let width = 1 << end.trailing_zeros();
                let left = full(&hashes[end - width..end]);
                root = Some(root.map_or(left, |right| node(&left, &right)));
                end -= width;
            }
        }
        root.unwrap_or(EMPTY)
    }

    fn level(&mut self, level: u32) -> &mut Vec<Hash> {
        let level = level as usize;
        if self.edge.len() <= level {
            self.edge.resize_with(level + 1, Vec::new);
        }
        &mut self.edge[level]
    }
}
