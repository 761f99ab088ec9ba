//! The shipped policy: without a finding, true to its invariants, and with the effect that reviewers have read.

use kluis_core::access::{Policy, Snapshot, lint, shipped};

const MATRIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/matrix.txt");

#[test]
fn it_has_no_finding() {
    let findings: Vec<String> = lint(&shipped()).iter().map(|finding| finding.text(|phrase| phrase.en)).collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn it_keeps_its_invariants_and_agrees_with_casbin() {
    let findings = Snapshot::build(shipped()).err().unwrap_or_default();
    let findings: Vec<String> = findings.iter().map(|finding| finding.text(|phrase| phrase.en)).collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// `KLUIS_UPDATE=1` writes the matrix instead.
#[test]
fn its_effect_is_the_one_in_the_matrix() {
    let policy = Policy::shipped(1).map_err(|f| format!("{f:?}")).expect("the shipped policy");
    let matrix = policy.snapshot().matrix();
    if std::env::var_os("KLUIS_UPDATE").is_some() {
        std::fs::write(MATRIX, &matrix).expect("policies/matrix.txt can be written");
    }
    let known = std::fs::read_to_string(MATRIX).expect("policies/matrix.txt");
    let change = known.lines().zip(matrix.lines()).find(|(old, new)| old != new);
    assert!(
        known == matrix,
        "policies/matrix.txt is out of date, first at {change:?}; read the difference after KLUIS_UPDATE=1"
    );
}
