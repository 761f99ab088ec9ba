//! Partners and their contact people as they are sent, checked and sealed.

use chrono::NaiveDate;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::name::{NamePart, NameParts, NameUse};
use kluis_core::kernel::{
    CountryCode, Email, Faults, Iban, KvkNumber, LanguageTag, LongText, PersonName, Phone, Phrase, Problem, Text,
    VatNumber, bsn,
};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::web::Ident;

kluis_core::kinds! {
    /// The legal counterpart of a tenant.
    Partner = "par",
    /// Somebody to talk to at a partner.
    PartnerContact = "pct",
}

/// Version of the shape of the sealed parts.
pub const SCHEMA: u16 = 1;

/// How far the contract with a partner has come.
#[derive(Enum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum PartnerStatus {
    /// No contract yet.
    Prospect,
    Active,
    /// The contract has ended.
    Ended,
}

impl PartnerStatus {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Prospect, Self::Active, Self::Ended].into_iter().find(|status| status.code() == code)
    }
}

/// Who the partner is, and the contract.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartnerIdentity {
    #[oai(validator(min_length = 1, max_length = 200))]
    pub legal_name: String,
    #[oai(validator(max_length = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade_name: Option<String>,
    /// Number in the Dutch trade register, eight digits.
    #[oai(validator(max_length = 20))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kvk_number: Option<String>,
    #[oai(validator(max_length = 30))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<String>,
    #[oai(validator(max_length = 60))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_number: Option<String>,
    /// What was agreed, in words.
    #[oai(validator(max_length = 20000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

/// How an organisation or a person is reached.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reach {
    #[oai(default, validator(max_items = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// In any Dutch spelling; kept as E.164.
    #[oai(default, validator(max_items = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// As it stands on an envelope.
    #[oai(validator(max_length = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_address: Option<String>,
}

/// Where money goes.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartnerFinancial {
    #[oai(validator(min_length = 1, max_length = 50))]
    pub iban: String,
    #[oai(validator(max_length = 140))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_holder: Option<String>,
}

/// A partner to be written. Compartments that are absent hold nothing.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartnerDraft {
    /// The tenant that the partner runs: the one that you act for (when absent), or one below it. It stays what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Ident<Tenant>>,
    pub status: PartnerStatus,
    /// ISO 3166-1 alpha-2; phone numbers without a country are read as this country's.
    #[oai(validator(min_length = 2, max_length = 2))]
    pub country: String,
    /// First day of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_starts: Option<NaiveDate>,
    /// Last day of the contract; absent while it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_ends: Option<NaiveDate>,
    pub identity: PartnerIdentity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Reach>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial: Option<PartnerFinancial>,
}

impl Example for PartnerDraft {
    fn example() -> Self {
        Self {
            tenant_id: None,
            status: PartnerStatus::Active,
            country: "NL".to_owned(),
            contract_starts: NaiveDate::from_ymd_opt(2026, 1, 1),
            contract_ends: NaiveDate::from_ymd_opt(2030, 12, 31),
            identity: PartnerIdentity {
                legal_name: "Voorbeeld Exploitatie B.V.".to_owned(),
                contract_number: Some("FR-2026-017".to_owned()),
                ..PartnerIdentity::default()
            },
            contact: None,
            financial: None,
        }
    }
}

/// Which compartments of a draft are checked: those that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    pub identity: bool,
    pub contact: bool,
    pub financial: bool,
}

const BEFORE_START: Phrase =
    Phrase { en: "The contract ends before it starts.", nl: "Het contract eindigt voordat het begint." };

impl PartnerDraft {
    /// The draft in its normal form; every fault is named by its pointer.
    pub fn normalised(mut self, touched: Touched) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        let country = faults.check("/country", CountryCode::parse(&self.country));
        if let (Some(starts), Some(ends)) = (self.contract_starts, self.contract_ends)
            && ends < starts
        {
            faults.add("/contractEnds", "before_start", BEFORE_START);
        }
        if touched.identity {
            self.identity.normalise(&mut faults);
        }
        if let Some(reach) = self.contact.as_mut().filter(|_| touched.contact) {
            reach.normalise(country.unwrap_or(CountryCode::NL), &mut faults);
        }
        if let Some(financial) = self.financial.as_mut().filter(|_| touched.financial) {
            let iban = faults.check("/financial/iban", Iban::parse(&financial.iban));
            set(&mut financial.iban, iban, Iban::expose);
            line::<140>(&mut financial.account_holder, "/financial/accountHolder", &mut faults);
        }
        faults.into_result()?;
        if let Some(country) = country {
            country.as_str().clone_into(&mut self.country);
        }
        Ok(self)
    }
}

