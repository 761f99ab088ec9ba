//! From what was sent to what may be sealed: every part parsed, normalised, and every fault named.

use chrono::NaiveDate;
use kluis_core::access::Purpose;
use kluis_core::kernel::{
    BirthDate, BranchNumber, CountryCode, Email, Faults, HouseNumber, Iban, Id, KvkNumber, LanguageTag, LongText,
    Phone, Phrase, Postcode, Problem, Text, TextFault, VatNumber, bsn, id::User,
};
use kluis_core::privacy::{Compartment, CompartmentSet};

use super::compartments::{Address, Contact, Financial, Identity, Organisation, Person, Profile};
use super::{CustomerDraft, CustomerKind};
use crate::custom_fields::FieldRule;
use crate::custom_fields::value::{Check, Values};
use crate::customers::names;

/// What the check depends on besides the draft itself.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub today: NaiveDate,
    /// Country of the tenant: national spellings of phone numbers are read by it.
    pub country: CountryCode,
    /// The tenant's custom fields, those that are put away among them.
    pub fields: &'a [FieldRule],
    /// Whether the tenant has recorded a legal ground for special data (GDPR Art. 9).
    pub special_allowed: bool,
    /// The record as its writer sees it; nothing for a new one. Custom values that stay are not checked again.
    pub before: Option<&'a CustomerDraft>,
    /// Compartments whose required custom fields must have a value: those that the maker of a record may write.
    pub filled: CompartmentSet,
}

impl<'a> Rules<'a> {
    /// For a change of this record.
    #[must_use]
    pub const fn over(self, before: &'a CustomerDraft) -> Self {
        Self { before: Some(before), ..self }
    }

    /// For a new record, by somebody who may write these compartments.
    #[must_use]
    pub const fn filling(self, filled: CompartmentSet) -> Self {
        Self { filled, ..self }
    }

    fn custom(&self, compartment: Compartment) -> Check<'_> {
        let before = self.before.and_then(|before| match compartment {
            Compartment::Special => before.special.as_ref().map(|special| &special.custom_fields),
            _ => before.profile.as_ref().map(|profile| &profile.custom_fields),
        });
        let allowed = self.special_allowed || compartment != Compartment::Special;
        Check { rules: self.fields, compartment, before, filled: allowed && self.filled.contains(compartment) }
    }
}

/// A draft that has been parsed and normalised; the only form that can be sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Valid(CustomerDraft);

impl Valid {
    /// Checks and normalises; on failure one problem names every fault by its JSON pointer.
    pub fn parse(mut draft: CustomerDraft, rules: &Rules<'_>) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        check(&mut draft, rules, &mut faults);
        faults.into_result()?;
        Ok(Self(draft))
    }

    /// The required custom fields that a new record lacks. Asked apart where only the look-up tells that it is new.
    pub fn require_filled(&self, rules: &Rules<'_>) -> Result<(), Problem> {
        let mut faults = Faults::new();
        let none = Values::new();
        let profile = self.0.profile.as_ref().map_or(&none, |profile| &profile.custom_fields);
        let special = self.0.special.as_ref().map_or(&none, |special| &special.custom_fields);
        rules.custom(Compartment::Profile).require(profile, &mut faults);
        rules.custom(Compartment::Special).require(special, &mut faults);
        faults.into_result()
    }

    pub const fn draft(&self) -> &CustomerDraft {
        &self.0
    }

    pub fn into_draft(self) -> CustomerDraft {
        self.0
    }
}

const WRONG_KIND: Phrase = Phrase {
    en: "Give the part of the identity that belongs to the kind, and no other.",
    nl: "Geef het deel van de identiteit dat bij de soort hoort, en geen ander.",
};
const NAME_MISSING: Phrase =
    Phrase { en: "Give a family name or a given name.", nl: "Geef een achternaam of een voornaam." };
const SPECIAL: Phrase = Phrase {
    en: "Special data is refused until the tenant has recorded a legal ground (GDPR Art. 9).",
    nl: "Bijzondere gegevens worden geweigerd tot de organisatie een wettelijke grond heeft vastgelegd (AVG art. 9).",
};
const TWICE: Phrase = Phrase { en: "This stands here twice.", nl: "Dit staat hier twee keer." };
const TWO_PRIMARY: Phrase = Phrase { en: "Only one can be primary.", nl: "Er kan er maar één de voornaamste zijn." };

