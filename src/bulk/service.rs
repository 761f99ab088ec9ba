//! What can be done with bulk changes. Every function takes a scope.

use std::collections::HashSet;

use kluis_core::access::Scope;
use kluis_core::kernel::id::{Customer, Job, Tenant};
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind};
use kluis_core::store::{Tx, Unaudited};
use serde::Serialize;

use super::model::{self, MOST, Order, UNDO_WINDOW, needed_of, words};
use super::view::{BulkSelection, CustomerBulkDraft, CustomerChange};
use super::{bring, rows, run, undo};
use crate::app::App;
use crate::customers::Bulk;
use crate::customers::changes::{Changes, Needed};
use crate::customers::model::CustomerDraft;
use crate::customers::search::Selection;
use crate::jobs::{self, NewJob, Principal, Workshop};

const WHICH: Phrase = Phrase {
    en: "Say which customers, in one way: by their ids, by a selection, or as rows to bring in.",
    nl: "Zeg welke klanten, op één manier: met hun id's, met een selectie, of als rijen om in te brengen.",
};
const EACH_ITS_OWN: Phrase = Phrase {
    en: "Rows that are brought in say for themselves what becomes of them.",
    nl: "Rijen die worden ingebracht zeggen zelf wat er met ze gebeurt.",
};
const TWICE: Phrase = Phrase { en: "This id stands here twice.", nl: "Dit id staat hier twee keer." };
const TOO_MANY: Phrase = Phrase {
    en: "More than 10,000 customers fit. Narrow the selection.",
    nl: "Er passen meer dan 10.000 klanten. Maak de selectie kleiner.",
};
const NO_BULK: Phrase = Phrase {
    en: "This job changed nothing that can be taken back here.",
    nl: "Deze taak heeft niets veranderd wat hier teruggenomen kan worden.",
};
const STILL_RUNNING: Phrase = Phrase { en: "The job is still running.", nl: "De taak loopt nog." };
const TAKEN_BACK: Phrase = Phrase {
    en: "This was taken back already, or the time for it is over.",
    nl: "Dit is al teruggenomen, of de termijn daarvoor is voorbij.",
};

/// Starts one change to many customers, or the bringing in of many, or a preview of it, as a job. Which customers are
/// changed is settled now; what whoever asks may do to each of them is decided when its turn comes.
pub async fn start(app: &App, scope: &Scope<Bulk>, draft: CustomerBulkDraft) -> Result<Id<Job>, Problem> {
    let changes = Changes::open(app, scope.actor(), scope.purpose(), scope.request().into()).await?;
    let dry = draft.dry_run;
    let (records, change) = match check(app, scope, draft).await? {
        Wanted::Rows(rows) => {
            changes.require(Needed { import: true, ..Needed::NOTHING })?;
            let (needed, count) = (needed_of(&rows), rows.len());
            return queue(app, scope, (bring::KIND, &bring::Order { rows, dry }), count, (!dry).then_some(needed))
                .await;
        }
        Wanted::These(ids, change) => {
            changes.require(change.needed())?;
            (ids, change)
        }
        Wanted::Fitting(selection, change) => {
            changes.require(change.needed())?;
            (selected(app, scope, &selection).await?, change)
        }
    };
    let (needed, count) = (change.needed(), records.len());
    queue(app, scope, (run::KIND, &Order { records, change, dry }), count, (!dry).then_some(needed)).await
}

/// Puts the job into the queue; `needed` are the rights that taking it back will ask for, if it writes.
async fn queue<B: Serialize + Sync>(
    app: &App,
    scope: &Scope<Bulk>,
    (kind, body): (&str, &B),
    count: usize,
    needed: Option<Needed>,
) -> Result<Id<Job>, Problem> {
    let total = i64::try_from(count).ok();
    let new = NewJob { kind, principal: Principal::of(scope), request: scope.request(), body, total };
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    let job = jobs::enqueue(&Workshop::of(app), &mut tx, new).await?;
    if let Some(needed) = needed {
        let until = app.clock.now() + UNDO_WINDOW;
        rows::insert(&mut tx, (scope.tenant(), job), &words(needed), until).await?;
    }
    let event = app.event(scope).code("job", job.to_string()).count("records", count);
    tx.record(event.code("run", if needed.is_none() { "dry" } else { "real" })).await?.commit().await?;
    Ok(job)
}

