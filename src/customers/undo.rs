//! Taking back what an import or a bulk change did: what it made goes, what it changed is as it was, to the byte.
//!
//! A record that somebody has worked on since stays as it is and is named. The record as it was before is sealed under
//! the subject's own key: an erased person stays erased.
//!
//! Must never: overwrite somebody's later work.

use data_encoding::BASE64;
use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Customer, id::Tenant};
use kluis_core::privacy::{CompartmentSet, Context, DataKey, IndexField, KeyId, Sealed, VaultError};
use kluis_core::store::{Tx, Unaudited};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::model::{self, CustomerDraft};
use super::rows::{self, CustomerRow, Plain, SealedParts};
use super::{duplicates, index, rows_undo, seal};
use crate::app::App;

/// A record as it was: its columns, with its sealed compartments as they stood.
#[derive(Serialize, Deserialize)]
pub(super) struct Before {
    plain: Plain,
    /// In the order of the columns; base64.
    sealed: [Option<String>; 6],
    fingerprints: String,
    mac: String,
}

impl Before {
    pub fn of(row: &CustomerRow) -> Self {
        fn text<T>(sealed: Option<&Sealed<T>>) -> Option<String> {
            sealed.map(|sealed| BASE64.encode(sealed.as_bytes()))
        }
        let parts = &row.sealed;
        Self {
            plain: row.plain.clone(),
            sealed: [
                text(parts.identity.as_ref()),
                text(parts.contact.as_ref()),
                text(parts.financial.as_ref()),
                text(parts.profile.as_ref()),
                text(parts.notes.as_ref()),
                text(parts.special.as_ref()),
            ],
            fingerprints: BASE64.encode(&row.fingerprints),
            mac: BASE64.encode(&row.mac),
        }
    }

    /// `revision` is the one that the change gives the record.
    pub fn seal(&self, key: &DataKey, place: (Id<Tenant>, Id<Customer>), revision: i64) -> Result<Vec<u8>, VaultError> {
        Ok(Sealed::seal(key, &image_place(place, revision), self)?.into_bytes())
    }

    fn open(bytes: &[u8], key: &DataKey, place: (Id<Tenant>, Id<Customer>), revision: i64) -> Result<Self, VaultError> {
        Sealed::<Self>::from_stored_bytes(bytes.to_vec()).open(key, &image_place(place, revision))
    }

    fn into_row(self, tenant: Id<Tenant>, id: Id<Customer>, key: KeyId) -> Result<CustomerRow, Problem> {
        fn part<T>(text: Option<String>) -> Result<Option<Sealed<T>>, Problem> {
            text.map(|text| Ok(Sealed::from_stored_bytes(bytes(&text)?))).transpose()
        }
        let [identity, contact, financial, profile, notes, special] = self.sealed;
        Ok(CustomerRow {
            tenant,
            id,
            plain: self.plain,
            key,
            sealed: SealedParts {
                identity: part(identity)?,
                contact: part(contact)?,
                financial: part(financial)?,
                profile: part(profile)?,
                notes: part(notes)?,
                special: part(special)?,
            },
            fingerprints: bytes(&self.fingerprints)?,
            mac: bytes(&self.mac)?,
            rels: kluis_core::access::RelSet::EMPTY,
        })
    }
}

const fn image_place((tenant, id): (Id<Tenant>, Id<Customer>), revision: i64) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: "import_changes",
        part: "before",
        row: id.uuid(),
        subject: id.uuid(),
        revision,
        schema: 1,
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    BASE64.decode(text.as_bytes()).map_err(|_| Problem::new(ProblemKind::Integrity))
}

/// What became of one record.
pub enum Undone {
    Removed(Box<Trace>),
    Restored(Box<Trace>),
    /// Somebody has worked on it since, or it is no longer there.
    Conflict,
    /// What only one may have, and it had, somebody else has by now.
    Taken(IndexField),
}

/// Whether what only one customer may have must still be free when a record gets it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    Free,
    /// What stands in the way is taken back as well, only later.
    MayBeTaken,
}

/// What is left to do for a record that was taken back.
pub struct Trace {
    pub event: Event,
    /// The key that nothing is sealed under any more.
    orphan: Option<KeyId>,
}

