//! Compartments: the one unit of encryption, policy, retention, export and erasure of a record's personal data.
//!
//! Must never hold a value; the names and positions are stored and must not change.

use std::fmt;

use serde::{Serialize, Serializer};

/// One part of a record that is sealed, shown, expired and erased as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compartment {
    /// Names, birth date, gender, language of address.
    Identity,
    /// E-mail addresses, phone numbers, postal addresses, handles.
    Contact,
    /// IBAN, account holder, mandates, payment notes.
    Financial,
    /// Custom fields, preferences, household, interests.
    Profile,
    /// Free text.
    Notes,
    /// Special categories and criminal data (GDPR Art. 9 and 10).
    Special,
}

impl Compartment {
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Contact, Self::Financial, Self::Profile, Self::Notes, Self::Special];

    /// The name in policies, columns, contexts of sealed values and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Contact => "contact",
            Self::Financial => "financial",
            Self::Profile => "profile",
            Self::Notes => "notes",
            Self::Special => "special",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compartment| compartment.name() == name)
    }

    /// Position in [`Self::ALL`] and in the bits of a [`CompartmentSet`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Compartment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Compartment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A set of compartments in one byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CompartmentSet(u8);

impl CompartmentSet {
    pub const EMPTY: Self = Self(0);
    pub const ALL: Self = Self(0b11_1111);

    pub const fn of(compartments: &[Compartment]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < compartments.len() {
            bits |= 1 << compartments[at].index();
            at += 1;
        }
        Self(bits)
    }

    /// Bit `n` stands for the compartment with index `n`.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Bits that stand for nothing are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub const fn contains(self, compartment: Compartment) -> bool {
        self.0 & (1 << compartment.index()) != 0
    }

    pub const fn insert(&mut self, compartment: Compartment) {
        self.0 |= 1 << compartment.index();
    }

    pub const fn remove(&mut self, compartment: Compartment) {
        self.0 &= !(1 << compartment.index());
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Compartment> {
        Compartment::ALL.into_iter().filter(move |compartment| self.contains(*compartment))
    }
}

impl FromIterator<Compartment> for CompartmentSet {
    fn from_iter<I: IntoIterator<Item = Compartment>>(compartments: I) -> Self {
        let mut set = Self::EMPTY;
        compartments.into_iter().for_each(|compartment| set.insert(compartment));
        set
    }
}

impl fmt::Debug for CompartmentSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Compartment::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_positions_are_frozen() {
        let names = Compartment::ALL.map(Compartment::name);
        assert_eq!(names, ["identity", "contact", "financial", "profile", "notes", "special"]);
        for (position, compartment) in Compartment::ALL.into_iter().enumerate() {
            assert_eq!(compartment.index(), position);
            assert_eq!(Compartment::from_name(compartment.name()), Some(compartment));
        }
        assert_eq!(Compartment::from_name("Identity"), None);
    }

    #[test]
    fn sets_obey_the_laws_of_sets() {
        for left in (0..64).map(CompartmentSet::from_bits) {
            assert_eq!(left.iter().collect::<CompartmentSet>(), left);
            assert_eq!(left.iter().count(), left.len());
            for right in (0..64).map(CompartmentSet::from_bits) {
                assert!(left.is_subset(left.union(right)) && left.intersection(right).is_subset(left));
                assert_eq!(left.difference(right).union(left.intersection(right)), left);
                assert_eq!(left.is_subset(right), left.iter().all(|one| right.contains(one)));
            }
        }
        assert_eq!(CompartmentSet::from_bits(0xff), CompartmentSet::ALL);
        assert_eq!(CompartmentSet::of(&Compartment::ALL), CompartmentSet::ALL);
    }
}
