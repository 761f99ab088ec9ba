//! Keys of subjects: made in batches ahead, found in the cache or the store, unwrapped for one operation, destroyed.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::Keyring;
use super::opened::TenantKeys;
use crate::privacy::keys;
use crate::privacy::keystore::{KeyKind, SubjectKeyRecord, SubjectKeyState};
use crate::privacy::wrapped::{Parent, Place};
use crate::privacy::{Algorithm, DataKey, KeyId, Result, VaultError, WrappedKey};

/// Most keys that one batch may hold, however many are asked for.
const LARGEST_BATCH: usize = 4096;

/// A subject key as it is cached: wrapped. The versions are one, or more while it is being rotated.
#[derive(Clone)]
pub(super) struct Cached {
    tenant: Uuid,
    newest: CachedVersion,
    older: Option<Arc<[CachedVersion]>>,
}

#[derive(Clone, Copy)]
struct CachedVersion {
    number: u32,
    /// Version of the tenant's key above it.
    parent: u32,
    wrapped: WrappedKey,
}

/// Keys made ahead for one tenant.
#[derive(Default)]
pub(super) struct Reserve {
    ready: Mutex<Vec<(KeyId, Cached)>>,
    /// Handed out, but not yet marked so in the store.
    handed: Mutex<Vec<KeyId>>,
    /// Held by the one who makes the next batch.
    filling: tokio::sync::Mutex<()>,
}

impl Reserve {
    fn take(&self) -> Option<(KeyId, Cached)> {
        let taken = lock(&self.ready).pop()?;
        lock(&self.handed).push(taken.0);
        Some(taken)
    }

    /// Adds a batch and hands out one of it before anybody else can.
    fn put_and_take(&self, batch: Vec<(KeyId, Cached)>) -> Option<(KeyId, Cached)> {
        let mut ready = lock(&self.ready);
        ready.extend(batch);
        let taken = ready.pop()?;
        lock(&self.handed).push(taken.0);
        Some(taken)
    }

    pub(super) fn left(&self) -> usize {
        lock(&self.ready).len()
    }
}

