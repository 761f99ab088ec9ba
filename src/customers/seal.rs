//! Between a customer in clear and a row at rest: sealing per compartment, the row's MAC, and its check at each reading.

use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::{Compartment, CompartmentSet, Context, DataKey, RowMac, Sealed, VaultError};
use serde::Serialize;

use super::model::{CustomerDraft, SCHEMA};
use super::rows::{CustomerRow, Plain, SealedParts};

const TABLE: &str = "customers";
/// Length of one fingerprint: nonce and tag.
const FINGERPRINT: usize = 28;

/// What a write puts beside the plain columns.
pub struct SealedRow {
    pub parts: SealedParts,
    pub fingerprints: Vec<u8>,
    pub mac: Vec<u8>,
}

/// Where the values of one customer belong.
pub const fn place(tenant: Id<Tenant>, id: Id<Customer>, part: &'static str, revision: i64) -> Context {
    Context { tenant: tenant.uuid(), table: TABLE, part, row: id.uuid(), subject: id.uuid(), revision, schema: SCHEMA }
}

/// Seals the compartments in `changed` anew, at the plain columns' revision, and keeps the others as they are.
pub fn seal(
    key: &DataKey,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    plain: &Plain,
    draft: &CustomerDraft,
    changed: CompartmentSet,
    kept: SealedParts,
) -> Result<SealedRow, VaultError> {
    let sealer = Sealer { key, tenant, id, revision: plain.revision, changed };
    let parts = SealedParts {
        identity: sealer.part(Compartment::Identity, Some(&draft.identity), kept.identity)?,
        contact: sealer.part(Compartment::Contact, draft.contact.as_ref(), kept.contact)?,
        financial: sealer.part(Compartment::Financial, draft.financial.as_ref(), kept.financial)?,
        profile: sealer.part(Compartment::Profile, draft.profile.as_ref(), kept.profile)?,
        notes: sealer.part(Compartment::Notes, draft.notes.as_ref(), kept.notes)?,
        special: sealer.part(Compartment::Special, draft.special.as_ref(), kept.special)?,
    };
    let fingerprints = fingerprints(&parts);
    let mac = row_mac(key, tenant, id, plain, &fingerprints).finish()?.to_vec();
    Ok(SealedRow { parts, fingerprints, mac })
}

struct Sealer<'a> {
    key: &'a DataKey,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    revision: i64,
    changed: CompartmentSet,
}

impl Sealer<'_> {
    fn part<T: Serialize>(
        &self,
        compartment: Compartment,
        value: Option<&T>,
        kept: Option<Sealed<T>>,
    ) -> Result<Option<Sealed<T>>, VaultError> {
        if !self.changed.contains(compartment) {
            return Ok(kept);
        }
        let context = place(self.tenant, self.id, compartment.name(), self.revision);
        value.map(|value| Sealed::seal(self.key, &context, value)).transpose()
    }
}

/// Checks that nobody edited the row, or put an old value back into it, behind our back.
pub fn verify(key: &DataKey, row: &CustomerRow) -> Result<(), VaultError> {
    row_mac(key, row.tenant, row.id, &row.plain, &row.fingerprints).verify(&row.mac)?;
    if fingerprints(&row.sealed) == row.fingerprints {
        Ok(())
    } else {
        Err(VaultError::Integrity("sealed values of the row"))
    }
}

/// One slot per compartment, zeros where there is no value.
fn fingerprints(parts: &SealedParts) -> Vec<u8> {
    let mut all = Vec::with_capacity(FINGERPRINT * 6);
    let mut put = |one: Option<[u8; FINGERPRINT]>| all.extend_from_slice(&one.unwrap_or([0; FINGERPRINT]));
    put(parts.identity.as_ref().map(Sealed::fingerprint));
    put(parts.contact.as_ref().map(Sealed::fingerprint));
    put(parts.financial.as_ref().map(Sealed::fingerprint));
    put(parts.profile.as_ref().map(Sealed::fingerprint));
    put(parts.notes.as_ref().map(Sealed::fingerprint));
    put(parts.special.as_ref().map(Sealed::fingerprint));
    all
}

/// The columns that carry rights or meaning. Times of the last update and contact don't, and change by themselves.
fn row_mac<'k>(
    key: &'k DataKey,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    plain: &Plain,
    fingerprints: &[u8],
) -> RowMac<'k> {
    RowMac::new(key, TABLE, tenant.uuid(), id.uuid())
        .text("kind", Some(&plain.kind))
        .text("status", Some(&plain.status))
        .uuid("owner_id", plain.owner.map(Id::uuid))
        .int("archived_at", plain.archived_at.map(|t| t.timestamp_micros()))
        .text("source", Some(&plain.source))
        .text("legal_basis", Some(&plain.legal_basis))
        .int("consents", Some(plain.consents))
        .int("revision", Some(plain.revision))
        .bytes("fingerprints", Some(fingerprints))
}

/// A new MAC for changed plain columns; the sealed values stay as they are.
pub fn reseal_plain(
    key: &DataKey,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    plain: &Plain,
    parts: SealedParts,
) -> Result<SealedRow, VaultError> {
    let fingerprints = fingerprints(&parts);
    let mac = row_mac(key, tenant, id, plain, &fingerprints).finish()?.to_vec();
    Ok(SealedRow { parts, fingerprints, mac })
}
