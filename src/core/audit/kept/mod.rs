//! The tree of the audit log as the database keeps it: what grows it, what signs it, what proves out of it.
//!
//! Events come first and are in the tree a little later: see [`sequence`]. What is in the tree has been signed.
//!
//! Must never: sign a tree that doesn't begin with the one signed before, or take an event that isn't as it was recorded.

mod proofs;
pub(super) mod rows;
mod sequencer;

use zeroize::Zeroizing;

use super::tree::Signer;
use crate::kernel::Problem;
use crate::privacy::{Keyring, SystemKey, VaultError};
use crate::store::StoreError;

pub use proofs::{consistency, inclusion, leaf, size};
pub use rows::{StoredCheckpoint, checkpoint, checkpoints_after, checkpoints_before, last_checkpoint};
pub use sequencer::{Breach, BreachKind, Sequenced, sequence};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tree isn't as large, or the leaf isn't in it.
    #[error("the tree has no such leaf or size")]
    OutOfRange,
    /// A tile isn't there, or isn't as wide as the tree's size says.
    #[error("a tile is missing")]
    Tile,
}

impl From<TreeError> for Problem {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Store(error) => error.into(),
            TreeError::OutOfRange => Self::not_found(),
            TreeError::Tile => VaultError::Integrity("audit tree").into(),
        }
    }
}

/// The key of this installation's log, the same for as long as the installation lasts: it hangs from the system key, not
/// from the root key, which is rotated. `origin` must be a name that a key may have.
pub fn signer(keys: &Keyring, origin: &str) -> Result<Signer, VaultError> {
    let seed = Zeroizing::new(keys.system_mac(SystemKey::AuditLog)?.sign(b"Ed25519"));
    Signer::new(origin, &seed).ok_or(VaultError::Integrity("name of the audit log"))
}
