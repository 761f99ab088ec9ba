//! The audit log as a Merkle tree (RFC 6962, RFC 9162): what a log has held can be proven to whoever keeps one signed line
//! of it, the checkpoint.
//!
//! This folder is arithmetic: hashes in, hashes out. The tree's place in the database is `kept`'s work, and the order of
//! its leaves the sequencer's.
//!
//! Must never: read a clock, a file or a database, or hash what isn't a leaf or a node as one.

mod base64;
mod builder;
mod checkpoint;
mod hash;
mod note;
mod proof;
mod tile;
mod verify;

pub use builder::Builder;
pub use checkpoint::{Checkpoint, Witnessed, read_all};
pub use hash::{EMPTY, Hash, leaf, node};
pub use note::{NoteError, Signer, VerifierKey};
pub use proof::{Range, consistency, fold, inclusion};
pub use tile::{Tile, TileId, WIDTH};
pub use verify::{ProofError, verify_consistency, verify_inclusion};

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
