//! Finding customers by what is sealed: exactly by blind index, by name in the memory-only directory, and by conditions
//! on what the caller may see.
//!
//! Must never: let a compartment that a caller can't see decide whether a record is found.

mod condition;
mod countries;
mod custom;
mod field;
mod house;
mod named;
mod plan;
mod position;

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

pub use condition::{Condition, Operator};
use countries::Countries;
pub use field::Field;
use position::Position;

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::kernel::{Faults, Id, Phrase, Problem, id::Customer};
use kluis_core::privacy::directory::TenantDirectory;
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey};

use super::access::{Customers, Read};
use super::rows::{self, CustomerRow};
use super::view::CustomerView;
use super::{follow, index, service, view};
use crate::app::App;
use crate::web::{self, Listing, Page, PageOf, SearchPage};

/// In which order what was found comes.
///
/// `relevance`: the best match first where a name is searched, otherwise newest first. `name`: the Dutch way, prefixes
/// such as "van der" don't count; records whose name you may not see come last, newest first.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum SearchSort {
    /// Best match first where a name is searched, otherwise newest first.
    #[default]
    Relevance,
    /// By name, the Dutch way: prefixes such as "van der" don't count. Then those without a name that you may see.
    Name,
    /// Newest first.
    Newest,
}

/// What to find. All that is given must hold.
///
/// A page looks at some thousands of records at most. Where few of them fit, it may hold fewer than were asked for,
/// even none, and yet have a `nextCursor`: go on until there is none.
#[derive(Object, Serialize, Deserialize, Clone, Default)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerSearch {
    /// A name as one types it: beginnings of words, with typing errors.
    #[oai(validator(min_length = 1, max_length = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A tree of conditions.
    #[oai(rename = "where")]
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// Those that are put away, instead of those in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<SearchSort>,
    #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// The `nextCursor` of the page before.
    #[oai(validator(max_length = 2048))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Example for CustomerSearch {
    fn example() -> Self {
        Self {
            condition: Some(Condition::leaf(Field::Email, Operator::Eq, "info@example.org")),
            page_size: Some(20),
            ..Self::default()
        }
    }
}

/// What the tenants in reach have declared of what a search asks about.
pub(super) struct Declared {
    places: custom::Places,
    countries: Countries,
}

/// A row that may be one of those wanted, and where the page after it begins.
pub(super) struct Candidate {
    pub row: CustomerRow,
    pub position: Position,
}

/// Rows that were looked at, and where to go on.
pub(super) struct Candidates {
    pub rows: Vec<Candidate>,
    /// How many rows that cost; tells nothing of what the caller can't see.
    pub looked_at: usize,
    /// `None` when nothing is left after these.
    pub next: Option<Position>,
}

/// How many rows a search looks at for one page before it answers with what it has and a cursor to go on.
const LOOKED_AT: usize = 5_000;
/// Rows that are opened at once while all that fit are gathered.
const AT_ONCE: usize = 200;

/// Runs one page of a search.
pub async fn run(
    app: &App,
    scope: &Scope<Read>,
    request: &SearchPage,
    search: CustomerSearch,
) -> web::Result<Listing<PageOf<CustomerView>>> {
    scope.require_any()?;
    let mut faults = Faults::new();
    let declared = check(app, scope, &search, "", &mut faults).await?;
    faults.into_result()?;
    let page = Page::of_search(request, search.page_size, search.cursor.clone(), None);
    let bound = CustomerSearch { cursor: None, page_size: None, ..search.clone() };
    let mut position: Option<Position> = page.position(&bound)?;
    let size = page.size() as usize;
    let mut source = plan::Source::of(app, scope, &search, &declared.countries).await?;
    let mut found: Vec<(Candidate, DataKey)> = Vec::new();
    let mut looked_at = 0;
    // One more than the page takes, so that whether there is a next page depends on what may be seen, and on nothing else.
    while found.len() <= size {
        // Where the first didn't suffice many don't fit: the others are looked at in large portions.
        let wanted = if looked_at == 0 { (size + 1).min(AT_ONCE) } else { AT_ONCE };
        let candidates = source.next(app, scope, position.as_ref(), wanted).await?;
        looked_at += candidates.looked_at;
        position = candidates.next;
        let (rows, keys) = view::present(app, candidates.rows, |candidate| &candidate.row).await?;
        let fit = fitting(scope, rows.iter().map(|candidate| &candidate.row), &keys, &search, &declared)?;
        found.extend(rows.into_iter().zip(keys).zip(fit).filter(|(_, fits)| *fits).map(|(candidate, _)| candidate));
        if position.is_none() || looked_at >= LOOKED_AT {
            break;
        }
    }
    if found.len() > size {
        found.truncate(size);
        position = found.last().map(|(candidate, _)| candidate.position.clone());
    }
    if found.is_empty() {
        // Where nobody has that name, no statement has looked whether the caller may still ask.
        scope.still_current(&app.db).await?;
    }
    let (rows, keys): (Vec<_>, Vec<_>) = found.into_iter().map(|(candidate, key)| (candidate.row, key)).unzip();
    let shown = service::disclose_with(app, scope, &rows, &keys).await?;
    Ok(page.listing_written(&shown, position.as_ref(), None, &bound)?)
}

/// Which of the rows are wanted, by what the caller may see of them.
fn fitting<'a>(
    scope: &Scope<Read>,
    rows: impl Iterator<Item = &'a CustomerRow>,
    keys: &[DataKey],
    search: &CustomerSearch,
    declared: &Declared,
) -> Result<Vec<bool>, Problem> {
    let asked = asked(search, &declared.places);
    let fits = |(row, key): (&_, &_)| Ok(fits(search, &view::open_parts(scope, key, row, asked)?, declared));
    rows.zip(keys).map(fits).collect()
}

