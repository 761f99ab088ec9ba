use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Outcome, command, run};

const CSV: &str = include_str!("../fixtures/klanten-nl.csv");
const TRUTH: &str = include_str!("../fixtures/klanten-nl.truth.csv");
/// Lines of the fixture that are written in the short form; trying out takes all of them.
const WRITTEN: usize = 400;

/// An installation, and the id of its only organisation.
fn installation(directory: &Path) -> String {
    let init = ["init", "data", "--organisation", "Voorbeeld Wonen", "--administrator", "beheer@hq.example"];
    let made = run(directory, &init);
    assert_eq!(made.code, 0, "{}", made.err);
    let list = run(directory, &["user", "list", "--config", "data/kluis.toml"]);
    let tenant = list.out.split_whitespace().find(|word| word.starts_with("ten_"));
    tenant.expect("the administrator's organisation").to_owned()
}

fn arguments<'a>(tenant: &'a str, file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = ["import", file, "--config", "data/kluis.toml", "--tenant", tenant, "--legal-basis", "contract"];
    [&usual[..], &["--source", "old-crm"], more].concat()
}

fn import(directory: &Path, tenant: &str, file: &str, more: &[&str]) -> Outcome {
    run(directory, &arguments(tenant, file, more))
}

/// The report in the words of the truth, which tells how each duplicate was made: by its address in capitals, by its
/// number in another spelling, or as it was.
fn in_words_of_truth(report: &str) -> Vec<String> {
    let kind = |codes: &str| match codes {
        "email" => "mail_case",
        "phone" => "phone_format",
        "email phone" => "same",
        _ => "unknown",
    };
    let line = |line: &str| {
        let [line, outcome, codes, of_line, record] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("five columns: {line}")
        };
        assert_eq!(record.starts_with("cus_"), outcome != "duplicate" && outcome != "error" && !record.is_empty());
        let codes = if outcome == "duplicate" { kind(codes) } else { codes };
        format!("{line},{outcome},{of_line},{codes}")
    };
    report.lines().skip(1).map(line).collect()
}

fn truth(lines: usize) -> Vec<String> {
    TRUTH.lines().skip(1).take(lines).map(str::to_owned).collect()
}

fn counts(report: &str) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for line in report.lines().skip(1) {
        *counts.entry(line.split(',').nth(1).unwrap()).or_default() += 1;
    }
    counts
}

#[test]
fn the_sample_export_becomes_what_its_truth_says() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let tenant = installation(directory);
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    std::fs::write(directory.join("klanten.csv"), CSV).unwrap();
    let tried = import(directory, &tenant, "klanten.csv", &["--dry-run", "--report", "dry.csv"]);
    assert_eq!(tried.code, 0, "{}", tried.err);
    assert_eq!(tried.err, "", "no bar outside a terminal");
    assert!(tried.out.contains("klantnummer              → externalId:klantnummer"), "{}", tried.out);
    assert!(tried.out.contains("nothing was written"), "{}", tried.out);
    assert_eq!(in_words_of_truth(&read("dry.csv")), truth(usize::MAX));

    let lines = if std::env::var("KLUIS_LONG").is_ok() { CSV.lines().count() } else { WRITTEN + 1 };
    let some: String = CSV.lines().take(lines).map(|line| format!("{line}\n")).collect();
    std::fs::write(directory.join("klanten.csv"), some).unwrap();
    let done = import(directory, &tenant, "klanten.csv", &["--report", "run.csv"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let report = read("run.csv");
    assert_eq!(in_words_of_truth(&report), truth(lines - 1), "a dry run that wrote something would show here");
    assert!(report.lines().filter(|line| line.contains(",create,")).all(|line| line.contains(",cus_")));

    let again = import(directory, &tenant, "klanten.csv", &["--report", "again.csv"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let (first, second) = (counts(&report), read("again.csv"));
    let second = counts(&second);
    assert_eq!((second.get("unchanged"), second.get("error")), (first.get("create"), first.get("error")));
    assert_eq!(second.get("create"), None);
    for name in ["dry.csv", "run.csv", "again.csv"] {
        let text = read(name);
        assert!(!["@", "Jansen", "NL", "+31"].iter().any(|value| text.contains(value)), "{name} tells values");
    }
    let audit = run(directory, &["audit", "verify", "--config", "data/kluis.toml"]);
    assert_eq!(audit.code, 0, "{}", audit.err);
}

#[test]
fn what_is_called_wrongly_is_told_before_anything_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let tenant = installation(directory);
    std::fs::write(directory.join("klanten.csv"), "naam;email\nBoom;boom@klant.example\n").unwrap();
    std::fs::write(directory.join("picture.csv"), [0x89, 0x50, 0x00, 0x01, 0xff]).unwrap();
    let nobody = "ten_01932f5e-8a70-7abc-8def-0123456789ab";
    for (code, arguments) in [
        (1, arguments(&tenant, "elsewhere.csv", &[])),
        (1, arguments(&tenant, "picture.csv", &[])),
        (2, arguments("ten_nobody", "klanten.csv", &[])),
        (2, arguments(nobody, "klanten.csv", &[])),
        (2, arguments(&tenant, "klanten.csv", &["--map", "naam=nonsense"])),
        (2, arguments(&tenant, "klanten.csv", &["--map", "nowhere=email"])),
        (2, arguments(&tenant, "klanten.csv", &["--status", "sleeping"])),
        (2, ["import", "klanten.csv", "--tenant", &tenant, "--source", "old-crm"].to_vec()),
        (2, ["import", "klanten.csv", "--tenant", &tenant, "--source", "x", "--legal-basis", "none"].to_vec()),
    ] {
        let outcome = run(directory, &arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.err);
        assert!(!outcome.err.is_empty());
    }
    let source = ["import", "klanten.csv", "--config", "data/kluis.toml", "--tenant", &tenant];
    let odd = run(directory, &[&source[..], &["--legal-basis", "contract", "--source", "Old CRM!"]].concat());
    assert_eq!(odd.code, 1);
    assert!(odd.err.contains("/source"), "the API's rules hold here too: {}", odd.err);
    let named = ["--map", "naam=familyName"];
    let done = import(directory, &tenant, "klanten.csv", &named);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("1 create"), "{}", done.out);
}

#[test]
fn ctrl_c_stops_between_two_lines_and_what_was_done_stays() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let tenant = installation(directory);
    std::fs::write(directory.join("klanten.csv"), CSV).unwrap();
    let mut command = command(directory, &arguments(&tenant, "klanten.csv", &["--report", "run.csv"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The last column is told when the work is about to begin.
    assert!(lines.any(|line| line.contains("opmerking")));
    let pressed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(pressed.success());
    let said: Vec<_> = lines.collect();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("cancelled:")), "{said:?}");
    let report = std::fs::read_to_string(directory.join("run.csv")).unwrap();
    let done = report.lines().count() - 1;
    assert!(done < truth(usize::MAX).len(), "{done} lines");
    assert_eq!(in_words_of_truth(&report), truth(done));
    let audit = run(directory, &["audit", "verify", "--config", "data/kluis.toml"]);
    assert_eq!(audit.code, 0, "{}", audit.err);
}
