//! A customer whose compartments are handed on as the text that was sealed: for answers that nobody looks into on their
//! way. Parsing a page of customers only to write it again would cost as much as all of its decryption.
//!
//! Must never: differ by a byte from what [`CustomerView`] would have written.

use std::borrow::Cow;

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::kernel::{Problem, ProblemKind};
use kluis_core::privacy::{Compartment, DataKey, Disclosure, Sealed, Shown};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::model::SCHEMA;
use super::rows::CustomerRow;
use super::seal;
use super::view::{CustomerView, plain_view, withheld};

/// See the module; in the document it is a [`CustomerView`].
pub struct CustomerText {
    plain: CustomerView,
    identity: Option<Written>,
    contact: Option<Written>,
    financial: Option<Written>,
    profile: Option<Written>,
    notes: Option<Written>,
    special: Option<Written>,
}

impl CustomerText {
    pub const fn revision(&self) -> i64 {
        self.plain.revision
    }
}

/// A compartment as JSON text; it is looked at only as far as to see that it is one value.
struct Written(String);

impl Written {
    fn of<T: Serialize>(value: &T) -> Result<Self, Problem> {
        serde_json::to_string(value).map(Self).map_err(|_| Problem::new(ProblemKind::Internal))
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Opens a row for one caller: checked, disclosed, never more than the decision gives.
pub fn open<P: ScopedPermission>(scope: &Scope<P>, key: &DataKey, row: &CustomerRow) -> Result<CustomerText, Problem> {
    seal::verify(key, row)?;
    let disclosure = scope.disclosure(row.rels);
    let opener = Opener { disclosure, key, row };
    let sealed = &row.sealed;
    let mut plain = plain_view(row)?;
    plain.withheld = withheld(disclosure);
    Ok(CustomerText {
        plain,
        identity: opener.part(Compartment::Identity, sealed.identity.as_ref())?,
        contact: opener.part(Compartment::Contact, sealed.contact.as_ref())?,
        financial: opener.part(Compartment::Financial, sealed.financial.as_ref())?,
        profile: opener.part(Compartment::Profile, sealed.profile.as_ref())?,
        notes: opener.part(Compartment::Notes, sealed.notes.as_ref())?,
        special: opener.part(Compartment::Special, sealed.special.as_ref())?,
    })
}

struct Opener<'a> {
    disclosure: Disclosure,
    key: &'a DataKey,
    row: &'a CustomerRow,
}

impl Opener<'_> {
    fn part<T: DeserializeOwned + Serialize>(
        &self,
        compartment: Compartment,
        sealed: Option<&Sealed<T>>,
    ) -> Result<Option<Written>, Problem> {
        let Some(sealed) = sealed else { return Ok(None) };
        let context = seal::place(self.row.tenant, self.row.id, compartment.name(), 0).of(compartment.name(), sealed);
        if sealed.schema() != SCHEMA {
            // A value of an older shape is read as such and written in the present one.
            let shown = Shown::into_clear(self.disclosure.open(compartment, sealed, self.key, &context)?);
            return shown.map(|value| Written::of(&value)).transpose();
        }
        let shown = self.disclosure.open_text(compartment, sealed, self.key, &context)?;
        Ok(Shown::into_clear(shown).map(Written))
    }
}

impl Serialize for CustomerText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = &self.plain;
        let mut customer = serializer.serialize_struct("Customer", 23)?;
        customer.serialize_field("id", &plain.id)?;
        customer.serialize_field("tenantId", &plain.tenant_id)?;
        customer.serialize_field("kind", &plain.kind)?;
        customer.serialize_field("status", &plain.status)?;
        put(&mut customer, "ownerId", plain.owner_id.as_ref())?;
        customer.serialize_field("language", &plain.language)?;
        put(&mut customer, "preferredChannel", plain.preferred_channel.as_ref())?;
        put(&mut customer, "region", plain.region.as_ref())?;
        customer.serialize_field("source", &plain.source)?;
        customer.serialize_field("legalBasis", &plain.legal_basis)?;
        put(&mut customer, "consentedPurposes", filled(&plain.consented_purposes))?;
        customer.serialize_field("createdAt", &plain.created_at)?;
        customer.serialize_field("updatedAt", &plain.updated_at)?;
        put(&mut customer, "archivedAt", plain.archived_at.as_ref())?;
        put(&mut customer, "lastContactAt", plain.last_contact_at.as_ref())?;
        customer.serialize_field("revision", &plain.revision)?;
        put(&mut customer, "identity", self.identity.as_ref())?;
        put(&mut customer, "contact", self.contact.as_ref())?;
        put(&mut customer, "financial", self.financial.as_ref())?;
        put(&mut customer, "profile", self.profile.as_ref())?;
        put(&mut customer, "notes", self.notes.as_ref())?;
        put(&mut customer, "special", self.special.as_ref())?;
        put(&mut customer, "withheld", filled(&plain.withheld))?;
        customer.end()
    }
}

fn filled<T>(list: &Vec<T>) -> Option<&Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// What is absent is left out.
fn put<S: SerializeStruct>(to: &mut S, name: &'static str, value: Option<&impl Serialize>) -> Result<(), S::Error> {
    value.map_or(Ok(()), |value| to.serialize_field(name, value))
}

impl Type for CustomerText {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        CustomerView::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        CustomerView::schema_ref()
    }

    fn register(registry: &mut Registry) {
        CustomerView::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}
