//! Another root key, recovery key or passphrase, as whoever runs the machine asks for it; on record.
//!
//! A root key is rotated in three steps: its source comes to hold the new key in front of the old one, the key store is
//! wrapped under the new key at once, and the old key leaves the source. After a stop between two steps the source still
//! opens the store, and the same command goes on where it was.
//!
//! Must never: wrap the store under a root key of which nothing but this process has a copy.

use std::path::PathBuf;
use std::sync::Arc;

use kluis_core::audit::Event;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Id, Problem};
use kluis_core::privacy::keyring::{Drill, NewRoot};
use kluis_core::privacy::keystore::KeyKind;
use kluis_core::privacy::unseal::write_key_file;
use kluis_core::privacy::{KeyStore, Keyring, RecoveryKey, RootKey, Sensitive, VaultError};

use uuid::Uuid;

use super::holder::Holder;
use super::stores::root_keys;
use super::vault::record;
use crate::app::App;
use crate::config::UnsealSource;

/// Why a key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The source is not this program's to write to, and has no key in front of the present one.
    #[error("the source of the root key holds no new one")]
    NoNewKey,
    /// The first key of the source is the present one.
    #[error("the store has the first key of the source already")]
    Done,
    #[error("the passphrase would open nothing any more: it has to be given")]
    NoPassphrase,
    /// Where a key file is to be written there is one, or something else.
    #[error("{0} is there already")]
    InTheWay(PathBuf),
}

/// What was made. The recovery key is shown once; nothing keeps it.
pub struct Rotated {
    pub version: u32,
    pub recovery: RecoveryKey,
    pub drill: Drill,
    /// Where the new root key was written to, for somebody to take it away.
    pub key_file: Option<PathBuf>,
    /// An earlier rotation was ended; no further key was made.
    pub went_on: bool,
}

/// What is to be done, seen from what the source holds.
enum Plan<'a> {
    Rotate(Box<Step<'a>>),
    /// The store has the new key already; the file still holds the old one as well.
    End(RootKey, Holder<'a>),
}

struct Step<'a> {
    old: RootKey,
    new: Arc<RootKey>,
    /// The key file that is to hold the new key alone, at the end.
    file: Option<Holder<'a>>,
    /// The key file that was made for the operator.
    made: Option<PathBuf>,
}

/// Rotates the root key. `handed` is the present one where a passphrase or a person opens the vault; `passphrase` is the
/// one that is to open it from now on, needed where one opens it today.
pub async fn rotate_root(
    app: &App,
    handed: Option<RootKey>,
    passphrase: Option<Sensitive<String>>,
) -> Result<Rotated, RotationError> {
    if passphrase.is_none() && app.keys.has_passphrase().await? {
        return Err(RotationError::NoPassphrase);
    }
    let plan = plan(app, handed, passphrase.is_some()).await?;
    record(app, "vault.rotate", |event| event.code("key", "root").code("step", "begin")).await?;
    let recovery = RecoveryKey::generate()?;
    let (key_file, went_on) = match plan {
        Plan::Rotate(step) => {
            let new = NewRoot { root: &step.new, recovery: &recovery, passphrase };
            app.keys.rotate_root(&step.old, new).await?;
            if let Some(file) = step.file {
                file.replace(&[&step.new]).await?;
            }
            (step.made, false)
        }
        Plan::End(root, file) => {
            app.keys.set_recovery_key(&root, &recovery).await?;
            file.replace(&[&root]).await?;
            (None, true)
        }
    };
    let (version, drill) = (app.keys.root_version().await?, app.keys.drill(&recovery).await?);
    let step = |event: Event| event.code("key", "root").code("step", "end");
    record(app, "vault.rotate", |event| step(event).count("version", version as usize)).await?;
    Ok(Rotated { version, recovery, drill, key_file, went_on })
}

async fn plan(app: &App, handed: Option<RootKey>, has_passphrase: bool) -> Result<Plan<'_>, RotationError> {
    let store = &**app.keys.store();
    if let Some(holder) = Holder::of(&app.config.unseal) {
        return in_file(store, root_keys(&app.config.unseal).await?, holder).await;
    }
    match (&app.config.unseal, handed) {
        (UnsealSource::Environment(_) | UnsealSource::Credential, _) => {
            given(store, root_keys(&app.config.unseal).await?).await
        }
        (UnsealSource::Passphrase(_) | UnsealSource::Manual, Some(root)) => by_hand(app, root, has_passphrase).await,
        _ => Err(VaultError::Sealed.into()),
    }
}