/// What is behind these locks is valid after every single step, so a panic elsewhere doesn't spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keyring {
    /// A key for a new subject. It counts as used from here on; if the record isn't written after all, it is orphaned.
    pub async fn new_subject_key(&self, tenant: Uuid) -> Result<DataKey> {
        let keys = self.load_tenant(tenant).await?;
        let batch = self.0.options.batch.clamp(1, LARGEST_BATCH);
        let (id, cached) = match keys.reserve.take() {
            Some(taken) => taken,
            None => self.take_after_filling(&keys, batch).await?,
        };
        self.0.cache.insert(id, cached.clone());
        // The tenant's keys may have been read again, and rotated, since this one was made.
        match cached.open(id, &*self.load_tenant(tenant).await?, self.algorithm()) {
            Some(key) => key,
            None => self.subject_key(tenant, id).await,
        }
    }

    /// Makes keys ahead for a bulk of new subjects, so that an import commits to the key store once per thousands.
    pub async fn reserve_subject_keys(&self, tenant: Uuid, count: usize) -> Result<()> {
        let keys = self.load_tenant(tenant).await?;
        let _only_one = keys.reserve.filling.lock().await;
        let missing = count.min(LARGEST_BATCH).saturating_sub(keys.reserve.left());
        if missing > 0 {
            let made = self.make_batch(&keys, missing).await?;
            lock(&keys.reserve.ready).extend(made);
        }
        Ok(())
    }

    /// The key of a subject; [`VaultError::Erased`] when it was destroyed, [`VaultError::Integrity`] when the store
    /// doesn't know it.
    pub async fn subject_key(&self, tenant: Uuid, id: KeyId) -> Result<DataKey> {
        if let Some(key) = self.try_cached(tenant, id) {
            return key;
        }
        let found = self.subject_keys(tenant, &[id]).await?;
        found.into_iter().next().unwrap_or(Err(UNKNOWN))
    }

    /// Keys in the order asked for, with one look-up for those that are not cached. The outer error is about all.
    pub async fn subject_keys(&self, tenant: Uuid, ids: &[KeyId]) -> Result<Vec<Result<DataKey>>> {
        let mut keys = self.load_tenant(tenant).await?;
        let found: Vec<_> = ids.iter().map(|id| self.cached(&keys, *id)).collect();
        let mut missing: Vec<_> = ids.iter().zip(&found).filter(|(_, key)| key.is_none()).map(|(id, _)| *id).collect();
        if missing.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        missing.sort_unstable();
        missing.dedup();
        let read = self.read(tenant, &missing).await?;
        if read.values().flatten().any(|cached| !cached.known_to(&keys)) {
            // Another process rotated the tenant's key.
            keys = self.read_tenant(tenant).await?;
        }
        let open = |(id, key): (&KeyId, Option<Result<DataKey>>)| {
            key.unwrap_or_else(|| match read.get(id) {
                None => Err(UNKNOWN),
                Some(None) => Err(VaultError::Erased),
                Some(Some(cached)) => cached
                    .open(*id, &keys, self.algorithm())
                    .unwrap_or(Err(VaultError::Integrity("missing tenant key"))),
            })
        };
        Ok(ids.iter().zip(found).map(open).collect())
    }

    /// The key, if no look-up is needed for it. `None`: ask [`Self::subject_key`].
    pub fn try_cached(&self, tenant: Uuid, id: KeyId) -> Option<Result<DataKey>> {
        match self.known(tenant) {
            Ok(keys) => self.cached(&keys, id),
            Err(VaultError::UnknownTenant) => None,
            Err(sealed) => Some(Err(sealed)),
        }
    }

    /// Forgets the cached form of a key, after another process destroyed it.
    pub fn evict(&self, id: KeyId) {
        self.0.evictions.fetch_add(1, Ordering::SeqCst);
        self.0.cache.remove(&id);
    }

    /// Destroys a subject's key in all its versions: what was sealed with it is unreadable from now on. The second step of
    /// an erasure; the caller has fenced the record, and tells the other nodes to evict. Repeating it does no harm.
    pub async fn destroy(&self, tenant: Uuid, id: KeyId) -> Result<()> {
        let existed = self.0.store.destroy_subject_key(tenant, id).await?;
        self.evict(id);
        if existed { Ok(()) } else { Err(UNKNOWN) }
    }

    /// Tells the store which reserved keys were handed out; for an orderly stop.
    pub async fn flush(&self) -> Result<()> {
        for keys in self.opened()?.tenants() {
            self.flush_keys(&keys).await?;
        }
        Ok(())
    }

    async fn flush_keys(&self, keys: &TenantKeys) -> Result<()> {
        let handed = std::mem::take(&mut *lock(&keys.reserve.handed));
        if handed.is_empty() {
            return Ok(());
        }
        let marked = self.0.store.mark_used(keys.tenant, &handed).await;
        if marked.is_err() {
            lock(&keys.reserve.handed).extend(handed);
        }
        marked
    }

    async fn take_after_filling(&self, keys: &TenantKeys, batch: usize) -> Result<(KeyId, Cached)> {
        let _only_one = keys.reserve.filling.lock().await;
        if let Some(taken) = keys.reserve.take() {
            return Ok(taken);
        }
        let made = self.make_batch(keys, batch).await?;
        keys.reserve.put_and_take(made).ok_or(VaultError::Exhausted("the batch of new keys is empty"))
    }

    /// Makes keys and stores them; they may be handed out from here on.
    async fn make_batch(&self, keys: &TenantKeys, count: usize) -> Result<Vec<(KeyId, Cached)>> {
        let made = self.make_batch_under(keys, count).await;
        if !matches!(made, Err(VaultError::Exhausted(_))) {
            return made;
        }
        // Another process may have rotated the tenant's key, and retired the version that is known here.
        let read = self.read_tenant(keys.tenant).await?;
        if read.newest_version(KeyKind::Wrap)? == keys.newest_version(KeyKind::Wrap)? {
            return made;
        }
        self.make_batch_under(&read, count).await
    }

    async fn make_batch_under(&self, keys: &TenantKeys, count: usize) -> Result<Vec<(KeyId, Cached)>> {
        let (wrap_version, parent) = keys.newest_parent()?;
        let make = |_| make(parent, self.algorithm(), keys.tenant, wrap_version);
        let records = (0..count).map(make).collect::<Result<Vec<_>>>()?;
        let handed = std::mem::take(&mut *lock(&keys.reserve.handed));
        let added = self.0.store.add_subject_keys(keys.tenant, wrap_version, &records, &handed).await;
        if !matches!(added, Ok(true)) {
            lock(&keys.reserve.handed).extend(handed);
            return added.and(Err(VaultError::Exhausted("rotate the tenant's wrapping key")));
        }
        Ok(records.iter().filter_map(|record| Some((record.id, Cached::of(keys.tenant, &[record])?))).collect())
    }

    /// Wraps subject keys that are under an earlier version of the tenant's key under the newest: `most` of them, after one
    /// of them. Gives the last one and how many, `None` when there are no more. Meanwhile both versions are read.
    pub async fn rewrap_subject_keys(
        &self,
        tenant: Uuid,
        after: Option<(KeyId, u32)>,
        most: u32,
    ) -> Result<Option<((KeyId, u32), usize)>> {
        let keys = self.read_tenant(tenant).await?;
        let (newest, parent) = keys.newest_parent()?;
        let found = self.0.store.subject_keys_below(tenant, newest, after, most).await?;
        let Some(last) = found.last().map(|record| (record.id, record.version)) else { return Ok(None) };
        let rewrap = |record: &SubjectKeyRecord| {
            let (Some(old), Some(wrapped)) = (keys.parent(record.wrap_version), record.wrapped) else {
                return Err(VaultError::Integrity("missing tenant key"));
            };
            let place =
                |parent_version| Place { tenant, kind: KIND, id: record.id, version: record.version, parent_version };
            let (secret, _) = wrapped.unwrap(old, &place(record.wrap_version))?;
            let wrapped = WrappedKey::wrap(parent, self.algorithm(), &place(newest), &secret)?;
            Ok(SubjectKeyRecord { wrap_version: newest, wrapped: Some(wrapped), ..record.clone() })
        };
        let rewrapped = found.iter().map(rewrap).collect::<Result<Vec<_>>>()?;
        if !self.0.store.rewrap_subject_keys(tenant, newest, &rewrapped).await? {
            return Err(VaultError::Exhausted("rotate the tenant's wrapping key"));
        }
        Ok(Some((last, rewrapped.len())))
    }

    /// Ends a rotation: earlier versions of the tenant's key that wrap nothing any more are gone for good.
    pub async fn retire_wrap_keys(&self, tenant: Uuid) -> Result<usize> {
        let newest = self.read_tenant(tenant).await?.newest_version(KeyKind::Wrap)?;
        let retired = self.0.store.retire_wrap_keys(tenant, newest).await?;
        self.read_tenant(tenant).await?;
        Ok(retired)
    }

    /// The version of the tenant's key that new subject keys are wrapped under.
    pub async fn wrap_version(&self, tenant: Uuid) -> Result<u32> {
        self.read_tenant(tenant).await?.newest_version(KeyKind::Wrap)
    }

    /// Whether an earlier version of the tenant's key is still there: a rotation that has not come to its end.
    pub async fn has_old_wrap_keys(&self, tenant: Uuid) -> Result<bool> {
        let records = self.0.store.tenant_keys(Some(tenant)).await?;
        Ok(records.iter().filter(|record| record.kind == KeyKind::Wrap).count() > 1)
    }

    fn cached(&self, keys: &TenantKeys, id: KeyId) -> Option<Result<DataKey>> {
        let cached = self.0.cache.get(&id)?;
        if cached.tenant != keys.tenant {
            return Some(Err(UNKNOWN));
        }
        cached.open(id, keys, self.algorithm())
    }

    /// Reads keys into the cache. Per id that the store knows: the wrapped key, or `None` if it was destroyed.
    async fn read(&self, tenant: Uuid, ids: &[KeyId]) -> Result<HashMap<KeyId, Option<Cached>>> {
        let evictions = self.0.evictions.load(Ordering::SeqCst);
        let records = self.0.store.subject_keys(tenant, ids).await?;
        let mut versions: HashMap<KeyId, Vec<&SubjectKeyRecord>> = HashMap::with_capacity(ids.len());
        for record in &records {
            versions.entry(record.id).or_default().push(record);
        }
        let read: HashMap<_, _> =
            versions.into_iter().map(|(id, versions)| (id, Cached::of(tenant, &versions))).collect();
        for (id, cached) in &read {
            if let Some(cached) = cached {
                self.0.cache.insert(*id, cached.clone());
            }
        }
        if self.0.evictions.load(Ordering::SeqCst) != evictions {
            // A key was destroyed meanwhile; it may be one of these, read before and cached after.
            for id in ids {
                self.0.cache.remove(id);
            }
        }
        Ok(read)
    }
}

