//! Typed ids: a prefix that people recognise and a UUIDv7 (RFC 9562) that sorts by creation time.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::Entropy;

/// What an id identifies. The prefix is part of the text form: `cus_0190…`.
pub trait Kind: 'static {
    /// Lower-case letters, without the underscore.
    const PREFIX: &'static str;
}

/// An id of one kind; ids of different kinds can't be swapped.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K: Kind> Id<K> {
    /// A new id: 48 bits of `now` in milliseconds, 74 random bits.
    pub fn new(now: DateTime<Utc>, entropy: &dyn Entropy) -> Self {
        let mut random = [0_u8; 10];
        entropy.fill(&mut random);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(), PhantomData)
    }

    /// Wraps what the database holds.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// Parses the text form; `None` for another prefix or a malformed UUID. Only the canonical spelling is accepted.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(K::PREFIX)?.strip_prefix('_')?;
        let uuid = Uuid::try_parse(rest).ok()?;
        let canonical = rest.len() == 36 && !rest.bytes().any(|b| b.is_ascii_uppercase());
        canonical.then_some(Self(uuid, PhantomData))
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.0.as_hyphenated())
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As `Display` writes it, without the machinery of formatting: lists are full of ids.
        let mut hyphenated = [0; uuid::fmt::Hyphenated::LENGTH];
        let mut text = String::with_capacity(K::PREFIX.len() + 1 + hyphenated.len());
        text.push_str(K::PREFIX);
        text.push('_');
        text.push_str(self.0.as_hyphenated().encode_lower(&mut hyphenated));
        serializer.serialize_str(&text)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an id of this kind"))
    }
}

/// Declares kinds of ids: `kinds! { Customer = "cus" }`.
#[macro_export]
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {
        $($(#[$doc])* #[derive(Debug, Clone, Copy, PartialEq, Eq)] pub enum $name {}
        impl $crate::kernel::Kind for $name { const PREFIX: &'static str = $prefix; })+
    };
}

kinds! {
    /// An organisation that works in Kluis: headquarters, region, franchisee, member organisation, charity.
    Tenant = "ten",
    /// A person who signs in.
    User = "usr",
    /// A person or organisation in the file: the data subject.
    Customer = "cus",
    /// One contact with a customer.
    Interaction = "int",
    /// A fact in the audit log.
    AuditEvent = "aud",
    /// An import, export or other long work.
    Job = "job",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_of_the_right_kind_parses() {
        let text = "cus_01932f5e-8a70-7abc-8def-0123456789ab";
        assert_eq!(Id::<Customer>::parse(text).map(|id| id.to_string()).as_deref(), Some(text));
        for wrong in [
            "int_01932f5e-8a70-7abc-8def-0123456789ab",
            "cus_01932F5E-8A70-7ABC-8DEF-0123456789AB",
            "cus_01932f5e8a707abc8def0123456789ab",
            "01932f5e-8a70-7abc-8def-0123456789ab",
            "cus_",
            "",
        ] {
            assert_eq!(Id::<Customer>::parse(wrong), None, "{wrong}");
        }
    }
}
