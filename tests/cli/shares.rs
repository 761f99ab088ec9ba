//! Shares open the vault together, whatever was lost; and nothing that breaks a command off makes both sets void.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::keys::{FILE, ROTATE, key_of, made, opens, opens_with, recovery, with_file};
use crate::program::{Outcome, command, run_with};

const MAKE: [&str; 7] = ["key", "shares", "make", "--threshold", "3", "--count", "5"];

/// Makes five shares; gives their files, in the order of their numbers.
fn shares(place: &Path, directory: &str) -> Vec<PathBuf> {
    let made = with_file(place, &[&MAKE[..], &["--directory", directory]].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("Drill: 3 of them opened") && !made.out.contains("KLUIS-SHARE"), "{}", made.out);
    let files: Vec<_> =
        made.out.lines().filter(|line| line.contains("kluis-share-")).map(|line| place.join(line)).collect();
    assert_eq!(files.len(), 5);
    files
}

fn text(files: &[PathBuf], numbers: &[usize]) -> String {
    numbers.iter().map(|number| std::fs::read_to_string(&files[number - 1]).unwrap()).collect()
}

fn recover(place: &Path, files: &[PathBuf], numbers: &[usize]) -> Outcome {
    let named = numbers.iter().flat_map(|number| ["--share", files[number - 1].to_str().unwrap()]);
    with_file(place, &["key", "recover"].into_iter().chain(named).collect::<Vec<_>>())
}

/// The vault's events of one kind.
fn on_record(place: &Path, action: &'static str) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.join("data/kluis.db"));
        let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let sql = "SELECT detail FROM audit_events WHERE action = $1 ORDER BY seq";
        let found = sqlx::query_scalar(sql).bind(action).fetch_all(&mut other).await.unwrap();
        other.close().await.unwrap();
        found
    })
}

