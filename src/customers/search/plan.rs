//! Where the candidates of a search come from: the blind index, the directory of names, or a walk through the scope.
//!
//! A source may give too much (the conditions are looked at afterwards), never too little.

use std::collections::HashMap;
use std::sync::Arc;

use kluis_core::access::{RelSet, Scope};
use kluis_core::kernel::{Id, Problem, id::Customer, id::Tenant};
use kluis_core::privacy::directory::TenantDirectory;
use kluis_core::privacy::{Compartment, IndexField};
use uuid::Uuid;

use super::condition::{Condition, Operator, normal};
use super::field::Field;
use super::{Candidate, Candidates, CustomerSearch, Position, SearchSort, directories, rows_by_ids};
use crate::app::App;
use crate::customers::access::Read;
use crate::customers::model;
use crate::customers::rows::{self, After, CustomerRow, ListFilter, Order};
use crate::customers::{index, reach};

/// A ranked search looks at so many names at the most; who is not among them needs more letters.
const RANKED: usize = 400;
/// Rows that are read at once while those without a visible name are looked for.
const WALKED: usize = 200;

pub(super) enum Source {
    /// Few records, known by id, best first, then newest first. Those found by name are shown only with their name.
    Ranked { hits: Vec<(u32, Id<Customer>)>, by_name: bool },
    /// Few records, which were read when they were found, newest first.
    Exact(Vec<CustomerRow>),
    /// All names, in their order; then the records whose name the caller may not see.
    Names(Vec<Arc<TenantDirectory>>),
    /// All records, newest first; of one tenant, if it is given.
    Walk { archived: bool, tenant: Option<Id<Tenant>> },
}

impl Source {
    pub async fn of(app: &App, scope: &Scope<Read>, search: &CustomerSearch) -> Result<Self, Problem> {
        if let Some(name) = &search.name {
            return Ok(Self::Ranked { hits: by_name(app, scope, name).await?, by_name: true });
        }
        if let Some(mut rows) = match &search.condition {
            Some(condition) => exact(app, scope, condition).await?,
            None => None,
        } {
            rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
            rows.dedup_by_key(|row| row.id);
            return Ok(Self::Exact(rows));
        }
        if search.sort == Some(SearchSort::Name) {
            return Ok(Self::Names(directories(app, scope).await?));
        }
        Ok(Self::Walk { archived: search.archived.unwrap_or(false), tenant: None })
    }

    /// For whoever wants records of this tenant only: a walk leaves the others aside, the other sources are short.
    pub fn within(self, only: Id<Tenant>) -> Self {
        match self {
            Self::Walk { archived, .. } => Self::Walk { archived, tenant: Some(only) },
            other => other,
        }
    }

    pub async fn next(
        &mut self,
        app: &App,
        scope: &Scope<Read>,
        position: Option<&Position>,
        wanted: usize,
    ) -> Result<Candidates, Problem> {
        match (self, position) {
            (Self::Ranked { hits, by_name }, _) => ranked(app, scope, (hits, *by_name), position, wanted).await,
            (Self::Exact(rows), _) => Ok(newest_known(rows, position, wanted)),
            (Self::Names(_), Some(Position::Nameless(after))) => nameless(app, scope, *after, wanted).await,
            (Self::Names(directories), _) => names(app, scope, directories, position, wanted).await,
            (Self::Walk { archived, tenant }, _) => {
                let before = match position {
                    Some(Position::Before(id)) => Some(*id),
                    _ => None,
                };
                let (rows, more) = newest(app, scope, (*archived, *tenant), before, wanted).await?;
                let next = rows.last().filter(|_| more).map(|row| Position::Before(row.id));
                Ok(candidates(rows, |row| Position::Before(row.id), next))
            }
        }
    }
}

/// Best first; equals newest first.
fn best_first(a: &(u32, Id<Customer>), b: &(u32, Id<Customer>)) -> std::cmp::Ordering {
    b.cmp(a)
}

