//! The keyring: the one place where keys are made, unwrapped, handed out and destroyed.
//!
//! It is sealed at the start. Unsealed, it holds the tenants' keys in memory, wiped when it is sealed again; keys of
//! subjects are unwrapped for each operation and dropped by the caller. What is cached is their wrapped form.
//! A [`DataKey`] that an operation holds when the ring is sealed works until that operation ends.
//!
//! **Key reserve.** Subject keys are made and stored in batches ahead and handed out one by one, so that creating a
//! subject needs no commit in the key store. The store learns with the next batch (or [`Keyring::flush`]) which ones were
//! handed out. After a crash, keys handed out since the last batch are still marked as reserved, though records use them,
//! and the rest of the batch is orphaned. Orphans are harmless: they are wrapped random bytes. Therefore a reserved key
//! found in the store is **never handed out again** (two subjects under one key could not be erased apart), and none may
//! be cleaned up without looking whether a record names it.
//!
//! Must never: cache or log an unwrapped key, try one key after another, or answer for a tenant with another one's key.

mod opened;
mod rotation;
#[cfg(test)]
mod rotation_tests;
mod setup;
mod subjects;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::keys::Derivation;
use super::keystore::{INSTALLATION, IndexVersion, KeyKind, TenantKeyRecord};
use super::{Algorithm, BlindHash, DataKey, IndexField, KeyId, KeyStore, MacKey, Result, SystemKey, VaultError};
use opened::{Opened, TenantKeys};
use subjects::Cached;

pub use rotation::{NewRoot, RootSource};
pub use setup::{Drill, recover, recover_with};

/// What an operator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyringOptions {
    /// What new values are sealed with. Both are always opened.
    pub algorithm: Algorithm,
    /// Wrapped subject keys in the cache, at about 200 bytes each.
    pub cached_keys: usize,
    /// Subject keys that are made at once.
    pub batch: usize,
}

impl Default for KeyringOptions {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), cached_keys: 50_000, batch: 64 }
    }
}

/// Seals of a tenant's own key that are counted in the store at once; and how few may be left before the next.
const SEALS_AT_ONCE: u64 = 1 << 16;
const SEALS_LOW: u64 = SEALS_AT_ONCE / 2;

/// Cheap to clone; all clones are one ring.
#[derive(Clone)]
pub struct Keyring(Arc<Shared>);

struct Shared {
    store: Arc<dyn KeyStore>,
    options: KeyringOptions,
    opened: ArcSwapOption<Opened>,
    cache: Cache<KeyId, Cached>,
    /// Rises with every destroyed or evicted key, so that a look-up under way doesn't cache it again.
    evictions: AtomicU64,
    source: OnceLock<Box<dyn RootSource>>,
}

impl Keyring {
    /// A sealed ring over `store`.
    pub fn new(store: Arc<dyn KeyStore>, options: KeyringOptions) -> Self {
        Self(Arc::new(Shared {
            store,
            options,
            opened: ArcSwapOption::empty(),
            cache: Cache::new(options.cached_keys.max(1)),
            evictions: AtomicU64::new(0),
            source: OnceLock::new(),
        }))
    }

    pub fn is_sealed(&self) -> bool {
        self.0.opened.load().is_none()
    }

    /// Forgets all keys. Those of tenants are wiped as soon as the last operation under way lets go of them.
    pub fn seal(&self) {
        self.0.opened.store(None);
        self.0.cache.clear();
    }

    pub fn store(&self) -> &Arc<dyn KeyStore> {
        &self.0.store
    }

    pub fn algorithm(&self) -> Algorithm {
        self.0.options.algorithm
    }

    /// Makes the keys of a new tenant. Does nothing if it has them, so that it may be repeated.
    pub async fn create_tenant(&self, tenant: Uuid) -> Result<()> {
        let kinds = [KeyKind::Wrap, KeyKind::Index, KeyKind::Audit, KeyKind::Data];
        self.add(|opened| opened.make(tenant, &kinds, self.algorithm())).await?;
        self.load_tenant(tenant).await.map(drop)
    }

