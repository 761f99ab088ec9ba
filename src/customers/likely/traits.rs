//! By what somebody is recognised, as far as the caller sees it.
//!
//! Must never: be made from a compartment that was not disclosed.

use kluis_core::kernel::{CountryCode, KvkNumber, Phone, VatNumber};
use kluis_core::privacy::IndexField;
use zeroize::Zeroizing;

use super::names::Name;
use crate::customers::duplicates::empty_draft;
use crate::customers::model::{self, Contact, ExactKey, Financial, Identity};
use crate::customers::view::CustomerView;

/// A description of somebody, ready to be compared.
pub struct Traits {
    pub name: Option<Name>,
    /// `YYYY-MM-DD`
    pub birth_date: Option<Zeroizing<String>>,
    pub keys: Vec<ExactKey>,
}

impl Traits {
    /// What the caller sees of a customer; what is withheld is absent from the view.
    pub fn of_view(view: &CustomerView) -> Self {
        Self::of(view.identity.clone(), view.contact.clone(), view.financial.clone(), CountryCode::NL)
    }

    /// What somebody has typed so far. Numbers without a country are read by that of the tenant.
    pub fn of(
        identity: Option<Identity>,
        contact: Option<Contact>,
        financial: Option<Financial>,
        country: CountryCode,
    ) -> Self {
        let mut draft = empty_draft();
        draft.identity = identity.unwrap_or_default();
        draft.contact = contact;
        draft.financial = financial;
        for phone in draft.contact.iter_mut().flat_map(|contact| &mut contact.phones) {
            if let Ok(parsed) = Phone::parse(&phone.number, country.as_str()) {
                parsed.expose().clone_into(&mut phone.number);
            }
        }
        let mut keys = model::exact_keys(&draft);
        keys.extend(model::search_keys(&draft));
        keys.extend(registers(&draft.identity));
        let birth_date = draft.identity.person.as_ref().and_then(|person| person.birth_date.clone());
        Self { name: Name::of(&draft.identity), birth_date: birth_date.map(Zeroizing::new), keys }
    }

    pub fn keys_of(&self, field: IndexField) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(move |key| key.field == field).map(|key| key.value.as_str())
    }
}

/// Numbers of an organisation. They aren't in the blind index, since branches share them: they weigh, and find nobody.
fn registers(identity: &Identity) -> Vec<ExactKey> {
    let Some(organisation) = &identity.organisation else { return Vec::new() };
    let key = |field, value: &str| ExactKey { field, value: Zeroizing::new(value.to_owned()), pointer: String::new() };
    let kvk = organisation.kvk_number.as_deref().and_then(|text| KvkNumber::parse(text).ok());
    let vat = organisation.vat_number.as_deref().and_then(|text| VatNumber::parse(text).ok());
    let kvk = kvk.map(|number| key(IndexField::Kvk, number.expose()));
    kvk.into_iter().chain(vat.map(|number| key(IndexField::VatNumber, number.expose()))).collect()
}