/// The best hits for a name among those that the caller may see. Names that may not be seen must not crowd out others:
/// that would tell of them.
async fn by_name(app: &App, scope: &Scope<Read>, name: &str) -> Result<Vec<(u32, Id<Customer>)>, Problem> {
    let directories = directories(app, scope).await?;
    let mut seen: HashMap<Uuid, bool> = HashMap::new();
    loop {
        let mut accept = |id: Uuid| seen.get(&id) != Some(&false);
        let found: Vec<_> = directories.iter().map(|names| names.search(name, RANKED, &mut accept)).collect();
        let is_cut = found.iter().any(|hits| hits.len() >= RANKED);
        let mut hits: Vec<_> = found.into_iter().flatten().map(|hit| (hit.score, Id::from_uuid(hit.id))).collect();
        let unknown: Vec<_> = hits.iter().map(|(_, id)| *id).filter(|id| !seen.contains_key(&id.uuid())).collect();
        if !is_cut || unknown.is_empty() || scope.shows_everything(Compartment::Identity) {
            hits.sort_unstable_by(best_first);
            hits.truncate(RANKED);
            return Ok(hits);
        }
        let reached = reach::all(app, scope, &unknown).await?;
        let shows = |id: &Id<Customer>| reached.get(id).is_some_and(|r| shows_name(scope, r.rels));
        seen.extend(unknown.iter().map(|id| (id.uuid(), shows(id))));
    }
}

fn shows_name(scope: &Scope<Read>, rels: RelSet) -> bool {
    scope.disclosure(rels).clear().contains(Compartment::Identity)
}

fn candidates(
    rows: Vec<CustomerRow>,
    position: impl Fn(&CustomerRow) -> Position,
    next: Option<Position>,
) -> Candidates {
    let rows: Vec<_> = rows.into_iter().map(|row| Candidate { position: position(&row), row }).collect();
    Candidates { looked_at: rows.len(), rows, next }
}

async fn ranked(
    app: &App,
    scope: &Scope<Read>,
    (hits, by_name): (&[(u32, Id<Customer>)], bool),
    position: Option<&Position>,
    wanted: usize,
) -> Result<Candidates, Problem> {
    let start = match position {
        Some(Position::Hit { score, id }) => hits.partition_point(|hit| best_first(hit, &(*score, *id)).is_le()),
        _ => 0,
    };
    let end = (start + wanted).min(hits.len());
    let here = &hits[start..end];
    let mut rows = rows_by_ids(app, scope, &here.iter().map(|(_, id)| *id).collect::<Vec<_>>()).await?;
    rows.retain(|row| !by_name || shows_name(scope, row.rels));
    let scores: HashMap<_, _> = here.iter().map(|(score, id)| (*id, *score)).collect();
    let hit = |id| Position::Hit { score: scores.get(&id).copied().unwrap_or_default(), id };
    let next = here.last().filter(|_| end < hits.len()).map(|(_, id)| hit(*id));
    Ok(candidates(rows, |row| hit(row.id), next))
}

fn newest_known(rows: &mut Vec<CustomerRow>, position: Option<&Position>, wanted: usize) -> Candidates {
    if let Some(Position::Before(id)) = position {
        rows.drain(..rows.partition_point(|row| row.id >= *id));
    }
    let here: Vec<_> = rows.drain(..wanted.min(rows.len())).collect();
    let next = here.last().filter(|_| !rows.is_empty()).map(|row| Position::Before(row.id));
    candidates(here, |row| Position::Before(row.id), next)
}

