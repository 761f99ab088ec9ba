//! Making an installation: its directory, its databases, its keys.
//!
//! Must never: overwrite anything, or leave a key file behind that opens nothing.

use std::path::{Path, PathBuf};

use kluis_core::privacy::unseal::write_key_file;
use kluis_core::privacy::{RecoveryKey, Result as VaultResult, RootKey, Sensitive};

use super::stores::{Stores, root_key};
use super::transit;
use crate::config::{Config, UnsealSource};

/// Makes a directory that only its owner may enter, or takes one that is empty.
pub fn make_directory(path: &Path) -> std::io::Result<()> {
    if !path.is_dir() {
        std::fs::create_dir_all(path)?;
    } else if std::fs::read_dir(path)?.next().is_some() {
        return Err(std::io::ErrorKind::DirectoryNotEmpty.into());
    }
    close(path)
}

#[cfg(unix)]
fn close(path: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn close(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Takes away what was made in a directory that was empty before.
pub fn clear_directory(path: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// Writes a new file that only its owner may read and write.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A vault that was just made, and opened.
pub struct NewVault {
    /// Shown once; nothing keeps it.
    pub recovery: RecoveryKey,
    /// The file that the root key was written to, if it was.
    pub key_file: Option<PathBuf>,
}

/// Makes root and recovery key, and the key store that they open. Where the configuration brings a root key of its own
/// (environment, credential), that one is taken. A vault that is opened by hand gets the passphrase that was `chosen`;
/// without one, a key file that is to be taken away.
pub async fn make_vault(stores: &Stores, config: &Config, chosen: Option<Sensitive<String>>) -> VaultResult<NewVault> {
    let root = match &config.unseal {
        UnsealSource::Environment(_) | UnsealSource::Credential => root_key(config, &stores.keyring).await?,
        UnsealSource::KeyFile(_) | UnsealSource::Passphrase(_) | UnsealSource::Transit(_) | UnsealSource::Manual => {
            None
        }
    };
    let (root, is_new) = match root {
        Some(root) => (root, false),
        None => (RootKey::generate()?, true),
    };
    let ring = &stores.keyring;
    ring.initialise(&root).await?;
    let recovery = RecoveryKey::generate()?;
    ring.set_recovery_key(&root, &recovery).await?;
    let passphrase = match &config.unseal {
        UnsealSource::Passphrase(passphrase) => Some(Sensitive::new(passphrase.to_string())),
        UnsealSource::Manual => chosen,
        _ => None,
    };
    let key_file = match &config.unseal {
        UnsealSource::KeyFile(path) if is_new => Some(path.clone()),
        UnsealSource::Manual if passphrase.is_none() => Some(config.data_directory.join("root.key")),
        _ => None,
    };
    if let UnsealSource::Transit(config) = &config.unseal {
        transit::create(config, &root).await?;
    }
    if let Some(path) = &key_file {
        write_key_file(path, &root)?;
    }
    if let Some(passphrase) = passphrase {
        ring.set_passphrase(root, passphrase).await?;
    }
    Ok(NewVault { recovery, key_file })
}
