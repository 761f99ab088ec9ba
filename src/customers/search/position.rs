//! Where a page of found records ends, and which of two records comes first.
//!
//! Must never: leave in a cursor where it isn't sealed; a name may stand in it.

use std::cmp::Ordering;

use kluis_core::kernel::{Id, id::Customer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Where the next page goes on: after a record that was shown.
#[derive(Serialize, Deserialize, Clone)]
pub enum Position {
    /// After this hit of a ranked search: best first, equals newest first.
    Hit { score: u32, id: Id<Customer> },
    /// After this record, newest first.
    Before(Id<Customer>),
    /// After this name.
    Name {
        #[serde(with = "wiped")]
        key: Zeroizing<String>,
        id: Id<Customer>,
    },
    /// After all names that may be seen, the other records: newest first, after this one.
    Nameless(Option<Id<Customer>>),
}

impl Position {
    /// `Less` for what comes first. Positions of one list are of one kind, but for the records without a visible name,
    /// which come after all names.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Hit { score, id }, Self::Hit { score: other, id: than }) => (other, than).cmp(&(score, id)),
            (Self::Before(id), Self::Before(than)) => than.cmp(id),
            (Self::Name { key, id }, Self::Name { key: other, id: than }) => (&**key, id).cmp(&(&**other, than)),
            (Self::Nameless(id), Self::Nameless(than)) => id.is_some().cmp(&than.is_some()).then(than.cmp(id)),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Hit { .. } => 0,
            Self::Before(_) => 1,
            Self::Name { .. } => 2,
            Self::Nameless(_) => 3,
        }
    }

    /// The record after which it stands.
    pub const fn id(&self) -> Option<Id<Customer>> {
        match self {
            Self::Hit { id, .. } | Self::Before(id) | Self::Name { id, .. } => Some(*id),
            Self::Nameless(id) => *id,
        }
    }
}

/// Reads and writes a text that is wiped when it is dropped.
mod wiped {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub fn serialize<S: Serializer>(text: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_list_has_its_order() {
        let id = |number| Id::from_uuid(Uuid::from_u128(number));
        let hit = |score, number| Position::Hit { score, id: id(number) };
        let name = |key: &str, number| Position::Name { key: Zeroizing::new(key.to_owned()), id: id(number) };
        let before = |number| Position::Before(id(number));
        let nameless = |number: Option<u128>| Position::Nameless(number.map(id));
        let lists = [
            vec![hit(9, 1), hit(5, 3), hit(5, 2), hit(1, 4)],
            vec![before(3), before(2), before(1)],
            vec![name("adema", 2), name("adema", 3), name("zwart", 1), nameless(None), nameless(Some(5))],
        ];
        for list in lists {
            for (at, one) in list.iter().enumerate() {
                for (beside, other) in list.iter().enumerate() {
                    assert_eq!(one.compare(other), at.cmp(&beside), "{at} {beside}");
                }
            }
        }
    }

    #[test]
    fn a_name_in_a_cursor_comes_back() {
        let id = Id::from_uuid(Uuid::from_u128(7));
        let position = Position::Name { key: Zeroizing::new("zwart".to_owned()), id };
        let text = serde_json::to_string(&position).unwrap();
        let back: Position = serde_json::from_str(&text).unwrap();
        assert!(back.compare(&position).is_eq(), "{text}");
    }
}
