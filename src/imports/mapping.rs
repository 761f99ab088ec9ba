//! Which column of a table becomes which field of a customer.
//!
//! In the API and on the command line a field is one word: `email`, `externalId:<system>`, `custom.<key>`.
//!
//! Must never: hold a value of a row; names of columns and codes only.

use std::fmt;

use crate::custom_fields::model::is_key;
use kluis_core::kernel::{CountryCode, Faults, Phrase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the value of a column goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// Nowhere: it isn't read.
    Ignore,
    /// The customer's number in another system; lines with one are written over the customer that has it already.
    ExternalId {
        system: String,
    },
    /// Gender, or a form of address that tells it.
    Gender,
    Initials,
    GivenName,
    Prefix,
    FamilyName,
    /// The family name with its prefix in front: `van der Berg`.
    PrefixedFamilyName,
    PartnerPrefix,
    PartnerFamilyName,
    BirthDate,
    OrganisationName,
    KvkNumber,
    BranchNumber,
    VatNumber,
    Email,
    Phone,
    Street,
    /// House number, with its addition or without.
    HouseNumber,
    HouseAddition,
    /// Street, number and addition in one column.
    StreetAndNumber,
    Postcode,
    City,
    Country,
    Iban,
    AccountHolder,
    /// Yes or no to the newsletter; recorded as evidence of consent, never as more than that.
    Newsletter,
    Language,
    Remarks,
    /// A field that the tenant has defined, by its key.
    Custom {
        name: String,
    },
}

/// Every field without a parameter, by its name.
const PLAIN: [(&str, Field); 28] = [
    ("ignore", Field::Ignore),
    ("gender", Field::Gender),
    ("initials", Field::Initials),
    ("givenName", Field::GivenName),
    ("prefix", Field::Prefix),
    ("familyName", Field::FamilyName),
    ("prefixedFamilyName", Field::PrefixedFamilyName),
    ("partnerPrefix", Field::PartnerPrefix),
    ("partnerFamilyName", Field::PartnerFamilyName),
    ("birthDate", Field::BirthDate),
    ("organisationName", Field::OrganisationName),
    ("kvkNumber", Field::KvkNumber),
    ("branchNumber", Field::BranchNumber),
    ("vatNumber", Field::VatNumber),
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("street", Field::Street),
    ("houseNumber", Field::HouseNumber),
    ("houseAddition", Field::HouseAddition),
    ("streetAndNumber", Field::StreetAndNumber),
    ("postcode", Field::Postcode),
    ("city", Field::City),
    ("country", Field::Country),
    ("iban", Field::Iban),
    ("accountHolder", Field::AccountHolder),
    ("newsletter", Field::Newsletter),
    ("language", Field::Language),
    ("remarks", Field::Remarks),
];

const EXTERNAL: &str = "externalId:";
const CUSTOM: &str = "custom.";
/// Names of systems.
const LONGEST_NAME: usize = 40;

impl Field {
    /// The names of the fields that take no parameter.
    pub fn plain_names() -> impl Iterator<Item = &'static str> {
        PLAIN.iter().map(|(name, _)| *name)
    }

    pub fn parse(text: &str) -> Option<Self> {
        if let Some(system) = text.strip_prefix(EXTERNAL) {
            return is_name(system).then(|| Self::ExternalId { system: system.to_owned() });
        }
        if let Some(name) = text.strip_prefix(CUSTOM) {
            return is_key(name).then(|| Self::Custom { name: name.to_owned() });
        }
        PLAIN.iter().find(|(name, _)| *name == text).map(|(_, field)| field.clone())
    }

    /// Whether several columns may go there.
    const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Ignore | Self::Email | Self::Phone | Self::Remarks)
    }

    const fn names_somebody(&self) -> bool {
        matches!(self, Self::FamilyName | Self::PrefixedFamilyName | Self::GivenName | Self::OrganisationName)
    }
}