impl PartnerIdentity {
    fn normalise(&mut self, faults: &mut Faults) {
        let name = faults.check("/identity/legalName", Text::<200>::parse(&self.legal_name));
        faults.check("/identity/legalName", bsn::refuse(&self.legal_name));
        set(&mut self.legal_name, name, Text::expose);
        line::<200>(&mut self.trade_name, "/identity/tradeName", faults);
        line::<60>(&mut self.contract_number, "/identity/contractNumber", faults);
        if let Some(text) = &mut self.kvk_number {
            let parsed = faults.check("/identity/kvkNumber", KvkNumber::parse(text));
            set(text, parsed, KvkNumber::expose);
        }
        if let Some(text) = &mut self.vat_number {
            let parsed = faults.check("/identity/vatNumber", VatNumber::parse(text));
            set(text, parsed, VatNumber::expose);
        }
        if let Some(text) = &mut self.terms {
            let parsed = faults.check("/identity/terms", LongText::<20_000>::parse(text));
            faults.check("/identity/terms", bsn::refuse(text));
            set(text, parsed, LongText::expose);
        }
    }
}

impl Reach {
    fn normalise(&mut self, country: CountryCode, faults: &mut Faults) {
        for (at, text) in self.emails.iter_mut().enumerate() {
            let parsed = faults.check(format!("/contact/emails/{at}"), Email::parse(text));
            set(text, parsed, Email::expose);
        }
        for (at, text) in self.phones.iter_mut().enumerate() {
            let parsed = faults.check(format!("/contact/phones/{at}"), Phone::parse(text, country.as_str()));
            set(text, parsed, Phone::expose);
        }
        twice(&self.emails, "/contact/emails", faults);
        twice(&self.phones, "/contact/phones", faults);
        if let Some(text) = &mut self.postal_address {
            let parsed = faults.check("/contact/postalAddress", LongText::<500>::parse(text));
            faults.check("/contact/postalAddress", bsn::refuse(text));
            set(text, parsed, LongText::expose);
        }
    }
}

/// Puts the normal form in the place of what was sent; a fault was noted otherwise.
fn set<T>(text: &mut String, parsed: Option<T>, normal: impl FnOnce(&T) -> &str) {
    if let Some(parsed) = parsed {
        normal(&parsed).clone_into(text);
    }
}

fn twice(texts: &[String], pointer: &str, faults: &mut Faults) {
    const TWICE: Phrase = Phrase { en: "This stands here twice.", nl: "Dit staat hier twee keer." };
    for (at, text) in texts.iter().enumerate() {
        if texts[..at].contains(text) {
            faults.add(format!("{pointer}/{at}"), "duplicate", TWICE);
        }
    }
}

fn line<const MAX: usize>(text: &mut Option<String>, pointer: &'static str, faults: &mut Faults) {
    if let Some(text) = text {
        let parsed = faults.check(pointer, Text::<MAX>::parse(text));
        faults.check(pointer, bsn::refuse(text));
        set(text, parsed, Text::expose);
    }
}

/// What somebody does at a partner.
#[derive(Enum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Function {
    Owner,
    Director,
    Manager,
    Finance,
    Legal,
    Other,
}

impl Function {
    const ALL: [Self; 6] = [Self::Owner, Self::Director, Self::Manager, Self::Finance, Self::Legal, Self::Other];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Director => "director",
            Self::Manager => "manager",
            Self::Finance => "finance",
            Self::Legal => "legal",
            Self::Other => "other",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.code() == code)
    }
}

/// Names of a contact person, as Dutch names are built.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactNames {
    /// Made by the server; what is sent here is ignored.
    #[oai(validator(max_length = 400))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initials: Option<String>,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The prefix (tussenvoegsel): `van der`.
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[oai(validator(min_length = 1, max_length = 100))]
    pub family_name: String,
}

/// A contact person to be written.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactDraft {
    pub function: Function,
    /// Language to address them in, BCP 47.
    #[oai(validator(min_length = 2, max_length = 35))]
    pub language: String,
    /// Whether they are asked first.
    #[oai(default)]
    #[serde(default)]
    pub primary: bool,
    pub identity: ContactNames,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Reach>,
}

