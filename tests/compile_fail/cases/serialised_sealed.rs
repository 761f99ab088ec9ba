//! A ciphertext in an answer.

use kluis_core::privacy::Sealed;
use serde::Serialize;

fn show(sealed: &Sealed<String>) {
    let _ = sealed.serialize(serde_json::value::Serializer);
}

fn main() {
    let _ = show;
}
