//! Typed ids at the edge: the kernel's [`Id`] with the schema that the document needs.
//!
//! In a path, a malformed id is answered like one that doesn't exist; in a body or a query it is a fault with its pointer.

use std::borrow::Cow;

use kluis_core::kernel::{Id, Kind};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{Example, ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An id as it stands in paths, queries, bodies and views: `id: Path<Ident<Customer>>`, then `id.0.0`.
pub struct Ident<K>(pub Id<K>);

impl<K> Clone for Ident<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Ident<K> {}
impl<K> PartialEq for Ident<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Ident<K> {}
impl<K> PartialOrd for Ident<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Ident<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> From<Id<K>> for Ident<K> {
    fn from(id: Id<K>) -> Self {
        Self(id)
    }
}
impl<K: Kind> std::fmt::Display for Ident<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}
impl<K: Kind> std::fmt::Debug for Ident<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}
impl<K: Kind> Serialize for Ident<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Ident<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Id::parse(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not an id of this kind"))
    }
}

impl<K: Kind> Type for Ident<K> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("{}_id", K::PREFIX).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let hex = |digits: u8| format!("[0-9a-f]{{{digits}}}");
        let uuid = [8, 4, 4, 4, 12].map(hex).join("-");
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            pattern: Some(format!("^{}_{uuid}$", K::PREFIX)),
            example: Some(format!("{}_01932f5e-8a70-7abc-8def-0123456789ab", K::PREFIX).into()),
            ..MetaSchema::new("string")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<K: Kind> ParseFromParameter for Ident<K> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Id::parse(value).map(Self).ok_or_else(|| ParseError::custom("not an id of this kind"))
    }
}

impl<K: Kind> ParseFromJSON for Ident<K> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(text)) => Self::parse_from_parameter(&text),
            other => Err(ParseError::expected_type(other.unwrap_or_default())),
        }
    }
}

impl<K: Kind> Example for Ident<K> {
    fn example() -> Self {
        Self(Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab)))
    }
}

impl<K: Kind> ToJSON for Ident<K> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.to_string()))
    }
}
