use std::path::Path;

use crate::program::run;

#[test]
fn the_checked_in_document_is_the_one_of_this_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outcome = run(root, &["openapi", "--check", "openapi/kluis.json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
}

#[test]
fn a_document_that_differs_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let outcome = run(directory.path(), &["openapi", "api.json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let file = directory.path().join("api.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(run(directory.path(), &["openapi"]).out, text);
    assert_eq!(run(directory.path(), &["openapi", "--check", "api.json"]).code, 0);
    std::fs::write(&file, text.replacen("\"openapi\"", "\"openApi\"", 1)).unwrap();
    let outcome = run(directory.path(), &["openapi", "--check", "api.json"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("line"), "{}", outcome.err);
}

#[test]
fn the_policy_is_explained_and_checked() {
    let directory = tempfile::tempdir().unwrap();
    let lint = run(directory.path(), &["policy", "lint"]);
    assert_eq!(lint.code, 0, "{}", lint.out);
    assert_eq!(run(directory.path(), &["policy", "invariants"]).code, 0);
    let matrix = run(directory.path(), &["policy", "matrix"]);
    assert!(matrix.out.contains("\nrole:sales @ franchisee\n"), "the roles are all there");
    let question = ["policy", "explain", "--role", "hq_analyst", "--at", "hq", "read", "customer.contact"];
    let answer = run(directory.path(), &question);
    assert_eq!(answer.code, 0, "{}", answer.err);
    assert!(answer.out.contains("policies/policy.csv:"), "{}", answer.out);
    let unknown = run(directory.path(), &["policy", "explain", "--role", "sales", "--at", "moon", "read", "customer"]);
    assert_eq!(unknown.code, 2);
}

#[test]
fn a_policy_with_a_fault_is_refused_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let line = "p, role:sales, franchisee, customer, raed, unit, *, allow\n";
    std::fs::write(directory.path().join("policy.csv"), line).unwrap();
    let lint = run(directory.path(), &["policy", "lint", "policy.csv"]);
    assert_eq!(lint.code, 1);
    assert!(lint.out.contains("policy.csv:1"), "{}", lint.out);
    let configured = run(directory.path(), &["policy", "matrix", "policy.csv"]);
    assert_eq!(configured.code, 1);
}
