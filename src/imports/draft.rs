//! One line of a table becomes the draft of a customer, or all that is wrong with it.
//!
//! What is empty is absent. What is there and faulty makes the whole line an error: half a customer helps nobody, and a
//! faulty account number must not be lost silently.
//!
//! Must never: print or keep a value; faults are codes.

use std::fmt;

use chrono::NaiveDate;
use kluis_core::kernel::name::{NameParts, PersonName};
use kluis_core::kernel::organisation::OrganisationName;
use kluis_core::kernel::prefix::split_family;
use kluis_core::kernel::{
    BirthDate, BranchNumber, CountryCode, Email, HouseNumber, Iban, KvkNumber, LanguageTag, LongText, Phone, Postcode,
    Text, TextFault, VatNumber, bsn,
};

use super::mapping::{Field, Mapping};
use super::table::{Record, RecordFault};
use super::words;

/// A customer as a line tells it. Every part is checked and normalised.
#[derive(Clone, Default)]
pub struct ImportedCustomer {
    /// System and number in it: the key under which the line is written over an earlier one.
    pub external_id: Option<ExternalId>,
    /// There is a name or an organisation, or both: an organisation with its contact person.
    pub name: Option<PersonName>,
    pub organisation: Option<OrganisationName>,
    pub gender: Option<Gender>,
    pub birth_date: Option<BirthDate>,
    pub language: Option<LanguageTag>,
    pub kvk_number: Option<KvkNumber>,
    pub branch_number: Option<BranchNumber>,
    pub vat_number: Option<VatNumber>,
    /// The first is the primary one.
    pub emails: Vec<Email>,
    pub phones: Vec<Phone>,
    pub address: Option<ImportedAddress>,
    pub iban: Option<Iban>,
    pub account_holder: Option<Text<200>>,
    /// The answer to "newsletter?": evidence of a consent given (or refused) elsewhere.
    pub newsletter: Option<bool>,
    pub remarks: Option<LongText<10_000>>,
    /// Fields of the tenant by key; their own rules are checked where they are known.
    pub custom: Vec<(String, Text<2000>)>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId {
    pub system: String,
    pub id: Text<80>,
}

#[derive(Clone)]
pub struct ImportedAddress {
    pub street: Option<Text<200>>,
    pub number: Option<HouseNumber>,
    pub postcode: Option<Postcode>,
    pub city: Option<Text<100>>,
    pub country: CountryCode,
}

/// Gender as far as letters need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    Female,
    Male,
    Other,
}

impl fmt::Debug for ImportedCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportedCustomer")
    }
}

/// What can be wrong with a line beside what the text types find: `columns` (more or fewer than the header), `quote`,
/// `too_long`, `encoding`, `gender`, `newsletter`, `name`.
pub type Codes = Vec<&'static str>;

/// Reads a record by its mapping. `width` is the number of columns in the header. On failure: the codes of all faults, each
/// once, in the order of the columns.
pub fn draft(mapping: &Mapping, width: usize, record: &Record, today: NaiveDate) -> Result<ImportedCustomer, Codes> {
    if let Some(code) = form_fault(record, width) {
        return Err(vec![code]);
    }
    let mut reading =
        Reading { country: mapping.country, today, codes: Vec::new(), draft: ImportedCustomer::default() };
    let cells = Cells { mapping, record };
    if let Some(country) = reading.take(cells.get(&Field::Country), words::country) {
        reading.country = country;
    }
    for (field, value) in cells.filled() {
        reading.column(field, value);
    }
    reading.name(&cells);
    reading.address(&cells);
    if reading.codes.is_empty() { Ok(reading.draft) } else { Err(reading.codes) }
}

/// What makes a record unreadable as a line of the table.
fn form_fault(record: &Record, width: usize) -> Option<&'static str> {
    let surplus = record.fields.iter().skip(width).any(|field| !field.trim().is_empty());
    match record.fault {
        Some(RecordFault::Quote) => Some("quote"),
        Some(RecordFault::TooLong) => Some("too_long"),
        None if record.fields.len() < width || surplus => Some("columns"),
        None => record.fields.iter().any(|field| field.contains('\u{FFFD}')).then_some("encoding"),
    }
}

/// The cells of a line by the fields that they go to.
struct Cells<'a> {
    mapping: &'a Mapping,
    record: &'a Record,
}

impl<'a> Cells<'a> {
    fn filled(&self) -> impl Iterator<Item = (&'a Field, &'a str)> + use<'a> {
        let cells = self.mapping.columns.iter().zip(self.record.fields.iter().map(|value| value.trim()));
        cells.filter(|(_, value)| !value.is_empty())
    }

    /// Empty if the field has no column.
    fn get(&self, wanted: &Field) -> &'a str {
        self.filled().find(|(field, _)| *field == wanted).map_or("", |(_, value)| value)
    }
}

struct Reading {
    country: CountryCode,
    today: NaiveDate,
    codes: Codes,
    draft: ImportedCustomer,
}

