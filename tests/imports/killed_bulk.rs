//! A server that is killed again and again while it changes many customers, and while it takes that back.

use std::time::{Duration, Instant};

use kluis::jobs::{RowOutcome, RowResult, State};
use kluis_core::kernel::id::Job;
use kluis_core::kernel::{Clock, Id};
use serde_json::{Value, json};

use crate::brought::{export, ready, results, run, state};
use crate::killed::{expire_leases, get_further, ids, serve, set, stop};
use crate::support::app::{Making, TestApp, read};

/// Customers for each time that the server is killed.
const EACH: usize = 300;

#[tokio::test]
async fn killed_while_changing_many_sqlite() {
    each_is_changed_once("sqlite").await;
}

#[tokio::test]
async fn killed_while_changing_many_postgres() {
    each_is_changed_once("postgres").await;
}

async fn each_is_changed_once(engine: &'static str) {
    let kills = if std::env::var_os("KLUIS_LONG").is_some() { 20 } else { 2 };
    let test = TestApp::made(engine, Making { clock: Clock::System, ..Making::default() }).await;
    let all = kills * EACH;
    let lines: String = (0..all).map(|number| format!("{number};Klant {number}\n")).collect();
    let file = format!("nr;achternaam\n{lines}");
    let import = ready(&test, "manager", file.as_bytes(), &["externalId:oud", "familyName"]).await;
    assert_eq!(run(&test, "manager", import, false).await.len(), all);
    let before = export(&test).await;

    let active = json!({ "field": "status", "operator": "eq", "value": "active" });
    let change = json!({ "selection": { "where": active }, "change": { "status": "former" } });
    let job = accepted(read(test.post("manager", "/v1/customers/_bulk", &change).await).await);
    kill_on_its_way(&test, job, kills, |done| done).await;
    assert_eq!(former(&test).await.len(), all);
    let sql = "SELECT record_id FROM audit_events WHERE tenant_id = $1 AND action = 'customer.update' AND record_id IS NOT NULL";
    let events = ids(&test, sql).await;
    assert_eq!((events.len(), set(&events)), (all, set(&former(&test).await)), "one event for each customer");

    let reversal = format!("/v1/jobs/{job}/reversal");
    let undo = accepted(read(test.post("manager", &reversal, &json!({})).await).await);
    kill_on_its_way(&test, undo, kills, |done| all - done).await;
    assert_eq!(export(&test).await, before, "everything is as it was");
    assert_eq!(kluis_core::audit::verify(&test.app.db).await.expect("it reads").broken_at, None);
}

fn accepted((status, job): (u16, Value)) -> Id<Job> {
    assert_eq!(status, 202, "{job}");
    Id::parse(job["id"].as_str().expect("an id")).expect("an id of a job")
}

async fn former(test: &TestApp) -> Vec<uuid::Uuid> {
    ids(test, "SELECT id FROM customers WHERE tenant_id = $1 AND status = 'former'").await
}

/// `changed` tells how many customers are former when so many lines are acknowledged.
async fn kill_on_its_way(test: &TestApp, job: Id<Job>, kills: usize, changed: impl Fn(usize) -> usize) {
    let mut acknowledged = 0;
    for kill in 0..kills {
        let mut server = serve(test);
        get_further(test, job, acknowledged, &mut server).await;
        tokio::time::sleep(Duration::from_millis(kill as u64 * 37 % 60)).await;
        stop(test, server).await;
        acknowledged = check(test, job, acknowledged, &changed).await;
        if state(test, job).await.0.is_final() {
            assert!(kill > 0, "it was still running when it was killed for the first time");
            break;
        }
        expire_leases(test).await;
    }
    let server = serve(test);
    let deadline = Instant::now() + Duration::from_secs(300);
    while !state(test, job).await.0.is_final() {
        assert!(Instant::now() < deadline, "the job goes on to its end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(test, server).await;
    assert_eq!(state(test, job).await, (State::Succeeded, None));
    check(test, job, acknowledged, &changed).await;
}

/// What is acknowledged is done, and nothing else is.
async fn check(test: &TestApp, job: Id<Job>, before: usize, changed: impl Fn(usize) -> usize) -> usize {
    let rows = results(test, job).await;
    assert!(rows.len() >= before, "what was acknowledged stays");
    let is_done = |row: &&RowResult| [RowOutcome::Update, RowOutcome::Restored].contains(&row.outcome);
    assert_eq!(rows.iter().filter(is_done).count(), rows.len(), "each is changed");
    assert_eq!(former(test).await.len(), changed(rows.len()), "as many as are acknowledged");
    rows.len()
}
