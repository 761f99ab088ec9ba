//! A customer as one caller may see it.

use kluis_core::access::{self, Purpose, Scope, ScopedPermission};
use kluis_core::kernel::{Id, Problem, id::Customer, id::Tenant, id::User};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey, Disclosure, Sealed, Shown, VaultError};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::model::{
    Channel, Contact, CustomerDraft, CustomerKind, CustomerStatus, Financial, Identity, LegalBasis, Notes, Profile,
    Special,
};
use super::rows::CustomerRow;
use super::seal;
use crate::app::App;
use crate::web::{Ident, Timestamp};

/// A customer. A compartment that is not there holds nothing, unless it is named under `withheld`.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase")]
pub struct CustomerView {
    pub id: Ident<Customer>,
    pub tenant_id: Ident<Tenant>,
    pub kind: CustomerKind,
    pub status: CustomerStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Ident<User>>,
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_channel: Option<Channel>,
    /// The first two digits of the primary address's postcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub source: String,
    pub legal_basis: LegalBasis,
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consented_purposes: Vec<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact_at: Option<Timestamp>,
    pub revision: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial: Option<Financial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special: Option<Special>,
    /// Compartments that you may not see; whether they hold anything is not told.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

impl Example for CustomerView {
    fn example() -> Self {
        let draft = CustomerDraft::example();
        let shown = |mut identity: Identity| {
            identity.display_name = Some("Fenna van Voorbeeld".to_owned());
            identity
        };
        Self {
            id: Ident::example(),
            tenant_id: Ident::example(),
            kind: draft.kind,
            status: draft.status,
            owner_id: None,
            language: draft.language,
            preferred_channel: draft.preferred_channel,
            region: Some("12".to_owned()),
            source: draft.source,
            legal_basis: draft.legal_basis,
            consented_purposes: Vec::new(),
            created_at: Timestamp::example(),
            updated_at: Timestamp::example(),
            archived_at: None,
            last_contact_at: Some(Timestamp::example()),
            revision: 7,
            identity: Some(shown(draft.identity)),
            contact: draft.contact,
            financial: None,
            profile: None,
            notes: None,
            special: None,
            withheld: vec!["special".to_owned()],
        }
    }
}

/// Opens a row for one caller: checked, disclosed, never more than the decision gives.
pub fn open<P: ScopedPermission>(scope: &Scope<P>, key: &DataKey, row: &CustomerRow) -> Result<CustomerView, Problem> {
    open_parts(scope, key, row, CompartmentSet::ALL)
}

/// The same, for one who only looks into some compartments; the others stay closed and absent.
pub fn open_parts<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &CustomerRow,
    asked: CompartmentSet,
) -> Result<CustomerView, Problem> {
    checked(scope, key, row, asked).map_err(|problem| about(problem, row))
}

/// Names the record that a problem is about.
pub(super) fn about(problem: impl Into<Problem>, row: &CustomerRow) -> Problem {
    problem.into().about(access::Object::Customer.as_str(), row.id, row.tenant)
}

fn checked<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &CustomerRow,
    asked: CompartmentSet,
) -> Result<CustomerView, Problem> {
    seal::verify(key, row)?;
    let opener = Opener { disclosure: scope.disclosure(row.rels), key, row, asked };
    let sealed = &row.sealed;
    Ok(CustomerView {
        identity: opener.part(Compartment::Identity, sealed.identity.as_ref())?,
        contact: opener.part(Compartment::Contact, sealed.contact.as_ref())?,
        financial: opener.part(Compartment::Financial, sealed.financial.as_ref())?,
        profile: opener.part(Compartment::Profile, sealed.profile.as_ref())?,
        notes: opener.part(Compartment::Notes, sealed.notes.as_ref())?,
        special: opener.part(Compartment::Special, sealed.special.as_ref())?,
        withheld: withheld(opener.disclosure),
        ..plain_view(row)?
    })
}

/// The columns that are not sealed; compartments stay closed.
pub(super) fn plain_view(row: &CustomerRow) -> Result<CustomerView, Problem> {
    let plain = &row.plain;
    Ok(CustomerView {
        id: row.id.into(),
        tenant_id: row.tenant.into(),
        kind: known(CustomerKind::from_code(&plain.kind))?,
        status: known(CustomerStatus::from_code(&plain.status))?,
        owner_id: plain.owner.map(Into::into),
        language: plain.language.clone(),
        preferred_channel: plain.preferred_channel.as_deref().and_then(Channel::from_code),
        region: plain.region.clone(),
        source: plain.source.clone(),
        legal_basis: known(LegalBasis::from_code(&plain.legal_basis))?,
        consented_purposes: purposes(plain.consents),
        created_at: plain.created_at.into(),
        updated_at: plain.updated_at.into(),
        archived_at: plain.archived_at.map(Into::into),
        last_contact_at: plain.last_contact_at.map(Into::into),
        revision: plain.revision,
        identity: None,
        contact: None,
        financial: None,
        profile: None,
        notes: None,
        special: None,
        withheld: Vec::new(),
    })
}

struct Opener<'a> {
    disclosure: Disclosure,
    key: &'a DataKey,
    row: &'a CustomerRow,
    asked: CompartmentSet,
}

