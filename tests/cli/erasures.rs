//! `kluis erasure`, and what `init` and `doctor` say of the ledger's copy.

use std::path::{Path, PathBuf};

use super::installation::with_file;
use super::keys::made;

fn copy_of(directory: &Path) -> PathBuf {
    directory.join("data.erasures")
}

#[test]
fn init_puts_the_copy_beside_the_data_and_a_lost_one_is_refused() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let copy = copy_of(place);
    assert_eq!(std::fs::read(&copy).unwrap(), b"", "made with the installation");
    let doctor = with_file(place, &["doctor"]);
    assert!(doctor.code == 0 && doctor.out.contains("is like its copy"), "{}", doctor.out);
    assert_eq!(with_file(place, &["erasure", "check"]).code, 0);
    let replay = with_file(place, &["erasure", "replay", "--dry-run"]);
    assert!(replay.code == 0 && replay.out.contains("0 by the copy of the ledger"), "{}", replay.out);

    // Nobody was erased yet, so that a copy that is gone is just made again.
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(with_file(place, &["erasure", "copy"]).code, 0);
    let twice = with_file(place, &["erasure", "copy"]);
    assert!(twice.code != 0, "{}", twice.err);

    // Another installation's copy is never taken for one's own.
    let line = include_str!("../data/frozen/v1/erasures.json");
    let line = serde_json::from_str::<serde_json::Value>(line).unwrap()["line"].as_str().unwrap().to_owned() + "\n";
    std::fs::write(&copy, line).unwrap();
    let refused = with_file(place, &["erasure", "check"]);
    assert!(refused.code != 0 && refused.err.contains("another installation"), "{}", refused.err);
    let refused = with_file(place, &["user", "list"]);
    assert!(refused.code != 0 && refused.err.contains("another installation"), "{}", refused.err);
    let doctor = with_file(place, &["doctor"]);
    assert!(doctor.code == 1 && doctor.out.contains("another installation"), "{}", doctor.out);
}

#[test]
fn a_copy_in_the_data_directory_is_refused_and_none_is_worth_a_look() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let inside = format!("erasure.ledger_copy={}", place.join("data/ledger").display());
    let refused = with_file(place, &["erasure", "check", "--set", &inside]);
    assert!(refused.code != 0 && refused.err.contains("outside of the data directory"), "{}", refused.err);
    let none = with_file(place, &["doctor", "--set", "erasure.ledger_copy="]);
    assert!(none.code == 0 && none.out.contains("has no copy"), "{}", none.out);
}
