use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::program::{Outcome, Running, run, run_with};

const INIT: [&str; 6] = ["init", "data", "--organisation", "Voorbeeld Wonen", "--administrator", "beheer@hq.example"];
const FILE: [&str; 2] = ["--config", "data/kluis.toml"];

pub fn init(directory: &Path, more: &[&str]) -> Outcome {
    run(directory, &[&INIT, more].concat())
}

pub fn with_file(directory: &Path, arguments: &[&str]) -> Outcome {
    run(directory, &[arguments, &FILE].concat())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn an_installation_is_made_once_and_is_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let made = init(directory.path(), &[]);
    assert_eq!(made.code, 0, "{}", made.err);
    let recovery = made.out.lines().find(|line| line.contains("KLUIS-RECOVERY-")).unwrap().trim().to_owned();
    let link = made.out.lines().find(|line| line.contains("/sign-in/link#")).unwrap();
    assert!(made.out.contains("1 tenants"), "the drill: {}", made.out);

    let data = directory.path().join("data");
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        let holds = |needle: &str| bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
        assert!(!holds(&recovery), "{} holds the recovery key", path.display());
        assert!(!holds("beheer@hq.example"), "{} holds an address", path.display());
        assert!(!holds(link.rsplit('#').next().unwrap()), "{} holds the link", path.display());
    }

    let again = init(directory.path(), &[]);
    assert_eq!(again.code, 1, "a second init touches nothing");
    let doctor = with_file(directory.path(), &["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert!(doctor.out.contains("the chain holds"), "{}", doctor.out);
    assert!(doctor.out.contains("as reviewed with this program"), "{}", doctor.out);
    assert_eq!(with_file(directory.path(), &["audit", "verify"]).code, 0);
    let plan = with_file(directory.path(), &["migrate", "--plan"]);
    assert_eq!(plan.code, 0);
    assert!(plan.out.contains("Nothing to do."), "{}", plan.out);
}

#[test]
fn a_failed_init_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["init", "data", "--organisation", "X", "--administrator", "not an address"];
    let failed = run(directory.path(), &arguments);
    assert_eq!(failed.code, 1, "{}", failed.err);
    assert!(std::fs::read_dir(directory.path().join("data")).unwrap().next().is_none());
    assert_eq!(init(directory.path(), &[]).code, 0, "and the next one succeeds");
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(directory.path().join("data/letter.txt"), "x").unwrap();
    let refused = init(directory.path(), &[]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("isn't empty"), "{}", refused.err);
    assert!(directory.path().join("data/letter.txt").exists());
}

#[test]
fn the_doctor_finds_open_files_and_a_changed_log() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(init(directory.path(), &[]).code, 0);
    let key = directory.path().join("data/root.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let doctor = with_file(directory.path(), &["doctor", "--language", "nl"]);
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    assert!(doctor.out.contains("chmod 600"), "{}", doctor.out);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("data/kluis.db"));
        let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let sql = "UPDATE audit_events SET action = 'nothing.happened' WHERE seq = 1";
        sqlx::query(sql).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    });
    let doctor = with_file(directory.path(), &["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("breaks at event 1"), "{}", doctor.out);
    assert_eq!(with_file(directory.path(), &["audit", "verify"]).code, 1);
}

#[test]
fn the_doctor_reads_the_policy_as_the_server_would() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(init(directory.path(), &[]).code, 0);
    let file = directory.path().join("own.csv");
    let shipped = ["roles.csv", "policy.csv"].map(|name| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name)).unwrap()
    });
    let doctor = |more: &str| {
        std::fs::write(&file, format!("{}\n{more}\n", shipped.concat())).unwrap();
        with_file(directory.path(), &["doctor", "--set", "policy.file=own.csv"])
    };
    let narrower = doctor("p, role:sales, franchisee, customer, assign, unit, *, deny");
    assert_eq!(narrower.code, 0, "{}", narrower.out);
    assert!(narrower.out.contains("than the program's own policy"), "{}", narrower.out);
    let forbidden = doctor("p, role:sales, franchisee, customer.financial, read, unit, contract, allow");
    let mistyped = doctor("p, role:sales, franchisee, customer, raed, unit, *, allow");
    for (faulty, why) in [(forbidden, "invariants.csv"), (mistyped, "raed")] {
        assert_eq!(faulty.code, 1, "{why}: {}", faulty.out);
        let told = faulty.out.lines().filter(|line| line.starts_with("FAIL")).any(|line| line.contains(why));
        assert!(told, "{why}: {}", faulty.out);
    }
}

