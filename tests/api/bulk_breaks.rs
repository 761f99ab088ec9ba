//! Bulk changes that don't go through in one go: the worker dies, somebody cancels, a right is lost, a record is broken;
//! and what becomes of each record then.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kluis::bulk::run::BulkKind;
use kluis::bulk::undo::BulkUndoKind;
use kluis::jobs::{JobFault, JobKind, Opened, Registry, Run, Step, StepContext, Timing, Worker, Workshop};
use kluis_core::access::{Policy, parse, shipped};
use kluis_core::args;
use serde_json::{Value, json};

use super::bulk::{PATH, customers, ended, make, outcomes, run, show, some, take_back};
use super::customers::draft;
use crate::support::app::{Making, TestApp, read};

const WHY: &str = "a test looks behind the scenes";

/// A kind of job whose worker dies after some steps.
struct Dying {
    inner: Arc<dyn JobKind>,
    steps: usize,
}

struct DyingRun {
    inner: Box<dyn Run>,
    left: usize,
}

#[async_trait]
impl JobKind for Dying {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        Ok(Box::new(DyingRun { inner: self.inner.open(opened).await?, left: self.steps }))
    }
}

#[async_trait]
impl Run for DyingRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        if self.left == 0 {
            return Err(JobFault::Lost);
        }
        self.left -= 1;
        self.inner.step(context).await
    }
}

/// Works on one job for so many steps and is never heard of again; then its hold on the job runs out.
async fn work_and_die(test: &TestApp, steps: usize) {
    let bulk: Arc<dyn JobKind> = Arc::new(BulkKind(Arc::clone(&test.app)));
    let undo: Arc<dyn JobKind> = Arc::new(BulkUndoKind(Arc::clone(&test.app)));
    let kinds = [bulk, undo].into_iter().map(|inner| Arc::new(Dying { inner, steps }));
    let registry = kinds.fold(Registry::new(), |registry, kind| registry.with(kind));
    let worker = Worker::new(Workshop::of(&test.app), registry, Timing::default());
    assert!(worker.run_one().await.expect("the queue works"), "there is a job");
    test.app.clock.advance(TimeDelta::minutes(2));
}

async fn start(test: &TestApp, name: &str, body: &Value) -> Value {
    let (status, job) = read(test.post(name, PATH, body).await).await;
    assert_eq!(status, 202, "{job}");
    job
}

fn path(job: &Value) -> String {
    format!("/v1/jobs/{}", job["id"].as_str().unwrap())
}

async fn cancel(test: &TestApp, job: &Value) {
    let (status, answer) = read(test.post("manager", &format!("{}/cancellation", path(job)), &json!({})).await).await;
    assert_eq!(status, 200, "{answer}");
}

/// How many customers have which revision.
async fn revisions(test: &TestApp) -> BTreeMap<i64, i64> {
    let sql = "SELECT revision, COUNT(*) FROM customers GROUP BY revision";
    let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
    rows.iter().map(|row| (row.int(0).unwrap(), row.int(1).unwrap())).collect()
}

/// Events about single customers that were changed, and about how many different ones.
async fn changes_on_record(test: &TestApp) -> (i64, i64) {
    let sql = "SELECT COUNT(record_id), COUNT(DISTINCT record_id) FROM audit_events WHERE action = 'customer.update'";
    let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
    (rows[0].int(0).unwrap(), rows[0].int(1).unwrap())
}

/// More customers than go into two transactions.
const MANY: usize = 210;

async fn many(test: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..MANY {
        let mut body = draft("Veel");
        body["contact"] = json!({ "emails": [{ "address": format!("veel{number}@klant.example") }] });
        ids.push(make(test, "sales", &body).await);
    }
    ids
}

