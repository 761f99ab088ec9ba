//! A value in memory that must not leave by accident.
//!
//! Must never: print, log or serialise what it holds. There is one way to it, [`Sensitive::expose`], which grep finds.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// Holds personal data or a secret: no `Display`, no `Serialize`, a `Debug` without the value, wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Whoever calls this answers for where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Turns it into another sensitive value; the old one is wiped.
    #[must_use]
    pub fn map<U: Zeroize>(self, change: impl FnOnce(&T) -> U) -> Sensitive<U> {
        Sensitive(change(&self.0))
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive")
    }
}

/// Values come in (bodies, configuration), they don't go out.
impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn debug_says_nothing() {
        let value = Sensitive::new("canary@example.org".to_owned());
        assert_eq!(format!("{value:?} {:?}", Some(&value)), "Sensitive Some(Sensitive)");
    }

    #[test]
    fn it_is_wiped_when_dropped() {
        struct Probe(Rc<Cell<u32>>);
        impl Zeroize for Probe {
            fn zeroize(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let wiped = Rc::new(Cell::new(0));
        drop(Sensitive::new(Probe(wiped.clone())));
        assert_eq!(wiped.get(), 1);
        let _kept = Sensitive::new(Probe(wiped.clone())).map(|_| 1_u8);
        assert_eq!(wiped.get(), 2);
    }
}
