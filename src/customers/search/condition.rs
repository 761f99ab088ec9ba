//! Trees of conditions over what the caller sees of a record.
//!
//! A condition on a part that is withheld in a record is neither true nor false there, and so is its negation: hidden
//! values change no answer (Kleene's three-valued logic).

use kluis_core::kernel::{CountryCode, Email, Faults, Iban, Phone, Phrase, Postcode};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use super::countries::Countries;
use super::field::Field;
use super::{Declared, house};
use crate::customers::model::Address;
use crate::customers::view::CustomerView;

/// How a field is compared.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum Operator {
    /// Equal, in any spelling of the same value.
    Eq,
    /// Begins with, whatever the case.
    StartsWith,
    /// Holds, whatever the case.
    Contains,
    /// There is any value.
    Exists,
    /// Earlier or smaller; for dates.
    Before,
    /// Later or greater; for dates.
    After,
}

/// One node: either `and`, `or`, `not`, or `field` with `operator` and `value`.
#[derive(Object, Serialize, Deserialize, Clone, Default)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub and: Vec<Condition>,
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<Condition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    #[oai(validator(max_length = 300))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Example for Condition {
    fn example() -> Self {
        Self::leaf(Field::Email, Operator::Eq, "info@example.org")
    }
}

const DEEPEST: usize = 6;
const FORM: Phrase = Phrase {
    en: "Give exactly one of: and, or, not, or a field with an operator and its value.",
    nl: "Geef precies één van: and, or, not, of een veld met een operator en zijn waarde.",
};
const TOO_DEEP: Phrase = Phrase { en: "Too many levels.", nl: "Te veel niveaus." };
const ADDRESS: Phrase = Phrase {
    en: "Give a postcode and a house number: 1234 AB 12. Abroad with the country in front: BE 2000 12.",
    nl: "Geef een postcode en een huisnummer: 1234 AB 12. In het buitenland met het land ervoor: BE 2000 12.",
};
const WHOLE: Phrase = Phrase {
    en: "An address is found as a whole: use eq or exists.",
    nl: "Een adres is alleen als geheel te vinden: gebruik eq of exists.",
};

impl Condition {
    pub fn leaf(field: Field, operator: Operator, value: &str) -> Self {
        Self { field: Some(field), operator: Some(operator), value: Some(value.to_owned()), ..Self::default() }
    }

    /// All fields that the tree asks about.
    pub fn fields(&self) -> Vec<Field> {
        let inner = self.and.iter().chain(&self.or).chain(self.not.as_deref());
        self.field.iter().cloned().chain(inner.flat_map(Self::fields)).collect()
    }

    /// Notes every node that has no meaning.
    pub(super) fn check(&self, at: &str, depth: usize, countries: &Countries, faults: &mut Faults) {
        if depth > DEEPEST {
            return faults.add(at, "too_deep", TOO_DEEP);
        }
        let needs_value = self.operator != Some(Operator::Exists);
        let leaf = self.field.is_some() && self.operator.is_some() && (self.value.is_some() == needs_value);
        let stray = !leaf && (self.field.is_some() || self.operator.is_some() || self.value.is_some());
        let forms = [!self.and.is_empty(), !self.or.is_empty(), self.not.is_some(), leaf];
        if stray || forms.iter().filter(|given| **given).count() != 1 {
            faults.add(at, "condition", FORM);
        } else if self.field == Some(Field::PostcodeHouse) {
            self.check_address(at, countries, faults);
        }
        for (name, list) in [("and", &self.and), ("or", &self.or)] {
            for (index, inner) in list.iter().enumerate() {
                inner.check(&format!("{at}/{name}/{index}"), depth + 1, countries, faults);
            }
        }
        if let Some(inner) = &self.not {
            inner.check(&format!("{at}/not"), depth + 1, countries, faults);
        }
    }

    /// An address must be one for some tenant in reach at least.
    fn check_address(&self, at: &str, countries: &Countries, faults: &mut Faults) {
        match (self.operator, &self.value) {
            (Some(Operator::Eq), Some(value)) => {
                if countries.all().all(|country| house::keys(value, country).is_empty()) {
                    faults.add(format!("{at}/value"), "postcode_house", ADDRESS);
                }
            }
            (Some(Operator::Exists), _) => {}
            _ => faults.add(format!("{at}/operator"), "operator", WHOLE),
        }
    }

    /// Whether the record fits; `None` where that depends on something withheld.
    pub(super) fn holds(&self, view: &CustomerView, declared: &Declared) -> Option<bool> {
        if let (Some(field), Some(operator)) = (&self.field, self.operator) {
            let wanted = self.value.as_deref().unwrap_or_default();
            if let Field::Custom(key) = field {
                return declared.places.holds(key, operator, wanted, view);
            }
            let hidden = field.compartment().is_some_and(|c| view.withheld.iter().any(|name| name == c.name()));
            let country = declared.countries.of_tenant(view.tenant_id.0);
            return (!hidden).then(|| leaf_holds(field, operator, wanted, view, country));
        }
        if let Some(inner) = &self.not {
            return inner.holds(view, declared).map(|held| !held);
        }
        if self.or.is_empty() {
            return all(self.and.iter().map(|inner| inner.holds(view, declared)));
        }
        // x or y = not (not x and not y)
        all(self.or.iter().map(|inner| inner.holds(view, declared).map(|held| !held))).map(|none| !none)
    }
}