#[tokio::test]
async fn a_worker_that_dies_leaves_each_customer_changed_once_or_not_at_all() {
    for test in TestApp::both().await {
        let ids = many(&test).await;
        let before = customers(&test).await;
        let job = start(&test, "manager", &json!({ "ids": ids, "change": { "addInterests": ["zon"] } })).await;
        work_and_die(&test, 1).await;
        assert_eq!(revisions(&test).await, [(1, 110), (2, 100)].into());
        work_and_die(&test, 1).await;
        let (job, _) = ended(&test, &job).await;
        assert_eq!((&job["state"], &job["counts"]), (&json!("succeeded"), &json!({ "update": MANY })), "{job}");
        assert_eq!(revisions(&test).await, [(2, 210)].into(), "each once");
        assert_eq!(changes_on_record(&test).await, (210, 210), "each on record");

        let (status, undo) = take_back(&test, &job).await;
        assert_eq!(status, 202, "{undo}");
        work_and_die(&test, 2).await;
        assert_eq!(revisions(&test).await, [(1, 200), (2, 10)].into());
        assert_eq!(ended(&test, &undo).await.0["counts"], json!({ "restored": MANY }));
        assert_eq!(customers(&test).await, before, "to the byte");
        kluis_core::audit::verify(&test.app.db).await.expect("the log is whole");
    }
}

#[tokio::test]
async fn what_is_cancelled_half_way_stays_half_way_until_it_is_taken_back() {
    for test in TestApp::both().await {
        let ids = many(&test).await;
        let before = customers(&test).await;
        let job = start(&test, "manager", &json!({ "ids": ids, "change": { "status": "former" } })).await;
        work_and_die(&test, 2).await;
        let (status, answer) = take_back(&test, &job).await;
        assert_eq!(status, 409, "it is still running: {answer}");
        cancel(&test, &job).await;
        let (job, _) = ended(&test, &job).await;
        assert_eq!((&job["state"], &job["counts"]), (&json!("cancelled"), &json!({ "update": 200 })), "{job}");
        assert_eq!(revisions(&test).await, [(1, 10), (2, 200)].into());

        // Taking it back can be cancelled as well; the next one does the rest, and only that.
        let (_, undo) = take_back(&test, &job).await;
        work_and_die(&test, 1).await;
        assert_eq!(take_back(&test, &job).await.0, 409, "it is being taken back");
        let remembered = async || {
            let sql = "SELECT COUNT(*) FROM bulk_changes";
            test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap()[0].int(0).unwrap()
        };
        cancel(&test, &undo).await;
        assert_eq!(ended(&test, &undo).await.0["counts"], json!({ "restored": 100 }));
        assert_eq!(revisions(&test).await, [(1, 110), (2, 100)].into());
        let (status, undo) = take_back(&test, &job).await;
        assert_eq!(status, 202, "{undo}");
        let (undo, _) = ended(&test, &undo).await;
        assert_eq!((&undo["counts"], &undo["total"]), (&json!({ "restored": 100 }), &json!(100)));
        assert_eq!(customers(&test).await, before, "to the byte");
        assert_eq!(take_back(&test, &job).await.0, 409, "nothing is left of it");
        assert_eq!(remembered().await, 0, "how they were before is kept for no longer than it takes");
    }
}

#[tokio::test]
async fn a_preview_that_goes_on_elsewhere_still_equals_the_run() {
    for test in TestApp::both().await {
        let ids = many(&test).await;
        let before = customers(&test).await;
        let email = json!({ "contact": { "emails": [{ "address": "samen@klant.example" }] } });
        let mut body = json!({ "ids": ids, "change": { "patch": email }, "dryRun": true });
        let preview = start(&test, "manager", &body).await;
        work_and_die(&test, 1).await;
        let (preview, expected) = ended(&test, &preview).await;
        assert_eq!(preview["counts"], json!({ "update": 1, "error": MANY - 1 }), "{preview}");
        assert_eq!(customers(&test).await, before, "a preview writes nothing");
        assert_eq!(changes_on_record(&test).await, (0, 0));
        body["dryRun"] = json!(false);
        let (job, rows) = run(&test, "manager", &body).await;
        assert_eq!((&job["counts"], rows), (&preview["counts"], expected));
    }
}