/// Removes a record that the import made, unless it has been touched since. `scope` is the decision to undo the import;
/// the caller records the event, commits, and then calls [`committed`].
pub async fn remove<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    tx: &mut Tx<Unaudited>,
    (tenant, id): (Id<Tenant>, Id<Customer>),
    revision: i64,
) -> Result<Undone, Problem> {
    scope.still_current_in(tx).await?;
    let Some(standing) = rows_undo::standing(tx, tenant, id).await? else { return Ok(Undone::Conflict) };
    if standing.revision != revision || standing.in_use || !rows_undo::delete(tx, tenant, id, revision).await? {
        return Ok(Undone::Conflict);
    }
    let event = event(app, scope, tenant, id, "removed")?;
    Ok(Undone::Removed(Box::new(Trace { event, orphan: Some(standing.key) })))
}

/// Puts a record back to what it was `before` the change that gave it this revision, unless it has been changed since.
pub async fn restore<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    tx: &mut Tx<Unaudited>,
    (tenant, id): (Id<Tenant>, Id<Customer>),
    (revision, before): (i64, &[u8]),
    keys: Keys,
) -> Result<Undone, Problem> {
    scope.still_current_in(tx).await?;
    let Some(standing) = rows_undo::standing(tx, tenant, id).await? else { return Ok(Undone::Conflict) };
    if standing.revision != revision {
        return Ok(Undone::Conflict);
    }
    let key = match app.keys.subject_key(tenant.uuid(), standing.key).await {
        Ok(key) => key,
        Err(VaultError::Erased) => return Ok(Undone::Conflict),
        Err(error) => return Err(error.into()),
    };
    let row = Before::open(before, &key, (tenant, id), revision)?.into_row(tenant, id, standing.key)?;
    seal::verify(&key, &row)?;
    let draft = opened(&key, &row)?;
    if keys == Keys::Free
        && let Some(other) = duplicates::find(app, tx, tenant, Some(id), &model::exact_keys(&draft)).await?
    {
        return Ok(Undone::Taken(other.field));
    }
    let new = rows::NewRow {
        tenant,
        id,
        plain: &row.plain,
        key: row.key,
        sealed: &row.sealed,
        fingerprints: &row.fingerprints,
        mac: &row.mac,
    };
    if !rows_undo::put_back(tx, &new, revision).await? {
        return Ok(Undone::Conflict);
    }
    index::rewrite(app, tx, tenant, id, &draft, CompartmentSet::ALL).await?;
    let event = event(app, scope, tenant, id, "restored")?;
    Ok(Undone::Restored(Box::new(Trace { event, orphan: None })))
}

/// Brings the key store up to what was committed.
pub async fn committed(app: &App, tenant: Id<Tenant>, traces: impl IntoIterator<Item = Trace>) -> Result<(), Problem> {
    for trace in traces {
        if let Some(key) = trace.orphan {
            app.keys.destroy(tenant.uuid(), key).await?;
        }
    }
    Ok(())
}

fn event<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    what: &'static str,
) -> Result<Event, Problem> {
    let hash = app.keys.audit_hash(tenant.uuid(), id.uuid())?;
    Ok(app.event(scope).record(id, tenant).subjects([hash]).compartments(CompartmentSet::ALL).code("undone", what))
}

/// The parts that the index is made of. It is the system that looks here; nothing of it leaves.
fn opened(key: &DataKey, row: &CustomerRow) -> Result<CustomerDraft, Problem> {
    fn part<T: DeserializeOwned>(
        key: &DataKey,
        row: &CustomerRow,
        name: &'static str,
        sealed: Option<&Sealed<T>>,
    ) -> Result<Option<T>, VaultError> {
        let place = seal::place(row.tenant, row.id, name, 0);
        sealed.map(|sealed| sealed.open(key, &place.of(name, sealed))).transpose()
    }
    let mut draft = duplicates::empty_draft();
    draft.identity = part(key, row, "identity", row.sealed.identity.as_ref())?.unwrap_or_default();
    draft.contact = part(key, row, "contact", row.sealed.contact.as_ref())?;
    draft.financial = part(key, row, "financial", row.sealed.financial.as_ref())?;
    Ok(draft)
}
