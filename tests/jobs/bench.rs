//! A database with a tenant, an open keyring, and a kind of job that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kluis::jobs::{
    JobFault, JobKind, NewJob, Opened, Principal, Progress, Registry, RowOutcome, RowResult, Run, State, Step,
    StepContext, Timing, Worker, Workshop, enqueue,
};
use kluis_core::args;
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::id::{Job, Tenant};
use kluis_core::kernel::{Clock, Entropy, Id};
use kluis_core::privacy::{Keyring, KeyringOptions, RootKey};
use kluis_core::store::migrate::{self, Schema};
use kluis_core::store::{Db, DbKeyStore, DbOptions};
use serde_json::json;

use crate::support::{Scratch, postgres_database};

pub const WHY: &str = "a test of the queue";

pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes.chunks_mut(8) {
            let n = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            byte.copy_from_slice(&n.to_be_bytes()[..byte.len()]);
        }
    }
}

/// How another process finds the same data.
#[derive(Clone)]
pub struct Place {
    pub data: DbOptions,
    pub keys: DbOptions,
    pub root: String,
}

pub struct Bench {
    pub workshop: Workshop,
    pub tenant: Id<Tenant>,
    pub place: Place,
    pub scratch: Scratch,
}

pub fn tenant() -> Id<Tenant> {
    Id::from_uuid(uuid::Uuid::from_u128(0x7e))
}

impl Bench {
    pub async fn both() -> [Self; 2] {
        let sqlite = Scratch::sqlite().await;
        let keys = DbOptions::Sqlite { file: sqlite.directory().join("keys.db"), readers: 2 };
        let postgres = Scratch::postgres().await;
        let other = DbOptions::Postgres { url: postgres_database("jobkeys").await, connections: 4 };
        [Self::new(sqlite, keys).await, Self::new(postgres, other).await]
    }

