//! Where the candidates of a search come from: the blind index, the directory of names, or a walk through the scope.
//!
//! A source may give too much (the conditions are looked at afterwards), never too little.

use std::sync::Arc;

use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Customer};
use kluis_core::privacy::IndexField;
use kluis_core::privacy::directory::TenantDirectory;

use super::condition::{Condition, Operator, normal};
use super::field::Field;
use super::{Candidates, CustomerSearch, Position, SearchSort, directories, rows_by_ids};
use crate::app::App;
use crate::customers::access::Read;
use crate::customers::model;
use crate::customers::rows::{self, After, ListFilter, Order};
use crate::customers::{index, rows_index};

/// A ranked search looks at so many names at the most; who is not among them needs more letters.
const RANKED: usize = 400;

pub(super) enum Source {
    /// Few records, known by id, best first.
    Ranked(Vec<Id<Customer>>),
    /// All names, in their order.
    Names(Vec<Arc<TenantDirectory>>),
    /// All records, newest first.
    Walk { archived: bool },
}

impl Source {
    pub async fn of(app: &App, scope: &Scope<Read>, search: &CustomerSearch) -> Result<Self, Problem> {
        if let Some(name) = &search.name {
            let mut hits = Vec::new();
            for directory in directories(app, scope).await? {
                hits.extend(directory.search(name, RANKED, &mut |_| true));
            }
            hits.sort_by(|a, b| b.score.cmp(&a.score).then(a.id.cmp(&b.id)));
            hits.truncate(RANKED);
            return Ok(Self::Ranked(hits.into_iter().map(|hit| Id::from_uuid(hit.id)).collect()));
        }
        if let Some(ids) = match &search.condition {
            Some(condition) => exact(app, scope, condition).await?,
            None => None,
        } {
            return Ok(Self::Ranked(ids));
        }
        if search.sort == Some(SearchSort::Name) {
            return Ok(Self::Names(directories(app, scope).await?));
        }
        Ok(Self::Walk { archived: search.archived.unwrap_or(false) })
    }

    pub async fn next(
        &mut self,
        app: &App,
        scope: &Scope<Read>,
        position: Option<&Position>,
        wanted: usize,
    ) -> Result<Candidates, Problem> {
        match self {
            Self::Ranked(ids) => {
                let start = match position {
                    Some(Position::Rank(rank)) => (*rank).min(ids.len()),
                    _ => 0,
                };
                let end = (start + wanted).min(ids.len());
                let rows = rows_by_ids(app, scope, &ids[start..end]).await?;
                Ok(Candidates { rows, next: (end < ids.len()).then_some(Position::Rank(end)) })
            }
            Self::Names(directories) => {
                let after = match position {
                    Some(Position::Name { key, id }) => Some((key.as_str(), id.uuid())),
                    _ => None,
                };
                let mut merged = Vec::new();
                for directory in directories.iter() {
                    merged.extend(directory.page_after(after, false, wanted + 1));
                }
                merged.sort_by(|a, b| (&*a.0, a.1).cmp(&(&*b.0, b.1)));
                let more = merged.len() > wanted;
                merged.truncate(wanted);
                let ids: Vec<_> = merged.iter().map(|(_, id)| Id::from_uuid(*id)).collect();
                let rows = rows_by_ids(app, scope, &ids).await?;
                let last = merged.last().filter(|_| more);
                let next = last.map(|(key, id)| Position::Name { key: key.to_string(), id: Id::from_uuid(*id) });
                Ok(Candidates { rows, next })
            }
            Self::Walk { archived } => {
                let after = match position {
                    Some(Position::Before(id)) => Some(After { id: *id, updated_at: chrono::DateTime::UNIX_EPOCH }),
                    _ => None,
                };
                let filter = ListFilter { archived: *archived, ..ListFilter::default() };
                let limit = i64::try_from(wanted).unwrap_or(200) + 1;
                let mut rows = rows::list(&app.db, scope, &filter, Order::Newest, after, limit).await?;
                let more = rows.len() > wanted;
                rows.truncate(wanted);
                let next = rows.last().filter(|_| more).map(|row| Position::Before(row.id));
                Ok(Candidates { rows, next })
            }
        }
    }
}

/// Ids that a tree of conditions narrows the search to, where the blind index can tell; `None` where it can't.
fn exact<'a>(
    app: &'a App,
    scope: &'a Scope<Read>,
    condition: &'a Condition,
) -> futures_util::future::BoxFuture<'a, Result<Option<Vec<Id<Customer>>>, Problem>> {
    Box::pin(async move {
        if condition.operator == Some(Operator::Eq) {
            return leaf(app, scope, condition).await;
        }
        for inner in &condition.and {
            // One narrow part is enough: the others are looked at afterwards.
            if let Some(ids) = exact(app, scope, inner).await? {
                return Ok(Some(ids));
            }
        }
        if condition.or.is_empty() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for inner in &condition.or {
            match exact(app, scope, inner).await? {
                Some(ids) => all.extend(ids),
                None => return Ok(None),
            }
        }
        all.sort();
        all.dedup();
        Ok(Some(all))
    })
}

async fn leaf(app: &App, scope: &Scope<Read>, condition: &Condition) -> Result<Option<Vec<Id<Customer>>>, Problem> {
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
    let mut ids = Vec::new();
    for tenant in rows::tenants_in_scope(&app.db, scope).await? {
        app.keys.ensure_tenant(tenant.uuid()).await?;
        for hash in index::hashes(app, tenant, index_field, &value)? {
            ids.extend(rows_index::indexed(&app.db, scope, tenant, index_field, hash).await?);
        }
    }
    Ok(Some(ids))
}
