use std::path::Path;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::installation::{init, with_file};
use crate::program::{Outcome, run};

/// Runs statements in the database of an installation, past the program.
fn sql(directory: &Path, statements: &[&'static str]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(directory.join("data/kluis.db"));
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        for statement in statements {
            sqlx::query(*statement).execute(&mut other).await.unwrap();
        }
        other.close().await.unwrap();
    });
}

/// An installation with some events, exported; and the key of its log.
fn exported(directory: &Path) -> String {
    assert_eq!(init(directory, &[]).code, 0);
    for email in ["eerste@kluis.example", "tweede@kluis.example", "derde@kluis.example"] {
        let made = with_file(directory, &["user", "create", email, "--name", "Tester", "--role", "auditor"]);
        assert_eq!(made.code, 0, "{}", made.err);
    }
    let done = with_file(directory, &["audit", "export", "--out", "log.jsonl"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(!directory.join("log.jsonl.part").exists());
    let key = with_file(directory, &["audit", "key"]);
    assert_eq!(key.code, 0, "{}", key.err);
    key.out.trim().to_owned()
}

fn verify(directory: &Path, file: &str, more: &[&str]) -> Outcome {
    run(directory, &[&["audit", "verify", file], more].concat())
}

fn lines(directory: &Path) -> Vec<String> {
    std::fs::read_to_string(directory.join("log.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

fn write(directory: &Path, lines: &[String]) {
    std::fs::write(directory.join("changed.jsonl"), format!("{}\n", lines.join("\n"))).unwrap();
}

#[test]
fn an_exported_log_is_checked_without_a_database() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path();
    let key = exported(directory);
    let lines = lines(directory);
    assert!(lines.len() > 6, "{lines:?}");
    let last: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(last["verifierKey"], *key);
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(directory.join("log.jsonl"), elsewhere.path().join("log.jsonl")).unwrap();
    let whole = verify(elsewhere.path(), "log.jsonl", &["--key", &key]);
    assert_eq!(whole.code, 0, "{}", whole.err);
    assert!(whole.out.contains(&key) && whole.err.is_empty(), "{} {}", whole.out, whole.err);
    let believed = verify(elsewhere.path(), "log.jsonl", &["--language", "nl"]);
    assert!(believed.code == 0 && believed.err.contains("sleutel uit het bestand zelf"), "{}", believed.err);
    let other = "kluis.example/audit+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    assert_eq!(verify(elsewhere.path(), "log.jsonl", &["--key", other]).code, 2, "its id doesn't fit its name");
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let stranger = verify(elsewhere.path(), "log.jsonl", &["--key", other]);
    assert!(stranger.code == 1 && stranger.err.contains("isn't signed by the log's key"), "{}", stranger.err);
    std::fs::write(elsewhere.path().join("letter.txt"), "Beste").unwrap();
    assert_eq!(verify(elsewhere.path(), "letter.txt", &[]).code, 1);
}

#[test]
fn whatever_is_done_to_a_file_is_found_where_it_was_done() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path();
    let key = exported(directory);
    let lines = lines(directory);
    let events = lines.len() - 2;
    let check = |changed: &[String], expected: &str| {
        write(directory, changed);
        let found = verify(directory, "changed.jsonl", &["--key", &key]);
        assert_eq!(found.code, 1, "{expected}: {}", found.out);
        assert!(found.err.contains(expected), "{expected}: {}", found.err);
    };
    let changed = |at: usize, line: String| {
        let mut all = lines.clone();
        all[at] = line;
        all
    };
    for at in 1..=events {
        // A byte of the event; the event and its leaf; the leaf alone.
        let other = lines[at].replace("\"outcome\":\"allowed\"", "\"outcome\":\"denied\"");
        assert_ne!(other, lines[at]);
        check(&changed(at, other), &format!("Event {at} was changed"));
        let leaf = lines[at].find("\"leaf\":\"").unwrap() + 8;
        let mut line = lines[at].clone();
        line.replace_range(leaf..leaf + 1, if line[leaf..].starts_with('A') { "B" } else { "A" });
        check(&changed(at, line), &format!("Event {at} was changed"));
        let mut value: serde_json::Value = serde_json::from_str(&lines[at]).unwrap();
        value.as_object_mut().unwrap().remove("event");
        check(&changed(at, value.to_string()), &format!("Event {at} is missing"));
        let without = [&lines[..at], &lines[at + 1..]].concat();
        check(&without, if at == events { "cut off" } else { "belongs" });
        let twice = [&lines[..=at], &lines[at..]].concat();
        check(&twice, "belongs");
        check(&changed(at, "{}".to_owned()), &format!("Line {} can't be read", at + 1));
        check(&lines[..at], "cut off");
        if at < events {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            check(&swapped, "belongs");
            // With the numbers put right, so that each stands in its place: then the leaf tells.
            let place_of = |line: &str, seq: usize| {
                let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
                value["seq"] = seq.into();
                value.to_string()
            };
            swapped[at] = place_of(&swapped[at], at);
            swapped[at + 1] = place_of(&swapped[at + 1], at + 1);
            check(&swapped, &format!("Event {at} was changed"));
        }
    }
    check(&lines[..=events], "cut off");
    let mut shorter = lines.clone();
    shorter.remove(events);
    shorter[0] = shorter[0].replace(&format!("\"events\":{events}"), &format!("\"events\":{}", events - 1));
    check(&shorter, &format!("the log had {events} events when this was signed, and has {} now", events - 1));
}

/// An older export, or a log that was written anew: whole in itself, and told by the checkpoint of a later one.
#[test]
fn a_checkpoint_that_was_kept_tells_what_came_after() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path();
    let key = exported(directory);
    std::fs::rename(directory.join("log.jsonl"), directory.join("older.jsonl")).unwrap();
    let again = with_file(directory, &["audit", "export", "--out", "log.jsonl"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let last: serde_json::Value = serde_json::from_str(lines(directory).last().unwrap()).unwrap();
    std::fs::write(directory.join("kept.txt"), last["checkpoint"].as_str().unwrap()).unwrap();
    let with_it = ["--key", key.as_str(), "--checkpoint", "kept.txt"];
    assert_eq!(verify(directory, "log.jsonl", &with_it).code, 0);
    assert_eq!(verify(directory, "older.jsonl", &["--key", &key]).code, 0, "whole in itself");
    let older = verify(directory, "older.jsonl", &with_it);
    assert!(older.code == 1 && older.err.contains("an old one was put back"), "{}", older.err);
    assert_eq!(with_file(directory, &["audit", "verify", "--checkpoint", "kept.txt"]).code, 0);
    std::fs::write(directory.join("empty.txt"), "\n").unwrap();
    assert_eq!(verify(directory, "log.jsonl", &["--checkpoint", "empty.txt"]).code, 1, "not looked at in silence");
}

#[test]
fn the_database_and_its_witness_are_checked_and_rows_that_are_gone_are_exported_as_hashes() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path();
    let key = exported(directory);
    let whole = with_file(directory, &["audit", "verify"]);
    assert!(whole.code == 0 && whole.out.contains("signed tree") && whole.out.contains(&key), "{}", whole.out);
    sql(directory, &["UPDATE audit_events SET actor = 'usr_other' WHERE seq = 2"]);
    let changed = with_file(directory, &["audit", "verify", "--language", "nl"]);
    assert!(changed.code == 1 && changed.err.contains("Gebeurtenis 2 is gewijzigd"), "{}", changed.err);
    let exported = with_file(directory, &["audit", "export", "--out", "changed.jsonl"]);
    assert_eq!(exported.code, 0, "{}", exported.err);
    let told = verify(directory, "changed.jsonl", &["--key", &key]);
    assert!(told.code == 1 && told.err.contains("Event 2 was changed"), "{}", told.err);
    sql(directory, &["DELETE FROM audit_events WHERE seq = 2"]);
    let exported = with_file(directory, &["audit", "export", "--out", "gap.jsonl"]);
    assert!(exported.code == 0 && exported.out.contains("1 of them as a hash only"), "{}", exported.out);
    let told = verify(directory, "gap.jsonl", &["--key", &key]);
    assert!(told.code == 1 && told.err.contains("Event 2 is missing."), "{}", told.err);
}

#[test]
fn the_key_stays_when_the_root_key_is_rotated() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path();
    let key = exported(directory);
    let rotated = with_file(directory, &["key", "rotate", "root"]);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert_eq!(with_file(directory, &["audit", "key"]).out.trim(), key);
    let again = with_file(directory, &["audit", "export", "--out", "log.jsonl"]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(verify(directory, "log.jsonl", &["--key", &key]).code, 0);
}
