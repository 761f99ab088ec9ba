//! Customers that are brought in one by one: what a file and a request with many rows share.
//!
//! Which ones are accepted depends on those before, in a dry run as in a real one.
//!
//! Must never: write in a dry run, write one record twice, or say something else in a dry run.

use std::collections::HashMap;

use kluis_core::access::Scope;
use kluis_core::audit::Event;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Customer;
use kluis_core::privacy::CompartmentSet;
use kluis_core::store::{Tx, Unaudited};

use super::model::{Change, ChangeKind};
use super::twins::Twins;
use crate::app::App;
use crate::customers::Import;
use crate::customers::model::{self, CustomerDraft, ExactKey};
use crate::customers::upsert::{Freed, Merge, Plan, Planned, Upserts, Written};
use crate::jobs::{Behalf, JobFault, RowOutcome, RowResult};

/// The decisions of whoever asked, as of now.
pub async fn decide(app: &App, behalf: &Behalf) -> Result<Upserts, JobFault> {
    let actor = behalf.actor(app).await?;
    Ok(Upserts::open(app, &actor, behalf.purpose(), behalf.request()).await?)
}

/// Brings in one after the other.
pub struct Bringing {
    upserts: Upserts,
    dry: bool,
    twins: Twins,
    /// The line that each record was found or changed by: a record is written at most once.
    touched: HashMap<Id<Customer>, i64>,
    /// Of a preview: what the changes so far would have given up.
    freed: Freed,
}

/// What a step leaves to be committed.
#[derive(Default)]
pub struct Chunk {
    pub results: Vec<RowResult>,
    pub changes: Vec<Change>,
    pub written: Vec<Written>,
}

impl Chunk {
    /// Notes a line that can't be a customer.
    pub fn refuse(&mut self, line: i64, codes: &[&'static str]) {
        self.results.push(result(line, RowOutcome::Error, codes));
    }

    /// The event about the step, and those about what it wrote.
    pub fn events(&self, look: Event) -> Vec<Event> {
        let written = self.written.iter().map(|written| written.event.clone());
        std::iter::once(look).chain(written).collect()
    }

    fn wrote(&mut self, line: i64, kind: ChangeKind, mut written: Written) {
        let before = written.before.take();
        self.changes.push(Change { line, record: written.id, kind, revision: written.revision, before });
        self.written.push(written);
    }
}

impl Bringing {
    pub fn new(upserts: Upserts, dry: bool) -> Self {
        Self { upserts, dry, twins: Twins::new(), touched: HashMap::new(), freed: Freed::default() }
    }

    /// Goes on under rights that were looked up again.
    pub fn decide_anew(&mut self, upserts: Upserts) {
        self.upserts = upserts;
    }

    pub const fn upserts(&self) -> &Upserts {
        &self.upserts
    }

    pub const fn scope(&self) -> &Scope<Import> {
        self.upserts.scope()
    }

    /// How it is told in events: `dry` or `real`.
    pub const fn run(&self) -> &'static str {
        if self.dry { "dry" } else { "real" }
    }

    /// Takes into account what became of an earlier line, before a break.
    pub fn recall(&mut self, app: &App, result: &RowResult, fresh: CustomerDraft) -> Result<(), JobFault> {
        if let (true, Ok(valid)) = (is_accepted(result.outcome), self.upserts.check(app, fresh)?) {
            self.accept(result, &model::exact_keys(valid.draft()));
        }
        Ok(())
    }

