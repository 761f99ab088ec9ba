//! Partners and contact people as one caller may see them.

use chrono::NaiveDate;
use kluis_core::access::{self, Scope, ScopedPermission};
use kluis_core::kernel::Problem;
use kluis_core::kernel::id::Tenant;
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey, Disclosure, Sealed, Shown};
use poem_openapi::Object;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::model::{
    ContactDraft, ContactNames, Function, Partner, PartnerContact, PartnerDraft, PartnerFinancial, PartnerIdentity,
    PartnerStatus, Reach,
};
use super::rows::PartnerRow;
use super::rows_contacts::ContactRow;
use super::seal::{self, Place};
use crate::web::{Ident, Timestamp};

/// A partner. A compartment that is not there holds nothing, unless it is named under `withheld`.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase")]
pub struct PartnerView {
    pub id: Ident<Partner>,
    /// The tenant that the partner runs.
    pub tenant_id: Ident<Tenant>,
    pub status: PartnerStatus,
    pub country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_starts: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_ends: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<PartnerIdentity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Reach>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial: Option<PartnerFinancial>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    pub revision: i64,
    /// Compartments that you may not see.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// A contact person of a partner.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase")]
pub struct ContactView {
    pub id: Ident<PartnerContact>,
    pub partner_id: Ident<Partner>,
    pub function: Function,
    pub language: String,
    pub primary: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<ContactNames>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Reach>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    pub revision: i64,
    /// Compartments that you may not see.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// The compartments that partners have, and those that contact people have.
const OF_PARTNERS: CompartmentSet =
    CompartmentSet::of(&[Compartment::Identity, Compartment::Contact, Compartment::Financial]);
const OF_CONTACTS: CompartmentSet = CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]);

struct Opener<'a> {
    disclosure: Disclosure,
    key: &'a DataKey,
    place: Place,
}

impl Opener<'_> {
    fn part<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        sealed: Option<&Sealed<T>>,
    ) -> Result<Option<T>, Problem> {
        let Some(sealed) = sealed else { return Ok(None) };
        let context = self.place.stored(compartment, sealed);
        Ok(Shown::into_clear(self.disclosure.open(compartment, sealed, self.key, &context)?))
    }

    fn withheld(&self, held: CompartmentSet) -> Vec<String> {
        let hidden = held.difference(self.disclosure.clear());
        hidden.iter().map(|compartment| compartment.name().to_owned()).collect()
    }
}

/// Opens a partner for one caller: checked, disclosed, never more than the decision gives.
pub fn partner<P: ScopedPermission>(scope: &Scope<P>, key: &DataKey, row: &PartnerRow) -> Result<PartnerView, Problem> {
    checked_partner(scope, key, row)
        .map_err(|problem| problem.about(access::Object::Partner.as_str(), row.id, row.tenant))
}

fn checked_partner<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &PartnerRow,
) -> Result<PartnerView, Problem> {
    seal::verify_partner(key, row)?;
    let opener = Opener { disclosure: scope.disclosure(row.rels), key, place: Place::of_partner(row) };
    Ok(PartnerView {
        id: row.id.into(),
        tenant_id: row.tenant.into(),
        status: row.status,
        country: row.country.clone(),
        contract_starts: row.contract_starts,
        contract_ends: row.contract_ends,
        identity: opener.part(Compartment::Identity, Some(&row.identity))?,
        contact: opener.part(Compartment::Contact, row.contact.as_ref())?,
        financial: opener.part(Compartment::Financial, row.financial.as_ref())?,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        archived_at: row.archived_at.map(Into::into),
        revision: row.revision,
        withheld: opener.withheld(OF_PARTNERS),
    })
}

/// Opens a contact person for one caller.
pub fn contact<P: ScopedPermission>(scope: &Scope<P>, key: &DataKey, row: &ContactRow) -> Result<ContactView, Problem> {
    checked_contact(scope, key, row)
        .map_err(|problem| problem.about(access::Object::Partner.as_str(), row.partner, row.tenant))
}

fn checked_contact<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &ContactRow,
) -> Result<ContactView, Problem> {
    seal::verify_contact(key, row)?;
    let opener = Opener { disclosure: scope.disclosure(row.rels), key, place: Place::of_contact(row) };
    Ok(ContactView {
        id: row.id.into(),
        partner_id: row.partner.into(),
        function: row.function,
        language: row.language.clone(),
        primary: row.primary,
        identity: opener.part(Compartment::Identity, Some(&row.identity))?,
        contact: opener.part(Compartment::Contact, row.contact.as_ref())?,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        archived_at: row.archived_at.map(Into::into),
        revision: row.revision,
        withheld: opener.withheld(OF_CONTACTS),
    })
}

/// The writable form of what was shown, for a merge patch.
impl From<&PartnerView> for PartnerDraft {
    fn from(view: &PartnerView) -> Self {
        Self {
            tenant_id: Some(view.tenant_id),
            status: view.status,
            country: view.country.clone(),
            contract_starts: view.contract_starts,
            contract_ends: view.contract_ends,
            identity: view.identity.clone().unwrap_or_else(unseen_partner),
            contact: view.contact.clone(),
            financial: view.financial.clone(),
        }
    }
}

/// Stands for an identity that may not be seen; it is long enough for the schema, and never written.
fn unseen_partner() -> PartnerIdentity {
    PartnerIdentity { legal_name: "-".to_owned(), ..PartnerIdentity::default() }
}

impl From<&ContactView> for ContactDraft {
    fn from(view: &ContactView) -> Self {
        let unseen = || ContactNames { family_name: "-".to_owned(), ..ContactNames::default() };
        Self {
            function: view.function,
            language: view.language.clone(),
            primary: view.primary,
            identity: view.identity.clone().unwrap_or_else(unseen),
            contact: view.contact.clone(),
        }
    }
}
