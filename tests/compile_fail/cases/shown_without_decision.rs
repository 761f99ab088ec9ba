//! A field that leaves without a disclosure decision.

use kluis_core::privacy::{CompartmentSet, Disclosure, Shown};

fn main() {
    let everything = Disclosure::decided(CompartmentSet::ALL);
    let _: Shown<&str> = Shown("value");
}
