//! A customer as one caller may see it, written at once: compartments are handed on as the text that was sealed.
//!
//! Must never: differ by a byte from what [`CustomerView`] would have written.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::kernel::{Problem, ProblemKind};
use kluis_core::privacy::{Compartment, DataKey, Disclosure, Sealed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::model::SCHEMA;
use super::rows::CustomerRow;
use super::seal;
use super::view::{CustomerView, about, plain_view, withheld};
use crate::web::{JsonText, Members};

/// Room for most customers in bytes, so that few texts have to move while they grow.
const USUAL_LENGTH: usize = 2048;

/// Opens a row for one caller: checked, disclosed, never more than the decision gives.
pub fn open<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &CustomerRow,
) -> Result<JsonText<CustomerView>, Problem> {
    checked(scope, key, row).map_err(|problem| about(problem, row))
}

fn checked<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &CustomerRow,
) -> Result<JsonText<CustomerView>, Problem> {
    seal::verify(key, row)?;
    let disclosure = scope.disclosure(row.rels);
    let members = Members::of(&plain_view(row)?, USUAL_LENGTH)?;
    let sealed = &row.sealed;
    let mut writer = Writer { disclosure, key, row, members };
    writer.part(Compartment::Identity, sealed.identity.as_ref())?;
    writer.part(Compartment::Contact, sealed.contact.as_ref())?;
    writer.part(Compartment::Financial, sealed.financial.as_ref())?;
    writer.part(Compartment::Profile, sealed.profile.as_ref())?;
    writer.part(Compartment::Notes, sealed.notes.as_ref())?;
    writer.part(Compartment::Special, sealed.special.as_ref())?;
    let withheld = withheld(disclosure);
    if !withheld.is_empty() {
        writer.members.put("withheld", &withheld)?;
    }
    Ok(JsonText::of(writer.members))
}

struct Writer<'a> {
    disclosure: Disclosure,
    key: &'a DataKey,
    row: &'a CustomerRow,
    members: Members,
}

impl Writer<'_> {
    fn part<T: DeserializeOwned + Serialize>(
        &mut self,
        compartment: Compartment,
        sealed: Option<&Sealed<T>>,
    ) -> Result<(), Problem> {
        let Some(sealed) = sealed.filter(|_| self.disclosure.clear().contains(compartment)) else { return Ok(()) };
        let Self { disclosure, key, row, members } = self;
        let context = seal::place(row.tenant, row.id, compartment.name(), 0).of(compartment.name(), sealed);
        members.put_with(compartment.name(), |text| {
            if sealed.schema() == SCHEMA {
                return Ok(disclosure.write(compartment, sealed, key, &context, text)?);
            }
            // A value of an older shape is read as such and written in the present one.
            let shown = disclosure.open(compartment, sealed, key, &context)?;
            serde_json::to_writer(text, &shown).map_err(|_| Problem::new(ProblemKind::Internal))
        })
    }
}
