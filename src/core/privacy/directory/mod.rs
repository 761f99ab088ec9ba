//! The directory of names: what makes sealed names searchable and sortable. It lives in memory only, one per tenant, is
//! built when the tenant is first used after unsealing, kept current by the change feed, and dropped at sealing.
//!
//! Must never: be written to a disk, serialised, logged or printed; no type in here has a `Debug` or `Serialize` that
//! shows a name. Must never decide who may see a name: the caller asks only for what it may read in clear, and passes
//! what it may see as a closure.

mod dictionary;
mod misspelt;
mod order;
mod pool;
mod search;
mod tenant;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use uuid::Uuid;

pub use search::Hit;
pub use tenant::{NameEntry, TenantDirectory};

/// The directories of all tenants in use.
#[derive(Default)]
pub struct Directory {
    tenants: RwLock<HashMap<Uuid, Arc<TenantDirectory>>>,
}

impl Directory {
    pub fn new() -> Self {
        Self::default()
    }

    /// The tenant's names, to search and list; `None` until they are complete.
    pub fn tenant(&self, tenant: Uuid) -> Option<Arc<TenantDirectory>> {
        self.read().get(&tenant).filter(|names| names.is_complete()).cloned()
    }

    /// The tenant's names, complete or not. If they aren't, whoever asks reads the rows from now on, gives each to
    /// [`TenantDirectory::fill`] and ends with [`TenantDirectory::complete`]. Two may do so at the same time, and one may
    /// give up half-way: the next begins anew with what is there.
    pub fn begin(&self, tenant: Uuid) -> Arc<TenantDirectory> {
        let mut tenants = self.write();
        Arc::clone(tenants.entry(tenant).or_insert_with(|| Arc::new(TenantDirectory::filling())))
    }

    /// A name that was changed, or (`None`) is gone: erased, archived, restricted. To be called after the commit, also
    /// while the tenant's names are being filled; without effect if they aren't in memory.
    pub fn change(&self, tenant: Uuid, id: Uuid, entry: Option<NameEntry>) {
        let Some(names) = self.read().get(&tenant).cloned() else { return };
        match entry {
            Some(entry) => names.upsert(id, entry),
            None => drop(names.remove(id)),
        }
    }

    /// Drops and wipes the names of one tenant. Whoever still holds them holds nothing.
    pub fn forget(&self, tenant: Uuid) {
        let names = self.write().remove(&tenant);
        wipe(names);
    }

    /// Drops and wipes all names: the vault is being sealed.
    pub fn drop_all(&self) {
        let all = std::mem::take(&mut *self.write());
        wipe(all.into_values());
    }

    /// The tenants in memory.
    pub fn tenants(&self) -> Vec<Uuid> {
        self.read().keys().copied().collect()
    }

    /// Bytes of memory held by all tenants.
    pub fn capacity(&self) -> usize {
        self.read().values().map(|names| names.capacity()).sum()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Uuid, Arc<TenantDirectory>>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Uuid, Arc<TenantDirectory>>> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wipe(dropped: impl IntoIterator<Item = Arc<TenantDirectory>>) {
    for names in dropped {
        names.wipe();
    }
}
