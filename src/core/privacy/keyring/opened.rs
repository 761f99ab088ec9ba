//! What the ring holds while it is unsealed: the key that wraps tenant keys, and the tenants' keys.
//!
//! The root key itself is not kept, only what is derived from it for wrapping: tenants made later, here or on another
//! node, need it. All secrets are wiped when dropped.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use uuid::Uuid;

use super::subjects::Reserve;
use crate::privacy::keys::{self, Budget, Derivation, Secret};
use crate::privacy::keystore::{IndexVersion, KeyKind, TenantKeyRecord};
use crate::privacy::wrapped::{Parent, Place};
use crate::privacy::{Algorithm, BlindHash, DataKey, IndexField, KeyId, Result, SystemKey, VaultError, WrappedKey};

pub(super) struct Opened {
    root: Parent,
    root_version: u32,
    tenants: ArcSwap<HashMap<Uuid, Arc<TenantKeys>>>,
}

impl Opened {
    pub(super) fn new(root: Parent, root_version: u32) -> Self {
        Self { root, root_version, tenants: ArcSwap::default() }
    }

    pub(super) fn tenant(&self, tenant: Uuid) -> Option<Arc<TenantKeys>> {
        self.tenants.load().get(&tenant).cloned()
    }

    pub(super) fn tenants(&self) -> Vec<Arc<TenantKeys>> {
        self.tenants.load().values().cloned().collect()
    }

    pub(super) fn put(&self, keys: &Arc<TenantKeys>) {
        self.tenants.rcu(|tenants| {
            let mut tenants = HashMap::clone(tenants);
            tenants.insert(keys.tenant, keys.clone());
            tenants
        });
    }

    pub(super) fn put_all(&self, tenants: HashMap<Uuid, Arc<TenantKeys>>) {
        self.tenants.store(Arc::new(tenants));
    }

    /// The same tenants under another root key.
    pub(super) fn under(&self, root: Parent, root_version: u32) -> Self {
        Self { root, root_version, tenants: ArcSwap::new(self.tenants.load_full()) }
    }

    /// The first version of new random keys of a tenant, wrapped.
    pub(super) fn make(&self, tenant: Uuid, kinds: &[KeyKind], algorithm: Algorithm) -> Result<Vec<TenantKeyRecord>> {
        kinds.iter().map(|kind| self.make_version(tenant, *kind, (KeyId::random()?, 1), algorithm)).collect()
    }

    /// The version after the newest of one key. All versions share the id.
    pub(super) fn make_next(&self, keys: &TenantKeys, kind: KeyKind, algorithm: Algorithm) -> Result<TenantKeyRecord> {
        let newest = keys.newest(kind)?;
        self.make_version(keys.tenant, kind, (newest.id, newest.version + 1), algorithm)
    }

    fn make_version(
        &self,
        tenant: Uuid,
        kind: KeyKind,
        (id, version): (KeyId, u32),
        algorithm: Algorithm,
    ) -> Result<TenantKeyRecord> {
        let root_version = self.root_version;
        let place = Place { tenant, kind: kind.name(), id, version, parent_version: root_version };
        let wrapped = WrappedKey::wrap(&self.root, algorithm, &place, &keys::random_secret()?)?;
        Ok(TenantKeyRecord { tenant, kind, version, id, root_version, wrapped })
    }

    /// The same keys as they are wrapped under another root key.
    pub(super) fn rewrap(
        &self,
        records: &[TenantKeyRecord],
        under: &Self,
        algorithm: Algorithm,
    ) -> Result<Vec<TenantKeyRecord>> {
        let rewrap = |record: &TenantKeyRecord| {
            let key = self.open(record)?;
            let root_version = under.root_version;
            let place = Place {
                tenant: record.tenant,
                kind: record.kind.name(),
                id: record.id,
                version: record.version,
                parent_version: root_version,
            };
            let wrapped = WrappedKey::wrap(&under.root, algorithm, &place, &key.secret)?;
            Ok(TenantKeyRecord { root_version, wrapped, ..record.clone() })
        };
        records.iter().map(rewrap).collect()
    }

    /// Unwraps the keys of one tenant.
    pub(super) fn open_tenant(
        &self,
        tenant: Uuid,
        records: &[TenantKeyRecord],
        indexes: &[(Uuid, IndexVersion)],
    ) -> Result<TenantKeys> {
        let mine = records.iter().filter(|record| record.tenant == tenant);
        let mut keys = mine.map(|record| self.open(record)).collect::<Result<Vec<_>>>()?;
        keys.sort_by_key(|key| (key.kind, key.version));
        let wraps = keys.iter().filter(|key| key.kind == KeyKind::Wrap);
        let parents = wraps.map(|key| Ok((key.version, Parent::new(&key.secret)?))).collect::<Result<Vec<_>>>()?;
        let mut indexes: Vec<_> = indexes.iter().filter(|(of, _)| *of == tenant).map(|(_, index)| *index).collect();
        indexes.sort_by_key(|index| std::cmp::Reverse(index.version));
        Ok(TenantKeys {
            tenant,
            keys,
            parents,
            indexes,
            budget: Arc::default(),
            filling: tokio::sync::Mutex::default(),
            reserve: Arc::default(),
        })
    }

