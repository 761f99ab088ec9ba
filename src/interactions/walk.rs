//! Walks along interactions as far as their customers may be read.
//!
//! Must never: let one whose customer is out of reach decide how long a page is, whether another one follows, or what a
//! total is.

use std::collections::HashMap;

use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Customer};

use super::access::Read;
use super::rows::{self, After, InteractionRow, ListFilter};
use crate::app::App;
use crate::customers;
use crate::customers::reach::{self, Bounds, Reached};

/// Rows that are read at once where the first ones didn't fill the page.
const AT_ONCE: usize = 500;
/// How many rows are looked at for one page before it is answered with what there is and a cursor to go on. Few policies
/// come near it: what is with customers of another tenant or owner than all within reach isn't even read.
const LOOKED_AT: usize = 20_000;
/// Customers that are asked about at once while their interactions are counted.
const CUSTOMERS: usize = 1_000;
/// Where customers must be asked about, not more than this is counted.
const COUNTED: u64 = 10_000;

/// Interactions and their customers, in order.
pub(super) type Shown = Vec<(InteractionRow, Reached)>;

/// Whoever walks, and along what.
pub(super) struct Walk<'a> {
    app: &'a App,
    scope: &'a Scope<Read>,
    filter: &'a ListFilter,
    customers: Scope<customers::Read>,
    bounds: Bounds,
    /// The customers that were asked about; none for those out of reach.
    known: HashMap<Id<Customer>, Option<Reached>>,
}

impl<'a> Walk<'a> {
    pub fn new(app: &'a App, scope: &'a Scope<Read>, filter: &'a ListFilter) -> Self {
        let customers = scope.also();
        let bounds = Bounds::of(&customers);
        Self { app, scope, filter, customers, bounds, known: HashMap::new() }
    }

    /// One page, and where the next one starts, if there is another interaction within reach.
    pub async fn page(&mut self, mut after: Option<After>, size: usize) -> Result<(Shown, Option<After>), Problem> {
        if self.is_empty().await? {
            return Ok((Vec::new(), None));
        }
        let (mut shown, mut looked_at, mut limit) = (Vec::new(), 0, size + 1);
        loop {
            let asked = (self.filter, &self.bounds);
            let rows = rows::list(&self.app.db, self.scope, asked, after, sql_limit(limit)).await?;
            let is_last = rows.len() < limit;
            after = rows.last().map(After::of).filter(|_| !is_last);
            looked_at += rows.len();
            shown.extend(self.within_reach(rows).await?);
            // One more than the page takes, so that what is out of reach doesn't decide whether there is a next one.
            if shown.len() > size || is_last || looked_at >= LOOKED_AT {
                return Ok(cut(shown, size, after));
            }
            limit = AT_ONCE;
        }
    }

    async fn within_reach(&mut self, rows: Vec<InteractionRow>) -> Result<Shown, Problem> {
        let mut ids: Vec<_> = rows.iter().map(|row| row.plain.customer).collect();
        ids.retain(|id| !self.known.contains_key(id));
        ids.sort_unstable();
        ids.dedup();
        let mut reached = reach::all(self.app, &self.customers, &ids).await?;
        self.known.extend(ids.iter().map(|id| (*id, reached.remove(id))));
        let of = |row: &InteractionRow| self.known.get(&row.plain.customer).copied().flatten();
        Ok(rows.into_iter().filter_map(|row| of(&row).map(|customer| (row, customer))).collect())
    }

    /// How many there are within reach.
    pub async fn count(&self) -> Result<u64, Problem> {
        if self.is_empty().await? {
            return Ok(0);
        }
        if reach::is_implied(self.scope, &self.customers) {
            return Ok(rows::count(&self.app.db, self.scope, self.filter).await?.unsigned_abs());
        }
        let (mut total, mut after) = (0, None);
        loop {
            let asked = (self.filter, &self.bounds);
            let counts = rows::counts(&self.app.db, self.scope, asked, after, sql_limit(CUSTOMERS)).await?;
            after = counts.last().map(|(customer, _)| *customer);
            total += self.counted(&counts).await?;
            if counts.len() < CUSTOMERS || total >= COUNTED {
                return Ok(total.min(COUNTED));
            }
        }
    }

    async fn counted(&self, counts: &[(Id<Customer>, i64)]) -> Result<u64, Problem> {
        let ids: Vec<_> = counts.iter().map(|(customer, _)| *customer).collect();
        let reached = reach::all(self.app, &self.customers, &ids).await?;
        let within = counts.iter().filter(|(customer, _)| reached.contains_key(customer));
        Ok(within.map(|(_, count)| count.unsigned_abs()).sum())
    }

    /// Whether nobody is within reach, by a decision that still holds.
    async fn is_empty(&self) -> Result<bool, Problem> {
        if self.customers.is_empty() {
            self.customers.still_current(&self.app.db).await?;
        }
        Ok(self.customers.is_empty())
    }
}

/// One page of the interactions with one customer, who was reached.
pub(super) async fn along(
    app: &App,
    scope: &Scope<Read>,
    customer: Reached,
    filter: &ListFilter,
    after: Option<After>,
    size: usize,
) -> Result<(Shown, Option<After>), Problem> {
    let place = (customer.tenant, customer.id);
    let rows = rows::timeline(&app.db, scope, place, filter, after, sql_limit(size + 1)).await?;
    Ok(cut(rows.into_iter().map(|row| (row, customer)).collect(), size, None))
}

/// What fits on a page; what was left over says where the next one starts, otherwise `after` does.
fn cut(mut shown: Shown, size: usize, after: Option<After>) -> (Shown, Option<After>) {
    if shown.len() <= size {
        return (shown, after);
    }
    shown.truncate(size);
    let last = shown.last().map(|(row, _)| After::of(row));
    (shown, last)
}

fn sql_limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
