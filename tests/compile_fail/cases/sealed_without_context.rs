//! A ciphertext that could be moved to another row.

use kluis_core::privacy::{DataKey, Sealed};

fn seal(key: &DataKey) {
    let _ = Sealed::seal(key, &"value");
}

fn main() {
    let _ = seal;
}