#[test]
fn three_of_five_bring_a_lost_key_file_back() {
    let directory = made(&[], &[]);
    let place = directory.path();
    assert!(with_file(place, &["key", "status"]).out.contains("Shares         none"));
    let files = shares(place, "shares");
    for file in &files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!((text.matches("KLUIS-SHARE-").count(), text.lines().count()), (1, 2), "{text}");
    }
    assert_eq!(place.join("shares").metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let status = with_file(place, &["key", "status", "--language", "nl"]);
    assert!(status.out.contains("Delen            3 van 5, reeks"), "{}", status.out);

    let key = key_of(place);
    let as_before = recover(place, &files, &[1, 2, 3]);
    assert!(as_before.code == 0 && as_before.out.contains("nothing was done"), "{} {}", as_before.out, as_before.err);
    std::fs::remove_file(place.join("data/root.key")).unwrap();
    assert!(!opens(place));
    let recovered = recover(place, &files, &[5, 1, 3]);
    assert_eq!(recovered.code, 0, "{}", recovered.err);
    assert!(!recovered.out.contains("KLUIS-"), "{}", recovered.out);
    assert_eq!(key_of(place), key);
    assert_eq!(place.join("data/root.key").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(opens(place) && opens_with(place, &text(&files, &[2, 4, 5])));
    assert_eq!(on_record(place, "vault.recover"), [r#"{"into":"key_file","key":"shares"}"#]);
    assert_eq!(on_record(place, "vault.rotate"), [r#"{"count":5,"key":"shares","threshold":3}"#]);
    assert_eq!(with_file(place, &["audit", "verify"]).code, 0);
}

#[test]
fn shares_that_do_not_open_are_named_one_and_all() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let (old, new) = (shares(place, "old"), shares(place, "new"));
    let void = recover(place, &old, &[1, 2, 3]);
    assert_eq!(void.code, 4, "{}", void.err);
    assert!((1..=3).all(|number| void.err.contains(&format!("Share {number} is of set"))), "{}", void.err);
    let few = recover(place, &new, &[1, 2]);
    assert!(few.code == 4 && few.err.contains("3 different shares are needed; 2 good ones"), "{}", few.err);

    let share = std::fs::read_to_string(&new[0]).unwrap();
    let at = share.find("KLUIS-SHARE-").unwrap() + "KLUIS-SHARE-".len() + 7;
    let other = if &share[at..=at] == "A" { "B" } else { "A" };
    std::fs::write(&new[0], format!("{}{other}{}", &share[..at], &share[at + 1..])).unwrap();
    let mistyped = recover(place, &new, &[2, 1, 3]);
    assert!(mistyped.err.contains("Share given as number 2: There is a typing error in group 2"), "{}", mistyped.err);
    let doubled = recover(place, &[old.clone(), new.clone()].concat(), &[7, 7, 4, 8]);
    for fault in ["Share 2 was given twice", "Share 4 is of set", "2 good ones were given"] {
        assert!(doubled.err.contains(fault), "{}", doubled.err);
    }
    assert!(recover(place, &new, &[2, 3, 4]).code == 0);
}

#[test]
fn shares_outlive_a_new_root_key() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let files = shares(place, "shares");
    for _ in 0..2 {
        let rotated = with_file(place, &ROTATE);
        assert!(rotated.code == 0 && rotated.out.contains("open the new key as well"), "{}", rotated.out);
    }
    assert!(opens_with(place, &text(&files, &[4, 2, 1])));
    std::fs::remove_file(place.join("data/root.key")).unwrap();
    assert_eq!(recover(place, &files, &[4, 2, 1]).code, 0);
    assert!(opens(place));
}

#[test]
fn whoever_calls_it_wrongly_changes_nothing() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let caught = with_file(place, &MAKE);
    assert!(caught.code == 2 && caught.err.contains("--directory") && caught.out.is_empty(), "{}", caught.err);
    for (threshold, count) in [("1", "3"), ("4", "3"), ("2", "17")] {
        let arguments = ["key", "shares", "make", "--threshold", threshold, "--count", count, "--directory", "shares"];
        assert_eq!(with_file(place, &arguments).code, 2);
    }
    std::fs::write(place.join("taken"), "x").unwrap();
    assert_eq!(with_file(place, &[&MAKE[..], &["--directory", "taken"]].concat()).code, 1);
    assert!(with_file(place, &["key", "status"]).out.contains("Shares         none"));
    std::fs::write(place.join("data/root.key"), "something else").unwrap();
    let mut child = command(place, &[&["key", "recover"][..], &FILE].concat())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"KLUIS-RECOVERY-AAAAA\n").unwrap();
    let refused = child.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(key_of(place), "something else");
}

fn recover_piped(place: &Path, secret: &str, environment: &[(&str, &str)], more: &[&str]) -> (i32, String) {
    let mut child = command(place, &[&["key", "recover"][..], &FILE, more].concat())
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn the_recovery_key_brings_back_what_the_source_wants() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let key = recovery(&with_file(place, &["key", "recovery"]));
    let in_the_way = std::fs::read_to_string(place.join("data/root.key")).unwrap().replace("ROOT", "ROUTE");
    std::fs::write(place.join("data/root.key"), &in_the_way).unwrap();
    let (code, said) = recover_piped(place, &key, &[], &[]);
    assert!(code == 1 && said.contains("is there already"), "{said}");
    assert_eq!(key_of(place), in_the_way);
    std::fs::remove_file(place.join("data/root.key")).unwrap();
    assert_eq!(recover_piped(place, &key, &[], &[]).0, 0);
    assert!(opens(place));

    // Somebody else's source: a file to take away.
    let (code, said) = recover_piped(place, &key, &[], &["--set", "unseal.source=manual"]);
    assert!(code == 0 && said.contains("root-recovered.key"), "{said}");
    let taken = std::fs::read_to_string(place.join("data/root-recovered.key")).unwrap();
    assert!(opens_with(place, &taken));

    // A passphrase that was forgotten: the new one stands where the old one stood.
    let file = place.join("passphrase");
    std::fs::write(&file, "a quite different staple").unwrap();
    let environment = [("KLUIS_UNSEAL_PASSPHRASE_FILE", file.to_str().unwrap())];
    let source = ["--set", "unseal.source=passphrase"];
    let list = |environment: &[(&str, &str)]| {
        run_with(place, &[&["user", "list"][..], &FILE, &source].concat(), environment).code
    };
    assert_eq!(list(&environment), 4);
    let (code, said) = recover_piped(place, &key, &environment, &source);
    assert_eq!(code, 0, "{said}");
    assert_eq!(list(&environment), 0);
}

#[test]
fn killed_at_any_moment_one_set_opens_the_vault() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let mut sets = vec![shares(place, "first")];
    let (times, step) = if std::env::var_os("KLUIS_LONG").is_some() { (60, 10) } else { (8, 60) };
    for time in 0..times {
        let name = format!("set-{time}");
        let arguments = [&MAKE[..], &["--directory", &name], &FILE].concat();
        let mut child = command(place, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(time * step));
        child.kill().unwrap();
        child.wait().unwrap();
        let Ok(entries) = std::fs::read_dir(place.join(&name)) else { continue };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        sets.push(files);
    }
    let status = with_file(place, &["key", "status"]).out;
    let set = status.lines().find_map(|line| line.split_once("set ")).unwrap().1[..4].to_owned();
    let in_force = sets.iter().find(|files| files.iter().any(|file| file.to_str().unwrap().contains(&set))).unwrap();
    assert_eq!(in_force.len(), 5, "all of them are with people before they are in force");
    assert!(opens_with(place, &text(in_force, &[1, 3, 5])));
}

