//! What can be done with bulk changes. Every function takes a scope.

use std::collections::HashSet;

use kluis_core::access::Scope;
use kluis_core::kernel::id::{Customer, Job};
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind};

use super::model::{MOST, Order, UNDO_WINDOW, words};
use super::view::{BulkSelection, CustomerBulkDraft, CustomerChange};
use super::{rows, run, undo};
use crate::app::App;
use crate::customers::Bulk;
use crate::customers::changes::Changes;
use crate::customers::search::Selection;
use crate::jobs::{self, NewJob, Principal, Workshop};

const WHICH: Phrase = Phrase {
    en: "Say which customers: either by their ids, or by a selection.",
    nl: "Zeg welke klanten: óf met hun id's, óf met een selectie.",
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

/// Starts one change to many customers, or a preview of it, as a job. Which customers those are is settled now; what
/// whoever asks may do to each of them is decided when its turn comes.
pub async fn start(app: &App, scope: &Scope<Bulk>, draft: CustomerBulkDraft) -> Result<Id<Job>, Problem> {
    let changes = Changes::open(app, scope.actor(), scope.purpose(), scope.request().into()).await?;
    let Checked { ids, selection, change } = check(app, scope, &draft).await?;
    let needed = change.needed();
    changes.require(needed)?;
    let records = match selection {
        None => ids,
        Some(selection) => selected(app, scope, &selection).await?,
    };
    let count = records.len();
    let dry = draft.dry_run;
    let order = Order { records, change, dry };
    let workshop = Workshop::of(app);
    let new = NewJob {
        kind: run::KIND,
        principal: Principal::of(scope),
        request: scope.request(),
        body: &order,
        total: i64::try_from(count).ok(),
    };
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    let job = jobs::enqueue(&workshop, &mut tx, new).await?;
    if !dry {
        let until = app.clock.now() + UNDO_WINDOW;
        rows::insert(&mut tx, (scope.tenant(), job), &words(needed), until).await?;
    }
    let event = app.event(scope).code("job", job.to_string()).count("records", count);
    tx.record(event.code("run", if dry { "dry" } else { "real" })).await?.commit().await?;
    Ok(job)
}

/// What was asked for, without a fault.
struct Checked {
    ids: Vec<Id<Customer>>,
    selection: Option<Selection>,
    change: CustomerChange,
}

/// All faults of the request at once.
async fn check(app: &App, scope: &Scope<Bulk>, draft: &CustomerBulkDraft) -> Result<Checked, Problem> {
    let mut faults = Faults::new();
    let ids: Vec<_> = draft.ids.iter().map(|id| id.0).collect();
    if ids.is_empty() == draft.selection.is_none() {
        faults.add("", "required", WHICH);
    }
    let mut seen = HashSet::with_capacity(ids.len());
    for (at, _) in ids.iter().enumerate().filter(|(_, id)| !seen.insert(**id)) {
        faults.add(format!("/ids/{at}"), "twice", TWICE);
    }
    let mut change = draft.change.clone();
    change.check("/change", &mut faults);
    let selection = match &draft.selection {
        None => None,
        Some(BulkSelection { condition, archived }) => {
            let wanted = (condition.clone(), *archived);
            Some(Selection::of(app, &scope.also(), wanted, "/selection", &mut faults).await?)
        }
    };
    faults.into_result()?;
    Ok(Checked { ids, selection, change })
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
