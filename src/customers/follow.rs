//! Keeps the names in memory as they are in the database, by whichever node they were written.
//!
//! Names are read anew from their rows and never taken from the writer: so they come into the directory in the order of
//! the commits, and a name that two nodes change at the same time ends up the same on both.
//!
//! Must never: put a name of a sealed vault, or of a tenant that nobody has asked for, into memory.

use std::collections::{BTreeMap, BTreeSet};

use kluis_core::access::Object;
use kluis_core::audit::Change;
use kluis_core::kernel::{Id, Problem, id::Customer, id::Tenant};

use super::{index, rows_index};
use crate::app::App;

/// Events about these speak of customers: what was done with one, and what taking back an import did to it.
const SPEAK_OF_CUSTOMERS: [Object; 2] = [Object::Customer, Object::Import];

/// Brings the names in memory up to everything that was committed before this was called.
pub async fn catch_up(app: &App) -> Result<(), Problem> {
    let Some(mut turn) = app.feed.turn().await else { return Ok(()) };
    loop {
        let mut portion = turn.read(&app.db).await?;
        if portion.began_anew {
            app.directory.drop_all();
        }
        // Looked at after the end of the log: a directory that is begun later is filled from rows that are younger.
        let tenants = app.directory.tenants();
        if tenants.is_empty() {
            portion = portion.skipping();
        }
        for (tenant, ids) in by_tenant(&portion.changes) {
            if tenants.contains(&tenant.uuid()) {
                follow(app, tenant, &Vec::from_iter(ids)).await?;
            }
        }
        if turn.take(&portion) {
            return Ok(());
        }
    }
}

/// Whether there is anything that has to follow.
pub fn is_needed(app: &App) -> bool {
    !app.keys.is_sealed() && !app.directory.tenants().is_empty()
}

fn by_tenant(changes: &[Change]) -> BTreeMap<Id<Tenant>, BTreeSet<Id<Customer>>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let of_customers = |change: &&Change| SPEAK_OF_CUSTOMERS.iter().any(|object| change.entity == object.as_str());
    for change in changes.iter().filter(of_customers) {
        found.entry(change.tenant).or_default().insert(Id::from_uuid(change.record));
    }
    found
}

async fn follow(app: &App, tenant: Id<Tenant>, ids: &[Id<Customer>]) -> Result<(), Problem> {
    app.keys.ensure_tenant(tenant.uuid()).await?;
    for ids in ids.chunks(rows_index::IDENTITIES_AT_ONCE) {
        let rows = rows_index::identities_of(&app.db, tenant, ids).await?;
        let mut entries: BTreeMap<_, _> = index::entries(app, tenant, &rows).await?.into_iter().collect();
        for id in ids {
            app.directory.change(tenant.uuid(), id.uuid(), entries.remove(id).flatten());
        }
    }
    Ok(())
}
