//! The blind index of customers, and the directory of their names.

use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Customer, id::Tenant};
use kluis_core::privacy::directory::{NameEntry, TenantDirectory};
use kluis_core::privacy::{BlindHash, Compartment, CompartmentSet, DataKey, IndexField, VaultError};
use kluis_core::store::{Tx, Unaudited};

use super::access::Read;
use super::model::{self, CustomerDraft, ExactKey};
use super::rows_index::IdentityRow;
use super::{names, rows_index, seal};
use crate::app::App;

/// The compartment that holds what a field is found by.
pub const fn compartment(field: IndexField) -> Compartment {
    match field {
        IndexField::Email | IndexField::Phone | IndexField::PostcodeHouse => Compartment::Contact,
        IndexField::Iban => Compartment::Financial,
        IndexField::ExternalId | IndexField::Kvk | IndexField::VatNumber => Compartment::Identity,
    }
}

/// Writes the index rows of the changed compartments anew; the others may be out of the caller's sight and stay.
pub async fn rewrite(
    app: &App,
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    draft: &CustomerDraft,
    changed: CompartmentSet,
) -> Result<(), Problem> {
    let fields: Vec<_> = IndexField::ALL.into_iter().filter(|field| changed.contains(compartment(*field))).collect();
    if fields.is_empty() {
        return Ok(());
    }
    rows_index::delete_index(tx, tenant, id, &fields).await?;
    let mut keys = model::exact_keys(draft);
    keys.extend(model::search_keys(draft));
    keys.retain(|key| changed.contains(compartment(key.field)));
    write(app, tx, tenant, id, &keys).await
}

/// Writes index rows that aren't there yet: for a new customer, all of its keys.
pub async fn write(
    app: &App,
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    keys: &[ExactKey],
) -> Result<(), Problem> {
    let hash = |key: &ExactKey| Ok((key.field, app.keys.blind(tenant.uuid(), key.field, &key.value)?));
    let hashes = keys.iter().map(hash).collect::<Result<Vec<_>, VaultError>>()?;
    Ok(rows_index::insert_index(tx, tenant, id, &hashes).await?)
}

/// The hashes under which a value may stand: one for each version of the index key that is in use.
pub fn hashes(app: &App, tenant: Id<Tenant>, field: IndexField, value: &str) -> Result<Vec<BlindHash>, Problem> {
    Ok(app.keys.blind_all(tenant.uuid(), field, value)?)
}

/// How many rows are read at a time while a directory is built.
const PAGE: i64 = 1_000;

/// Builds the tenant's directory if it isn't in memory. It is the system that reads here: what a caller gets to see is
/// decided for each name that is found.
pub async fn load(
    app: &App,
    _scope: &Scope<Read>,
    tenant: Id<Tenant>,
) -> Result<std::sync::Arc<TenantDirectory>, Problem> {
    if let Some(directory) = app.directory.tenant(tenant.uuid()) {
        return Ok(directory);
    }
    app.keys.ensure_tenant(tenant.uuid()).await?;
    let directory = app.directory.begin(tenant.uuid());
    // Sealing takes the keys first and the names after: what was begun after that is put away again.
    if app.keys.is_sealed() {
        app.directory.forget(tenant.uuid());
        return Err(VaultError::Sealed.into());
    }
    let mut after = Id::from_uuid(uuid::Uuid::nil());
    loop {
        let page = rows_index::identities_after(&app.db, tenant, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for (id, entry) in entries(app, tenant, &page).await? {
            if let Some(entry) = entry {
                directory.fill(id.uuid(), entry);
            }
        }
    }
    directory.complete();
    Ok(directory)
}

/// What the directory holds of these rows; nothing of those without a name, and of those whose key is gone for good.
pub(super) async fn entries(
    app: &App,
    tenant: Id<Tenant>,
    rows: &[IdentityRow],
) -> Result<Vec<(Id<Customer>, Option<NameEntry>)>, Problem> {
    let ids: Vec<_> = rows.iter().map(|row| row.key).collect();
    let keys = app.keys.subject_keys(tenant.uuid(), &ids).await?;
    let entry = |(row, key): (&IdentityRow, Result<DataKey, VaultError>)| {
        let key = match key {
            Ok(key) => key,
            Err(VaultError::Erased) => return Ok((row.id, None)),
            Err(error) => return Err(Problem::from(error)),
        };
        let context = seal::place(tenant, row.id, Compartment::Identity.name(), 0).of("identity", &row.identity);
        Ok((row.id, names::entry(&row.identity.open(&key, &context)?)))
    };
    rows.iter().zip(keys).map(entry).collect()
}
