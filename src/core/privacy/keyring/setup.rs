//! Making, opening and recovering a key store.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::opened::Opened;
use super::{INSTALLATION, KeyKind, Keyring};
use crate::privacy::keystore::{StoredRoot, TenantKeyRecord};
use crate::privacy::root::{RecoveryKey, RootKey, RootRecord};
use crate::privacy::shares::slot::SharesInfo;
use crate::privacy::shares::{Share, Sharing};
use crate::privacy::{KeyStore, Result, Sensitive, VaultError};

/// What a recovery drill opened with the recovery key alone, or with shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drill {
    /// Tenants whose keys all opened, without the installation itself.
    pub tenants: usize,
    /// Keys of tenants and of the installation that opened.
    pub keys: usize,
}

impl Keyring {
    /// Makes an empty key store the store of this root key, and opens the ring.
    pub async fn initialise(&self, root: &RootKey) -> Result<()> {
        let record = RootRecord::new(root)?.to_json()?;
        if !self.0.store.save_root(&StoredRoot { revision: 1, record }).await? {
            return Err(VaultError::AlreadyInitialised);
        }
        self.open_with(root).await
    }

    /// Opens the ring; [`VaultError::WrongKey`] if the store was made for another root key. The key is wiped after.
    pub async fn unseal(&self, root: RootKey) -> Result<()> {
        self.open_with(&root).await
    }

    /// Puts the recovery slot into the key store, in place of an earlier one.
    pub async fn set_recovery_key(&self, root: &RootKey, recovery: &RecoveryKey) -> Result<()> {
        let (revision, mut record) = self.root_record().await?;
        record.set_recovery(root, recovery)?;
        self.save(revision, &record).await
    }

    /// Puts the slot of new shares into the key store, in place of an earlier one.
    pub async fn set_shares(&self, root: &RootKey, sharing: &Sharing) -> Result<()> {
        let (revision, mut record) = self.root_record().await?;
        record.set_shares(root, sharing)?;
        self.save(revision, &record).await
    }

    /// What shares open this store, if any. Works on a sealed ring.
    pub async fn shares(&self) -> Result<Option<SharesInfo>> {
        self.root_record().await?.1.shares()
    }

    /// Puts the passphrase slot into the key store, in place of an earlier one. At least 12 characters.
    pub async fn set_passphrase(&self, root: RootKey, passphrase: Sensitive<String>) -> Result<()> {
        let (revision, mut record) = self.root_record().await?;
        let record =
            tokio::task::spawn_blocking(move || record.set_passphrase(&root, passphrase.expose()).map(|()| record));
        let record = record.await.map_err(|_| crate::privacy::unseal::SourceFault::Interrupted)??;
        self.save(revision, &record).await
    }

    /// Proves that the recovery key opens this store: gives the root key back, and unwraps every tenant key with it.
    /// Works on a sealed ring and leaves it as it is.
    pub async fn drill(&self, recovery: &RecoveryKey) -> Result<Drill> {
        self.drill_of(&recover(&*self.0.store, recovery).await?).await
    }

    /// The same for shares.
    pub async fn drill_with(&self, shares: &[Share]) -> Result<Drill> {
        self.drill_of(&recover_with(&*self.0.store, shares).await?).await
    }

    async fn drill_of(&self, root: &RootKey) -> Result<Drill> {
        let (_, record) = self.root_record().await?;
        let opened = Opened::new(root.parent()?, record.version);
        let records = self.0.store.tenant_keys(None).await?;
        let tenants = by_tenant(&records);
        for (tenant, records) in &tenants {
            opened.open_tenant(*tenant, records, &[])?;
        }
        if !tenants.contains_key(&INSTALLATION) {
            return Err(VaultError::Integrity("the installation has no keys"));
        }
        Ok(Drill { tenants: tenants.len() - 1, keys: records.len() })
    }

    async fn open_with(&self, root: &RootKey) -> Result<()> {
        let (_, record) = self.root_record().await?;
        record.check(root)?;
        let opened = Opened::new(root.parent()?, record.version);
        let mut records = self.0.store.tenant_keys(None).await?;
        if records.is_empty() {
            // New, or stopped between the two steps of being initialised.
            let made = opened.make(INSTALLATION, &[KeyKind::System, KeyKind::Data], self.algorithm())?;
            self.0.store.add_tenant_keys(&made).await?;
            records = self.0.store.tenant_keys(None).await?;
        }
        let indexes = self.0.store.index_versions(None).await?;
        let before = self.0.opened.load_full();
        let mut tenants = HashMap::new();
        for (tenant, records) in by_tenant(&records) {
            let keys = opened.open_tenant(tenant, &records, &indexes).and_then(|mut keys| {
                // Opened again while it was open: what was set aside is not lost.
                before.as_ref().and_then(|before| before.tenant(tenant)).map_or(Ok(()), |own| keys.inherit(&own))?;
                Ok(keys)
            });
            match keys {
                Ok(keys) => drop(tenants.insert(tenant, Arc::new(keys))),
                // One damaged tenant doesn't close the others; its own operations fail when they come.
                Err(error) => tracing::error!(%tenant, %error, "the keys of a tenant don't open"),
            }
        }
        if !tenants.contains_key(&INSTALLATION) {
            return Err(VaultError::Integrity("the installation's keys don't open"));
        }
        opened.put_all(tenants);
        self.0.opened.store(Some(Arc::new(opened)));
        Ok(())
    }

    pub(super) async fn root_record(&self) -> Result<(i64, RootRecord)> {
        stored(&*self.0.store).await
    }

    async fn save(&self, revision: i64, record: &RootRecord) -> Result<()> {
        let root = StoredRoot { revision: revision + 1, record: record.to_json()? };
        if self.0.store.save_root(&root).await? {
            return Ok(());
        }
        Err(VaultError::store("the root record was changed by somebody else at the same time"))
    }
}

/// The root key, out of the recovery slot. [`VaultError::WrongKey`] for another recovery key, or if there is no slot.
pub async fn recover(store: &dyn KeyStore, recovery: &RecoveryKey) -> Result<RootKey> {
    stored(store).await?.1.recover(recovery)
}

/// The root key, out of the slot of the shares. [`VaultError::Shares`] names everything that is wrong with them.
pub async fn recover_with(store: &dyn KeyStore, shares: &[Share]) -> Result<RootKey> {
    stored(store).await?.1.open_with_shares(shares)
}

pub(super) async fn stored(store: &dyn KeyStore) -> Result<(i64, RootRecord)> {
    let stored = store.root().await?.ok_or(VaultError::Uninitialised)?;
    Ok((stored.revision, RootRecord::parse(&stored.record)?))
}

fn by_tenant(records: &[TenantKeyRecord]) -> HashMap<Uuid, Vec<TenantKeyRecord>> {
    let mut tenants: HashMap<_, Vec<_>> = HashMap::new();
    for record in records {
        tenants.entry(record.tenant).or_default().push(record.clone());
    }
    tenants
}
