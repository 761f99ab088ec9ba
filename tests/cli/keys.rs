//! What opens the vault is renewed and rotated, and whatever breaks it off, something that is kept still opens it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::program::{Outcome, Running, command, run, run_with};

const INIT: [&str; 6] = ["init", "data", "--organisation", "Voorbeeld Wonen", "--administrator", "beheer@hq.example"];
pub const FILE: [&str; 2] = ["--config", "data/kluis.toml"];
pub const ROTATE: [&str; 3] = ["key", "rotate", "root"];

pub fn made(more: &[&str], environment: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let made = run_with(directory.path(), &[&INIT, more].concat(), environment);
    assert_eq!(made.code, 0, "{}", made.err);
    directory
}

pub fn with_file(directory: &Path, arguments: &[&str]) -> Outcome {
    run(directory, &[arguments, &FILE].concat())
}

pub fn key_of(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("data/root.key")).unwrap()
}

fn write(directory: &Path, keys: &str) {
    std::fs::write(directory.join("data/root.key"), keys).unwrap();
}

pub fn opens(directory: &Path) -> bool {
    with_file(directory, &["user", "list"]).code == 0
}

pub fn recovery(outcome: &Outcome) -> String {
    let line = outcome.out.lines().find(|line| line.contains("KLUIS-RECOVERY-"));
    line.expect("a recovery key").trim().to_owned()
}

/// Opens the vault with what is handed over, whatever the configuration says.
pub fn opens_with(directory: &Path, secret: &str) -> bool {
    let file = directory.join("handed");
    std::fs::write(&file, secret).unwrap();
    let environment = [("KLUIS_UNSEAL_PASSPHRASE_FILE", file.to_str().unwrap())];
    let list = ["user", "list", "--set", "unseal.source=manual"];
    run_with(directory, &[&list[..], &FILE].concat(), &environment).code == 0
}

#[test]
fn the_root_key_is_rotated_and_the_old_one_opens_nothing() {
    let directory = made(&[], &[]);
    let (place, old) = (directory.path(), key_of(directory.path()));
    let rotated = with_file(place, &ROTATE);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert!(rotated.out.contains("Version 2"), "{}", rotated.out);
    let new = key_of(place);
    assert_ne!(new, old);
    assert_eq!((new.lines().count(), new.contains(old.trim())), (1, false));
    assert!(opens(place));
    assert!(opens_with(place, &recovery(&rotated)), "the recovery key that was shown");
    assert!(!opens_with(place, &old));
    let status = with_file(place, &["key", "status", "--language", "nl"]);
    assert!(status.out.contains("versie 2"), "{}", status.out);
    assert_eq!(with_file(place, &["doctor"]).code, 0);
    assert_eq!(with_file(place, &["audit", "verify"]).code, 0);
    write(place, &old);
    assert!(!opens(place));
}

#[test]
fn a_rotation_that_broke_off_is_gone_on_with() {
    let directory = made(&[], &[]);
    let (place, old) = (directory.path(), key_of(directory.path()));
    let new = with_file(place, &["key", "make"]).out;
    // Before the store was wrapped anew.
    write(place, &format!("{new}{old}"));
    assert!(opens(place), "two keys stand there, and one fits");
    let doctor = with_file(place, &["doctor"]);
    assert!(doctor.out.contains("two root keys"), "{}", doctor.out);
    assert_eq!(with_file(place, &ROTATE).code, 0);
    assert_eq!(key_of(place), new, "the key that stood there is taken, and no third one is made");
    // After it, before the old key left.
    write(place, &format!("{new}{old}"));
    assert!(opens(place));
    let ended = with_file(place, &ROTATE);
    assert_eq!((ended.code, ended.out.contains("An earlier rotation was ended")), (0, true), "{}", ended.out);
    assert_eq!(key_of(place), new);
    assert!(opens_with(place, &recovery(&ended)), "nobody may have seen the one before");
}

#[test]
fn killed_at_any_moment_the_vault_still_opens() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let (times, step) = if std::env::var_os("KLUIS_LONG").is_some() { (100, 7) } else { (12, 40) };
    for time in 0..times {
        let mut arguments = command(place, &[&ROTATE[..], &FILE].concat());
        let mut child = arguments.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(time * step));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(opens(place), "killed after {} ms", time * step);
    }
    let ended = with_file(place, &ROTATE);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(opens(place) && opens_with(place, &recovery(&ended)));
    assert_eq!(key_of(place).lines().count(), 1);
    assert_eq!(with_file(place, &["audit", "verify"]).code, 0);
}

#[test]
fn a_key_from_a_secret_store_is_rotated_to_the_one_in_front_of_it() {
    let scratch = tempfile::tempdir().unwrap();
    let secret = scratch.path().join("root-key");
    let environment = [("KLUIS_UNSEAL_ROOT_KEY_FILE", secret.to_str().unwrap())];
    let make = || run(scratch.path(), &["key", "make"]).out;
    let (old, new) = (make(), make());
    std::fs::write(&secret, &old).unwrap();
    let directory = made(&["--set", "unseal.source=environment"], &environment);
    let go = |arguments: &[&str]| run_with(directory.path(), &[arguments, &FILE].concat(), &environment);
    let refused = go(&ROTATE);
    assert_eq!((refused.code, refused.err.contains("kluis key make")), (1, true), "{}", refused.err);
    std::fs::write(&secret, format!("{new}{old}")).unwrap();
    let rotated = go(&ROTATE);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert_eq!(go(&["user", "list"]).code, 0, "with both");
    assert_eq!(go(&ROTATE).code, 1, "the first key is in place: it isn't rotated back");
    std::fs::write(&secret, &new).unwrap();
    assert_eq!(go(&["user", "list"]).code, 0, "with the new one");
    std::fs::write(&secret, &old).unwrap();
    assert_eq!(go(&["user", "list"]).code, 4, "with the old one");
}