impl Opener<'_> {
    fn part<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        sealed: Option<&Sealed<T>>,
    ) -> Result<Option<T>, Problem> {
        let Some(sealed) = sealed.filter(|_| self.asked.contains(compartment)) else { return Ok(None) };
        let context = seal::place(self.row.tenant, self.row.id, compartment.name(), 0).of(compartment.name(), sealed);
        let shown = self.disclosure.open(compartment, sealed, self.key, &context)?;
        Ok(Shown::into_clear(shown))
    }
}

/// Named whether they hold something or not: that too would be told otherwise.
pub(super) fn withheld(disclosure: Disclosure) -> Vec<String> {
    let hidden = CompartmentSet::ALL.difference(disclosure.clear());
    hidden.iter().map(|compartment| compartment.name().to_owned()).collect()
}

/// The rows that have a key, each with it. A row without one is of somebody who was erased, and came back with older data:
/// it is nobody's, and stands in the way of no other.
pub async fn present<R>(
    app: &App,
    rows: Vec<R>,
    row: impl Fn(&R) -> &CustomerRow,
) -> Result<(Vec<R>, Vec<DataKey>), Problem> {
    let keys = keys(app, &rows, row).await?;
    let found = rows.into_iter().zip(keys);
    Ok(found.filter_map(|(row, key)| Some((row, key?))).unzip())
}

/// The key of each row, `None` where it is destroyed.
async fn keys<R>(app: &App, rows: &[R], row: impl Fn(&R) -> &CustomerRow) -> Result<Vec<Option<DataKey>>, Problem> {
    let mut keys = Vec::with_capacity(rows.len());
    // Rows of one tenant stand together in most pages; each run of them is one look-up.
    for run in rows.chunk_by(|a, b| row(a).tenant == row(b).tenant) {
        let tenant = row(&run[0]).tenant.uuid();
        app.keys.ensure_tenant(tenant).await?;
        let ids: Vec<_> = run.iter().map(|one| row(one).key).collect();
        for (one, key) in run.iter().zip(app.keys.subject_keys(tenant, &ids).await?) {
            keys.push(match key {
                Ok(key) => Some(key),
                Err(VaultError::Erased) => None,
                Err(error) => return Err(about(error, row(one))),
            });
        }
    }
    Ok(keys)
}

/// Purposes as names, from the column's bits.
pub fn purposes(bits: i64) -> Vec<String> {
    let held = |purpose: &Purpose| bits & (1 << purpose.index()) != 0;
    Purpose::ALL.iter().copied().filter(held).map(|purpose| purpose.as_str().to_owned()).collect()
}

/// The plain columns hold only codes that were checked at writing; another one is an edit behind our back.
fn known<T>(value: Option<T>) -> Result<T, Problem> {
    value.ok_or(Problem::new(kluis_core::kernel::ProblemKind::Integrity))
}

/// The keyed hashes of the customers on a page, for the audit event.
pub fn subject_hashes(app: &App, rows: &[CustomerRow]) -> Result<Vec<[u8; 16]>, Problem> {
    let mut hashes = Vec::with_capacity(rows.len());
    for run in rows.chunk_by(|a, b| a.tenant == b.tenant) {
        hashes.extend(app.keys.audit_hashes(run[0].tenant.uuid(), run.iter().map(|row| row.id.uuid()))?);
    }
    Ok(hashes)
}

/// The writable form of what was shown, for a merge patch.
impl From<&CustomerView> for super::model::CustomerDraft {
    fn from(view: &CustomerView) -> Self {
        Self {
            kind: view.kind,
            status: view.status,
            owner_id: view.owner_id.map(|id| id.to_string()),
            language: view.language.clone(),
            preferred_channel: view.preferred_channel,
            source: view.source.clone(),
            legal_basis: view.legal_basis,
            consented_purposes: view.consented_purposes.clone(),
            identity: view.identity.clone().unwrap_or_default(),
            contact: view.contact.clone(),
            financial: view.financial.clone(),
            profile: view.profile.clone(),
            notes: view.notes.clone(),
            special: view.special.clone(),
        }
    }
}

/// Which compartments hold something.
pub fn held(draft: &super::model::CustomerDraft) -> CompartmentSet {
    let mut set = CompartmentSet::of(&[Compartment::Identity]);
    let parts = [
        (Compartment::Contact, draft.contact.is_some()),
        (Compartment::Financial, draft.financial.is_some()),
        (Compartment::Profile, draft.profile.is_some()),
        (Compartment::Notes, draft.notes.is_some()),
        (Compartment::Special, draft.special.is_some()),
    ];
    for (compartment, there) in parts {
        if there {
            set.insert(compartment);
        }
    }
    set
}

/// Compartments in which two drafts differ.
pub fn changed(before: &super::model::CustomerDraft, after: &super::model::CustomerDraft) -> CompartmentSet {
    let mut set = CompartmentSet::EMPTY;
    let parts = [
        (Compartment::Identity, before.identity != after.identity),
        (Compartment::Contact, before.contact != after.contact),
        (Compartment::Financial, before.financial != after.financial),
        (Compartment::Profile, before.profile != after.profile),
        (Compartment::Notes, before.notes != after.notes),
        (Compartment::Special, before.special != after.special),
    ];
    for (compartment, differs) in parts {
        if differs {
            set.insert(compartment);
        }
    }
    set
}

/// The id of a customer as text.
pub fn location(id: Id<Customer>) -> String {
    format!("/v1/customers/{id}")
}