/// What was asked for, without a fault.
enum Wanted {
    Rows(Vec<CustomerDraft>),
    These(Vec<Id<Customer>>, CustomerChange),
    Fitting(Box<Selection>, CustomerChange),
}

/// All faults of the request at once. What is wrong with a single row is that row's result.
async fn check(app: &App, scope: &Scope<Bulk>, draft: CustomerBulkDraft) -> Result<Wanted, Problem> {
    let CustomerBulkDraft { ids, selection, rows, change, .. } = draft;
    let mut faults = Faults::new();
    let ways = [!ids.is_empty(), selection.is_some(), !rows.is_empty()];
    if ways.into_iter().filter(|way| *way).count() != 1 {
        faults.add("", "required", WHICH);
    }
    let mut seen = HashSet::with_capacity(ids.len());
    for (at, _) in ids.iter().enumerate().filter(|(_, id)| !seen.insert(id.0)) {
        faults.add(format!("/ids/{at}"), "twice", TWICE);
    }
    let changes = ids.len() + usize::from(selection.is_some()) > 0;
    if change.is_some() && !rows.is_empty() {
        faults.add("/change", "contradiction", EACH_ITS_OWN);
    } else if change.is_none() && changes {
        faults.add("/change", "required", model::WHAT);
    }
    let mut change = change.unwrap_or_default();
    if !change.is_empty() || (changes && faults.is_empty()) {
        change.check("/change", &mut faults);
    }
    let selection = match selection {
        None => None,
        Some(BulkSelection { condition, archived }) => {
            Some(Selection::of(app, &scope.also(), (condition, archived), "/selection", &mut faults).await?)
        }
    };
    faults.into_result()?;
    Ok(match selection {
        Some(selection) => Wanted::Fitting(Box::new(selection), change),
        None if rows.is_empty() => Wanted::These(ids.into_iter().map(|id| id.0).collect(), change),
        None => Wanted::Rows(rows),
    })
}

/// Those of the acting tenant that fit and that whoever asks may change in bulk.
async fn selected(app: &App, scope: &Scope<Bulk>, selection: &Selection) -> Result<Vec<Id<Customer>>, Problem> {
    let found = selection.ids(app, scope, MOST + 1).await?;
    if found.len() > MOST {
        let mut faults = Faults::new();
        faults.add("/selection", "too_many", TOO_MANY);
        return Err(Problem::invalid(faults.into_vec()));
    }
    Ok(found)
}

/// Starts the job that takes a bulk change back. 409 when there is nothing to take back, or no longer.
pub async fn start_undo(app: &App, scope: &Scope<Bulk>, id: Id<Job>) -> Result<Id<Job>, Problem> {
    let job = jobs::service::show(app, &scope.also(), id).await?;
    let changes = Changes::open(app, scope.actor(), scope.purpose(), scope.request().into()).await?;
    let conflict = |detail| Problem::new(ProblemKind::Conflict).detail(detail);
    let own = if job.tenant == scope.tenant() { rows::get(&app.db, (job.tenant, id)).await? } else { None };
    let run = own.ok_or_else(|| conflict(NO_BULK))?;
    changes.require(run.needed)?;
    if !job.state.is_final() {
        return Err(conflict(STILL_RUNNING));
    }
    let place = (run.tenant, run.job);
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    let total = rows::count(&mut tx, place).await?;
    let new = NewJob {
        kind: undo::KIND,
        principal: Principal::of(scope),
        request: scope.request(),
        body: &undo::Order { job: id },
        total: Some(total),
    };
    let undoing = jobs::enqueue(&Workshop::of(app), &mut tx, new).await?;
    if !rows::take_back(&mut tx, place, undoing, app.clock.now()).await? {
        return Err(conflict(TAKEN_BACK));
    }
    let event = app.event(scope).code("job", undoing.to_string()).code("undoes", id.to_string());
    tx.record(event).await?.commit().await?;
    Ok(undoing)
}

/// Housekeeping: what it takes to undo changes whose time for it is over.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    let mut tx = app.db.begin().await?;
    rows::forget(&mut tx, app.clock.now()).await?;
    tx.commit_without_event("what it took to undo bulk changes whose time for it is over; that was said when they ran")
        .await?;
    Ok(())
}

/// Removes what bulk changes keep of a customer that is being erased, in the transaction that does it; how many changes.
pub async fn erase(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, customer: Id<Customer>) -> Result<u64, Problem> {
    Ok(rows::erase(tx, tenant, customer).await?)
}