/// Letters, digits, dots, dashes and underscores.
pub fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExternalId { system } => write!(f, "{EXTERNAL}{system}"),
            Self::Custom { name } => write!(f, "{CUSTOM}{name}"),
            plain => f.write_str(PLAIN.iter().find(|(_, field)| field == plain).map_or("ignore", |(name, _)| name)),
        }
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a field"))
    }
}

/// The fields of a table's columns in their order, and how their values are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    pub columns: Vec<Field>,
    /// Country of phone numbers and addresses that name none.
    pub country: CountryCode,
}

const COLUMNS: Phrase = Phrase {
    en: "Give one field for each column of the file.",
    nl: "Geef voor elke kolom van het bestand één veld op.",
};
const TWICE: Phrase =
    Phrase { en: "Only one column may go to this field.", nl: "Er mag maar één kolom naar dit veld gaan." };
const NOBODY: Phrase = Phrase {
    en: "A column has to hold the family name, the given name or the name of the organisation.",
    nl: "Een kolom moet de achternaam, de voornaam of de naam van de organisatie bevatten.",
};

impl Mapping {
    /// All that is wrong with it for a table of so many columns. Pointers are `/columns` and `/columns/<n>`.
    pub fn check(&self, width: usize, faults: &mut Faults) {
        if self.columns.len() != width {
            faults.add("/columns", "columns", COLUMNS);
        }
        for (position, field) in self.columns.iter().enumerate() {
            let earlier = self.columns.iter().take(position).any(|other| clashes(other, field));
            if earlier && !field.is_repeatable() {
                faults.add(format!("/columns/{position}"), "field_twice", TWICE);
            }
        }
        if !self.columns.iter().any(Field::names_somebody) {
            faults.add("/columns", "name", NOBODY);
        }
    }

    /// The system whose numbers the lines are keyed by.
    pub fn key_system(&self) -> Option<&str> {
        self.columns.iter().find_map(|field| match field {
            Field::ExternalId { system } => Some(system.as_str()),
            _ => None,
        })
    }
}

/// A customer has one number per line, whatever the system.
fn clashes(one: &Field, other: &Field) -> bool {
    one == other || matches!((one, other), (Field::ExternalId { .. }, Field::ExternalId { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(columns: &[&str]) -> Mapping {
        let columns = columns.iter().map(|c| Field::parse(c).unwrap()).collect();
        Mapping { columns, country: CountryCode::NL }
    }

    fn codes(columns: &[&str], width: usize) -> Vec<(String, &'static str)> {
        let mut faults = Faults::new();
        mapping(columns).check(width, &mut faults);
        faults.into_vec().into_iter().map(|f| (f.pointer, f.code)).collect()
    }

    #[test]
    fn every_field_is_one_word() {
        for (name, field) in PLAIN {
            assert_eq!(Field::parse(name), Some(field.clone()));
            assert_eq!(field.to_string(), name);
        }
        let external = Field::parse("externalId:klantnummer");
        assert_eq!(external, Some(Field::ExternalId { system: "klantnummer".to_owned() }));
        assert_eq!(external.map(|f| f.to_string()).as_deref(), Some("externalId:klantnummer"));
        for wrong in ["externalId:", "externalId:a b", "custom.", "Email", "", "custom.a/b", "custom.Maat"] {
            assert_eq!(Field::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_fault_of_a_mapping_is_named() {
        assert_eq!(codes(&["familyName", "email", "email", "ignore"], 4), []);
        assert_eq!(codes(&["email"], 2), [("/columns".to_owned(), "columns"), ("/columns".to_owned(), "name")]);
        assert_eq!(
            codes(&["familyName", "iban", "iban", "externalId:a", "externalId:b"], 5),
            [("/columns/2".to_owned(), "field_twice"), ("/columns/4".to_owned(), "field_twice")]
        );
    }

    #[test]
    fn it_survives_storage() {
        let one = mapping(&["familyName", "externalId:oud", "custom.maat"]);
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, r#"{"columns":["familyName","externalId:oud","custom.maat"],"country":"NL"}"#);
        assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), one);
    }
}
