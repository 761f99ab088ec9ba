//! What a condition can be about: a field of ours by its name, or a custom field by `custom.<key>`.

use std::borrow::Cow;
use std::fmt;

use kluis_core::privacy::Compartment;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::custom_fields::model::is_key;

/// A field of a condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Field {
    Email,
    Phone,
    Iban,
    Postcode,
    /// Postcode and house number of one address.
    PostcodeHouse,
    City,
    /// `system:id`
    ExternalId,
    FamilyName,
    GivenName,
    OrganisationName,
    BirthDate,
    KvkNumber,
    Remarks,
    Interest,
    Status,
    Kind,
    Source,
    Language,
    Region,
    OwnerId,
    /// A field that the tenant has defined, by its key.
    Custom(Box<str>),
}

/// The names of our own fields.
const OWN: [(&str, Field); 20] = [
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("iban", Field::Iban),
    ("postcode", Field::Postcode),
    ("postcodeHouse", Field::PostcodeHouse),
    ("city", Field::City),
    ("externalId", Field::ExternalId),
    ("familyName", Field::FamilyName),
    ("givenName", Field::GivenName),
    ("organisationName", Field::OrganisationName),
    ("birthDate", Field::BirthDate),
    ("kvkNumber", Field::KvkNumber),
    ("remarks", Field::Remarks),
    ("interest", Field::Interest),
    ("status", Field::Status),
    ("kind", Field::Kind),
    ("source", Field::Source),
    ("language", Field::Language),
    ("region", Field::Region),
    ("ownerId", Field::OwnerId),
];

const CUSTOM: &str = "custom.";

impl Field {
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(CUSTOM) {
            Some(key) => is_key(key).then(|| Self::Custom(key.into())),
            None => OWN.iter().find(|(name, _)| *name == text).map(|(_, field)| field.clone()),
        }
    }

    /// The compartment that one must see to ask; `None` for plain columns, and for custom fields, whose compartment is
    /// declared by each tenant.
    pub const fn compartment(&self) -> Option<Compartment> {
        match self {
            Self::Email | Self::Phone | Self::Postcode | Self::PostcodeHouse | Self::City => Some(Compartment::Contact),
            Self::Iban => Some(Compartment::Financial),
            Self::ExternalId
            | Self::FamilyName
            | Self::GivenName
            | Self::OrganisationName
            | Self::BirthDate
            | Self::KvkNumber => Some(Compartment::Identity),
            Self::Remarks => Some(Compartment::Notes),
            Self::Interest => Some(Compartment::Profile),
            Self::Status
            | Self::Kind
            | Self::Source
            | Self::Language
            | Self::Region
            | Self::OwnerId
            | Self::Custom(_) => None,
        }
    }

    /// Whether what is typed is read by the usages of the tenant's country.
    pub const fn is_national(&self) -> bool {
        matches!(self, Self::Phone | Self::PostcodeHouse)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(key) => write!(f, "{CUSTOM}{key}"),
            own => f.write_str(OWN.iter().find(|(_, field)| field == own).map_or("", |(name, _)| name)),
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

impl Type for Field {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "customer_search_field".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let own = MetaSchema {
            description: Some(
                "A field of ours. `postcodeHouse` is an address as a whole, `1234 AB 12-a`, and takes only `eq` and \
                 `exists`; abroad the country stands in front, `BE 2000 12`. Telephone numbers and addresses without a \
                 country are read by that of the record's tenant.",
            ),
            enum_items: OWN.iter().map(|(name, _)| Value::from(*name)).collect(),
            ..MetaSchema::new("string")
        };
        let custom = MetaSchema {
            description: Some("A custom field of the tenant, by its key."),
            pattern: Some("^custom\\.[a-z][A-Za-z0-9]{0,39}$".to_owned()),
            example: Some("custom.shoeSize".into()),
            ..MetaSchema::new("string")
        };
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        inline(MetaSchema { any_of: vec![inline(own), inline(custom)], ..MetaSchema::ANY })
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Field {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let found = value.as_ref().and_then(Value::as_str).and_then(Self::parse);
        found.ok_or_else(|| ParseError::expected_type(value.unwrap_or_default()))
    }
}

impl ToJSON for Field {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_one_word() {
        for (name, field) in OWN {
            assert_eq!((Field::parse(name), field.to_string().as_str()), (Some(field.clone()), name));
        }
        let custom = Field::parse("custom.shoeSize");
        assert_eq!(custom.map(|field| field.to_string()).as_deref(), Some("custom.shoeSize"));
        for wrong in ["custom.", "custom.Size", "custom.a.b", "Email", "", "shoeSize"] {
            assert_eq!(Field::parse(wrong), None, "{wrong}");
        }
    }
}