    /// Makes sure that the synchronous functions ([`Self::blind`], [`Self::audit_hash`], [`Self::try_cached`]) know the
    /// tenant, also one that was made on another node a moment ago. Costs nothing when they do.
    pub async fn ensure_tenant(&self, tenant: Uuid) -> Result<()> {
        self.load_tenant(tenant).await.map(drop)
    }

    /// Reads a tenant's keys and index versions again, after another process changed them.
    pub async fn reload_tenant(&self, tenant: Uuid) -> Result<()> {
        self.read_tenant(tenant).await.map(drop)
    }

    /// Adds a version to the tenant's wrapping or data key: new subject keys, and new values without a subject, use it
    /// from now on in this process, and in others as soon as they meet it. [`VaultError::Exhausted`] asks for this.
    pub async fn rotate(&self, tenant: Uuid, kind: KeyKind) -> Result<u32> {
        if !matches!(kind, KeyKind::Wrap | KeyKind::Data) {
            return Err(VaultError::Exhausted("keys of this kind are not rotated in place"));
        }
        let keys = self.read_tenant(tenant).await?;
        // `false`: another process rotated at the same time, and its version serves as well.
        self.add(|opened| Ok(vec![opened.make_next(&keys, kind, self.algorithm())?])).await?;
        self.read_tenant(tenant).await?.newest_version(kind)
    }

    /// The key for data of a tenant that is about no subject: job files, drafts of texts. May write to the store now and
    /// then, to count seals ahead; one key in hand makes at least 32,768 seals.
    pub async fn tenant_key(&self, tenant: Uuid) -> Result<DataKey> {
        let keys = self.load_tenant(tenant).await?;
        self.fill_budget(&keys).await?;
        keys.data_key(self.algorithm(), None)
    }

    /// The key for data of the installation: secrets of one-time passwords, users' own data.
    pub async fn system_data_key(&self, purpose: SystemKey) -> Result<DataKey> {
        let keys = self.load_tenant(INSTALLATION).await?;
        self.fill_budget(&keys).await?;
        keys.data_key(self.algorithm(), Some(purpose))
    }

    /// A key that signs or hashes for the installation.
    pub fn system_mac(&self, purpose: SystemKey) -> Result<MacKey> {
        let keys = self.known(INSTALLATION)?;
        let root = keys.secret(KeyKind::System, 1)?;
        Derivation::of(root).mac("system", purpose.label().as_bytes()).map(MacKey::new)
    }

    /// The hash to write for a value, with the newest version of the field's index. `normalised` by the kernel's type.
    pub fn blind(&self, tenant: Uuid, field: IndexField, normalised: &str) -> Result<BlindHash> {
        let keys = self.known(tenant)?;
        keys.hash(&keys.newest_index(field), normalised)
    }

    /// The hashes to look for: one per version, the newest first. There are two only while an index is being rotated.
    pub fn blind_all(&self, tenant: Uuid, field: IndexField, normalised: &str) -> Result<Vec<BlindHash>> {
        let keys = self.known(tenant)?;
        keys.indexes(field).iter().map(|index| keys.hash(index, normalised)).collect()
    }

    /// Begins a rotation of one field's index: new hashes get a new version of `bits` bits; old ones are still looked for.
    pub async fn add_index_version(&self, tenant: Uuid, field: IndexField, bits: u8) -> Result<u32> {
        let keys = self.read_tenant(tenant).await?;
        let present = keys.newest_index(field);
        if !keys.has_stored_index(field) {
            // The default was in use without being written down; it must be looked for until it is dropped.
            self.0.store.add_index_version(tenant, &present).await?;
        }
        let version = present.version + 1;
        let root_version = keys.newest_version(KeyKind::Index)?;
        let bits = bits.clamp(1, IndexVersion::MOST_BITS);
        self.0.store.add_index_version(tenant, &IndexVersion { field, version, bits, root_version }).await?;
        Ok(self.read_tenant(tenant).await?.newest_index(field).version)
    }

