//! Which hashes a proof consists of: the subtrees, as ranges of leaves. Whoever has the tiles folds them.

use super::tile::Node;
use super::{Hash, TileId, node};

/// Leaves from `start` up to, not including, `end`; one side of a split as RFC 6962 makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: u64,
    pub end: u64,
}

impl Range {
    const fn len(self) -> u64 {
        self.end - self.start
    }

    /// At the largest power of two that is less than its length; it has two leaves at least.
    const fn split(self) -> (Self, Self) {
        let middle = self.start + (1 << (self.len() - 1).ilog2());
        (Self { start: self.start, end: middle }, Self { start: middle, end: self.end })
    }

    /// The full subtrees that it consists of, from the left.
    pub(super) fn nodes(self) -> Vec<Node> {
        let (mut nodes, mut start) = (Vec::new(), self.start);
        while start < self.end {
            let level = (self.end - start).ilog2();
            nodes.push(Node { level, index: start >> level });
            start += 1 << level;
        }
        nodes
    }

    /// The tiles that its hash is folded of.
    pub fn tiles(self) -> Vec<TileId> {
        self.nodes().into_iter().map(Node::tile).collect()
    }
}

/// The proof that leaf `index` (from 0) is in the tree of `size` leaves: RFC 9162, section 2.1.3.1. `None` if there is no
/// such leaf.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range>> {
    if index >= size {
        return None;
    }
    let (mut path, mut at) = (Vec::new(), Range { start: 0, end: size });
    while at.len() > 1 {
        let (left, right) = at.split();
        if index < left.end {
            path.push(right);
            at = left;
        } else {
            path.push(left);
            at = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The proof that the tree of `old` leaves is the beginning of the one of `new`: RFC 9162, section 2.1.4.1. `None` unless
/// 0 < old <= new.
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range>> {
    if old == 0 || old > new {
        return None;
    }
    let (mut path, mut at) = (Vec::new(), Range { start: 0, end: new });
    while at.end != old {
        let (left, right) = at.split();
        if old <= left.end {
            path.push(right);
            at = left;
        } else {
            path.push(left);
            at = right;
        }
    }
    // A subtree that begins with the first leaf is the old tree itself, whose root the reader has.
    if at.start > 0 {
        path.push(at);
    }
    path.reverse();
    Some(path)
}

/// The hash over a range, out of its tiles; `None` if `tile` lacks one or it is too narrow.
pub fn fold<'a>(range: Range, tile: impl Fn(TileId) -> Option<&'a super::Tile>) -> Option<Hash> {
    let mut nodes = range.nodes().into_iter().rev().map(|node| node.hash(tile(node.tile())?));
    let last = nodes.next()??;
    nodes.try_fold(last, |right, left| Some(node(&left?, &right)))
}