const NOT_A_USER: Phrase = Phrase { en: "Not the id of a user.", nl: "Geen id van een gebruiker." };
const FIXED_KIND: Phrase =
    Phrase { en: "The kind of a customer can't be changed.", nl: "De soort van een klant kan niet veranderen." };
const NO_PURPOSE: Phrase = Phrase { en: "There is no such purpose.", nl: "Dit doel bestaat niet." };

fn purposes(names: &[String], faults: &mut Faults) {
    for (at, _) in names.iter().enumerate().filter(|(_, name)| Purpose::parse(name).is_none()) {
        faults.add(format!("/consentedPurposes/{at}"), "purpose", NO_PURPOSE);
    }
}

fn check(draft: &mut CustomerDraft, rules: &Rules<'_>, faults: &mut Faults) {
    set(&mut draft.language, "/language", faults, |t| LanguageTag::parse(t).map(|l| l.as_str().to_owned()));
    purposes(&draft.consented_purposes, faults);
    draft.consented_purposes.sort();
    draft.consented_purposes.dedup();
    if draft.owner_id.as_deref().is_some_and(|owner| Id::<User>::parse(owner).is_none()) {
        faults.add("/ownerId", "id", NOT_A_USER);
    }
    if rules.before.is_some_and(|before| before.kind != draft.kind) {
        faults.add("/kind", "fixed", FIXED_KIND);
    }
    identity(&mut draft.identity, draft.kind, rules, faults);
    if let Some(contact) = &mut draft.contact {
        self::contact(contact, rules, faults);
    }
    if let Some(financial) = &mut draft.financial {
        self::financial(financial, faults);
    }
    if let Some(profile) = &mut draft.profile {
        self::profile(profile, faults);
    }
    if let Some(notes) = &mut draft.notes {
        long_text::<20_000>(&mut notes.remarks, "/notes/remarks", faults);
    }
    custom_fields(draft, rules, faults);
    drop_empty(draft);
}

fn identity(identity: &mut Identity, kind: CustomerKind, rules: &Rules<'_>, faults: &mut Faults) {
    let given = [identity.person.is_some(), identity.organisation.is_some(), identity.household.is_some()];
    let wanted = [kind == CustomerKind::Person, kind == CustomerKind::Organisation, kind == CustomerKind::Household];
    if given != wanted {
        faults.add("/identity", "kind_mismatch", WRONG_KIND);
    }
    if let Some(person) = &mut identity.person {
        self::person(person, rules, faults);
    }
    if let Some(organisation) = &mut identity.organisation {
        self::organisation(organisation, faults);
    }
    if let Some(household) = &mut identity.household {
        line::<200>(&mut household.name, "/identity/household/name", faults);
    }
    for (at, external) in identity.external_ids.iter_mut().enumerate() {
        line::<40>(&mut external.system, &format!("/identity/externalIds/{at}/system"), faults);
        line::<100>(&mut external.id, &format!("/identity/externalIds/{at}/id"), faults);
        external.system.make_ascii_lowercase();
    }
    twice(&identity.external_ids, "/identity/externalIds", faults);
    identity.display_name = names::display(identity);
}

fn person(person: &mut Person, rules: &Rules<'_>, faults: &mut Faults) {
    let at = |name: &str| format!("/identity/person/{name}");
    optional_line::<40>(&mut person.initials, &at("initials"), faults);
    optional_line::<100>(&mut person.given_name, &at("givenName"), faults);
    optional_line::<40>(&mut person.prefix, &at("prefix"), faults);
    optional_line::<100>(&mut person.family_name, &at("familyName"), faults);
    optional_line::<40>(&mut person.partner_prefix, &at("partnerPrefix"), faults);
    optional_line::<100>(&mut person.partner_family_name, &at("partnerFamilyName"), faults);
    optional_line::<40>(&mut person.title, &at("title"), faults);
    optional(&mut person.birth_date, &at("birthDate"), faults, |t| {
        BirthDate::parse(t, rules.today).map(|d| d.expose().to_owned())
    });
    if person.family_name.is_none() && person.given_name.is_none() {
        faults.add("/identity/person/familyName", "required", NAME_MISSING);
    }
}