#[test]
fn another_root_key_opens_nothing() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(init(directory.path(), &[]).code, 0);
    let other = tempfile::tempdir().unwrap();
    assert_eq!(init(other.path(), &[]).code, 0);
    std::fs::copy(other.path().join("data/root.key"), directory.path().join("data/root.key")).unwrap();
    let served = with_file(directory.path(), &["user", "list"]);
    assert_eq!(served.code, 4, "{}", served.err);
}

#[test]
fn a_passphrase_opens_the_vault_without_a_key_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("passphrase");
    std::fs::write(&secret, "correct horse battery staple\n").unwrap();
    let environment = [("KLUIS_UNSEAL_PASSPHRASE_FILE", secret.to_str().unwrap())];
    let made = run_with(directory.path(), &[&INIT[..], &["--set", "unseal.source=passphrase"]].concat(), &environment);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(!directory.path().join("data/root.key").exists());
    let list = run_with(directory.path(), &[&["user", "list"][..], &FILE].concat(), &environment);
    assert_eq!(list.code, 0, "{}", list.err);
    std::fs::write(&secret, "correct horse battery stable\n").unwrap();
    let wrong = run_with(directory.path(), &[&["user", "list"][..], &FILE].concat(), &environment);
    assert_eq!(wrong.code, 4, "{}", wrong.err);
}

#[test]
fn a_vault_that_is_opened_by_hand_has_no_key_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("passphrase");
    std::fs::write(&secret, "correct horse battery staple\n").unwrap();
    let environment = [("KLUIS_UNSEAL_PASSPHRASE_FILE", secret.to_str().unwrap())];
    let made = run_with(directory.path(), &[&INIT[..], &["--set", "unseal.source=manual"]].concat(), &environment);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(!directory.path().join("data/root.key").exists());
    let written = std::fs::read_to_string(directory.path().join("data/kluis.toml")).unwrap();
    assert!(!written.contains("battery"), "the passphrase is nowhere but in a head");
    let list = run_with(directory.path(), &[&["user", "list"][..], &FILE].concat(), &environment);
    assert_eq!((list.code, list.out.contains("usr_")), (0, true), "{}", list.err);
    let nothing = with_file(directory.path(), &["user", "list"]);
    assert_eq!(nothing.code, 2, "{}", nothing.err);
    let argument =
        with_file(directory.path(), &["user", "list", "--set", "unseal.passphrase=correct horse battery staple"]);
    assert_eq!(argument.code, 2, "{}", argument.err);
    assert!(argument.err.contains("KLUIS_UNSEAL_PASSPHRASE_FILE") && !argument.err.contains("horse"));
    let nobody = with_file(directory.path(), &["unseal"]);
    assert_eq!((nobody.code, nobody.err.contains("No service runs")), (1, true), "{}", nobody.err);
}

#[test]
fn users_are_made_by_a_link_and_listed_without_their_names() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(init(directory.path(), &[]).code, 0);
    let create = ["user", "create", "mees@hq.example", "--name", "Mees Voorbeeld", "--role", "hq_analyst"];
    let made = with_file(directory.path(), &create);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("/sign-in/link#"));
    assert_eq!(with_file(directory.path(), &create).code, 1, "an address has one account");
    let list = with_file(directory.path(), &["user", "list"]);
    assert_eq!(list.out.lines().filter(|line| line.starts_with("usr_")).count(), 2, "{}", list.out);
    assert!(!list.out.contains("Mees"));
    let wrong = with_file(directory.path(), &["user", "create", "x@hq.example", "--name", "X", "--role", "emperor"]);
    assert_eq!(wrong.code, 1, "{}", wrong.err);
}

#[test]
fn the_server_starts_answers_and_stops_when_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(init(directory.path(), &[]).code, 0);
    let server = Running::start(directory.path(), &["serve", "--config", "data/kluis.toml"]);
    assert_eq!(server.get("/health/live", None).unwrap().0, 200);
    assert_eq!(server.get("/v1/customers", None).unwrap().0, 401);
    assert_eq!(server.get("/nowhere", None).unwrap().0, 404);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_sealed_server_lives_but_is_not_ready() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(init(directory.path(), &["--set", "unseal.source=manual"]).code, 0);
    let mut command = crate::program::command(
        directory.path(),
        &["serve", "--config", "data/kluis.toml", "--set", "server.listen=127.0.0.1:0"],
    );
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let said = lines.find(|line| line.as_ref().unwrap().contains("answers on")).unwrap().unwrap();
    let address = said.split("answers on ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let get = |path: &str| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!((get("/health/live"), get("/health/ready")), ("200".to_owned(), "503".to_owned()));
    child.kill().unwrap();
    child.wait().unwrap();
}
