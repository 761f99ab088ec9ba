//! The API's document, as far as the program itself can judge it; the linters of `tests/tools/openapi.sh` see more.

use crate::files::assert_none;

#[test]
fn a_reader_of_the_document_misses_nothing() {
    let document = kluis::domains::document().unwrap_or_else(|error| panic!("{error}"));
    assert_none("Every operation, parameter and schema says what it is, with an example", &document.findings());
}

#[test]
fn the_checked_in_document_is_the_one_of_the_code() {
    let document = kluis::domains::document().unwrap_or_else(|error| panic!("{error}"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/kluis.json");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == document.text(), "run: kluis openapi openapi/kluis.json");
}