    /// The same, where a change may take something away: what that was is planned again. Writes nothing.
    pub async fn recall_change(
        &mut self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        result: &RowResult,
        (fresh, merge): (CustomerDraft, Merge<'_>),
    ) -> Result<(), JobFault> {
        if self.dry
            && result.outcome == RowOutcome::Update
            && let Ok(valid) = self.upserts.check(app, fresh.clone())?
            && let Plan::Update(change) = self.upserts.plan(app, tx, valid, merge, &self.freed).await?.plan
        {
            self.freed.add(&change);
        }
        self.recall(app, result, fresh)
    }

    fn accept(&mut self, result: &RowResult, keys: &[ExactKey]) {
        self.twins.accept(result.line, keys);
        if let Some(record) = result.record {
            self.touched.entry(Id::from_uuid(record)).or_insert(result.line);
        }
    }

    /// Brings in one, or notes why not.
    pub async fn bring(
        &mut self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        line: i64,
        (fresh, merge): (CustomerDraft, Merge<'_>),
        chunk: &mut Chunk,
    ) -> Result<(), JobFault> {
        let valid = match self.upserts.check(app, fresh)? {
            Ok(valid) => valid,
            Err(codes) => {
                chunk.refuse(line, &codes);
                return Ok(());
            }
        };
        let keys = model::exact_keys(valid.draft());
        if let Some(twin) = self.twins.find(&keys) {
            let of_line = Some(twin.line);
            chunk.results.push(RowResult { of_line, ..result(line, RowOutcome::Duplicate, &twin.codes) });
            return Ok(());
        }
        let Planned { plan, kept } = self.upserts.plan(app, tx, valid, merge, &self.freed).await?;
        let mut done = match self.twice(&plan) {
            Some(of_line) => {
                RowResult { of_line: Some(of_line), ..result(line, RowOutcome::Duplicate, &["external_id"]) }
            }
            None => self.carry_out(app, tx, line, plan, chunk).await?,
        };
        if is_accepted(done.outcome) {
            self.accept(&done, &keys);
            done.codes = kept_codes(kept);
        }
        chunk.results.push(done);
        Ok(())
    }

    /// The earlier line that has dealt with the same record.
    fn twice(&self, plan: &Plan) -> Option<i64> {
        let target = match plan {
            Plan::Update(change) => change.id(),
            Plan::Unchanged { id } => *id,
            _ => return None,
        };
        self.touched.get(&target).copied()
    }

    async fn carry_out(
        &mut self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        line: i64,
        plan: Plan,
        chunk: &mut Chunk,
    ) -> Result<RowResult, JobFault> {
        let of =
            |outcome, record: Id<Customer>| RowResult { record: Some(record.uuid()), ..result(line, outcome, &[]) };
        Ok(match plan {
            Plan::Refused { codes } => result(line, RowOutcome::Error, &codes),
            Plan::Duplicate { id, codes } => {
                RowResult { record: id.map(Id::uuid), ..result(line, RowOutcome::Duplicate, &codes) }
            }
            Plan::Unchanged { id } => of(RowOutcome::Unchanged, id),
            Plan::Create(_) if self.dry => result(line, RowOutcome::Create, &[]),
            Plan::Create(valid) => {
                let written = self.upserts.create(app, tx, &valid).await?;
                let done = of(RowOutcome::Create, written.id);
                chunk.wrote(line, ChangeKind::Create, written);
                done
            }
            Plan::Update(change) => {
                let done = of(RowOutcome::Update, change.id());
                if self.dry {
                    self.freed.add(&change);
                } else {
                    let written = self.upserts.change(app, tx, *change).await?;
                    chunk.wrote(line, ChangeKind::Update, written);
                }
                done
            }
        })
    }
}

const fn is_accepted(outcome: RowOutcome) -> bool {
    matches!(outcome, RowOutcome::Create | RowOutcome::Update | RowOutcome::Unchanged)
}

fn result(line: i64, outcome: RowOutcome, codes: &[&'static str]) -> RowResult {
    let codes = codes.iter().map(|code| (*code).to_owned()).collect();
    RowResult { line, outcome, codes, record: None, of_line: None }
}

/// Compartments that were left as they are, because they can't be seen: `kept_financial` …
fn kept_codes(kept: CompartmentSet) -> Vec<String> {
    kept.iter().map(|compartment| format!("kept_{}", compartment.name())).collect()
}