/// The compartments that decide whether a record is one of those wanted; no other is opened for that.
fn asked(search: &CustomerSearch, places: &custom::Places) -> CompartmentSet {
    let fields = search.condition.as_ref().map(Condition::fields).unwrap_or_default();
    let own = fields.iter().filter_map(Field::compartment);
    let name = search.name.is_some().then_some(Compartment::Identity);
    let mut asked = CompartmentSet::EMPTY;
    own.chain(places.compartments()).chain(name).for_each(|compartment| asked.insert(compartment));
    asked
}

/// A search of which only the ids are wanted, by somebody who means to do something with the records.
pub struct Selection {
    search: CustomerSearch,
    declared: Declared,
}

impl Selection {
    /// All that fit a condition, among those that are put away or those in use. `place` is where it stands in the body;
    /// its faults are added to the others of the body.
    pub async fn of(
        app: &App,
        read: &Scope<Read>,
        (condition, archived): (Condition, Option<bool>),
        place: &str,
        faults: &mut Faults,
    ) -> Result<Self, Problem> {
        let search = CustomerSearch { condition: Some(condition), archived, ..CustomerSearch::default() };
        let declared = check(app, read, &search, place, faults).await?;
        Ok(Self { search, declared })
    }

    /// The ids of the acting tenant's records that fit and that `scope` allows, `limit` at most: in no particular order,
    /// but always the same one for the same records. Who asks gets nothing of what is in them; how many were found is put
    /// on record, and which ones with what is done to them.
    pub async fn ids<P>(&self, app: &App, scope: &Scope<P>, limit: usize) -> Result<Vec<Id<Customer>>, Problem>
    where
        P: ScopedPermission<Entity = Customers>,
    {
        let read = &scope.also::<Read>().beside(scope);
        let mut source =
            plan::Source::of(app, read, &self.search, &self.declared.countries).await?.within(scope.tenant());
        let (mut found, mut position) = (Vec::new(), None);
        loop {
            let candidates = source.next(app, read, position.as_ref(), AT_ONCE).await?;
            position = candidates.next;
            let mut rows: Vec<_> = candidates.rows.into_iter().map(|candidate| candidate.row).collect();
            rows.retain(|row| row.tenant == scope.tenant() && scope.permits(row.rels));
            let (rows, keys) = view::present(app, rows, |row| row).await?;
            let fit = fitting(read, rows.iter(), &keys, &self.search, &self.declared)?;
            found.extend(rows.iter().zip(fit).filter(|(_, fits)| *fits).map(|(row, _)| row.id));
            if position.is_none() || found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        app.record_read(app.event(read).count("records", found.len())).await?;
        Ok(found)
    }
}

fn fits(search: &CustomerSearch, view: &CustomerView, declared: &Declared) -> bool {
    let archived = view.archived_at.is_some() == search.archived.unwrap_or(false);
    let named = search.name.is_none() || view.identity.is_some();
    archived && named && search.condition.as_ref().is_none_or(|condition| condition.holds(view, declared) == Some(true))
}

/// 403 for a field that is never visible to the caller; faults for conditions that make no sense. `place` is where the
/// search stands in the body.
async fn check(
    app: &App,
    scope: &Scope<Read>,
    search: &CustomerSearch,
    place: &str,
    faults: &mut Faults,
) -> Result<Declared, Problem> {
    const NOTHING: Phrase =
        Phrase { en: "Search for something: a name or a condition.", nl: "Zoek iets: een naam of een voorwaarde." };
    if search.name.is_some() || search.sort == Some(SearchSort::Name) {
        scope.require_visible(Compartment::Identity)?;
    }
    let at = format!("{place}/where");
    let mut countries = Countries::default();
    if let Some(condition) = &search.condition {
        let fields = condition.fields();
        for compartment in fields.iter().filter_map(Field::compartment) {
            scope.require_visible(compartment)?;
        }
        countries = Countries::of(app, scope, &fields).await?;
        condition.check(&at, 0, &countries, faults);
    } else if search.name.is_none() && search.sort.is_none() {
        faults.add(place, "required", NOTHING);
    }
    let places = custom::Places::of(app, scope, search.condition.as_ref(), &at, faults).await?;
    Ok(Declared { places, countries })
}

/// Used by the plans: rows by ids, in the order of the ids, as far as the scope holds them.
async fn rows_by_ids(app: &App, scope: &Scope<Read>, ids: &[Id<Customer>]) -> Result<Vec<CustomerRow>, Problem> {
    let mut rows = rows::by_ids(&app.db, scope, ids).await?;
    let rank: std::collections::HashMap<_, _> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_by_key(|row| rank.get(&row.id).copied());
    Ok(rows)
}

/// The directories in which a scope could see a name, built where they are missing.
async fn directories(app: &App, scope: &Scope<Read>) -> Result<Vec<Arc<TenantDirectory>>, Problem> {
    // Whoever looks for a name finds what was committed before, on whichever node.
    follow::catch_up(app).await?;
    let tenants = if scope.sees_below(Compartment::Identity) {
        rows::tenants_in_scope(&app.db, scope).await?
    } else {
        vec![scope.tenant()]
    };
    let mut directories = Vec::new();
    for tenant in tenants {
        directories.push(index::load(app, scope, tenant).await?);
    }
    Ok(directories)
}
