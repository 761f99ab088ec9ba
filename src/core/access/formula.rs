//! What a decision says about rows: which relation classes let one in, and which keep one out.

use super::vocabulary::{Rel, RelSet};

/// The decision for one object, action and purpose: a row is permitted if one of its classes is allowed and none denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Formula {
    /// The classes that a line allows.
    pub allow: RelSet,
    /// The classes that a line denies; they win.
    pub deny: RelSet,
}

impl Formula {
    /// Permits nothing.
    pub const NOTHING: Self = Self { allow: RelSet::EMPTY, deny: RelSet::EMPTY };

    /// The classes whose rows may be permitted: allowed and not denied.
    pub const fn classes(self) -> RelSet {
        self.allow.without(self.deny)
    }

    /// Whether no row can be permitted.
    pub const fn is_empty(self) -> bool {
        self.classes().is_empty()
    }

    /// Whether a row that stands in these classes is permitted.
    pub const fn permits(self, row: RelSet) -> bool {
        !self.classes().intersection(row).is_empty() && self.deny.intersection(row).is_empty()
    }

    /// Whether a row that stands in this class and no other is permitted.
    pub const fn permits_only(self, rel: Rel) -> bool {
        self.permits(RelSet::of(rel))
    }

    /// Both must permit: an entity and its compartment.
    ///
    /// Not itself a formula (a row could be let in by another class each time), so it answers for one row.
    pub const fn permits_with(self, other: Self, row: RelSet) -> bool {
        self.permits(row) && other.permits(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_classes_win_and_nothing_is_the_default() {
        let all = || (0..=RelSet::ALL.bits()).map(RelSet::from_bits);
        for allow in all() {
            for deny in all() {
                let formula = Formula { allow, deny };
                for row in all() {
                    let let_in = Rel::ALL.iter().any(|rel| row.contains(*rel) && allow.contains(*rel));
                    let kept_out = Rel::ALL.iter().any(|rel| row.contains(*rel) && deny.contains(*rel));
                    assert_eq!(formula.permits(row), let_in && !kept_out);
                }
                assert_eq!(formula.is_empty(), all().all(|row| !formula.permits(row)));
            }
        }
        assert!(Formula::NOTHING.is_empty());
        assert_eq!(Formula::default(), Formula::NOTHING);
    }
}