#[test]
fn a_passphrase_opens_the_new_key_as_well_and_is_changed() {
    let scratch = tempfile::tempdir().unwrap();
    let secret = scratch.path().join("passphrase");
    let environment = [("KLUIS_UNSEAL_PASSPHRASE_FILE", secret.to_str().unwrap())];
    std::fs::write(&secret, "correct horse battery staple\n").unwrap();
    let directory = made(&["--set", "unseal.source=passphrase"], &environment);
    let go = |arguments: &[&str]| run_with(directory.path(), &[arguments, &FILE].concat(), &environment);
    let rotated = go(&ROTATE);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert_eq!(go(&["user", "list"]).code, 0);
    assert!(opens_with(directory.path(), &recovery(&rotated)));

    let mut change = command(directory.path(), &[&["key", "passphrase"][..], &FILE].concat());
    let mut child = change.envs(environment).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"a quite different staple\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(go(&["user", "list"]).code, 4, "the one before");
    std::fs::write(&secret, "a quite different staple\n").unwrap();
    assert_eq!(go(&["user", "list"]).code, 0);
}

#[test]
fn by_hand_without_a_passphrase_the_new_key_is_in_a_file_to_take_away() {
    let directory = made(&["--set", "unseal.source=manual"], &[]);
    let (place, old) = (directory.path(), key_of(directory.path()));
    let handed = place.join("handed");
    let environment = [("KLUIS_UNSEAL_ROOT_KEY_FILE", handed.to_str().unwrap())];
    let rotate = |present: &str| {
        std::fs::write(&handed, present).unwrap();
        run_with(place, &[&ROTATE[..], &FILE].concat(), &environment)
    };
    let rotated = rotate(&old);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    let second = std::fs::read_to_string(place.join("data/root-2.key")).unwrap();
    assert!(opens_with(place, &second) && !opens_with(place, &old));
    // As an attempt that was broken off leaves it.
    let waiting = place.join("data/root-3.key");
    std::fs::copy(place.join("data/root-2.key"), &waiting).unwrap();
    let third = with_file(place, &["key", "make"]).out;
    std::fs::write(&waiting, &third).unwrap();
    assert_eq!(rotate(&second).code, 0);
    assert_eq!(std::fs::read_to_string(&waiting).unwrap(), third, "it may have been taken away already");
    assert!(opens_with(place, &third) && !opens_with(place, &second));
}

#[test]
fn a_recovery_key_is_renewed_and_the_one_before_is_void() {
    let directory = made(&[], &[]);
    let first = recovery(&with_file(directory.path(), &["key", "recovery"]));
    assert!(opens_with(directory.path(), &first));
    let second = recovery(&with_file(directory.path(), &["key", "recovery"]));
    assert!(!opens_with(directory.path(), &first));
    assert!(opens_with(directory.path(), &second));
}

#[test]
fn a_service_that_runs_notices_nothing() {
    let directory = made(&[], &[]);
    let running = Running::start(directory.path(), &[&["serve"][..], &FILE].concat());
    for _ in 0..3 {
        assert_eq!(with_file(directory.path(), &ROTATE).code, 0);
        assert_eq!(running.get("/health/ready", None).unwrap().0, 200);
    }
    assert_eq!(running.stop(), 0);
    assert!(opens(directory.path()));
}

#[test]
fn tenants_keys_are_rotated_and_killed_at_any_moment_the_rotation_is_gone_on_with() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let table =
        "nr;achternaam\n".to_owned() + &(0..300).map(|number| format!("{number};Klant {number}\n")).collect::<String>();
    std::fs::write(place.join("klanten.csv"), table).unwrap();
    let list = with_file(place, &["user", "list"]).out;
    let tenant = list.split_whitespace().find(|word| word.starts_with("ten_")).expect("the organisation");
    let import = ["import", "klanten.csv", "--tenant", tenant, "--source", "old-crm", "--legal-basis", "contract"];
    let imported = with_file(place, &import);
    assert_eq!(imported.code, 0, "{} {}", imported.out, imported.err);
    let rotate = ["key", "rotate", "tenant"];
    let (times, step) = if std::env::var_os("KLUIS_LONG").is_some() { (100, 7) } else { (8, 60) };
    for time in 0..times {
        let mut arguments = command(place, &[&rotate[..], &FILE].concat());
        let mut child = arguments.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(time * step));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(opens(place), "killed after {} ms", time * step);
    }
    let rotated = with_file(place, &rotate);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert!(rotated.out.contains("of 1 tenants"), "{}", rotated.out);
    // Each customer still opens: the import meets all of them again.
    let again = with_file(place, &import);
    assert_eq!(again.code, 0, "{} {}", again.out, again.err);
    assert_eq!(with_file(place, &["doctor"]).code, 0);
    assert_eq!(with_file(place, &["audit", "verify"]).code, 0);
}