fn organisation(organisation: &mut Organisation, faults: &mut Faults) {
    let at = |name: &str| format!("/identity/organisation/{name}");
    line::<200>(&mut organisation.name, &at("name"), faults);
    optional(&mut organisation.kvk_number, &at("kvkNumber"), faults, |t| {
        KvkNumber::parse(t).map(|n| n.expose().to_owned())
    });
    optional(&mut organisation.branch_number, &at("branchNumber"), faults, |t| {
        BranchNumber::parse(t).map(|n| n.expose().to_owned())
    });
    optional(&mut organisation.vat_number, &at("vatNumber"), faults, |t| {
        VatNumber::parse(t).map(|n| n.expose().to_owned())
    });
}

fn contact(contact: &mut Contact, rules: &Rules<'_>, faults: &mut Faults) {
    for (at, email) in contact.emails.iter_mut().enumerate() {
        let at = format!("/contact/emails/{at}");
        set(&mut email.address, &format!("{at}/address"), faults, |t| Email::parse(t).map(|e| e.expose().to_owned()));
        optional_line::<40>(&mut email.label, &format!("{at}/label"), faults);
    }
    for (at, phone) in contact.phones.iter_mut().enumerate() {
        let at = format!("/contact/phones/{at}");
        set(&mut phone.number, &format!("{at}/number"), faults, |t| {
            Phone::parse(t, rules.country.as_str()).map(|p| p.expose().to_owned())
        });
        optional_line::<40>(&mut phone.label, &format!("{at}/label"), faults);
    }
    for (at, address) in contact.addresses.iter_mut().enumerate() {
        self::address(address, &format!("/contact/addresses/{at}"), faults);
    }
    for (at, social) in contact.social_handles.iter_mut().enumerate() {
        line::<40>(&mut social.network, &format!("/contact/socialHandles/{at}/network"), faults);
        line::<100>(&mut social.handle, &format!("/contact/socialHandles/{at}/handle"), faults);
    }
    twice_by(&contact.emails, |e| e.address.to_lowercase(), "/contact/emails", faults);
    twice_by(&contact.phones, |p| p.number.clone(), "/contact/phones", faults);
    one_primary(&mut contact.emails, |e| &mut e.primary, "/contact/emails", faults);
    one_primary(&mut contact.phones, |p| &mut p.primary, "/contact/phones", faults);
    one_primary(&mut contact.addresses, |a| &mut a.primary, "/contact/addresses", faults);
}

fn address(address: &mut Address, at: &str, faults: &mut Faults) {
    optional_line::<40>(&mut address.label, &format!("{at}/label"), faults);
    optional_line::<100>(&mut address.street, &format!("{at}/street"), faults);
    optional_line::<100>(&mut address.city, &format!("{at}/city"), faults);
    let country = faults.check(format!("{at}/country"), CountryCode::parse(&address.country));
    if let Some(country) = country {
        country.as_str().clone_into(&mut address.country);
        optional(&mut address.postcode, &format!("{at}/postcode"), faults, |t| {
            Postcode::parse(t, country).map(|p| p.expose().to_owned())
        });
    }
    if let Some(number) = address.house_number.clone() {
        let addition = address.addition.clone().unwrap_or_default();
        if let Some(parsed) = faults.check(format!("{at}/houseNumber"), HouseNumber::parse(&number, &addition)) {
            address.house_number = Some(parsed.number().to_string());
            address.addition = Some(parsed.addition().to_owned()).filter(|a| !a.is_empty());
        }
    } else {
        optional_line::<20>(&mut address.addition, &format!("{at}/addition"), faults);
    }
}

fn financial(financial: &mut Financial, faults: &mut Faults) {
    for (at, account) in financial.bank_accounts.iter_mut().enumerate() {
        set(&mut account.iban, &format!("/financial/bankAccounts/{at}/iban"), faults, |t| {
            Iban::parse(t).map(|i| i.expose().to_owned())
        });
        optional_line::<100>(&mut account.holder, &format!("/financial/bankAccounts/{at}/holder"), faults);
    }
    twice_by(&financial.bank_accounts, |a| a.iban.clone(), "/financial/bankAccounts", faults);
    one_primary(&mut financial.bank_accounts, |a| &mut a.primary, "/financial/bankAccounts", faults);
    long_text::<2000>(&mut financial.payment_notes, "/financial/paymentNotes", faults);
}

