//! Checking proofs, as whoever has nothing but a checkpoint does: RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use super::{Hash, node};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("there is no such leaf, or no such tree, to prove anything about")]
    OutOfRange,
    #[error("the proof has a wrong number of hashes")]
    Length,
    #[error("the hashes don't lead to the root")]
    Mismatch,
}

/// Whether the leaf `index` (from 0) of the tree of `size` leaves under `root` is `leaf`.
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            hash = node(sibling, &hash);
            // A last leaf that stands alone has moved up unchanged.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    matches(&hash, root)
}

/// Whether the tree of `old` leaves under `old_root` is the beginning of the one of `new` leaves under `new_root`.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old == 0 || old > new {
        return Err(ProofError::OutOfRange);
    }
    if old == new {
        return if proof.is_empty() { matches(old_root, new_root) } else { Err(ProofError::Length) };
    }
    // The old tree, when it is a full subtree of the new one, is the first hash itself.
    let (first, rest) =
        if old.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(ProofError::Length)? };
    let below = (old - 1).trailing_ones();
    let (mut place, mut last) = ((old - 1) >> below, (new - 1) >> below);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            old_hash = node(sibling, &old_hash);
            new_hash = node(sibling, &new_hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node(&new_hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    matches(&old_hash, old_root)?;
    matches(&new_hash, new_root)
}

/// Roots are public: nothing is given away by the time that this takes.
fn matches(hash: &Hash, root: &Hash) -> Result<(), ProofError> {
    if hash == root { Ok(()) } else { Err(ProofError::Mismatch) }
}