#[tokio::test]
async fn a_role_taken_away_while_it_runs_counts_for_the_next_customer() {
    for test in TestApp::both().await {
        let ids = many(&test).await;
        let job = start(&test, "manager", &json!({ "ids": ids, "change": { "status": "former" } })).await;
        work_and_die(&test, 1).await;
        let roles = format!("/v1/users/{}/roles", test.people["manager"].id);
        let (_, grants) = read(test.get("admin", &roles).await).await;
        let grant = format!("{roles}/{}", grants["items"][0]["id"].as_str().expect("an id"));
        assert_eq!(test.delete("admin", &grant, "*").await.0.status().as_u16(), 204);
        super::bulk::work(&test).await;
        let (_, job) = read(test.get("sales", &path(&job)).await).await;
        assert_eq!((&job["state"], &job["failure"]), (&json!("failed"), &json!("forbidden")), "{job}");
        assert_eq!(job["counts"], json!({ "update": 100 }));
        assert_eq!(revisions(&test).await, [(1, 110), (2, 100)].into());
    }
}

/// The shipped policy, with some lines more.
fn with_lines(text: &str) -> Making {
    let mut lines = shipped();
    lines.extend(parse("more.csv", text));
    let policy = Policy::open_without_shipped_invariants(lines, 1).map_err(|found| format!("{found:?}"));
    Making { policy: Some(policy.expect("a policy")), ..Making::default() }
}

#[tokio::test]
async fn a_right_on_some_customers_changes_those_and_no_others() {
    // Sellers may change many of those that they look after themselves.
    let own = || with_lines("p, role:sales, franchisee, customer, bulk, own, *, allow");
    for test in TestApp::both_made(own).await {
        let ids = some(&test, &["Eigen", "Ander", "Derde"]).await;
        let me = test.people["sales"].id.to_string();
        for id in [&ids[0], &ids[2]] {
            let path = format!("/v1/customers/{id}");
            assert_eq!(read(test.patch("sales", &path, "\"r1\"", &json!({ "ownerId": me })).await).await.0, 200);
        }
        let before = customers(&test).await;
        // Neither what isn't one's own, nor what wouldn't be afterwards.
        let other = test.people["manager"].id.to_string();
        let away = json!({ "ids": ids, "change": { "ownerId": other } });
        let (_, rows) = run(&test, "sales", &away).await;
        assert!(outcomes(&rows).iter().all(|row| (row.1, row.2.as_str()) == ("error", "forbidden")), "{rows:?}");
        assert_eq!(customers(&test).await, before);

        let body = json!({ "ids": ids, "change": { "status": "former" } });
        let (job, rows) = run(&test, "sales", &body).await;
        let forbidden = || "forbidden".to_owned();
        assert_eq!(
            outcomes(&rows),
            [(0, "update", String::new()), (1, "error", forbidden()), (2, "update", String::new())]
        );
        assert_eq!(show(&test, &ids[1]).await["status"], "active");
        // A selection leaves out what may not be changed.
        let condition = json!({ "field": "language", "operator": "eq", "value": "nl" });
        let body = json!({ "selection": { "where": condition }, "change": { "status": "prospect" }, "dryRun": true });
        let (_, rows) = run(&test, "sales", &body).await;
        let mut found: Vec<_> = rows.iter().filter_map(|row| row["recordId"].as_str()).collect();
        found.sort_unstable();
        let mut own = [ids[0].as_str(), ids[2].as_str()];
        own.sort_unstable();
        assert_eq!(found, own);

        // Who lost one in between can't take that one back.
        let path = format!("/v1/jobs/{}/reversal", job["id"].as_str().unwrap());
        let sql = "UPDATE customers SET owner_id = NULL WHERE tenant_id = $1 AND id = $2";
        let id = kluis_core::kernel::Id::<kluis_core::kernel::id::Customer>::parse(&ids[0]).unwrap();
        let mut tx = test.app.db.begin().await.unwrap();
        tx.execute_without_scope(WHY, sql, args![test.north, id]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        let (status, undo) = read(test.post("sales", &path, &json!({})).await).await;
        assert_eq!(status, 202, "{undo}");
        let (_, rows) = ended(&test, &undo).await;
        assert_eq!(outcomes(&rows), [(0, "error", forbidden()), (2, "restored", String::new())]);
    }
}

#[tokio::test]
async fn what_is_denied_is_denied_although_more_is_allowed() {
    let others = "p, role:sales, franchisee, customer, bulk, unit, *, allow\n\
        p, role:sales, franchisee, customer, bulk, own, *, deny\n";
    for test in TestApp::both_made(|| with_lines(others)).await {
        let ids = some(&test, &["Eigen", "Ander"]).await;
        let me = test.people["sales"].id.to_string();
        let own = format!("/v1/customers/{}", ids[0]);
        assert_eq!(read(test.patch("sales", &own, "\"r1\"", &json!({ "ownerId": me })).await).await.0, 200);
        let (_, rows) = run(&test, "sales", &json!({ "ids": ids, "change": { "status": "former" } })).await;
        assert_eq!(outcomes(&rows), [(0, "error", "forbidden".to_owned()), (1, "update", String::new())]);
        assert_eq!(show(&test, &ids[0]).await["status"], "active");
    }
}

#[tokio::test]
async fn one_broken_record_is_named_and_the_others_are_changed() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een", "Twee", "Drie"]).await;
        let id = kluis_core::kernel::Id::<kluis_core::kernel::id::Customer>::parse(&ids[1]).unwrap();
        let mut tx = test.app.db.begin().await.unwrap();
        let sql = "UPDATE customers SET source = 'elsewhere' WHERE tenant_id = $1 AND id = $2";
        tx.execute_without_scope(WHY, sql, args![test.north, id]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        let (job, rows) =
            run(&test, "manager", &json!({ "ids": ids, "change": { "status": "former", "archived": true } })).await;
        assert_eq!((&job["state"], &job["counts"]), (&json!("succeeded"), &json!({ "update": 2, "error": 1 })));
        assert_eq!(outcomes(&rows)[1], (1, "error", "integrity".to_owned()));
    }
}

