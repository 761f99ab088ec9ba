//! Shares of a recovery secret put in force, and the vault's source made anew out of what still opens it; both on record.
//!
//! Must never: print a root key, write over a key file, or make old shares void before the new ones are with people.

use std::path::{Path, PathBuf};

use kluis_core::privacy::keyring::Drill;
use kluis_core::privacy::unseal::write_key_file;
use kluis_core::privacy::{Handed, Keyring, RootKey, Sensitive, Share, Sharing, VaultError};

use super::holder::Holder;
use super::rotation::RotationError;
use super::stores::root_keys;
use super::transit;
use super::vault::record;
use crate::app::App;
use crate::config::{TransitConfig, UnsealSource};

/// Makes the shares open the vault, in place of those before, and proves it with `returned`: some of them, as they come back
/// from where they were written.
pub async fn share(app: &App, root: &RootKey, sharing: &Sharing, returned: &[Share]) -> Result<Drill, RotationError> {
    let (threshold, count) = (sharing.plan().threshold(), sharing.plan().count());
    record(app, "vault.rotate", |event| {
        event.code("key", "shares").count("threshold", threshold.into()).count("count", count.into())
    })
    .await?;
    app.keys.set_shares(root, sharing).await?;
    Ok(app.keys.drill_with(returned).await?)
}

/// What opens the vault from now on.
#[derive(Debug, PartialEq, Eq)]
pub enum Restored {
    /// The key file is there, and it is the right one: nothing was done.
    AsBefore(PathBuf),
    KeyFile(PathBuf),
    Passphrase,
    /// A key file to take away: to a secret store, or to a person.
    TakeAway(PathBuf),
}

/// Makes the source of the configuration hold the root key again. `by` is what opened the vault; `passphrase` the one that is
/// to open it, where a passphrase or a person does.
pub async fn restore(
    app: &App,
    root: RootKey,
    by: Handed,
    passphrase: Option<Sensitive<String>>,
) -> Result<Restored, RotationError> {
    if let Some(holder) = Holder::of(&app.config.unseal) {
        return in_its_file(app, &root, by, holder).await;
    }
    match (&app.config.unseal, passphrase) {
        (UnsealSource::Passphrase(_) | UnsealSource::Manual, Some(passphrase)) => {
            note(app, by, "passphrase").await?;
            app.keys.set_passphrase(root, passphrase).await?;
            Ok(Restored::Passphrase)
        }
        (UnsealSource::Passphrase(_), None) => Err(RotationError::NoPassphrase),
        _ => {
            let path = app.config.data_directory.join("root-recovered.key");
            if path.exists() {
                return Err(RotationError::InTheWay(path));
            }
            note(app, by, "key_file").await?;
            write_key_file(&path, &root).map_err(VaultError::from)?;
            Ok(Restored::TakeAway(path))
        }
    }
}

async fn in_its_file(app: &App, root: &RootKey, by: Handed, holder: Holder<'_>) -> Result<Restored, RotationError> {
    if holder.path().exists() {
        return right_one(app, holder.path()).await;
    }
    note(app, by, if matches!(holder, Holder::Transit(_)) { "transit" } else { "key_file" }).await?;
    holder.create(root).await?;
    Ok(Restored::KeyFile(holder.path().to_owned()))
}

/// A key file that stands there already is left alone, whatever is in it.
async fn right_one(app: &App, path: &Path) -> Result<Restored, RotationError> {
    let fits = match root_keys(&app.config.unseal).await {
        Ok(keys) => Keyring::fitting(&**app.keys.store(), &keys).await.is_ok(),
        Err(_) => false,
    };
    if fits { Ok(Restored::AsBefore(path.to_owned())) } else { Err(RotationError::InTheWay(path.to_owned())) }
}

/// Encrypts the root key by the key service that the configuration names, or has it encrypt what is there under the newest
/// version of its key.
pub async fn hand_to_transit(app: &App, root: &RootKey, config: &TransitConfig) -> Result<(), RotationError> {
    record(app, "vault.rotate", |event| event.code("key", "transit")).await?;
    let holder = Holder::Transit(config);
    if holder.path().exists() {
        transit::rewrap(config).await?;
    } else {
        holder.create(root).await?;
    }
    Ok(())
}

async fn note(app: &App, by: Handed, into: &'static str) -> Result<(), RotationError> {
    Ok(record(app, "vault.recover", |event| event.code("key", by.code()).code("into", into)).await?)
}
