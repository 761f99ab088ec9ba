//! How a row stands to the one who asks: the relation classes, each of which is one SQL predicate per entity.

use super::words;

words! {
    /// A relation class between the acting subject and a row.
    Rel {
        /// My own record as a person in the file; my own account. (`self` is taken in Rust.)
        Myself = "self", "about myself", "over mijzelf";
        Own = "own", "assigned to me", "aan mij toegewezen";
        Unit = "unit", "of my own organisation", "van mijn eigen organisatie";
        Sub = "sub", "of the organisations below mine", "van de organisaties onder de mijne";
        /// Through an active sharing agreement.
        Shared = "shared", "shared with my organisation", "gedeeld met mijn organisatie";
        /// The whole network; for figures only.
        Net = "net", "of the whole network", "van het hele netwerk";
    }
}

impl Rel {
    const fn bit(self) -> u8 {
        1 << self.index()
    }
}

/// A set of relation classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct RelSet(u8);

impl RelSet {
    pub const EMPTY: Self = Self(0);
    pub const ALL: Self = Self((1 << Rel::COUNT) - 1);

    pub const fn of(rel: Rel) -> Self {
        Self(rel.bit())
    }

    /// The bit mask that SQL computes for a row: bit `n` stands for the class with index `n`. Unknown bits are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    pub const fn bits(self) -> u8 {
        self.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn contains(self, rel: Rel) -> bool {
        self.0 & rel.bit() != 0
    }

    #[must_use]
    pub const fn with(self, rel: Rel) -> Self {
        Self(self.0 | rel.bit())
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set but not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The classes, in the order of [`Rel::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Rel> {
        Rel::ALL.iter().copied().filter(move |rel| self.contains(*rel))
    }
}

impl FromIterator<Rel> for RelSet {
    fn from_iter<I: IntoIterator<Item = Rel>>(rels: I) -> Self {
        rels.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl std::fmt::Debug for RelSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Rel::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        for bits in 0..=RelSet::ALL.bits() {
            let set = RelSet::from_bits(bits);
            assert_eq!(set.iter().collect::<RelSet>(), set);
            for rel in Rel::ALL.iter().copied() {
                assert_eq!(set.contains(rel), set.iter().any(|held| held == rel));
                assert!(set.with(rel).contains(rel));
                assert!(!set.without(RelSet::of(rel)).contains(rel));
            }
        }
        assert_eq!(RelSet::from_bits(0xFF), RelSet::ALL);
        assert_eq!(RelSet::ALL.iter().count(), Rel::COUNT);
    }
}