#[tokio::test]
async fn after_thirty_days_nothing_is_taken_back_and_nothing_is_kept_for_it() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een"]).await;
        let body = json!({ "ids": ids, "change": { "status": "former" } });
        let (job, _) = run(&test, "manager", &body).await;
        let (status, undo) = take_back(&test, &job).await;
        assert_eq!(status, 202, "{undo}");
        test.app.clock.advance(TimeDelta::days(31));
        kluis::bulk::service::sweep(&test.app).await.expect("it sweeps");
        super::bulk::work(&test).await;
        assert_eq!(revisions(&test).await, [(1, 1)].into(), "what was asked for in time is done");
        kluis::bulk::service::sweep(&test.app).await.expect("it sweeps");
        let kept = test.app.db.fetch_all_without_scope(WHY, "SELECT job_id FROM bulk_runs", args![]).await.unwrap();
        assert!(kept.is_empty());
    }
}

#[tokio::test]
async fn nobody_gets_back_what_somebody_else_has_by_now() {
    for test in TestApp::both().await {
        let mut body = draft("Eerst");
        body["contact"] = json!({ "emails": [{ "address": "eerst@klant.example" }] });
        let ids = [make(&test, "sales", &body).await, make(&test, "sales", &draft("Tweede")).await];
        let (job, _) =
            run(&test, "manager", &json!({ "ids": ids, "change": { "patch": { "contact": { "emails": null } } } }))
                .await;
        body["identity"] = draft("Later")["identity"].clone();
        make(&test, "sales", &body).await;
        let (_, undo) = take_back(&test, &job).await;
        let (_, rows) = ended(&test, &undo).await;
        assert_eq!(outcomes(&rows)[0], (0, "conflict", "duplicate email".to_owned()), "{rows:?}");
        assert_eq!(show(&test, &ids[0]).await["contact"].get("emails"), None);
    }
}