    /// Ends a rotation: versions before the newest are no longer looked for.
    pub async fn drop_old_index_versions(&self, tenant: Uuid, field: IndexField) -> Result<()> {
        let newest = self.read_tenant(tenant).await?.newest_index(field).version;
        self.0.store.drop_index_versions(tenant, field, newest).await?;
        self.reload_tenant(tenant).await
    }

    /// What stands for a subject in the audit log: HMAC-SHA256 under the tenant's audit key, cut to 128 bits.
    pub fn audit_hash(&self, tenant: Uuid, subject: Uuid) -> Result<[u8; 16]> {
        self.audit_hashes(tenant, [subject]).map(|hashes| hashes[0])
    }

    /// The same for several subjects of one tenant, in their order.
    pub fn audit_hashes(&self, tenant: Uuid, subjects: impl IntoIterator<Item = Uuid>) -> Result<Vec<[u8; 16]>> {
        let keys = self.known(tenant)?;
        let key = Derivation::of(keys.secret(KeyKind::Audit, 1)?).mac("audit subject", &[])?;
        let hash = |subject: Uuid| {
            let full = ring::hmac::sign(&key, subject.as_bytes());
            std::array::from_fn(|position| full.as_ref()[position])
        };
        Ok(subjects.into_iter().map(hash).collect())
    }

    fn opened(&self) -> Result<Arc<Opened>> {
        self.0.opened.load_full().ok_or(VaultError::Sealed)
    }

    fn known(&self, tenant: Uuid) -> Result<Arc<TenantKeys>> {
        self.0.opened.load().as_ref().ok_or(VaultError::Sealed)?.tenant(tenant).ok_or(VaultError::UnknownTenant)
    }

    async fn load_tenant(&self, tenant: Uuid) -> Result<Arc<TenantKeys>> {
        match self.known(tenant) {
            Err(VaultError::UnknownTenant) => self.read_tenant(tenant).await,
            known => known,
        }
    }

    /// Stores keys that were made under the root key; once more after another process has rotated that.
    async fn add(&self, make: impl Fn(&Opened) -> Result<Vec<TenantKeyRecord>>) -> Result<bool> {
        let made = make(&*self.opened()?)?;
        match self.0.store.add_tenant_keys(&made).await {
            Err(VaultError::Rotated) => {
                self.follow().await?;
                let made = make(&*self.opened()?)?;
                self.0.store.add_tenant_keys(&made).await
            }
            added => added,
        }
    }

    async fn read_tenant(&self, tenant: Uuid) -> Result<Arc<TenantKeys>> {
        match self.read_under(&*self.opened()?, tenant).await {
            Err(VaultError::Rotated) => {
                self.follow().await?;
                self.read_under(&*self.opened()?, tenant).await
            }
            read => read,
        }
    }

    async fn read_under(&self, opened: &Opened, tenant: Uuid) -> Result<Arc<TenantKeys>> {
        let records = self.0.store.tenant_keys(Some(tenant)).await?;
        if records.is_empty() {
            return Err(VaultError::UnknownTenant);
        }
        let indexes = self.0.store.index_versions(Some(tenant)).await?;
        let mut keys = opened.open_tenant(tenant, &records, &indexes)?;
        if let Some(previous) = opened.tenant(tenant) {
            keys.inherit(&previous)?;
        }
        let keys = Arc::new(keys);
        opened.put(&keys);
        Ok(keys)
    }

    async fn fill_budget(&self, keys: &TenantKeys) -> Result<()> {
        if keys.budget.left() >= SEALS_LOW {
            return Ok(());
        }
        let _only_one = keys.filling.lock().await;
        if keys.budget.left() >= SEALS_LOW {
            return Ok(());
        }
        let version = keys.newest_version(KeyKind::Data)?;
        if self.0.store.reserve_uses(keys.tenant, KeyKind::Data, version, SEALS_AT_ONCE).await? {
            keys.budget.add(SEALS_AT_ONCE);
        }
        // At the limit the key still opens; sealing with it says that it is exhausted.
        Ok(())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sealed() { "Keyring(sealed)" } else { "Keyring(open)" })
    }
}
