//! One structure per compartment. A field's place here is its declaration: what is in `Contact` is sealed, disclosed,
//! kept and erased as contact data.

use std::collections::BTreeMap;

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// A social network, a label of an address: short words that tenants choose freely.
type Label = String;

/// Who it is. Exactly one of `person`, `organisation` and `household` is there, according to the customer's kind.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// The name as people read it. Made by the server; what is sent here is ignored.
    #[oai(validator(max_length = 400))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<Organisation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<Household>,
    /// Numbers under which other systems know this customer. They are found exactly, and each is unique in the tenant.
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

/// A person's names, as Dutch names are built.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// `J.P.`
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initials: Option<String>,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The own prefix (tussenvoegsel): `van der`.
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The prefix of the partner's name.
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_prefix: Option<String>,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_family_name: Option<String>,
    /// Which of the names is used, and in which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_use: Option<NameUse>,
    /// Before the name: `dr.`
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// RFC 3339 date.
    #[oai(validator(max_length = 10))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
}

/// Which names somebody goes by: their own, the partner's, or both.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum NameUse {
    Own,
    Partner,
    PartnerOwn,
    OwnPartner,
}

/// How somebody wants to be addressed.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    Female,
    Male,
    Other,
    NotStated,
}

/// An organisation's name and its numbers in registers.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organisation {
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
    /// KvK number, 8 digits.
    #[oai(validator(max_length = 12))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kvk_number: Option<String>,
    /// KvK branch number (vestigingsnummer), 12 digits.
    #[oai(validator(max_length = 16))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_number: Option<String>,
    #[oai(validator(max_length = 20))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<String>,
}

/// People who live together; who belongs to it is told by relations.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Household {
    /// As it stands on an envelope.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
}

/// A number in another system.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalId {
    /// A short name of the system, the same for all customers: `webshop`.
    #[oai(validator(min_length = 1, max_length = 40))]
    pub system: String,
    #[oai(validator(min_length = 1, max_length = 100))]
    pub id: String,
}

/// How to reach them.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contact {
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<EmailAddress>,
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<PhoneNumber>,
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub social_handles: Vec<SocialHandle>,
}

/// An e-mail address, and what is known of it.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailAddress {
    #[oai(validator(min_length = 3, max_length = 254))]
    pub address: String,
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// At most one of a kind is primary; where none is, the first one becomes it.
    #[oai(default)]
    #[serde(default)]
    pub primary: bool,
    /// Proven to be theirs.
    #[oai(default)]
    #[serde(default)]
    pub verified: bool,
    /// Known not to work; it is not used any more, but kept from being entered again.
    #[oai(default)]
    #[serde(default)]
    pub invalid: bool,
}

/// A phone number, and what is known of it.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PhoneNumber {
    /// In any spelling; kept and shown as E.164.
    #[oai(validator(min_length = 3, max_length = 40))]
    pub number: String,
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    #[oai(default)]
    #[serde(default)]
    pub primary: bool,
    #[oai(default)]
    #[serde(default)]
    pub verified: bool,
    #[oai(default)]
    #[serde(default)]
    pub invalid: bool,
}

/// A postal address.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    #[oai(validator(max_length = 10))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub house_number: Option<String>,
    #[oai(validator(max_length = 20))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addition: Option<String>,
    #[oai(validator(max_length = 12))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166 alpha-2.
    #[oai(validator(min_length = 2, max_length = 2))]
    pub country: String,
    #[oai(default)]
    #[serde(default)]
    pub primary: bool,
    #[oai(default)]
    #[serde(default)]
    pub verified: bool,
    #[oai(default)]
    #[serde(default)]
    pub invalid: bool,
}

/// A name on a social network.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SocialHandle {
    #[oai(validator(min_length = 1, max_length = 40))]
    pub network: Label,
    #[oai(validator(min_length = 1, max_length = 100))]
    pub handle: String,
}

/// What is needed to pay and to be paid.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Financial {
    #[oai(default, validator(max_items = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bank_accounts: Vec<BankAccount>,
    #[oai(validator(max_length = 2000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_notes: Option<String>,
}

/// A bank account.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BankAccount {
    #[oai(validator(min_length = 5, max_length = 42))]
    pub iban: String,
    #[oai(validator(max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    #[oai(default)]
    #[serde(default)]
    pub primary: bool,
}

/// What they like, and what the tenant's own fields hold.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    #[oai(default, validator(max_items = 50))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interests: Vec<String>,
    /// Values of the tenant's custom fields of this compartment, by name.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: BTreeMap<String, serde_json::Value>,
}

/// Free text about them.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notes {
    #[oai(validator(max_length = 20_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remarks: Option<String>,
}

/// Data of GDPR Art. 9 and 10; refused unless the tenant has recorded a legal ground.
#[derive(Object, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Special {
    /// Values of the tenant's custom fields of this compartment, by name.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: BTreeMap<String, serde_json::Value>,
}
