//! A key store in memory, for tests and benchmarks only: the product has none.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use uuid::Uuid;

use super::keystore::{
    IndexVersion, KeyCounts, KeyKind, KeyStore, Rewrap, StoredRoot, SubjectKeyRecord, SubjectKeyState, TenantKeyRecord,
    USES_LIMIT,
};
use super::{IndexField, KeyId, Result, VaultError};

#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    /// Calls that would be a transaction.
    pub calls: AtomicUsize,
    /// Runs once, between the reading of subject keys and the return of what was read.
    pub after_reading: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Runs once, before the root record is replaced.
    pub before_replacing: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[derive(Default, Clone)]
pub struct Tables {
    pub root: Option<StoredRoot>,
    pub tenants: BTreeMap<(Uuid, KeyKind, u32), TenantKeyRecord>,
    pub uses: HashMap<(Uuid, KeyKind, u32), u64>,
    pub subjects: BTreeMap<(Uuid, KeyId, u32), SubjectKeyRecord>,
    pub indexes: Vec<(Uuid, IndexVersion)>,
}

impl MemoryStore {
    pub fn with<R>(&self, work: impl FnOnce(&mut Tables) -> R) -> R {
        self.calls.fetch_add(1, Ordering::Relaxed);
        work(&mut self.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tables {
    fn count(&mut self, key: (Uuid, KeyKind, u32), uses: u64) -> bool {
        if !self.tenants.contains_key(&key) {
            return false;
        }
        let counted = self.uses.entry(key).or_default();
        let fits = *counted + uses <= USES_LIMIT;
        if fits {
            *counted += uses;
        }
        fits
    }

    fn mark(&mut self, tenant: Uuid, ids: &[KeyId]) {
        for id in ids {
            for (_, record) in self.subjects.range_mut((tenant, *id, 0)..=(tenant, *id, u32::MAX)) {
                if record.state == SubjectKeyState::Reserved {
                    record.state = SubjectKeyState::Used;
                }
            }
        }
    }
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn root(&self) -> Result<Option<StoredRoot>> {
        Ok(self.with(|tables| tables.root.clone()))
    }

    async fn save_root(&self, root: &StoredRoot) -> Result<bool> {
        Ok(self.with(|tables| {
            let follows = tables.root.as_ref().map_or(0, |stored| stored.revision) + 1 == root.revision;
            if follows {
                tables.root = Some(root.clone());
            }
            follows
        }))
    }

    async fn tenant_keys(&self, tenant: Option<Uuid>) -> Result<Vec<TenantKeyRecord>> {
        let wanted = |record: &&TenantKeyRecord| tenant.is_none_or(|tenant| record.tenant == tenant);
        Ok(self.with(|tables| tables.tenants.values().filter(wanted).cloned().collect()))
    }

    async fn replace_root(&self, root: &StoredRoot, rewrap: &Rewrap<'_>) -> Result<bool> {
        let hook = self.before_replacing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(hook) = hook {
            hook();
        }
        self.with(|tables| {
            let follows = tables.root.as_ref().is_some_and(|stored| stored.revision + 1 == root.revision);
            if follows {
                let before: Vec<_> = tables.tenants.values().cloned().collect();
                for key in rewrap(&before)? {
                    tables.tenants.insert((key.tenant, key.kind, key.version), key);
                }
                tables.root = Some(root.clone());
            }
            Ok(follows)
        })
    }

    async fn add_tenant_keys(&self, keys: &[TenantKeyRecord]) -> Result<bool> {
        self.with(|tables| {
            let place = |key: &TenantKeyRecord| (key.tenant, key.kind, key.version);
            let newest = tables.tenants.values().map(|key| key.root_version).max().unwrap_or_default();
            if keys.iter().any(|key| key.root_version < newest) {
                return Err(VaultError::Rotated);
            }
            let free = keys.iter().all(|key| !tables.tenants.contains_key(&place(key)));
            if free {
                tables.tenants.extend(keys.iter().map(|key| (place(key), key.clone())));
            }
            Ok(free)
        })
    }

    async fn reserve_uses(&self, tenant: Uuid, kind: KeyKind, version: u32, uses: u64) -> Result<bool> {
        Ok(self.with(|tables| tables.count((tenant, kind, version), uses)))
    }

    async fn add_subject_keys(
        &self,
        tenant: Uuid,
        wrap_version: u32,
        keys: &[SubjectKeyRecord],
        used: &[KeyId],
    ) -> Result<bool> {
        Ok(self.with(|tables| {
            let fits = tables.count((tenant, KeyKind::Wrap, wrap_version), keys.len() as u64);
            if fits {
                tables.subjects.extend(keys.iter().map(|key| ((tenant, key.id, key.version), key.clone())));
                tables.mark(tenant, used);
            }
            fits
        }))
    }

    async fn subject_keys_below(
        &self,
        tenant: Uuid,
        below: u32,
        after: Option<(KeyId, u32)>,
        most: u32,
    ) -> Result<Vec<SubjectKeyRecord>> {
        Ok(self.with(|tables| {
            let wanted = |key: &&SubjectKeyRecord| {
                key.wrap_version < below
                    && key.wrapped.is_some()
                    && after.is_none_or(|after| (key.id, key.version) > after)
            };
            let own = tables.subjects.iter().filter(|((of, ..), _)| *of == tenant).map(|(_, key)| key);
            own.filter(wanted).take(most as usize).cloned().collect()
        }))
    }

    async fn rewrap_subject_keys(&self, tenant: Uuid, wrap_version: u32, keys: &[SubjectKeyRecord]) -> Result<bool> {
        Ok(self.with(|tables| {
            let fits = tables.count((tenant, KeyKind::Wrap, wrap_version), keys.len() as u64);
            for key in keys.iter().filter(|_| fits) {
                let stored = tables.subjects.get_mut(&(tenant, key.id, key.version));
                if let Some(stored) = stored.filter(|stored| stored.wrapped.is_some()) {
                    (stored.wrap_version, stored.wrapped) = (key.wrap_version, key.wrapped);
                }
            }
            fits
        }))
    }

    async fn retire_wrap_keys(&self, tenant: Uuid, below: u32) -> Result<usize> {
        Ok(self.with(|tables| {
            let in_use = |version: u32| {
                let own = tables.subjects.iter().filter(|((of, ..), _)| *of == tenant);
                own.map(|(_, key)| key).any(|key| key.wrap_version == version && key.wrapped.is_some())
            };
            let old = (1..below).map(|version| (tenant, KeyKind::Wrap, version));
            let retired: Vec<_> = old.filter(|place| tables.tenants.contains_key(place) && !in_use(place.2)).collect();
            for place in &retired {
                tables.tenants.remove(place);
            }
            retired.len()
        }))
    }

    async fn mark_used(&self, tenant: Uuid, ids: &[KeyId]) -> Result<()> {
        self.with(|tables| tables.mark(tenant, ids));
        Ok(())
    }

    async fn subject_keys(&self, tenant: Uuid, ids: &[KeyId]) -> Result<Vec<SubjectKeyRecord>> {
        let read = self.with(|tables| {
            let versions = |id: &KeyId| tables.subjects.range((tenant, *id, 0)..=(tenant, *id, u32::MAX));
            ids.iter().flat_map(versions).map(|(_, record)| record.clone()).collect()
        });
        let hook = self.after_reading.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(hook) = hook {
            hook();
        }
        Ok(read)
    }

    async fn destroy_subject_key(&self, tenant: Uuid, id: KeyId) -> Result<bool> {
        Ok(self.with(|tables| {
            let mut existed = false;
            for (_, record) in tables.subjects.range_mut((tenant, id, 0)..=(tenant, id, u32::MAX)) {
                record.state = SubjectKeyState::Destroyed;
                record.wrapped = None;
                existed = true;
            }
            existed
        }))
    }

    async fn index_versions(&self, tenant: Option<Uuid>) -> Result<Vec<(Uuid, IndexVersion)>> {
        let wanted = |(of, _): &&(Uuid, IndexVersion)| tenant.is_none_or(|tenant| *of == tenant);
        Ok(self.with(|tables| tables.indexes.iter().filter(wanted).copied().collect()))
    }

    async fn add_index_version(&self, tenant: Uuid, index: &IndexVersion) -> Result<bool> {
        Ok(self.with(|tables| {
            let same = |(of, other): &(Uuid, IndexVersion)| {
                *of == tenant && (other.field, other.version) == (index.field, index.version)
            };
            let free = !tables.indexes.iter().any(same);
            if free {
                tables.indexes.push((tenant, *index));
            }
            free
        }))
    }

    async fn drop_index_versions(&self, tenant: Uuid, field: IndexField, below: u32) -> Result<()> {
        self.with(|tables| {
            tables.indexes.retain(|(of, index)| *of != tenant || index.field != field || index.version >= below);
        });
        Ok(())
    }

    async fn counts(&self) -> Result<KeyCounts> {
        Ok(self.with(|tables| {
            let state = |state| tables.subjects.values().filter(|record| record.state == state).count() as u64;
            let mut tenants: Vec<_> = tables.tenants.keys().map(|(tenant, ..)| *tenant).collect();
            tenants.dedup();
            KeyCounts {
                tenants: tenants.len() as u64,
                reserved: state(SubjectKeyState::Reserved),
                used: state(SubjectKeyState::Used),
                destroyed: state(SubjectKeyState::Destroyed),
            }
        }))
    }
}