const UNKNOWN: VaultError = VaultError::Integrity("unknown key id");
/// Kind of subject keys in what is authenticated with them; must not change.
const KIND: &str = "subject";

fn make(parent: &Parent, algorithm: Algorithm, tenant: Uuid, wrap_version: u32) -> Result<SubjectKeyRecord> {
    let id = KeyId::random()?;
    let place = Place { tenant, kind: KIND, id, version: 1, parent_version: wrap_version };
    let wrapped = WrappedKey::wrap(parent, algorithm, &place, &keys::random_secret()?)?;
    Ok(SubjectKeyRecord { id, version: 1, wrap_version, state: SubjectKeyState::Reserved, wrapped: Some(wrapped) })
}

impl Cached {
    /// `None` if the key was destroyed: one destroyed version is enough.
    fn of(tenant: Uuid, records: &[&SubjectKeyRecord]) -> Option<Self> {
        let version = |record: &&SubjectKeyRecord| {
            let wrapped = record.wrapped.filter(|_| record.state != SubjectKeyState::Destroyed)?;
            Some(CachedVersion { number: record.version, parent: record.wrap_version, wrapped })
        };
        let mut versions = records.iter().map(version).collect::<Option<Vec<_>>>()?;
        versions.sort_unstable_by_key(|version| version.number);
        let newest = versions.pop()?;
        Some(Self { tenant, newest, older: (!versions.is_empty()).then(|| versions.into()) })
    }