/// The file gets a new key in front, unless an earlier attempt has put one there.
async fn in_file<'a>(
    store: &dyn KeyStore,
    mut keys: Vec<RootKey>,
    holder: Holder<'a>,
) -> Result<Plan<'a>, RotationError> {
    let at = Keyring::fitting(store, &keys).await?;
    if at == 0 && keys.len() > 1 {
        return Ok(Plan::End(keys.swap_remove(0), holder));
    }
    let old = keys.swap_remove(at);
    let new = if at > 0 { keys.swap_remove(0) } else { RootKey::generate()? };
    if at == 0 {
        holder.replace(&[&new, &old]).await?;
    }
    let file = Some(holder);
    Ok(Plan::Rotate(Box::new(Step { old, new: Arc::new(new), file, made: None })))
}

/// Somebody else writes the source: the new key must stand in front of the present one.
async fn given(store: &dyn KeyStore, mut keys: Vec<RootKey>) -> Result<Plan<'static>, RotationError> {
    let at = Keyring::fitting(store, &keys).await?;
    match (at, keys.len()) {
        (0, 1) => return Err(RotationError::NoNewKey),
        (0, _) => return Err(RotationError::Done),
        _ => {}
    }
    let old = keys.swap_remove(at);
    let new = Arc::new(keys.swap_remove(0));
    Ok(Plan::Rotate(Box::new(Step { old, new, file: None, made: None })))
}

/// A passphrase opens the new key; without one it is written to a file that somebody takes away. One that was written by
/// an attempt that broke off is taken: somebody may have it already.
async fn by_hand(app: &App, old: RootKey, has_passphrase: bool) -> Result<Plan<'static>, RotationError> {
    let (mut new, mut made) = (RootKey::generate()?, None);
    if !has_passphrase {
        let next = app.keys.root_version().await? + 1;
        let path = app.config.data_directory.join(format!("root-{next}.key"));
        if path.exists() {
            new = root_keys(&UnsealSource::KeyFile(path.clone())).await?.swap_remove(0);
        } else {
            write_key_file(&path, &new).map_err(VaultError::from)?;
        }
        made = Some(path);
    }
    Ok(Plan::Rotate(Box::new(Step { old, new: Arc::new(new), file: None, made })))
}

/// Keys that are wrapped anew by one transaction.
const AT_ONCE: u32 = 500;

/// The tenants that have keys, in the order of their ids.
pub async fn tenants(app: &App) -> Result<Vec<Uuid>, RotationError> {
    let keys = app.keys.store().tenant_keys(None).await?;
    let mut tenants: Vec<_> = keys.iter().filter(|key| key.kind == KeyKind::Wrap).map(|key| key.tenant).collect();
    tenants.sort_unstable();
    tenants.dedup();
    Ok(tenants)
}

/// Puts another key in place of the one that wraps the keys of a tenant's subjects; tells `done` how many more are under it.
/// A rotation that was broken off is gone on with. Meanwhile both versions are read, and everybody goes on.
pub async fn rotate_tenant(app: &App, tenant: Uuid, mut done: impl FnMut(usize)) -> Result<u32, RotationError> {
    let began = app.keys.has_old_wrap_keys(tenant).await?;
    let id: Id<Tenant> = Id::from_uuid(tenant);
    let fact = |event: Event| event.code("key", "tenant").code("tenant", id.to_string());
    record(app, "vault.rotate", |event| fact(event).code("step", if began { "go_on" } else { "begin" })).await?;
    if !began {
        app.keys.rotate(tenant, KeyKind::Wrap).await?;
    }
    // Again from the start after a look that found some: another process may have made keys under the old version.
    loop {
        let (mut after, mut all) = (None, 0);
        while let Some((last, some)) = app.keys.rewrap_subject_keys(tenant, after, AT_ONCE).await? {
            (after, all) = (Some(last), all + some);
            done(some);
        }
        if all == 0 {
            break;
        }
    }
    app.keys.retire_wrap_keys(tenant).await?;
    let version = app.keys.wrap_version(tenant).await?;
    record(app, "vault.rotate", |event| fact(event).code("step", "end").count("version", version as usize)).await?;
    Ok(version)
}

/// A new recovery key in place of the present one.
pub async fn renew_recovery(app: &App, root: &RootKey) -> Result<(RecoveryKey, Drill), RotationError> {
    let recovery = RecoveryKey::generate()?;
    record(app, "vault.rotate", |event| event.code("key", "recovery")).await?;
    app.keys.set_recovery_key(root, &recovery).await?;
    let drill = app.keys.drill(&recovery).await?;
    Ok((recovery, drill))
}

/// A new passphrase in place of the present one, or the first.
pub async fn change_passphrase(app: &App, root: RootKey, new: Sensitive<String>) -> Result<(), RotationError> {
    record(app, "vault.rotate", |event| event.code("key", "passphrase")).await?;
    Ok(app.keys.set_passphrase(root, new).await?)
}
