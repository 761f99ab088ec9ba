//! A file in the hands of a franchise manager: uploaded, decided, run, taken back.

use std::sync::Arc;

use kluis::customers::model::{CustomerStatus, LegalBasis};
use kluis::imports::mapping::Field;
use kluis::imports::merge::Terms;
use kluis::imports::model::{Import, Opened};
use kluis::imports::run::ImportKind;
use kluis::imports::service::{self, Decision};
use kluis::imports::undo::UndoKind;
use kluis::imports::{Create, Undo};
use kluis::jobs::{Registry, RowResult, State, Timing, Worker, Workshop};
use kluis::server::stores;
use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::id::Job;
use kluis_core::kernel::{CountryCode, Id, Problem};
use serde_json::Value;

use crate::support::app::{TestApp, read};
use crate::support::tables::Tables;

pub const WHY: &str = "a test of imports";

/// The decision about an import, for a person of the test's franchise.
pub async fn scope<P: ScopedPermission>(test: &TestApp, name: &str) -> Scope<P> {
    let person = &test.people[name];
    let actor = kluis::sessions::on_behalf(&test.app, person.id, person.tenant, None).await.expect("it reads");
    Scope::decide(&actor.expect("somebody"), None, "req_test".into())
}

pub async fn upload(test: &TestApp, name: &str, bytes: &[u8]) -> Result<Opened, Problem> {
    let scope = scope::<Create>(test, name).await;
    let mut content = bytes;
    service::upload(&test.app, &scope, &mut content).await
}

pub fn terms() -> Terms {
    Terms {
        legal_basis: LegalBasis::Contract,
        source: "oude-administratie".to_owned(),
        status: CustomerStatus::Active,
        language: "nl".to_owned(),
    }
}

pub async fn decide(test: &TestApp, name: &str, id: Id<Import>, columns: &[&str]) -> Result<Opened, Problem> {
    let scope = scope::<Create>(test, name).await;
    let columns = columns.iter().map(|field| Field::parse(field).expect("a field")).collect();
    let decision = Decision { columns, country: CountryCode::NL, terms: terms() };
    service::decide(&test.app, &scope, id, |_| Ok(()), |_| Ok(decision)).await.map_err(|f| f.problem().clone())
}

/// An uploaded file of which everything is decided.
pub async fn ready(test: &TestApp, name: &str, text: &[u8], columns: &[&str]) -> Id<Import> {
    let id = upload(test, name, text).await.expect("it is taken").row.id;
    decide(test, name, id, columns).await.expect("it is decided");
    id
}

pub fn registry(test: &TestApp) -> Registry {
    Registry::new().with(Arc::new(ImportKind(Arc::clone(&test.app)))).with(Arc::new(UndoKind(Arc::clone(&test.app))))
}

pub async fn work(test: &TestApp) {
    let worker = Worker::new(Workshop::of(&test.app), registry(test), Timing::default());
    while worker.run_one().await.expect("the queue works") {}
}

pub async fn start(test: &TestApp, name: &str, id: Id<Import>, dry: bool) -> Id<Job> {
    let scope = scope::<Create>(test, name).await;
    service::start(&test.app, &scope, id, dry).await.expect("it starts").1
}

/// Runs it to its end and gives the results.
pub async fn run(test: &TestApp, name: &str, id: Id<Import>, dry: bool) -> Vec<RowResult> {
    let job = start(test, name, id, dry).await;
    work(test).await;
    assert_eq!(state(test, job).await, (State::Succeeded, None));
    results(test, job).await
}

pub async fn take_back(test: &TestApp, name: &str, id: Id<Import>) -> Vec<RowResult> {
    let scope = scope::<Undo>(test, name).await;
    let (_, job) = service::start_undo(&test.app, &scope, id).await.expect("it starts");
    work(test).await;
    assert_eq!(state(test, job).await, (State::Succeeded, None));
    results(test, job).await
}

pub async fn results(test: &TestApp, job: Id<Job>) -> Vec<RowResult> {
    kluis::jobs::results(&Workshop::of(&test.app), test.north, job, -1, 1_000_000).await.expect("it reads")
}

pub async fn state(test: &TestApp, job: Id<Job>) -> (State, Option<String>) {
    let sql = "SELECT state, failure FROM jobs WHERE id = $1";
    let row = test.app.db.fetch_optional_without_scope(WHY, sql, args![job]).await.expect("it reads").expect("a job");
    (State::parse(&row.text(0).expect("a text")).expect("a state"), row.opt_text(1).expect("a text"))
}

/// Every row about customers as it stands in the database: sealed columns, index, row MACs.
pub async fn rows(test: &TestApp) -> Vec<(String, String)> {
    let mut tables = Tables::open(&stores::options(&test.app.config).0).await;
    let sql = tables.digest_sql().await;
    let all = tables.digest(&sql).await;
    all.into_iter().filter(|(table, _)| table.starts_with("customer")).collect()
}

/// Everything that a manager can see of the tenant's customers, as it leaves the API.
pub async fn export(test: &TestApp) -> String {
    let mut path = "/v1/customers?pageSize=200&sort=oldest".to_owned();
    let mut all = String::new();
    loop {
        let (status, page) = read(test.get("manager", &path).await).await;
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().expect("items") {
            all.push_str(&item.to_string());
            all.push('\n');
        }
        match page.get("nextCursor").and_then(Value::as_str) {
            Some(cursor) => path = format!("/v1/customers?pageSize=200&sort=oldest&cursor={cursor}"),
            None => return all,
        }
    }
}

/// The results in the words of the truth file.
pub fn as_truth(results: &[RowResult]) -> String {
    let mut out = String::from("line,expect,of_line,codes\n");
    for row in results {
        let codes: Vec<&str> = row.codes.iter().map(String::as_str).collect();
        let codes = match codes.as_slice() {
            ["email"] if row.of_line.is_some() => "mail_case".to_owned(),
            ["phone"] if row.of_line.is_some() => "phone_format".to_owned(),
            ["email", "phone"] if row.of_line.is_some() => "same".to_owned(),
            codes => codes.join(" "),
        };
        let of_line = row.of_line.map(|line| line.to_string()).unwrap_or_default();
        out += &format!("{},{},{of_line},{codes}\n", row.line, row.outcome.as_str());
    }
    out
}