impl Example for ContactDraft {
    fn example() -> Self {
        Self {
            function: Function::Owner,
            language: "nl".to_owned(),
            primary: true,
            identity: ContactNames {
                given_name: Some("Voor".to_owned()),
                prefix: Some("van".to_owned()),
                family_name: "Beeld".to_owned(),
                ..ContactNames::default()
            },
            contact: Some(Reach { emails: vec!["voor.van.beeld@partner.example".to_owned()], ..Reach::default() }),
        }
    }
}

impl ContactDraft {
    /// The draft in its normal form, with the display name; every fault is named by its pointer.
    pub fn normalised(mut self, country: CountryCode, (identity, contact): (bool, bool)) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        let language = faults.check("/language", LanguageTag::parse(&self.language));
        set(&mut self.language, language, LanguageTag::as_str);
        if identity {
            self.identity.normalise(&mut faults);
        }
        if let Some(reach) = self.contact.as_mut().filter(|_| contact) {
            reach.normalise(country, &mut faults);
        }
        faults.into_result()?;
        Ok(self)
    }
}

impl ContactNames {
    fn normalise(&mut self, faults: &mut Faults) {
        let free = [
            ("/identity/initials", self.initials.as_deref()),
            ("/identity/givenName", self.given_name.as_deref()),
            ("/identity/prefix", self.prefix.as_deref()),
            ("/identity/familyName", Some(self.family_name.as_str())),
        ];
        for (pointer, text) in free {
            faults.check(pointer, bsn::refuse(text.unwrap_or_default()));
        }
        let parts = NameParts {
            title_before: "",
            initials: self.initials.as_deref().unwrap_or_default(),
            given: self.given_name.as_deref().unwrap_or_default(),
            prefix: self.prefix.as_deref().unwrap_or_default(),
            family: &self.family_name,
            partner_prefix: "",
            partner_family: "",
            name_use: NameUse::Own,
            title_after: "",
        };
        match PersonName::parse(&parts) {
            Ok(name) => {
                let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                *self = Self {
                    display_name: some(&name.display()),
                    initials: some(name.initials()),
                    given_name: some(name.given()),
                    prefix: some(name.prefix()),
                    family_name: name.family().to_owned(),
                };
            }
            Err(found) => {
                for (part, fault) in found {
                    faults.add(pointer_of(part), fault.code, fault.detail);
                }
            }
        }
    }
}

const fn pointer_of(part: NamePart) -> &'static str {
    match part {
        NamePart::Initials => "/identity/initials",
        NamePart::Given => "/identity/givenName",
        NamePart::Prefix => "/identity/prefix",
        _ => "/identity/familyName",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Touched = Touched { identity: true, contact: true, financial: true };

    #[test]
    fn drafts_get_their_normal_form_and_name_their_faults() {
        let mut draft = PartnerDraft::example();
        draft.country = "nl".to_owned();
        draft.identity.kvk_number = Some("1234 5678".to_owned());
        draft.contact = Some(Reach { phones: vec!["020 123 4567".to_owned()], ..Reach::default() });
        let normal = draft.clone().normalised(ALL).unwrap();
        assert_eq!((normal.country.as_str(), normal.identity.kvk_number.as_deref()), ("NL", Some("12345678")));
        assert_eq!(normal.contact.unwrap().phones, ["+31201234567"]);

        draft.contract_ends = NaiveDate::from_ymd_opt(2025, 1, 1);
        draft.identity.vat_number = Some("x".to_owned());
        draft.contact = Some(Reach { emails: vec!["a@b.example".into(), "b".into()], ..Reach::default() });
        draft.financial = Some(PartnerFinancial { iban: "NL00BANK0123456789".into(), account_holder: None });
        let faults = draft.normalised(ALL).err().unwrap().faults;
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/contractEnds", "/identity/vatNumber", "/contact/emails/1", "/financial/iban"]);
    }

    #[test]
    fn contact_people_have_a_display_name_of_ours() {
        let mut draft = ContactDraft::example();
        draft.identity.display_name = Some("iets anders".to_owned());
        let normal = draft.normalised(CountryCode::NL, (true, true)).unwrap();
        assert_eq!(normal.identity.display_name.as_deref(), Some("Voor van Beeld"));
    }
}