impl Reading {
    fn fault(&mut self, code: &'static str) {
        if !self.codes.contains(&code) {
            self.codes.push(code);
        }
    }

    /// `None` for nothing, and for a fault, which is noted.
    fn take<T>(&mut self, text: &str, parse: impl FnOnce(&str) -> Result<T, TextFault>) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        parse(text).map_err(|fault| self.fault(fault.code)).ok()
    }

    /// The same for a text in which anything may stand, but no citizen service number.
    fn take_free<T>(&mut self, text: &str, parse: impl FnOnce(&str) -> Result<T, TextFault>) -> Option<T> {
        self.take(text, bsn::refuse).and_then(|()| self.take(text, parse))
    }

    /// Columns that stand for themselves.
    fn column(&mut self, field: &Field, value: &str) {
        let (country, today) = (self.country, self.today);
        match field {
            Field::ExternalId { system } => {
                let id = self.take_free(value, Text::parse);
                self.draft.external_id = id.map(|id| ExternalId { system: system.clone(), id });
            }
            Field::OrganisationName => self.draft.organisation = self.take_free(value, OrganisationName::parse),
            Field::Gender => self.draft.gender = self.take(value, words::gender),
            Field::BirthDate => self.draft.birth_date = self.take(value, |text| BirthDate::parse(text, today)),
            Field::Language => self.draft.language = self.take(value, words::language),
            Field::KvkNumber => self.draft.kvk_number = self.take(value, KvkNumber::parse),
            Field::BranchNumber => self.draft.branch_number = self.take(value, BranchNumber::parse),
            Field::VatNumber => self.draft.vat_number = self.take(value, VatNumber::parse),
            Field::Email => {
                let email = self.take(value, Email::parse);
                self.draft.emails.extend(email);
            }
            Field::Phone => {
                let phone = self.take(value, |text| Phone::parse(text, country.as_str()));
                self.draft.phones.extend(phone);
            }
            Field::Iban => self.draft.iban = self.take(value, Iban::parse),
            Field::AccountHolder => self.draft.account_holder = self.take_free(value, Text::parse),
            Field::Newsletter => self.draft.newsletter = self.take(value, words::yes_or_no),
            Field::Remarks => self.remark(value),
            Field::Custom { name } => {
                let value = self.take_free(value, Text::parse);
                self.draft.custom.extend(value.map(|value| (name.clone(), value)));
            }
            _ => {}
        }
    }

    /// Several columns of remarks become one text, a line each.
    fn remark(&mut self, value: &str) {
        let earlier = self.draft.remarks.take();
        let text = earlier.map_or_else(|| value.to_owned(), |text| format!("{}\n{value}", text.expose()));
        self.draft.remarks = self.take_free(&text, LongText::parse);
    }

    fn name(&mut self, cells: &Cells<'_>) {
        let whole = cells.get(&Field::PrefixedFamilyName);
        let (split_prefix, split_name) = split_family(whole);
        let given = |field: &Field, other: &str| match cells.get(field) {
            "" => other.to_owned(),
            value => value.to_owned(),
        };
        let (prefix, family) = (given(&Field::Prefix, &split_prefix), given(&Field::FamilyName, &split_name));
        let parts = NameParts {
            initials: cells.get(&Field::Initials),
            given: cells.get(&Field::GivenName),
            prefix: &prefix,
            family: &family,
            partner_prefix: cells.get(&Field::PartnerPrefix),
            partner_family: cells.get(&Field::PartnerFamilyName),
            ..NameParts::default()
        };
        for text in [parts.given, parts.family, parts.partner_family] {
            self.take(text, bsn::refuse);
        }
        let nobody =
            [parts.initials, parts.given, parts.family, parts.partner_family].iter().all(|part| part.is_empty());
        if nobody && self.draft.organisation.is_some() {
            return;
        }
        match PersonName::parse(&parts) {
            Ok(name) => self.draft.name = Some(name),
            Err(faults) => faults.iter().for_each(|(_, fault)| self.fault(fault.code)),
        }
    }

    fn address(&mut self, cells: &Cells<'_>) {
        let country = self.country;
        let line = cells.get(&Field::StreetAndNumber);
        let (line_street, line_number) = words::street_and_number(line);
        let street = match cells.get(&Field::Street) {
            "" => line_street,
            street => street,
        };
        let number = match cells.get(&Field::HouseNumber) {
            "" => line_number,
            number => number,
        };
        let addition = cells.get(&Field::HouseAddition);
        let address = ImportedAddress {
            street: self.take_free(street, Text::parse),
            number: self.take(number, |text| HouseNumber::parse(text, addition)),
            postcode: self.take(cells.get(&Field::Postcode), |text| Postcode::parse(text, country)),
            city: self.take_free(cells.get(&Field::City), Text::parse),
            country,
        };
        if number.is_empty() && !addition.is_empty() {
            self.fault("house_number");
        }
        let something = address.street.is_some() || address.postcode.is_some() || address.city.is_some();
        self.draft.address = something.then_some(address);
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