async fn names(
    app: &App,
    scope: &Scope<Read>,
    directories: &[Arc<TenantDirectory>],
    position: Option<&Position>,
    wanted: usize,
) -> Result<Candidates, Problem> {
    let after = match position {
        Some(Position::Name { key, id }) => Some((key.as_str(), id.uuid())),
        _ => None,
    };
    let mut merged = Vec::new();
    for directory in directories {
        merged.extend(directory.page_after(after, false, wanted + 1));
    }
    merged.sort_by(|a, b| (&*a.0, a.1).cmp(&(&*b.0, b.1)));
    let more = merged.len() > wanted;
    merged.truncate(wanted);
    let keys: HashMap<Uuid, &str> = merged.iter().map(|(key, id)| (*id, key.as_str())).collect();
    let place = |id: Id<Customer>| {
        let key = keys.get(&id.uuid()).copied().unwrap_or_default().to_owned();
        Position::Name { key, id }
    };
    let ids: Vec<_> = merged.iter().map(|(_, id)| Id::from_uuid(*id)).collect();
    let mut rows = rows_by_ids(app, scope, &ids).await?;
    rows.retain(|row| shows_name(scope, row.rels));
    let rest = || (!scope.shows_everything(Compartment::Identity)).then_some(Position::Nameless(None));
    let next = if more { ids.last().map(|id| place(*id)) } else { rest() };
    Ok(candidates(rows, |row| place(row.id), next))
}

async fn nameless(
    app: &App,
    scope: &Scope<Read>,
    before: Option<Id<Customer>>,
    wanted: usize,
) -> Result<Candidates, Problem> {
    let (mut rows, more) = newest(app, scope, (false, None), before, wanted.max(WALKED)).await?;
    let next = rows.last().filter(|_| more).map(|row| Position::Nameless(Some(row.id)));
    let looked_at = rows.len();
    rows.retain(|row| !shows_name(scope, row.rels));
    Ok(Candidates { looked_at, ..candidates(rows, |row| Position::Nameless(Some(row.id)), next) })
}

/// Rows of the scope, newest first, and whether there are more.
async fn newest(
    app: &App,
    scope: &Scope<Read>,
    (archived, tenant): (bool, Option<Id<Tenant>>),
    before: Option<Id<Customer>>,
    wanted: usize,
) -> Result<(Vec<CustomerRow>, bool), Problem> {
    let after = before.map(|id| After { id, updated_at: chrono::DateTime::UNIX_EPOCH });
    let filter = ListFilter { tenant, archived, ..ListFilter::default() };
    let limit = i64::try_from(wanted).unwrap_or(200) + 1;
    let mut rows = rows::list(&app.db, scope, &filter, Order::Newest, after, limit).await?;
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    Ok((rows, more))
}

/// Rows that a tree of conditions narrows the search to, where the blind index can tell; `None` where it can't.
fn exact<'a>(
    app: &'a App,
    scope: &'a Scope<Read>,
    condition: &'a Condition,
) -> futures_util::future::BoxFuture<'a, Result<Option<Vec<CustomerRow>>, Problem>> {
    Box::pin(async move {
        if condition.operator == Some(Operator::Eq) {
            return leaf(app, scope, condition).await;
        }
        for inner in &condition.and {
            // One narrow part is enough: the others are looked at afterwards.
            if let Some(rows) = exact(app, scope, inner).await? {
                return Ok(Some(rows));
            }
        }
        if condition.or.is_empty() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for inner in &condition.or {
            match exact(app, scope, inner).await? {
                Some(rows) => all.extend(rows),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    })
}

async fn leaf(app: &App, scope: &Scope<Read>, condition: &Condition) -> Result<Option<Vec<CustomerRow>>, Problem> {
    let (Some(field), Some(value)) = (&condition.field, &condition.value) else { return Ok(None) };
    let (index_field, value) = match field {
        Field::Email => (IndexField::Email, normal(field, value)),
        Field::Phone => (IndexField::Phone, normal(field, value)),
        Field::Iban => (IndexField::Iban, normal(field, value)),
        Field::ExternalId => match value.split_once(':') {
            Some((system, id)) => (IndexField::ExternalId, model::external_id_form(system, id).to_string()),
            None => return Ok(Some(Vec::new())),
        },
        _ => return Ok(None),
    };
    let mut rows = Vec::new();
    for tenant in rows::tenants_in_scope(&app.db, scope).await? {
        app.keys.ensure_tenant(tenant.uuid()).await?;
        for hash in index::hashes(app, tenant, index_field, &value)? {
            rows.extend(rows::indexed(&app.db, scope, tenant, index_field, hash).await?);
        }
    }
    Ok(Some(rows))
}
