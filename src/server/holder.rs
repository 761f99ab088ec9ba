//! What this program may write the root key to by itself: a key file, or a file that only a key service can open.
//!
//! Must never: overwrite one but with the key that is in it among the new ones.

use std::path::Path;

use kluis_core::privacy::unseal::{replace_key_file, write_key_file};
use kluis_core::privacy::{Result as VaultResult, RootKey};

use super::transit;
use crate::config::{TransitConfig, UnsealSource};

/// The file of a source.
#[derive(Clone, Copy)]
pub enum Holder<'a> {
    File(&'a Path),
    Transit(&'a TransitConfig),
}

impl<'a> Holder<'a> {
    /// `None` for a source that somebody else writes, and for a person.
    pub fn of(unseal: &'a UnsealSource) -> Option<Self> {
        match unseal {
            UnsealSource::KeyFile(path) => Some(Self::File(path)),
            UnsealSource::Transit(config) => Some(Self::Transit(config)),
            _ => None,
        }
    }

    pub fn path(self) -> &'a Path {
        match self {
            Self::File(path) => path,
            Self::Transit(config) => &config.file,
        }
    }

    /// Writes a new file; refuses to overwrite one.
    pub async fn create(self, root: &RootKey) -> VaultResult<()> {
        match self {
            Self::File(path) => Ok(write_key_file(path, root)?),
            Self::Transit(config) => transit::create(config, root).await,
        }
    }

    /// At each moment there is the one file or the other, whole.
    pub async fn replace(self, keys: &[&RootKey]) -> VaultResult<()> {
        match self {
            Self::File(path) => Ok(replace_key_file(path, keys)?),
            Self::Transit(config) => transit::replace(config, keys).await,
        }
    }
}
