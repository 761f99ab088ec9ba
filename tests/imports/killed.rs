//! A server in a process of its own, killed again and again without warning while it imports customers.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kluis::jobs::{RowOutcome, RowResult, State};
use kluis::server::stores;
use kluis_core::args;
use kluis_core::kernel::id::Job;
use kluis_core::kernel::{Clock, Id};
use uuid::Uuid;

use crate::brought::{WHY, export, ready, results, run, start, state};
use crate::support::app::{Making, TestApp};
use crate::support::tables::Tables;

const COLUMNS: [&str; 4] = ["externalId:oud", "familyName", "email", "iban"];
/// Lines for each time that the server is killed: some transactions of a hundred, so that the end isn't reached too soon.
const LINES: usize = 500;

#[tokio::test]
async fn killed_while_importing_sqlite() {
    nothing_is_lost_and_nothing_doubled("sqlite").await;
}

#[tokio::test]
async fn killed_while_importing_postgres() {
    nothing_is_lost_and_nothing_doubled("postgres").await;
}

async fn nothing_is_lost_and_nothing_doubled(engine: &'static str) {
    let kills = if std::env::var_os("KLUIS_LONG").is_some() { 20 } else { 5 };
    // The other process has the clock of the machine, so this one has it as well.
    let test = TestApp::made(engine, Making { clock: Clock::System, ..Making::default() }).await;
    let id = ready(&test, "manager", file(kills * LINES).as_bytes(), &COLUMNS).await;
    let expected = run(&test, "manager", id, true).await;
    assert_sorts(&expected, kills * LINES);
    let job = start(&test, "manager", id, false).await;
    let mut acknowledged: Vec<RowResult> = Vec::new();
    for kill in 0..kills {
        let mut server = serve(&test);
        get_further(&test, job, acknowledged.len(), &mut server).await;
        // Wherever it is now.
        tokio::time::sleep(Duration::from_millis(kill as u64 * 37 % 120)).await;
        stop(&test, server).await;
        acknowledged = check(&test, job, &acknowledged, &expected).await;
        assert_eq!(state(&test, job).await.0, State::Running, "after {kill} kills, {} lines", acknowledged.len());
        expire_leases(&test).await;
    }
    let server = serve(&test);
    let deadline = Instant::now() + Duration::from_secs(300);
    while !state(&test, job).await.0.is_final() {
        assert!(Instant::now() < deadline, "the job goes on to its end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(&test, server).await;
    assert_eq!(state(&test, job).await, (State::Succeeded, None));
    let results = check(&test, job, &acknowledged, &expected).await;
    assert_eq!(results.len(), expected.len());
    let customers = export(&test).await;
    let created = results.iter().filter(|row| row.outcome == RowOutcome::Create).count();
    assert_eq!(customers.lines().count(), created, "what the API shows");
    assert_eq!(kluis_core::audit::verify(&test.app.db).await.expect("it reads").broken_at, None);
}

/// Without warning, wherever it is.
pub async fn stop(test: &TestApp, mut server: Child) {
    server.kill().expect("it is killed");
    server.wait().expect("it ends");
    Tables::open(&stores::options(&test.app.config).0).await.at_rest().await;
}

/// Every line with a name; in each seventeenth a wrong IBAN, in each tenth the address of an earlier line.
fn file(lines: usize) -> String {
    let mut text = String::from("nr;achternaam;email;iban\n");
    for number in 0..lines {
        let address = if is_double(number) { number - 9 } else { number };
        let iban = if is_faulty(number) { "NL00" } else { "" };
        text += &format!("{number};Klant {number};K{address}@klant.example;{iban}\n");
    }
    text
}

const fn is_double(number: usize) -> bool {
    number % 10 == 9
}

const fn is_faulty(number: usize) -> bool {
    number % 17 == 5
}

fn assert_sorts(results: &[RowResult], lines: usize) {
    assert_eq!(results.len(), lines);
    for (number, row) in results.iter().enumerate() {
        let outcome = match number {
            _ if is_faulty(number) => RowOutcome::Error,
            _ if is_double(number) && !is_faulty(number - 9) => RowOutcome::Duplicate,
            _ => RowOutcome::Create,
        };
        assert_eq!((row.line, row.outcome), (number as i64 + 2, outcome));
    }
}

/// What is acknowledged: as expected, as it was before, and there exactly once.
async fn check(test: &TestApp, job: Id<Job>, before: &[RowResult], expected: &[RowResult]) -> Vec<RowResult> {
    let now = results(test, job).await;
    assert_eq!(&now[..before.len()], before, "what was acknowledged stays");
    for (row, expected) in now.iter().zip(expected) {
        let told = |row: &RowResult| (row.line, row.outcome, row.codes.clone(), row.of_line);
        assert_eq!(told(row), told(expected));
    }
    let created: Vec<Uuid> =
        now.iter().filter(|row| row.outcome == RowOutcome::Create).map(|row| row.record.expect("a record")).collect();
    let there: Vec<Uuid> = ids(test, "SELECT id FROM customers WHERE tenant_id = $1").await;
    assert_eq!((there.len(), set(&there)), (created.len(), set(&created)), "none lost, none twice");
    for (what, sql) in [
        ("changes", "SELECT record_id FROM import_changes WHERE tenant_id = $1"),
        ("index", "SELECT customer_id FROM customer_index WHERE tenant_id = $1 AND field = 'external_id'"),
        ("events", "SELECT record_id FROM audit_events WHERE tenant_id = $1 AND action = 'customer.create'"),
    ] {
        let found = ids(test, sql).await;
        assert_eq!((found.len(), set(&found)), (created.len(), set(&created)), "{what}: one for each customer");
    }
    now
}

pub fn set(ids: &[Uuid]) -> BTreeSet<Uuid> {
    ids.iter().copied().collect()
}

pub async fn ids(test: &TestApp, sql: &'static str) -> Vec<Uuid> {
    let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![test.north]).await.expect("it reads");
    rows.iter().map(|row| row.uuid(0).expect("an id")).collect()
}

pub async fn get_further(test: &TestApp, job: Id<Job>, before: usize, server: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(120);
    let sql = "SELECT progress FROM jobs WHERE id = $1";
    loop {
        let row = test.app.db.fetch_optional_without_scope(WHY, sql, args![job]).await.expect("it reads");
        if row.expect("a job").int(0).expect("a number") > before as i64 {
            return;
        }
        assert!(Instant::now() < deadline, "the job goes on after {before} lines");
        assert!(server.try_wait().expect("its state").is_none(), "the server has ended");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Says that the lease of the job has run out, as it does half a minute after its worker was killed.
pub async fn expire_leases(test: &TestApp) {
    let mut tx = test.app.db.begin().await.expect("a transaction");
    let sql = "UPDATE jobs SET due_at = 0 WHERE state = 'running'";
    tx.execute_without_scope(WHY, sql, args![]).await.expect("it writes");
    tx.commit_without_event(WHY).await.expect("it commits");
}

/// The real program over the test's databases, at an address on which it answers.
pub async fn serve_at(test: &TestApp) -> (Child, String) {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let address = format!("127.0.0.1:{port}");
    let mut server = serve_on(test, &address);
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < deadline, "the server doesn't answer");
        assert!(server.try_wait().expect("its state").is_none(), "the server has ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (server, address)
}

/// The real program over the test's databases.
pub fn serve(test: &TestApp) -> Child {
    serve_on(test, "127.0.0.1:0")
}

fn serve_on(test: &TestApp, address: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kluis"));
    let listen = format!("server.listen={address}");
    command.arg("serve").args(["--set", &listen, "--set", "unseal.source=environment"]);
    for (name, value) in &test.flags {
        command.args(["--set", &format!("{name}={value}")]);
    }
    command.env_clear().env("KLUIS_UNSEAL_ROOT_KEY", &*test.root).current_dir(test.directory.path());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}
