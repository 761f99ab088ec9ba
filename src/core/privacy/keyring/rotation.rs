//! Another root key in place of the present one, while other processes go on.
//!
//! All tenant keys are wrapped anew and stored together with the new root record, in one transaction: before it the old
//! root key opens the store, after it the new one, and never both. Nothing below the tenant keys is touched, so that no
//! request notices.
//!
//! A process that was opened with the old root key has the tenants' keys in memory and goes on with them. It needs the root
//! key for tenants that it doesn't know yet and for new keys of tenants; then it asks its [`RootSource`] again.

use std::sync::Arc;

use async_trait::async_trait;

use super::opened::Opened;
use super::setup::stored;
use super::{Keyring, Shared};
use crate::privacy::keystore::{KeyStore, StoredRoot, TenantKeyRecord};
use crate::privacy::root::{RecoveryKey, RootKey};
use crate::privacy::unseal::SourceFault;
use crate::privacy::{Result, Sensitive, VaultError};

/// Where the root key can be read again, after another process has rotated it.
#[async_trait]
pub trait RootSource: Send + Sync + 'static {
    /// The root key that opens `store` now. `None`: it is handed over by a person.
    async fn root_key(&self, store: &dyn KeyStore) -> Result<Option<RootKey>>;
}

/// What opens the store after a rotation.
pub struct NewRoot<'a> {
    pub root: &'a Arc<RootKey>,
    pub recovery: &'a RecoveryKey,
    /// For a store that is opened with a passphrase: without it, none opens it any more.
    pub passphrase: Option<Sensitive<String>>,
}

/// How often a rotation begins again because somebody changed the recovery key or the passphrase at the same moment.
const TRIES: usize = 5;

impl Keyring {
    /// Tells where the root key comes from, once.
    pub fn set_source(&self, source: Box<dyn RootSource>) {
        // Somebody set it before: that one stays.
        let _ = self.0.source.set(source);
    }

    /// Version of the root key that opens the store; the first is 1.
    pub async fn root_version(&self) -> Result<u32> {
        Ok(self.root_record().await?.1.version)
    }

    /// Whether a passphrase opens the store.
    pub async fn has_passphrase(&self) -> Result<bool> {
        Ok(self.root_record().await?.1.has_passphrase())
    }

    /// Which of several root keys opens the store, by its position. [`VaultError::WrongKey`] if none does.
    pub async fn fitting(store: &dyn KeyStore, keys: &[RootKey]) -> Result<usize> {
        let record = stored(store).await?.1;
        keys.iter().position(|key| record.check(key).is_ok()).ok_or(VaultError::WrongKey)
    }

    /// Puts another root key in place, with another recovery key; gives its version. Works on a sealed ring, and leaves it
    /// sealed. [`VaultError::WrongKey`] if `old` isn't the present one; then nothing is changed.
    pub async fn rotate_root(&self, old: &RootKey, new: NewRoot<'_>) -> Result<u32> {
        let NewRoot { root, recovery, passphrase } = new;
        for _ in 0..TRIES {
            let (revision, record) = self.root_record().await?;
            let mut next = record.next(old, root)?;
            next.set_recovery(root, recovery)?;
            if let Some(passphrase) = passphrase.clone() {
                let root = root.clone();
                let set = move || next.set_passphrase(&root, passphrase.expose()).map(|()| next);
                next = tokio::task::spawn_blocking(set).await.map_err(|_| SourceFault::Interrupted)??;
            }
            let (from, to) = (Opened::new(old.parent()?, record.version), Opened::new(root.parent()?, next.version));
            let stored = StoredRoot { revision: revision + 1, record: next.to_json()? };
            let rewrap = |keys: &[TenantKeyRecord]| from.rewrap(keys, &to, self.algorithm());
            if self.0.store.replace_root(&stored, &rewrap).await? {
                self.go_on_with(|opened| Ok(opened.under(root.parent()?, next.version)))?;
                return Ok(next.version);
            }
        }
        Err(VaultError::store("the root record was changed by somebody else at the same time"))
    }

    /// After [`VaultError::Rotated`]: reads the root key again. The same error if it isn't there yet, or if a person has to
    /// hand it over.
    pub(super) async fn follow(&self) -> Result<()> {
        let before = self.opened()?;
        let source = self.0.source.get().ok_or(VaultError::Rotated)?;
        let root = source.root_key(&*self.0.store).await?.ok_or(VaultError::Rotated)?;
        let (_, record) = self.root_record().await?;
        // The source has the old one still: its owner will bring the new one.
        record.check(&root).map_err(|_| VaultError::Rotated)?;
        let opened = Arc::new(before.under(root.parent()?, record.version));
        self.0.exchange(&before, opened);
        Ok(())
    }

    fn go_on_with(&self, next: impl FnOnce(&Opened) -> Result<Opened>) -> Result<()> {
        let Some(before) = self.0.opened.load_full() else { return Ok(()) };
        let next = Arc::new(next(&before)?);
        self.0.exchange(&before, next);
        Ok(())
    }
}

impl Shared {
    /// Unless the ring was sealed or opened meanwhile: it must not be open again after that.
    fn exchange(&self, before: &Arc<Opened>, next: Arc<Opened>) {
        self.opened.compare_and_swap(&Some(before.clone()), Some(next));
    }
}
