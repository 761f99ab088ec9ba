//! Where the candidates of a search come from: the blind index, the directory of names, or a walk through the scope.
//!
//! A source may give too much (the conditions are looked at afterwards), never too little.

use std::collections::HashSet;

use kluis_core::access::Scope;
use kluis_core::kernel::{CountryCode, Id, Problem, id::Customer, id::Tenant};
use kluis_core::privacy::{BlindHash, Compartment, IndexField};

use super::condition::{Condition, Operator, readings};
use super::countries::Countries;
use super::field::Field;
use super::named::{Names, in_order, shows_name};
use super::{Candidate, Candidates, CustomerSearch, Position, SearchSort};
use crate::app::App;
use crate::customers::access::Read;
use crate::customers::rows::{self, After, CustomerRow, ListFilter, Order};
use crate::customers::{index, model};

/// Rows that are looked up at once while those with, or without, a visible name are looked for.
pub(super) const WALKED: usize = 200;

pub(super) enum Source {
    /// By name; after all names, unless one was typed, come the records whose name the caller may not see.
    Named { names: Names, archived: bool },
    /// Few records, which were read when they were found, in the order that was asked for.
    Exact(Vec<Candidate>),
    /// All records, newest first; of one tenant, if it is given.
    Walk { archived: bool, tenant: Option<Id<Tenant>> },
}

impl Source {
    pub async fn of(
        app: &App,
        scope: &Scope<Read>,
        search: &CustomerSearch,
        countries: &Countries,
    ) -> Result<Self, Problem> {
        let (sort, archived) = (search.sort.unwrap_or_default(), search.archived.unwrap_or(false));
        let exact = match &search.condition {
            Some(condition) => exact(app, scope, condition, countries).await?,
            None => None,
        };
        if let Some(name) = &search.name {
            let only: Option<HashSet<_>> = exact.map(|rows| rows.iter().map(|row| row.id.uuid()).collect());
            let names = Names::found(app, scope, name, sort, only.as_ref()).await?;
            return Ok(Self::Named { names, archived });
        }
        if let Some(mut rows) = exact {
            rows.sort_unstable_by_key(|row| row.id);
            rows.dedup_by_key(|row| row.id);
            return Ok(Self::Exact(in_order(app, scope, rows, sort).await?));
        }
        if sort == SearchSort::Name {
            return Ok(Self::Named { names: Names::all(app, scope).await?, archived });
        }
        Ok(Self::Walk { archived, tenant: None })
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
            (Self::Named { archived, .. }, Some(Position::Nameless(after))) => {
                nameless(app, scope, *archived, *after, wanted).await
            }
            (Self::Named { names, .. }, _) => {
                let mut page = names.page(app, scope, position, wanted).await?;
                let all_is_named = matches!(names, Names::Found(_)) || scope.shows_everything(Compartment::Identity);
                if page.next.is_none() && !all_is_named {
                    page.next = Some(Position::Nameless(None));
                }
                Ok(page)
            }
            (Self::Exact(rows), _) => Ok(known(rows, position, wanted)),
            (Self::Walk { archived, tenant }, _) => {
                let before = position.and_then(Position::id);
                let (rows, more) = newest(app, scope, (*archived, *tenant), before, wanted).await?;
                let next = rows.last().filter(|_| more).map(|row| Position::Before(row.id));
                Ok(candidates(rows, |row| Position::Before(row.id), next))
            }
        }
    }
}

/// What was read already, after a position.
fn known(rows: &mut Vec<Candidate>, position: Option<&Position>, wanted: usize) -> Candidates {
    if let Some(after) = position {
        rows.drain(..rows.partition_point(|row| row.position.compare(after).is_le()));
    }
    let here: Vec<_> = rows.drain(..wanted.min(rows.len())).collect();
    let next = here.last().filter(|_| !rows.is_empty()).map(|row| row.position.clone());
    Candidates { looked_at: here.len(), rows: here, next }
}

fn candidates(
    rows: Vec<CustomerRow>,
    position: impl Fn(&CustomerRow) -> Position,
    next: Option<Position>,
) -> Candidates {
    let rows: Vec<_> = rows.into_iter().map(|row| Candidate { position: position(&row), row }).collect();
    Candidates { looked_at: rows.len(), rows, next }
}

async fn nameless(
    app: &App,
    scope: &Scope<Read>,
    archived: bool,
    before: Option<Id<Customer>>,
    wanted: usize,
) -> Result<Candidates, Problem> {
    let (mut rows, more) = newest(app, scope, (archived, None), before, wanted.max(WALKED)).await?;
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
    countries: &'a Countries,
) -> futures_util::future::BoxFuture<'a, Result<Option<Vec<CustomerRow>>, Problem>> {
    Box::pin(async move {
        if condition.operator == Some(Operator::Eq) {
            return leaf(app, scope, condition, countries).await;
        }
        for inner in &condition.and {
            // One narrow part is enough: the others are looked at afterwards.
            if let Some(rows) = exact(app, scope, inner, countries).await? {
                return Ok(Some(rows));
            }
        }
        if condition.or.is_empty() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for inner in &condition.or {
            match exact(app, scope, inner, countries).await? {
                Some(rows) => all.extend(rows),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    })
}

async fn leaf(
    app: &App,
    scope: &Scope<Read>,
    condition: &Condition,
    countries: &Countries,
) -> Result<Option<Vec<CustomerRow>>, Problem> {
    let (Some(field), Some(value)) = (&condition.field, &condition.value) else { return Ok(None) };
    let Some(index_field) = index_field(field) else { return Ok(None) };
    let mut rows = Vec::new();
    for tenant in rows::tenants_in_scope(&app.db, scope).await? {
        app.keys.ensure_tenant(tenant.uuid()).await?;
        let forms = index_forms(field, value, countries.of_tenant(tenant));
        for hash in hashes(app, tenant, index_field, &forms)? {
            rows.extend(rows::indexed(&app.db, scope, tenant, index_field, hash).await?);
        }
    }
    // Where the value is withheld the condition can't hold; how many such records there are must not count either.
    let compartment = index::compartment(index_field);
    rows.retain(|row| scope.disclosure(row.rels).clear().contains(compartment));
    Ok(Some(rows))
}

const fn index_field(field: &Field) -> Option<IndexField> {
    match field {
        Field::Email => Some(IndexField::Email),
        Field::Phone => Some(IndexField::Phone),
        Field::Iban => Some(IndexField::Iban),
        Field::PostcodeHouse => Some(IndexField::PostcodeHouse),
        Field::ExternalId => Some(IndexField::ExternalId),
        _ => None,
    }
}

/// The normalised values that a text may stand for, as the index has them.
fn index_forms(field: &Field, value: &str, country: CountryCode) -> Vec<String> {
    if *field != Field::ExternalId {
        return readings(field, value, country);
    }
    let id = value.split_once(':').map(|(system, id)| model::external_id_form(system, id).to_string());
    id.into_iter().collect()
}

fn hashes(app: &App, tenant: Id<Tenant>, field: IndexField, forms: &[String]) -> Result<Vec<BlindHash>, Problem> {
    let mut hashes = Vec::new();
    for form in forms {
        hashes.extend(index::hashes(app, tenant, field, form)?);
    }
    Ok(hashes)
}
