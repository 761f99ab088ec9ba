//! Whom to compare with: those who share a value, by the blind index; those with a name that is alike, by the directory.
//!
//! Must never: let a record that the caller can't see take the place of one that they can.

use kluis_core::access::Scope;
use kluis_core::kernel::id::{Customer, Tenant};
use kluis_core::kernel::{Id, Problem};
use kluis_core::privacy::{Compartment, IndexField};

use super::traits::Traits;
use crate::app::App;
use crate::customers::access::Read;
use crate::customers::index;
use crate::customers::rows::{self, CustomerRow};

/// Of all whose name is alike, so many are compared: the best by the directory's measure.
const NAMED: usize = 300;
/// Hits of the directory that are looked up at once.
const AT_ONCE: usize = 128;
/// What a customer is found by; the numbers of registers aren't in the index.
const FINDING: [IndexField; 5] =
    [IndexField::ExternalId, IndexField::Email, IndexField::Phone, IndexField::Iban, IndexField::PostcodeHouse];

/// Rows of the tenant that the caller may read and that may be alike, each once.
pub async fn of(
    app: &App,
    scope: &Scope<Read>,
    tenant: Id<Tenant>,
    wanted: &Traits,
) -> Result<Vec<CustomerRow>, Problem> {
    app.keys.ensure_tenant(tenant.uuid()).await?;
    let mut found = by_keys(app, scope, tenant, wanted).await?;
    if scope.ever_visible().contains(Compartment::Identity) {
        let known: Vec<_> = found.iter().map(|row| row.id).collect();
        found.extend(by_name(app, scope, tenant, wanted, &known).await?);
    }
    Ok(found)
}

async fn by_keys(
    app: &App,
    scope: &Scope<Read>,
    tenant: Id<Tenant>,
    wanted: &Traits,
) -> Result<Vec<CustomerRow>, Problem> {
    let mut found = Vec::new();
    for field in FINDING.into_iter().filter(|field| scope.ever_visible().contains(index::compartment(*field))) {
        for value in wanted.keys_of(field) {
            for hash in index::hashes(app, tenant, field, value)? {
                found.extend(rows::indexed(&app.db, scope, tenant, field, hash).await?);
            }
        }
    }
    found.sort_unstable_by_key(|row: &CustomerRow| row.id);
    found.dedup_by_key(|row| row.id);
    Ok(found)
}

async fn by_name(
    app: &App,
    scope: &Scope<Read>,
    tenant: Id<Tenant>,
    wanted: &Traits,
    known: &[Id<Customer>],
) -> Result<Vec<CustomerRow>, Problem> {
    let Some(name) = &wanted.name else { return Ok(Vec::new()) };
    let directory = index::load(app, scope, tenant).await?;
    let mut seen: std::collections::HashSet<_> = known.iter().copied().collect();
    let mut found: Vec<CustomerRow> = Vec::new();
    for query in name.queries() {
        let hits = directory.search(&query, usize::MAX, &mut |_| true);
        let ids: Vec<_> = hits.into_iter().map(|hit| Id::from_uuid(hit.id)).filter(|id| seen.insert(*id)).collect();
        for some in ids.chunks(AT_ONCE) {
            if found.len() >= NAMED {
                return Ok(found);
            }
            let visible = rows::by_ids(&app.db, scope, some).await?;
            let named = |row: &CustomerRow| scope.disclosure(row.rels).clear().contains(Compartment::Identity);
            found.extend(visible.into_iter().filter(named));
        }
    }
    Ok(found)
}
