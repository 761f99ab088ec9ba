//! From an imported line to a customer: a new one, or what the line changes in one that is there.
//!
//! A line adds and corrects, it never empties: what it doesn't mention stays. An address, number or account that is there
//! in any spelling is left alone; a new one becomes the primary one. Remarks are added below what is there.
//!
//! Must never: take "no newsletter" for silence. It withdraws the consent.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kluis_core::access::Purpose;
use kluis_core::kernel::{BirthDate, Email, PersonName};
use kluis_core::privacy::Compartment;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::draft::{Gender, ImportedAddress, ImportedCustomer};
use super::words;
use crate::custom_fields::model::{FieldKind, FieldRule};
use crate::custom_fields::value;
use crate::customers::model::{
    Address, BankAccount, Contact, CustomerDraft, CustomerKind, CustomerStatus, EmailAddress, ExternalId, Financial,
    Gender as CustomerGender, Identity, LegalBasis, Notes, Organisation, Person, PhoneNumber, Profile, Special,
};

/// What holds for all lines of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Without a legal basis nothing personal is written (GDPR Art. 6).
    pub legal_basis: LegalBasis,
    /// Where the data comes from (GDPR Art. 14).
    pub source: String,
    /// Status of new customers.
    pub status: CustomerStatus,
    /// Language of new customers whose line names none.
    pub language: String,
}

/// The customer that a line makes.
pub fn fresh(line: &ImportedCustomer, terms: &Terms, fields: &[FieldRule]) -> CustomerDraft {
    let organisation = line.organisation.is_some();
    let empty = CustomerDraft {
        kind: if organisation { CustomerKind::Organisation } else { CustomerKind::Person },
        status: terms.status,
        owner_id: None,
        language: terms.language.clone(),
        preferred_channel: None,
        source: terms.source.clone(),
        legal_basis: terms.legal_basis,
        consented_purposes: Vec::new(),
        identity: Identity {
            person: (!organisation).then(Person::default),
            organisation: organisation.then(Organisation::default),
            ..Identity::default()
        },
        contact: None,
        financial: None,
        profile: None,
        notes: None,
        special: None,
    };
    merged(&empty, line, fields)
}

/// The customer with what the line changes.
pub fn merged(before: &CustomerDraft, line: &ImportedCustomer, fields: &[FieldRule]) -> CustomerDraft {
    let mut wanted = before.clone();
    if let Some(language) = &line.language {
        language.as_str().clone_into(&mut wanted.language);
    }
    identity(&mut wanted.identity, line);
    contact(&mut wanted, line);
    financial(&mut wanted, line);
    newsletter(&mut wanted.consented_purposes, line.newsletter);
    remarks(&mut wanted, line);
    custom_fields(&mut wanted, line, fields);
    wanted
}

fn identity(identity: &mut Identity, line: &ImportedCustomer) {
    if let Some(external) = &line.external_id {
        let (system, id) = (external.system.to_ascii_lowercase(), external.id.expose());
        if !identity.external_ids.iter().any(|known| known.system == system && known.id == id) {
            identity.external_ids.push(ExternalId { system, id: id.to_owned() });
        }
    }
    if let Some(name) = &line.organisation {
        let organisation = identity.organisation.get_or_insert_default();
        name.expose().clone_into(&mut organisation.name);
        set(&mut organisation.kvk_number, line.kvk_number.as_ref().map(kluis_core::kernel::KvkNumber::expose));
        set(&mut organisation.branch_number, line.branch_number.as_ref().map(kluis_core::kernel::BranchNumber::expose));
        set(&mut organisation.vat_number, line.vat_number.as_ref().map(kluis_core::kernel::VatNumber::expose));
        return;
    }
    let Some(name) = &line.name else { return };
    let person = identity.person.get_or_insert_default();
    self::name(person, name);
    set(&mut person.birth_date, line.birth_date.as_ref().map(BirthDate::expose));
    if let Some(gender) = line.gender {
        person.gender = Some(match gender {
            Gender::Female => CustomerGender::Female,
            Gender::Male => CustomerGender::Male,
            Gender::Other => CustomerGender::Other,
        });
    }
}

fn name(person: &mut Person, name: &PersonName) {
    set(&mut person.initials, Some(name.initials()));
    set(&mut person.given_name, Some(name.given()));
    // A prefix belongs to its name: a name without one has none.
    if !name.family().is_empty() {
        person.prefix = Some(name.prefix().to_owned()).filter(|prefix| !prefix.is_empty());
        set(&mut person.family_name, Some(name.family()));
    }
    if !name.partner_family().is_empty() {
        person.partner_prefix = Some(name.partner_prefix().to_owned()).filter(|prefix| !prefix.is_empty());
        set(&mut person.partner_family_name, Some(name.partner_family()));
    }
}

fn set(place: &mut Option<String>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        *place = Some(text.to_owned());
    }
}

fn contact(wanted: &mut CustomerDraft, line: &ImportedCustomer) {
    if line.emails.is_empty() && line.phones.is_empty() && line.address.is_none() {
        return;
    }
    let contact = wanted.contact.get_or_insert_with(Contact::default);
    for (at, email) in line.emails.iter().enumerate() {
        let form = email.index_form();
        let known = |e: &EmailAddress| Email::parse(&e.address).is_ok_and(|known| known.index_form() == form);
        if !contact.emails.iter().any(known) {
            let address = email.expose().to_owned();
            add(&mut contact.emails, EmailAddress { address, ..EmailAddress::default() }, at == 0, |e| &mut e.primary);
        }
    }
    for (at, phone) in line.phones.iter().enumerate() {
        if !contact.phones.iter().any(|known| known.number == phone.expose()) {
            let number = phone.expose().to_owned();
            add(&mut contact.phones, PhoneNumber { number, ..PhoneNumber::default() }, at == 0, |p| &mut p.primary);
        }
    }
    if let Some(address) = &line.address {
        let address = address_of(address);
        match contact.addresses.iter_mut().find(|known| is_same_place(known, &address)) {
            Some(known) => {
                set(&mut known.street, address.street.as_deref());
                set(&mut known.city, address.city.as_deref());
            }
            None => add(&mut contact.addresses, address, true, |a| &mut a.primary),
        }
    }
}

