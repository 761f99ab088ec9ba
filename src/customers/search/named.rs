//! Records by name: those that fit what was typed, or all in their order; and the place of a name among the others.
//!
//! Must never: let a name that the caller may not see find a record, place one, or stand in a cursor.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use kluis_core::access::{RelSet, Scope};
use kluis_core::kernel::{Id, Problem, id::Customer};
use kluis_core::privacy::Compartment;
use kluis_core::privacy::directory::{Hit, TenantDirectory};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::plan::WALKED;
use super::{Candidate, Candidates, Position, SearchSort, directories, rows_by_ids};
use crate::app::App;
use crate::customers::access::Read;
use crate::customers::rows::CustomerRow;
use crate::customers::{follow, index, reach};

/// Names, whether the caller may see them or not: that is asked page by page.
pub enum Names {
    /// Those that were found, in the order that was asked for.
    Found(Vec<Position>),
    /// All of them, in their order.
    All(Vec<Arc<TenantDirectory>>),
}

impl Names {
    pub async fn all(app: &App, scope: &Scope<Read>) -> Result<Self, Problem> {
        Ok(Self::All(directories(app, scope).await?))
    }

    /// Every name that fits what was typed; of these records `only`, where it is known that no other can be wanted.
    pub async fn found(
        app: &App,
        scope: &Scope<Read>,
        name: &str,
        sort: SearchSort,
        only: Option<&HashSet<Uuid>>,
    ) -> Result<Self, Problem> {
        let mut found = Vec::new();
        for names in directories(app, scope).await? {
            let hits = names.search(name, usize::MAX, &mut |id| only.is_none_or(|only| only.contains(&id)));
            found.extend(hits.into_iter().filter_map(|hit| place_of(hit, &names, sort)));
        }
        found.sort_unstable_by(Position::compare);
        Ok(Self::Found(found))
    }

    /// The next records whose name the caller may see; no next position when there are no more names.
    pub async fn page(
        &self,
        app: &App,
        scope: &Scope<Read>,
        position: Option<&Position>,
        wanted: usize,
    ) -> Result<Candidates, Problem> {
        let shown = self.shown(app, scope, position, wanted).await?;
        let next = shown.last().filter(|_| shown.len() >= wanted).cloned();
        let ids: Vec<_> = shown.iter().filter_map(Position::id).collect();
        let mut places: HashMap<_, _> = ids.iter().copied().zip(shown).collect();
        let mut rows = rows_by_ids(app, scope, &ids).await?;
        rows.retain(|row| shows_name(scope, row.rels));
        let candidate = |row: CustomerRow| places.remove(&row.id).map(|position| Candidate { row, position });
        let rows: Vec<_> = rows.into_iter().filter_map(candidate).collect();
        Ok(Candidates { looked_at: rows.len(), rows, next })
    }

    /// As many visible names as are wanted, whatever stands between them: how many others there are must not be told by
    /// where a page ends.
    async fn shown(
        &self,
        app: &App,
        scope: &Scope<Read>,
        position: Option<&Position>,
        wanted: usize,
    ) -> Result<Vec<Position>, Problem> {
        let is_open = scope.shows_everything(Compartment::Identity);
        let at_once = if is_open { wanted } else { wanted.max(WALKED) };
        let mut shown = Vec::new();
        let mut names = self.after(position, at_once);
        while let Some(last) = names.last().cloned() {
            shown.extend(if is_open { names } else { visible(app, scope, names).await? });
            if shown.len() >= wanted {
                break;
            }
            names = self.after(Some(&last), at_once);
        }
        shown.truncate(wanted);
        Ok(shown)
    }

    /// The next names.
    fn after(&self, position: Option<&Position>, count: usize) -> Vec<Position> {
        match self {
            Self::Found(found) => {
                let start = position.map_or(0, |after| found.partition_point(|one| one.compare(after).is_le()));
                found[start..].iter().take(count).cloned().collect()
            }
            Self::All(directories) => merged(directories, position, count),
        }
    }
}

/// Where a hit stands in the order; `None` for a name that has gone since it was found.
fn place_of(hit: Hit, names: &TenantDirectory, sort: SearchSort) -> Option<Position> {
    let id = Id::from_uuid(hit.id);
    match sort {
        SearchSort::Relevance => Some(Position::Hit { score: hit.score, id }),
        SearchSort::Newest => Some(Position::Before(id)),
        SearchSort::Name => names.sort_key(hit.id).map(|key| Position::Name { key, id }),
    }
}

fn merged(directories: &[Arc<TenantDirectory>], position: Option<&Position>, count: usize) -> Vec<Position> {
    let after = match position {
        Some(Position::Name { key, id }) => Some((key.as_str(), id.uuid())),
        _ => None,
    };
    let page = |names: &Arc<TenantDirectory>| names.page_after(after, false, count);
    let place = |(key, id)| Position::Name { key, id: Id::from_uuid(id) };
    let mut merged: Vec<_> = directories.iter().flat_map(page).map(place).collect();
    merged.sort_unstable_by(Position::compare);
    merged.truncate(count);
    merged
}

/// Those of the names that the caller may see.
async fn visible(app: &App, scope: &Scope<Read>, names: Vec<Position>) -> Result<Vec<Position>, Problem> {
    let ids: Vec<_> = names.iter().filter_map(Position::id).collect();
    let reached = reach::all(app, scope, &ids).await?;
    let shows = |id: Id<Customer>| reached.get(&id).is_some_and(|reached| shows_name(scope, reached.rels));
    Ok(names.into_iter().filter(|name| name.id().is_some_and(shows)).collect())
}

/// Whether the caller may see the name of a record to which it stands in these relations.
pub fn shows_name(scope: &Scope<Read>, rels: RelSet) -> bool {
    scope.disclosure(rels).clear().contains(Compartment::Identity)
}

/// Rows that were read already, in the order that was asked for.
pub async fn in_order(
    app: &App,
    scope: &Scope<Read>,
    rows: Vec<CustomerRow>,
    sort: SearchSort,
) -> Result<Vec<Candidate>, Problem> {
    let mut keys = HashMap::new();
    if sort == SearchSort::Name {
        keys = sort_keys(app, scope, &rows).await?;
    }
    let place = |id| match keys.remove(&id) {
        Some(key) => Position::Name { key, id },
        None if sort == SearchSort::Name => Position::Nameless(Some(id)),
        None => Position::Before(id),
    };
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let places = ids.into_iter().map(place);
    let mut ordered: Vec<_> = places.zip(rows).map(|(position, row)| Candidate { row, position }).collect();
    ordered.sort_unstable_by(|one, other| one.position.compare(&other.position));
    Ok(ordered)
}

/// By what the rows are sorted whose name the caller may see.
async fn sort_keys(
    app: &App,
    scope: &Scope<Read>,
    rows: &[CustomerRow],
) -> Result<HashMap<Id<Customer>, Zeroizing<String>>, Problem> {
    follow::catch_up(app).await?;
    let shown: Vec<_> = rows.iter().filter(|row| shows_name(scope, row.rels)).collect();
    let tenants: BTreeSet<_> = shown.iter().map(|row| row.tenant).collect();
    let mut keys = HashMap::new();
    for tenant in tenants {
        let names = index::load(app, scope, tenant).await?;
        let here = shown.iter().filter(|row| row.tenant == tenant);
        keys.extend(here.filter_map(|row| Some((row.id, names.sort_key(row.id.uuid())?))));
    }
    Ok(keys)
}
