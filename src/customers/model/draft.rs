//! A customer as it is sent: everything that may be written, nothing that the server decides.

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use super::{Contact, EmailAddress, Financial, Identity, Notes, Person, PhoneNumber, Profile, Special};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? })+) => {
        $($(#[$doc])*
        #[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
        #[oai(rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As stored and as sent.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        })+
    };
}

codes! {
    /// What a customer is.
    CustomerKind { Person = "person", Organisation = "organisation", Household = "household" }
    /// How far a customer has come with us.
    CustomerStatus { Prospect = "prospect", Active = "active", Former = "former" }
    /// Ways of getting in touch.
    Channel {
        Email = "email", Phone = "phone", Visit = "visit", Chat = "chat", Social = "social", Letter = "letter", Web = "web",
    }
    /// Legal bases of GDPR Art. 6(1), by their W3C DPV terms in snake case.
    LegalBasis {
        Consent = "consent",
        Contract = "contract",
        LegalObligation = "legal_obligation",
        VitalInterest = "vital_interest",
        PublicInterest = "public_interest",
        LegitimateInterest = "legitimate_interest",
    }
}

/// A customer to be written. Compartments that are absent hold nothing.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerDraft {
    pub kind: CustomerKind,
    pub status: CustomerStatus,
    /// Who looks after them: a user of the same tenant.
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Language to address them in, BCP 47.
    #[oai(validator(max_length = 35))]
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_channel: Option<Channel>,
    /// Where the data comes from (GDPR Art. 14): `webshop`, `fair`, `referral` …
    #[oai(validator(min_length = 1, max_length = 60, pattern = "^[a-z0-9]+([-_.][a-z0-9]+)*$"))]
    pub source: String,
    /// Without a legal basis nothing personal is written (GDPR Art. 6).
    pub legal_basis: LegalBasis,
    /// Purposes that they consented to: `marketing` …
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consented_purposes: Vec<String>,
    pub identity: Identity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial: Option<Financial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special: Option<Special>,
}

impl Example for CustomerDraft {
    fn example() -> Self {
        let person = Person {
            given_name: Some("Fenna".to_owned()),
            prefix: Some("van".to_owned()),
            family_name: Some("Voorbeeld".to_owned()),
            ..Person::default()
        };
        let email = EmailAddress { address: "fenna@voorbeeld.example".to_owned(), ..EmailAddress::default() };
        let phone = PhoneNumber { number: "06-12345678".to_owned(), ..PhoneNumber::default() };
        Self {
            kind: CustomerKind::Person,
            status: CustomerStatus::Prospect,
            owner_id: None,
            language: "nl".to_owned(),
            preferred_channel: Some(Channel::Email),
            source: "website".to_owned(),
            legal_basis: LegalBasis::Contract,
            consented_purposes: Vec::new(),
            identity: Identity { person: Some(person), ..Identity::default() },
            contact: Some(Contact { emails: vec![email], phones: vec![phone], ..Contact::default() }),
            financial: None,
            profile: None,
            notes: None,
            special: None,
        }
    }
}
