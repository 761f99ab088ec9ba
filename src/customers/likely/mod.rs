//! Likely duplicates: who may be the same as a customer, or as somebody who is about to be written down; why, and how
//! much that weighs.
//!
//! Compared is what the caller sees of both sides, within one tenant: the customer of another organisation is no
//! duplicate but that organisation's own.
//!
//! Must never: let a hidden value find anybody, weigh, or speak against somebody.

mod candidates;
mod names;
#[cfg(test)]
mod tests;
mod traits;
mod view;
mod weight;

use std::cmp::Reverse;

use kluis_core::access::Scope;
use kluis_core::kernel::id::{Customer, Tenant};
use kluis_core::kernel::{Faults, Id, Phrase, Problem};
use serde::{Deserialize, Serialize};

use super::access::Read;
use super::rows::{self, CustomerRow};
use super::view::CustomerView;
use super::{rules, service, view as customer_view};
use crate::app::App;
use crate::web::{self, Listing, Page, PageOf, SearchPage};
use traits::Traits;
pub use view::{DuplicateDraft, DuplicateReason, DuplicateSearch, DuplicateView};
pub use weight::{Likeness, Reason, ReasonCode, compare};

/// Without a threshold of the caller's own: more likely than not, nearly.
const USUAL_THRESHOLD: u32 = 40;

/// Where the next page goes on: after this weight and record.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    weight: Reverse<u8>,
    id: Id<Customer>,
}

/// Somebody who was found.
struct Hit {
    position: Position,
    row: CustomerRow,
    view: CustomerView,
    likeness: Likeness,
}

/// One page of likely duplicates, the likeliest first.
pub async fn run(
    app: &App,
    scope: &Scope<Read>,
    request: &SearchPage,
    search: DuplicateSearch,
) -> web::Result<Listing<PageOf<DuplicateView>>> {
    scope.require_any()?;
    let page = Page::of_search(request, search.page_size, search.cursor.clone(), None);
    let bound = DuplicateSearch { cursor: None, page_size: None, ..search.clone() };
    let after: Option<Position> = page.position(&bound)?;
    let probe = Probe::of(app, scope, &search).await?;
    let mut hits = find(app, scope, &probe, search.minimum_weight.unwrap_or(USUAL_THRESHOLD)).await?;
    hits.retain(|hit| after.is_none_or(|after| hit.position > after));
    let size = page.size() as usize;
    let more = hits.len() > size;
    hits.truncate(size);
    let next = hits.last().filter(|_| more).map(|hit| hit.position);
    let mut looked_at: Vec<CustomerRow> = probe.row.into_iter().collect();
    let mut views = Vec::with_capacity(hits.len());
    for Hit { row, view, likeness, .. } in hits {
        views.push(DuplicateView::of(view, &likeness));
        looked_at.push(row);
    }
    service::record_look(app, scope, &looked_at).await?;
    Ok(page.listing(views, next.as_ref(), None, &bound)?)
}

/// Whose duplicates are looked for.
struct Probe {
    tenant: Id<Tenant>,
    traits: Traits,
    /// Present for a customer that is there already.
    row: Option<CustomerRow>,
}

impl Probe {
    async fn of(app: &App, scope: &Scope<Read>, search: &DuplicateSearch) -> Result<Self, Problem> {
        const ONE: Phrase =
            Phrase { en: "Give either a customer or a draft.", nl: "Geef óf een klant, óf een concept." };
        match (&search.customer_id, &search.draft) {
            (Some(id), None) => {
                let row = rows::get(&app.db, scope, id.0).await?.ok_or_else(Problem::not_found)?;
                let (mut rows, keys) = customer_view::present(app, vec![row], |row| row).await?;
                let (row, key) = rows.pop().zip(keys.first()).ok_or_else(Problem::not_found)?;
                let view = customer_view::open(scope, key, &row)?;
                Ok(Self { tenant: row.tenant, traits: Traits::of_view(&view), row: Some(row) })
            }
            (None, Some(draft)) => {
                let tenant = scope.tenant();
                let country = rules::of_tenant(app, tenant).await?.country();
                let DuplicateDraft { identity, contact, financial } = draft.clone();
                Ok(Self { tenant, traits: Traits::of(identity, contact, financial, country), row: None })
            }
            _ => {
                let mut faults = Faults::new();
                faults.add("", "required", ONE);
                Err(Problem::invalid(faults.into_vec()))
            }
        }
    }
}

/// Everybody who weighs enough, the likeliest first.
async fn find(app: &App, scope: &Scope<Read>, probe: &Probe, threshold: u32) -> Result<Vec<Hit>, Problem> {
    let own = probe.row.as_ref().map(|row| row.id);
    let mut rows = candidates::of(app, scope, probe.tenant, &probe.traits).await?;
    rows.retain(|row| Some(row.id) != own);
    let (rows, keys) = customer_view::present(app, rows, |row| row).await?;
    let mut hits = Vec::new();
    for (row, key) in rows.into_iter().zip(&keys) {
        let view = customer_view::open(scope, key, &row)?;
        let likeness = compare(&probe.traits, &Traits::of_view(&view));
        if likeness.weight > 0 && u32::from(likeness.weight) >= threshold {
            let position = Position { weight: Reverse(likeness.weight), id: row.id };
            hits.push(Hit { position, row, view, likeness });
        }
    }
    hits.sort_by_key(|hit| hit.position);
    Ok(hits)
}