    fn known_to(&self, keys: &TenantKeys) -> bool {
        let older = self.older.iter().flat_map(|older| older.iter());
        older.chain([&self.newest]).all(|version| keys.parent(version.parent).is_some())
    }

    /// `None` if a version of the tenant's key is missing here.
    fn open(&self, id: KeyId, keys: &TenantKeys, algorithm: Algorithm) -> Option<Result<DataKey>> {
        let newest = self.newest.open(id, keys, algorithm)?;
        let Some(older) = &self.older else { return Some(newest) };
        let older: Option<Result<Vec<_>>> = older.iter().map(|version| version.open(id, keys, algorithm)).collect();
        Some(older?.and_then(|older| Ok(newest?.with_older(older))))
    }
}

impl CachedVersion {
    fn open(&self, id: KeyId, keys: &TenantKeys, algorithm: Algorithm) -> Option<Result<DataKey>> {
        let parent = keys.parent(self.parent)?;
        let place = Place { tenant: keys.tenant, kind: KIND, id, version: self.number, parent_version: self.parent };
        let unwrapped = self.wrapped.unwrap(parent, &place);
        Some(
            unwrapped
                .and_then(|(secret, derivation)| DataKey::derived(id, self.number, algorithm, secret, &derivation)),
        )
    }
}