    async fn new(scratch: Scratch, keys: DbOptions) -> Self {
        let store = Db::open(&keys).await.unwrap();
        migrate::run(&store, Schema::Keys).await.unwrap();
        let root = RootKey::generate().unwrap();
        let ring = Keyring::new(Arc::new(DbKeyStore::new(store)), KeyringOptions::default());
        ring.initialise(&root).await.unwrap();
        ring.create_tenant(tenant().uuid()).await.unwrap();
        let mut tx = scratch.db.begin().await.unwrap();
        let sql = "INSERT INTO tenants (id, kind, name, status, country, created_at, updated_at, revision) \
                   VALUES ($1, 'franchisee', 'Utrecht', 'active', 'NL', 1, 1, 1)";
        tx.execute_without_scope(WHY, sql, args![tenant()]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        let place = Place { data: scratch.options.clone(), keys, root: root.to_text().to_string() };
        let start = chrono::DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z").unwrap().to_utc();
        let workshop = Workshop {
            db: scratch.db.clone(),
            keys: ring,
            clock: Clock::fixed(start),
            entropy: Arc::new(Counting(AtomicU64::new(u64::from(std::process::id())))),
        };
        Self { workshop, tenant: tenant(), place, scratch }
    }

    pub async fn enqueue(&self, rows: i64) -> Id<Job> {
        let principal = Principal { user: None, tenant: self.tenant, purpose: None, scopes: None };
        let body = json!({ "rows": rows, "canary": "jan@example.com" });
        let new = NewJob { kind: COUNT, principal, request: "req_test", body: &body, total: Some(rows) };
        let mut tx = self.workshop.db.begin().await.unwrap();
        let job = enqueue(&self.workshop, &mut tx, new).await.unwrap();
        tx.record(event(&self.workshop)).await.unwrap().commit().await.unwrap();
        job
    }

    pub fn worker(&self, kind: &Arc<Count>) -> Worker {
        Worker::new(self.workshop.clone(), Registry::new().with(Arc::new(Shared(kind.clone()))), TIMING)
    }

    pub async fn state(&self, job: Id<Job>) -> (State, i64, i64, Option<String>) {
        let sql = "SELECT state, progress, attempts, failure FROM jobs WHERE tenant_id = $1 AND id = $2";
        let row = self.workshop.db.fetch_optional_without_scope(WHY, sql, args![self.tenant, job]).await;
        let row = row.unwrap().unwrap();
        let state = State::parse(&row.text(0).unwrap()).unwrap();
        (state, row.int(1).unwrap(), row.int(2).unwrap(), row.opt_text(3).unwrap())
    }

    /// How often the effect of a row was applied: one for each row, if nothing was lost and nothing doubled.
    pub async fn effects(&self) -> i64 {
        let sql = "SELECT value FROM authz_epoch";
        let row = self.workshop.db.fetch_optional_without_scope(WHY, sql, args![]).await.unwrap().unwrap();
        row.int(0).unwrap() - 1
    }

    pub async fn results(&self, job: Id<Job>) -> Vec<RowResult> {
        kluis::jobs::results(&self.workshop, self.tenant, job, -1, 1_000_000).await.unwrap()
    }

    pub async fn cancel(&self, job: Id<Job>) {
        let mut tx = self.workshop.db.begin().await.unwrap();
        let sql = "UPDATE jobs SET cancel_asked_at = 1 WHERE tenant_id = $1 AND id = $2";
        tx.execute_without_scope(WHY, sql, args![self.tenant, job]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
    }

    /// Says that the lease of every job has run out, as it does when its worker is killed.
    pub async fn expire_leases(&self) {
        let mut tx = self.workshop.db.begin().await.unwrap();
        tx.execute_without_scope(WHY, "UPDATE jobs SET due_at = 0 WHERE state = 'running'", args![]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
    }
}

pub const TIMING: Timing = Timing {
    lease: Duration::from_secs(30),
    pause: Duration::from_millis(20),
    back_off: Duration::from_secs(5),
    attempts: 3,
    at_once: 2,
};

pub const COUNT: &str = "count";
pub const STEP: i64 = 10;

/// Counts one up for each row, ten rows a step.
#[derive(Default)]
pub struct Count {
    /// Steps that were committed.
    pub steps: AtomicI64,
    pub opened: AtomicI64,
    /// Fails every step from this position on, until it is cleared.
    pub fail_from: AtomicI64,
    pub fault: std::sync::Mutex<Option<JobFault>>,
    /// Panics in the middle of the first step.
    pub panic: AtomicBool,
    pub slow: Duration,
}

/// The kind in the registry; the test keeps the other end.
pub struct Shared(pub Arc<Count>);

#[async_trait]
impl JobKind for Shared {
    fn name(&self) -> &'static str {
        COUNT
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        assert_eq!(opened.request, "req_test");
        Ok(Box::new(CountRun { kind: self.0.clone(), rows: opened.body["rows"].as_i64().unwrap() }))
    }
}

struct CountRun {
    kind: Arc<Count>,
    rows: i64,
}

#[async_trait]
impl Run for CountRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        let from = context.job().position;
        if from >= self.rows {
            return Ok(Step::Done);
        }
        let fault = self.kind.fault.lock().unwrap().clone();
        if let Some(fault) = fault
            && from >= self.kind.fail_from.load(Ordering::Relaxed)
        {
            return Err(fault);
        }
        let mut tx = context.begin().await?;
        let mut rows = Vec::new();
        for line in from..(from + STEP).min(self.rows) {
            tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = value + 1", args![]).await?;
            assert!(!self.kind.panic.swap(false, Ordering::Relaxed), "a step that panics");
            let record = (line % 2 == 0).then(|| uuid::Uuid::from_u128(line.unsigned_abs().into()));
            let outcome = if line % 5 == 4 { RowOutcome::Error } else { RowOutcome::Create };
            rows.push(RowResult { line, outcome, codes: vec!["a".into(), "b".into()], record, of_line: Some(line) });
        }
        tokio::time::sleep(self.kind.slow).await;
        let end = from + rows.len() as i64;
        let done = Progress { position: end, progress: end, total: None, rows };
        context.commit(tx, done, vec![event(context.workshop())]).await?;
        self.kind.steps.fetch_add(1, Ordering::Relaxed);
        Ok(Step::More)
    }
}

pub fn event(workshop: &Workshop) -> Event {
    Event {
        id: workshop.new_id(),
        at: workshop.clock.now(),
        tenant: tenant(),
        owner: None,
        actor: "system:test".into(),
        channel: "job".into(),
        request: "req_test".into(),
        class: Class::Write,
        action: "test.count".into(),
        entity: "test".into(),
        record: None,
        subjects: Vec::new(),
        compartments: 0,
        purpose: "".into(),
        outcome: Outcome::Allowed,
        detail: std::collections::BTreeMap::new(),
    }
}

/// Opens what another process has made.
pub async fn open(place: &Place) -> Workshop {
    let db = Db::open(&place.data).await.unwrap();
    let store = DbKeyStore::new(Db::open(&place.keys).await.unwrap());
    let keys = Keyring::new(Arc::new(store), KeyringOptions::default());
    keys.unseal(RootKey::parse(&place.root).unwrap()).await.unwrap();
    let entropy = Arc::new(Counting(AtomicU64::new(u64::from(std::process::id()) << 32)));
    Workshop { db, keys, clock: Clock::System, entropy }
}