/// False wins, then unknown.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

fn leaf_holds(field: &Field, operator: Operator, wanted: &str, view: &CustomerView, country: CountryCode) -> bool {
    let values = values(field, view);
    let folded = || wanted.trim().to_lowercase();
    match operator {
        Operator::Exists => !values.is_empty(),
        // The usual spelling first: to parse a value costs more than to read it.
        Operator::Eq => {
            values.iter().any(|value| value == wanted) || {
                let wanted = readings(field, wanted, country);
                values.iter().any(|value| wanted.contains(&normal(field, value, country)))
            }
        }
        Operator::StartsWith => {
            let folded = folded();
            values.iter().any(|value| value.to_lowercase().starts_with(&folded))
        }
        Operator::Contains => {
            let folded = folded();
            values.iter().any(|value| value.to_lowercase().contains(&folded))
        }
        Operator::Before => values.iter().any(|value| value.as_str() < wanted),
        Operator::After => values.iter().any(|value| value.as_str() > wanted),
    }
}

/// The values, each in its one spelling, that a text may stand for where it is read by the usages of a country.
pub(super) fn readings(field: &Field, text: &str, country: CountryCode) -> Vec<String> {
    match field {
        Field::PostcodeHouse => house::keys(text, country).iter().map(|key| key.to_string()).collect(),
        _ => vec![normal(field, text, country)],
    }
}

/// One spelling for all spellings of a value.
fn normal(field: &Field, text: &str, country: CountryCode) -> String {
    let parsed = match field {
        Field::Email => Email::parse(text).ok().map(|email| email.index_form().to_string()),
        Field::Phone => Phone::parse(text, country.as_str()).ok().map(|phone| phone.expose().to_owned()),
        Field::Iban => Iban::parse(text).ok().map(|iban| iban.expose().to_owned()),
        Field::Postcode => Postcode::parse(text, CountryCode::NL).ok().map(|code| code.expose().to_owned()),
        // The index's own form, which stands in no view.
        Field::PostcodeHouse => Some(text.to_owned()),
        _ => None,
    };
    parsed.unwrap_or_else(|| text.trim().to_lowercase())
}

fn values(field: &Field, view: &CustomerView) -> Vec<String> {
    let contact = view.contact.as_ref();
    let identity = view.identity.as_ref();
    let person = identity.and_then(|identity| identity.person.as_ref());
    let organisation = identity.and_then(|identity| identity.organisation.as_ref());
    let one = |value: Option<&String>| value.cloned().into_iter().collect();
    match field {
        Field::Email => contact.iter().flat_map(|c| &c.emails).map(|email| email.address.clone()).collect(),
        Field::Phone => contact.iter().flat_map(|c| &c.phones).map(|phone| phone.number.clone()).collect(),
        Field::Postcode => contact.iter().flat_map(|c| &c.addresses).filter_map(|a| a.postcode.clone()).collect(),
        Field::PostcodeHouse => {
            let addresses = contact.iter().flat_map(|contact| &contact.addresses);
            addresses.filter_map(Address::index_form).map(|form| form.to_string()).collect()
        }
        Field::City => contact.iter().flat_map(|c| &c.addresses).filter_map(|a| a.city.clone()).collect(),
        Field::Iban => view.financial.iter().flat_map(|f| &f.bank_accounts).map(|a| a.iban.clone()).collect(),
        Field::ExternalId => {
            let ids = identity.iter().flat_map(|identity| &identity.external_ids);
            ids.map(|external| format!("{}:{}", external.system, external.id)).collect()
        }
        Field::FamilyName => one(person.and_then(|person| person.family_name.as_ref())),
        Field::GivenName => one(person.and_then(|person| person.given_name.as_ref())),
        Field::BirthDate => one(person.and_then(|person| person.birth_date.as_ref())),
        Field::OrganisationName => one(organisation.map(|organisation| &organisation.name)),
        Field::KvkNumber => one(organisation.and_then(|organisation| organisation.kvk_number.as_ref())),
        Field::Remarks => one(view.notes.as_ref().and_then(|notes| notes.remarks.as_ref())),
        Field::Interest => view.profile.iter().flat_map(|profile| &profile.interests).cloned().collect(),
        Field::Status => vec![view.status.code().to_owned()],
        Field::Kind => vec![view.kind.code().to_owned()],
        Field::Source => vec![view.source.clone()],
        Field::Language => vec![view.language.clone()],
        Field::Region => one(view.region.as_ref()),
        Field::OwnerId => view.owner_id.iter().map(ToString::to_string).collect(),
        // They stand where their tenant has declared: `Places` looks there.
        Field::Custom(_) => Vec::new(),
    }
}