    fn open(&self, record: &TenantKeyRecord) -> Result<TenantKey> {
        if record.root_version > self.root_version {
            return Err(VaultError::Rotated);
        }
        if record.root_version < self.root_version {
            return Err(VaultError::Integrity("root version of a tenant key"));
        }
        let place = Place {
            tenant: record.tenant,
            kind: record.kind.name(),
            id: record.id,
            version: record.version,
            parent_version: record.root_version,
        };
        let (secret, _) = record.wrapped.unwrap(&self.root, &place)?;
        Ok(TenantKey { kind: record.kind, version: record.version, id: record.id, secret })
    }
}

struct TenantKey {
    kind: KeyKind,
    version: u32,
    id: KeyId,
    secret: Secret,
}

/// The unwrapped keys of one tenant, or of the installation.
pub(super) struct TenantKeys {
    pub tenant: Uuid,
    /// By kind, then version.
    keys: Vec<TenantKey>,
    /// What wraps subject keys, by version.
    parents: Vec<(u32, Parent)>,
    /// The newest first.
    indexes: Vec<IndexVersion>,
    /// Seals left under the data key in this process.
    pub budget: Arc<Budget>,
    pub filling: tokio::sync::Mutex<()>,
    pub reserve: Arc<Reserve>,
}

impl TenantKeys {
    /// Goes on with what this process had set aside, when the keys were read again.
    pub(super) fn inherit(&mut self, previous: &Self) -> Result<()> {
        self.reserve = previous.reserve.clone();
        if self.newest_version(KeyKind::Data)? == previous.newest_version(KeyKind::Data)? {
            self.budget = previous.budget.clone();
        }
        Ok(())
    }

    pub(super) fn secret(&self, kind: KeyKind, version: u32) -> Result<&Secret> {
        let found = self.keys.iter().find(|key| key.kind == kind && key.version == version);
        found.map(|key| &key.secret).ok_or(VaultError::Integrity("missing tenant key"))
    }

    pub(super) fn newest_version(&self, kind: KeyKind) -> Result<u32> {
        self.newest(kind).map(|key| key.version)
    }

    fn newest(&self, kind: KeyKind) -> Result<&TenantKey> {
        self.keys.iter().rfind(|key| key.kind == kind).ok_or(VaultError::Integrity("missing tenant key"))
    }

    /// The key above subject keys, in the version that new ones are wrapped with.
    pub(super) fn newest_parent(&self) -> Result<(u32, &Parent)> {
        let newest = self.parents.last().map(|(version, parent)| (*version, parent));
        newest.ok_or(VaultError::Integrity("missing tenant key"))
    }

    /// `None` for a version that this process doesn't know yet.
    pub(super) fn parent(&self, version: u32) -> Option<&Parent> {
        self.parents.iter().find(|(known, _)| *known == version).map(|(_, parent)| parent)
    }

    /// The key for data without a subject; with a purpose, the one derived for that.
    pub(super) fn data_key(&self, algorithm: Algorithm, purpose: Option<SystemKey>) -> Result<DataKey> {
        let make = |key: &TenantKey| {
            let secret = match purpose {
                Some(purpose) => Derivation::of(&key.secret).secret("system data", purpose.label().as_bytes())?,
                None => key.secret.clone(),
            };
            DataKey::new(key.id, key.version, algorithm, secret)
        };
        let mut versions: Vec<_> = self.keys.iter().filter(|key| key.kind == KeyKind::Data).collect();
        let newest = versions.pop().ok_or(VaultError::Integrity("missing tenant key"))?;
        let older = versions.into_iter().map(make).collect::<Result<Vec<_>>>()?;
        Ok(make(newest)?.with_older(older).with_budget(self.budget.clone()))
    }

    pub(super) fn has_stored_index(&self, field: IndexField) -> bool {
        self.indexes.iter().any(|index| index.field == field)
    }

    pub(super) fn newest_index(&self, field: IndexField) -> IndexVersion {
        let newest = self.indexes.iter().find(|index| index.field == field);
        newest.copied().unwrap_or_else(|| IndexVersion::default_of(field))
    }

    /// All versions that are looked for, the newest first; never none.
    pub(super) fn indexes(&self, field: IndexField) -> Vec<IndexVersion> {
        let stored: Vec<_> = self.indexes.iter().filter(|index| index.field == field).copied().collect();
        if stored.is_empty() { vec![IndexVersion::default_of(field)] } else { stored }
    }

    pub(super) fn hash(&self, index: &IndexVersion, normalised: &str) -> Result<BlindHash> {
        index.hash(self.secret(KeyKind::Index, index.root_version)?, normalised)
    }
}
