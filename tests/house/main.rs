//! The rules of the house, read off the project's own files: floors, style, dependencies, migrations, places.
//!
//! Each rule is a function over file contents, tried beside itself on files that break it, and here on the project.

mod document;
mod files;
mod floors;
mod frozen;
mod manifest;
mod migrations;
mod paths;
mod places;
mod style;
mod tokens;

use files::{Source, all, assert_none, rust_sources};

#[test]
fn imports_go_down_the_floors() {
    assert_none("The floors of src/lib.rs and src/core/lib.rs", &floors::breaches(&rust_sources()));
}

#[test]
fn domains_have_no_circles() {
    assert_none("No circles between domains", &floors::circles(&rust_sources(), floors::KNOWN_CIRCLES));
}

#[test]
fn every_module_says_what_it_is_for() {
    let is_test = |s: &Source| paths::is_tests(s.file_name().trim_end_matches(".rs"));
    let opening = |s: &Source| (s.in_src() && !is_test(s)) || matches!(s.file_name(), "main.rs" | "mod.rs");
    let sources: Vec<Source> = all().into_iter().filter(|s| s.is_rust() && opening(s)).collect();
    assert_none("Every module opens with `//!`", &style::without_opening(&sources));
}

#[test]
fn files_are_short() {
    assert_none("Files stay below 500 lines", &style::too_long(&all()));
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    assert_none("No #[allow]", &style::allow_attributes(&all()));
}

#[test]
fn the_kernel_touches_nothing() {
    assert_none("The kernel does no I/O", &style::kernel_io(&rust_sources()));
}

#[test]
fn sql_stands_in_rows() {
    assert_none("All the SQL of a domain stands in its rows", &style::sql_outside_rows(&rust_sources()));
}

#[test]
fn dependencies_have_reasons_and_one_version() {
    let sources = all();
    let workspace = sources.iter().find(|s| s.path == "Cargo.toml").expect("the workspace's manifest");
    let mut faults = manifest::without_reason(&workspace.text);
    faults.extend(manifest::own_versions(&sources));
    assert_none("Every dependency is named once, with its reason", &faults);
}

#[test]
fn stored_formats_have_frozen_vectors() {
    assert_none("What is stored opens for ever", &frozen::unproven(&all()));
}

#[test]
fn migrations_are_the_same_on_both_databases() {
    let sources = all();
    let mut faults = migrations::names(&sources);
    faults.extend(migrations::differences(&sources));
    assert_none("Migrations say the same on both databases", &faults);
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    assert_none("The project knows no machine and no registry", &places::named(&all()));
}

#[test]
fn the_policy_and_the_document_are_there() {
    assert_none("A server needs these beside it", &places::missing(&all()));
}
