//! Personal data in a text.

use kluis_core::privacy::Sensitive;

fn main() {
    let name = Sensitive::new(String::new());
    let _ = name.to_string();
}
