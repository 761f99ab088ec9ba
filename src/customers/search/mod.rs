//! Finding customers by what is sealed: exactly by blind index, by name in the memory-only directory, and by conditions
//! on what the caller may see.
//!
//! Must never: let a compartment that a caller can't see decide whether a record is found.

mod condition;
mod custom;
mod field;
mod plan;

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

pub use condition::{Condition, Operator};
pub use field::Field;

use kluis_core::access::Scope;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, id::Customer};

use super::access::Read;
use super::rows::{self, CustomerRow};
use super::text::CustomerText;
use super::view::CustomerView;
use super::{index, service, view};
use crate::app::App;
use crate::web::{self, Listing, Page, PageOf, SearchPage};

/// In which order what was found comes.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum SearchSort {
    /// Best match first where a name is searched, otherwise newest first.
    #[default]
    Relevance,
    /// By name, the Dutch way: prefixes such as "van der" don't count.
    Name,
    /// Newest first.
    Newest,
}

/// What to find. All that is given must hold.
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

/// Where the next page goes on. Sealed in the cursor, so that a name may stand in it.
#[derive(Serialize, Deserialize, Clone)]
pub(super) enum Position {
    /// After so many hits of a ranked search.
    Rank(usize),
    /// After this record, newest first.
    Before(Id<Customer>),
    /// After this name.
    Name { key: String, id: Id<Customer> },
}

/// Rows that were looked at, whether they fit, and where to go on.
pub(super) struct Candidates {
    pub rows: Vec<CustomerRow>,
    /// `None` when nothing is left after these.
    pub next: Option<Position>,
}

/// How many rows a search looks at for one page before it answers with what it has and a cursor to go on.
const LOOKED_AT: usize = 5_000;

/// Runs one page of a search.
pub async fn run(
    app: &App,
    scope: &Scope<Read>,
    request: &SearchPage,
    search: CustomerSearch,
) -> web::Result<Listing<PageOf<CustomerText>>> {
    scope.require_any()?;
    check(scope, &search)?;
    let places = custom::Places::of(app, scope, search.condition.as_ref()).await?;
    let page = Page::of_search(request, search.page_size, search.cursor.clone(), None);
    let bound = CustomerSearch { cursor: None, page_size: None, ..search.clone() };
    let mut position: Option<Position> = page.position(&bound)?;
    let size = page.size() as usize;
    let mut source = plan::Source::of(app, scope, &search).await?;
    let mut found: Vec<(CustomerRow, CustomerView)> = Vec::new();
    let mut looked_at = 0;
    loop {
        let wanted = (size - found.len()).clamp(1, 200);
        let candidates = source.next(app, scope, position.as_ref(), wanted).await?;
        looked_at += candidates.rows.len();
        position = candidates.next;
        let views = view::open_all(app, scope, &candidates.rows).await?;
        found.extend(candidates.rows.into_iter().zip(views).filter(|(_, view)| fits(&search, view, &places)));
        if position.is_none() || found.len() >= size || looked_at >= LOOKED_AT {
            break;
        }
    }
    let (rows, views): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    service::record_look(app, scope, &rows).await?;
    let shown = views.into_iter().map(CustomerText::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(page.listing(shown, position.as_ref(), None, &bound)?)
}

fn fits(search: &CustomerSearch, view: &CustomerView, places: &custom::Places) -> bool {
    let archived = view.archived_at.is_some() == search.archived.unwrap_or(false);
    let named = search.name.is_none() || view.identity.is_some();
    archived && named && search.condition.as_ref().is_none_or(|condition| condition.holds(view, places) == Some(true))
}

/// 403 for a field that is never visible to the caller; faults for conditions that make no sense.
fn check(scope: &Scope<Read>, search: &CustomerSearch) -> Result<(), Problem> {
    const NOTHING: Phrase =
        Phrase { en: "Search for something: a name or a condition.", nl: "Zoek iets: een naam of een voorwaarde." };
    if search.name.is_some() || search.sort == Some(SearchSort::Name) {
        scope.require_visible(kluis_core::privacy::Compartment::Identity)?;
    }
    let mut faults = Faults::new();
    if let Some(condition) = &search.condition {
        for field in condition.fields() {
            if let Some(compartment) = field.compartment() {
                scope.require_visible(compartment)?;
            }
        }
        condition.check("/where", 0, &mut faults);
    } else if search.name.is_none() && search.sort.is_none() {
        faults.add("", "required", NOTHING);
    }
    faults.into_result()
}

/// Used by the plan: rows by ids, in the order of the ids, as far as the scope holds them.
async fn rows_by_ids(app: &App, scope: &Scope<Read>, ids: &[Id<Customer>]) -> Result<Vec<CustomerRow>, Problem> {
    let mut rows = rows::by_ids(&app.db, scope, ids).await?;
    let rank: std::collections::HashMap<_, _> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_by_key(|row| rank.get(&row.id).copied());
    Ok(rows)
}

/// The directories that a scope may look into, built where they are missing.
async fn directories(
    app: &App,
    scope: &Scope<Read>,
) -> Result<Vec<std::sync::Arc<kluis_core::privacy::directory::TenantDirectory>>, Problem> {
    let mut directories = Vec::new();
    for tenant in rows::tenants_in_scope(&app.db, scope).await? {
        directories.push(index::load(app, scope, tenant).await?);
    }
    Ok(directories)
}