/// Runs the program on a terminal, by script(1): each prompt is waited for, and answered. Gives all that was on the screen.
fn on_a_terminal(place: &Path, arguments: &[&str], answers: &[(&str, String)]) -> String {
    let line = [&[env!("CARGO_BIN_EXE_kluis")][..], arguments, &FILE].concat().join(" ");
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(place)
        .env("LANG", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut answered, mut bytes) = (Vec::new(), 0, [0; 4096]);
    let mut answers = answers.iter();
    let mut next = answers.next();
    while let Ok(count @ 1..) = screen.read(&mut bytes) {
        seen.extend_from_slice(&bytes[..count]);
        while let Some((prompt, answer)) = next {
            let Some(at) = String::from_utf8_lossy(&seen[answered..]).find(prompt) else { break };
            // The program throws away what was typed before it asked.
            std::thread::sleep(Duration::from_millis(200));
            answered += at + prompt.len();
            keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
            next = answers.next();
        }
    }
    let seen = String::from_utf8(seen).unwrap();
    assert!(child.wait().unwrap().success() && next.is_none(), "{seen}");
    seen
}

#[test]
fn on_a_terminal_shares_are_shown_and_taken_one_after_the_other() {
    let directory = made(&[], &[]);
    let place = directory.path();
    let enter = || ("Enter clears", String::new());
    let seen = on_a_terminal(place, &MAKE, &[enter(), enter(), enter(), enter(), enter()]);
    let screens: Vec<_> = seen.split("\x1b[3J\x1b[2J\x1b[H").collect();
    assert!(screens.iter().all(|screen| screen.matches("KLUIS-SHARE-").count() <= 1), "{seen}");
    let shares: Vec<&str> = seen.lines().filter(|line| line.contains("KLUIS-SHARE-")).map(str::trim).collect();
    assert_eq!(shares.len(), 5, "{seen}");
    assert!(screens.last().unwrap().contains("Drill: 3 of them opened"), "{seen}");
    assert!(opens_with(place, &shares[2..].join("\n")));

    std::fs::remove_file(place.join("data/root.key")).unwrap();
    let share = |number: usize| ("share: ", shares[number - 1].to_owned());
    let typed = [share(2), share(2), ("share: ", shares[3].replacen("-SHARE-", "-SHARE-9", 1)), share(4), share(5)];
    let seen = on_a_terminal(place, &["key", "recover"], &typed);
    assert!(seen.contains("Share 2 was given twice") && seen.contains("81 were given"), "{seen}");
    assert!(!seen.contains("KLUIS-SHARE-"), "what is typed isn't shown: {seen}");
    assert!(opens(place));
}
