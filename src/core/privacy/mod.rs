//! The vault: personal data is sealed per compartment under keys that live outside the database.
//!
//! - what is personal, and in which unit it is handled: [`compartment`], [`declaration`]
//! - values at rest: [`sealed`] in an [`envelope`], bound to their place by a [`context`]; rows by a [`rowmac`]
//! - keys: [`keyring`] over a [`keystore`], opened by a [`root`] key from an [`unseal`] source, [`mod@by_hand`], or by [`shares`]
//! - finding what is sealed: [`blind`]; by name, and in order of names: [`directory`]
//! - who was erased, so that it stays so: [`ledger`]
//! - values on their way out: [`disclosure`]; in memory: [`sensitive`]
//!
//! Must never: log or format a value or a key, know SQL or HTTP, decide who may see what (that is the access floor's work),
//! or offer a cipher that does nothing.

pub mod blind;
pub mod by_hand;
pub mod compartment;
pub mod context;
pub mod declaration;
pub mod directory;
pub mod disclosure;
pub mod envelope;
pub mod error;
mod frame;
#[cfg(test)]
mod frozen_tests;
pub mod keyring;
pub mod keys;
pub mod keystore;
mod keytext;
pub mod ledger;
#[cfg(test)]
mod memory;
pub mod root;
pub mod rowmac;
pub mod sealed;
pub mod sensitive;
pub mod service_fault;
pub mod shares;
pub mod system;
pub mod unseal;
pub mod wrapped;
#[cfg(test)]
mod wycheproof_tests;

pub use blind::{BlindHash, IndexField};
pub use by_hand::{Handed, by_hand};
pub use compartment::{Compartment, CompartmentSet};
pub use context::Context;
pub use declaration::{ColumnDeclaration, Content, FieldDeclaration};
pub use disclosure::{Disclosure, Shown};
pub use envelope::Algorithm;
pub use error::{Result, VaultError};
pub use keyring::{Keyring, KeyringOptions};
pub use keys::{DataKey, KeyId};
pub use keystore::KeyStore;
pub use root::{RecoveryKey, RootKey};
pub use rowmac::RowMac;
pub use sealed::{Blob, Sealed};
pub use sensitive::Sensitive;
pub use shares::{Share, SharePlan, Sharing};
pub use system::{MacKey, SystemKey};
pub use unseal::UnsealSource;
pub use wrapped::WrappedKey;
