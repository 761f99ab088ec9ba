//! Is somebody already here? Exact keys block; what is merely alike is listed with its reasons.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Customer, id::Tenant};
use kluis_core::privacy::{Compartment, IndexField};
use kluis_core::store::{Tx, Unaudited};

use super::access::Read;
use super::model::{self, Contact, CustomerDraft, CustomerKind, CustomerStatus, ExactKey, Identity, LegalBasis};
use super::rows_index::{self, CandidateRow};
use super::{index, rows, seal};
use crate::app::App;

/// A customer that has one of the keys.
pub struct Collision {
    pub id: Id<Customer>,
    pub field: IndexField,
    /// Where the key stands in the draft.
    pub pointer: String,
}

/// 409 when another customer of the tenant has one of these keys; names the record if the caller may see it.
pub async fn refuse<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    except: Option<Id<Customer>>,
    keys: &[ExactKey],
) -> Result<(), Problem> {
    let Some(collision) = find(app, tx, tenant, except, keys).await? else { return Ok(()) };
    let read = scope.also::<Read>();
    let mut problem = Problem::new(ProblemKind::Duplicate).member("pointer", collision.pointer);
    if let Some(row) = rows::get_in(tx, &read, collision.id).await? {
        let clear = read.disclosure(row.rels).clear();
        if clear.contains(index::compartment(collision.field)) {
            problem = problem.member("customerId", collision.id.to_string());
        }
    }
    Err(problem)
}

/// The first customer that has one of the keys, in the order of the keys.
pub async fn find(
    app: &App,
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    except: Option<Id<Customer>>,
    keys: &[ExactKey],
) -> Result<Option<Collision>, Problem> {
    let mut hashed = Vec::with_capacity(keys.len());
    for key in keys {
        let hashes = index::hashes(app, tenant, key.field, &key.value)?;
        hashed.extend(hashes.into_iter().map(|hash| (key, (key.field, hash))));
    }
    let wanted: Vec<_> = hashed.iter().map(|(_, hashed)| *hashed).collect();
    let candidates = rows_index::candidates(tx, tenant, &wanted).await?;
    for (key, hashed) in hashed {
        for candidate in candidates.iter().filter(|row| row.found_by == hashed && Some(row.id) != except) {
            if has_key(app, tenant, candidate, key).await? {
                let pointer = key.pointer.clone();
                return Ok(Some(Collision { id: candidate.id, field: key.field, pointer }));
            }
        }
    }
    Ok(None)
}

/// The hash is cut short on purpose, so that it gives candidates only: the value itself decides.
async fn has_key(app: &App, tenant: Id<Tenant>, row: &CandidateRow, wanted: &ExactKey) -> Result<bool, Problem> {
    let key = app.keys.subject_key(tenant.uuid(), row.key).await?;
    let place = seal::place(tenant, row.id, "", 0);
    let mut draft = empty_draft();
    if let (Compartment::Identity, Some(sealed)) = (index::compartment(wanted.field), &row.identity) {
        draft.identity = sealed.open(&key, &place.of(Compartment::Identity.name(), sealed))?;
    }
    if let (Compartment::Contact, Some(sealed)) = (index::compartment(wanted.field), &row.contact) {
        draft.contact = Some(sealed.open(&key, &place.of(Compartment::Contact.name(), sealed))?);
    }
    let keys = model::exact_keys(&draft);
    Ok(keys.iter().any(|key| key.field == wanted.field && key.value == wanted.value))
}

/// A frame for the compartments of which the keys are asked.
pub(super) fn empty_draft() -> CustomerDraft {
    CustomerDraft {
        kind: CustomerKind::Person,
        status: CustomerStatus::Prospect,
        owner_id: None,
        language: String::new(),
        preferred_channel: None,
        source: String::new(),
        legal_basis: LegalBasis::Contract,
        consented_purposes: Vec::new(),
        identity: Identity::default(),
        contact: None::<Contact>,
        financial: None,
        profile: None,
        notes: None,
        special: None,
    }
}
