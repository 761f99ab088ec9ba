//! What the types promise: code that would break a rule of privacy or access doesn't compile.
//!
//! `TRYBUILD=overwrite cargo test -p kluis-core --test compile_fail` writes the expected messages anew; read the
//! difference, since a message about something else means that the wall stands elsewhere than one thinks.

#[test]
fn wrong_code_does_not_compile() {
    trybuild::TestCases::new().compile_fail("../../tests/compile_fail/cases/*.rs");
}