fn profile(profile: &mut Profile, faults: &mut Faults) {
    interests(&mut profile.interests, "/profile/interests", faults);
}

/// Interests that stand `at` this place: each a line, and each once.
pub fn interests(interests: &mut [String], at: &str, faults: &mut Faults) {
    for (index, interest) in interests.iter_mut().enumerate() {
        line::<60>(interest, &format!("{at}/{index}"), faults);
    }
    twice(interests, at, faults);
}

fn custom_fields(draft: &mut CustomerDraft, rules: &Rules<'_>, faults: &mut Faults) {
    let mut none = Values::new();
    let profile = draft.profile.as_mut().map_or(&mut none, |profile| &mut profile.custom_fields);
    rules.custom(Compartment::Profile).run(profile, faults);
    let mut none = Values::new();
    let special = draft.special.as_mut().map_or(&mut none, |special| &mut special.custom_fields);
    let check = rules.custom(Compartment::Special);
    if !rules.special_allowed && !special.is_empty() && check.before != Some(special) {
        faults.add("/special", "special_not_allowed", SPECIAL);
    }
    check.run(special, faults);
}

/// Replaces the text by its canonical spelling, or notes the fault and leaves it.
fn set(text: &mut String, at: &str, faults: &mut Faults, parse: impl FnOnce(&str) -> Result<String, TextFault>) {
    if let Some(parsed) = faults.check(at, parse(text)) {
        *text = parsed;
    }
}

/// The same for a text that may be absent; blank counts as absent.
fn optional(
    text: &mut Option<String>,
    at: &str,
    faults: &mut Faults,
    parse: impl FnOnce(&str) -> Result<String, TextFault>,
) {
    if text.as_ref().is_some_and(|t| t.trim().is_empty()) {
        *text = None;
    }
    if let Some(text) = text {
        set(text, at, faults, parse);
    }
}

/// One line of free text; a citizen service number in it is refused (UAVG Art. 46).
fn free_line<const MAX: usize>(text: &str) -> Result<String, TextFault> {
    let parsed = Text::<MAX>::parse(text)?;
    bsn::refuse(parsed.expose())?;
    Ok(parsed.expose().to_owned())
}

fn line<const MAX: usize>(text: &mut String, at: &str, faults: &mut Faults) {
    set(text, at, faults, free_line::<MAX>);
}

fn optional_line<const MAX: usize>(text: &mut Option<String>, at: &str, faults: &mut Faults) {
    optional(text, at, faults, free_line::<MAX>);
}

fn long_text<const MAX: usize>(text: &mut Option<String>, at: &str, faults: &mut Faults) {
    optional(text, at, faults, |t| {
        let parsed = LongText::<MAX>::parse(t)?;
        bsn::refuse(parsed.expose())?;
        Ok(parsed.expose().to_owned())
    });
}

fn twice<T: PartialEq>(items: &[T], at: &str, faults: &mut Faults) {
    for (index, item) in items.iter().enumerate() {
        if items[..index].contains(item) {
            faults.add(format!("{at}/{index}"), "duplicate", TWICE);
        }
    }
}

fn twice_by<T>(items: &[T], key: impl Fn(&T) -> String, at: &str, faults: &mut Faults) {
    twice(&items.iter().map(key).collect::<Vec<_>>(), at, faults);
}

/// Exactly one is primary wherever there is any.
fn one_primary<T>(items: &mut [T], flag: impl Fn(&mut T) -> &mut bool, at: &str, faults: &mut Faults) {
    let primary: Vec<usize> = (0..items.len()).filter(|index| *flag(&mut items[*index])).collect();
    match primary.as_slice() {
        [] => {
            if let Some(first) = items.first_mut() {
                *flag(first) = true;
            }
        }
        [_] => {}
        [_, second, ..] => faults.add(format!("{at}/{second}/primary"), "primary", TWO_PRIMARY),
    }
}

/// A compartment that holds nothing is not sealed at all.
fn drop_empty(draft: &mut CustomerDraft) {
    fn empty<T: Default + PartialEq>(part: &mut Option<T>) {
        if part.as_ref().is_some_and(|p| *p == T::default()) {
            *part = None;
        }
    }
    empty(&mut draft.contact);
    empty(&mut draft.financial);
    empty(&mut draft.profile);
    empty(&mut draft.notes);
    empty(&mut draft.special);
}