/// Adds one; as the primary one it takes that from the others.
fn add<T>(items: &mut Vec<T>, mut item: T, primary: bool, flag: impl Fn(&mut T) -> &mut bool) {
    if primary {
        items.iter_mut().for_each(|other| *flag(other) = false);
    }
    *flag(&mut item) = primary;
    items.push(item);
}

fn address_of(address: &ImportedAddress) -> Address {
    let number = address.number.as_ref();
    Address {
        street: address.street.as_ref().map(|street| street.expose().to_owned()),
        house_number: number.map(|number| number.number().to_string()),
        addition: number.map(|number| number.addition().to_owned()).filter(|addition| !addition.is_empty()),
        postcode: address.postcode.as_ref().map(|code| code.expose().to_owned()),
        city: address.city.as_ref().map(|city| city.expose().to_owned()),
        country: address.country.as_str().to_owned(),
        ..Address::default()
    }
}

/// One door: country, postcode and number agree; where there is no postcode, street and city instead.
fn is_same_place(one: &Address, other: &Address) -> bool {
    let door =
        (&one.country, &one.house_number, &one.addition) == (&other.country, &other.house_number, &other.addition);
    let code = one.postcode == other.postcode;
    door && code && (one.postcode.is_some() || (&one.street, &one.city) == (&other.street, &other.city))
}

fn financial(wanted: &mut CustomerDraft, line: &ImportedCustomer) {
    let Some(iban) = &line.iban else { return };
    let financial = wanted.financial.get_or_insert_with(Financial::default);
    let holder = line.account_holder.as_ref().map(kluis_core::kernel::Text::expose);
    match financial.bank_accounts.iter_mut().find(|known| known.iban == iban.expose()) {
        Some(known) => set(&mut known.holder, holder),
        None => {
            let account = BankAccount {
                iban: iban.expose().to_owned(),
                holder: holder.map(str::to_owned),
                ..BankAccount::default()
            };
            add(&mut financial.bank_accounts, account, true, |a| &mut a.primary);
        }
    }
}

fn newsletter(consents: &mut Vec<String>, answer: Option<bool>) {
    let marketing = Purpose::Marketing.as_str();
    match answer {
        Some(true) if !consents.iter().any(|purpose| purpose == marketing) => consents.push(marketing.to_owned()),
        Some(false) => consents.retain(|purpose| purpose != marketing),
        _ => {}
    }
}

fn remarks(wanted: &mut CustomerDraft, line: &ImportedCustomer) {
    // An organisation's record has no place for a person yet: who to ask for isn't lost all the same.
    let person =
        line.name.as_ref().filter(|_| line.organisation.is_some()).map(kluis_core::kernel::PersonName::display);
    let remark = line.remarks.as_ref().map(kluis_core::kernel::LongText::expose);
    for text in [person.as_ref().map(|name| name.as_str()), remark].into_iter().flatten() {
        let notes = wanted.notes.get_or_insert_with(Notes::default);
        match &mut notes.remarks {
            Some(known) if known.contains(text) => {}
            Some(known) => {
                known.push('\n');
                known.push_str(text);
            }
            None => notes.remarks = Some(text.to_owned()),
        }
    }
}

fn custom_fields(wanted: &mut CustomerDraft, line: &ImportedCustomer, fields: &[FieldRule]) {
    for (name, text) in &line.custom {
        let rule = fields.iter().find(|rule| rule.key == *name);
        let value = typed(text.expose(), rule);
        let place: &mut BTreeMap<String, Value> = if rule.is_some_and(|rule| rule.compartment == Compartment::Special) {
            &mut wanted.special.get_or_insert_with(Special::default).custom_fields
        } else {
            &mut wanted.profile.get_or_insert_with(Profile::default).custom_fields
        };
        place.insert(name.clone(), value);
    }
}

/// The value in the field's type; a date may lie ahead. What doesn't fit stays a text, which the field's own check refuses.
fn typed(text: &str, rule: Option<&FieldRule>) -> Value {
    let plain = || Value::String(text.to_owned());
    let Some(rule) = rule else { return plain() };
    match rule.kind {
        FieldKind::Number => number(text).unwrap_or_else(plain),
        FieldKind::Boolean => words::yes_or_no(text).map_or_else(|_| plain(), Value::Bool),
        FieldKind::Date => BirthDate::parse(text, NaiveDate::MAX)
            .map_or_else(|_| plain(), |date| Value::String(date.expose().to_owned())),
        _ => value::from_text(rule, text),
    }
}

/// `1.234,50` and `1234.50` alike.
fn number(text: &str) -> Option<Value> {
    let dutch = text.contains(',');
    let counts = |c: &char| !c.is_whitespace() && (!dutch || *c != '.');
    let plain: String = text.chars().filter(counts).collect();
    let plain = plain.replace(',', ".");
    if let Ok(whole) = plain.parse::<i64>() {
        return Some(whole.into());
    }
    plain.parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
}
