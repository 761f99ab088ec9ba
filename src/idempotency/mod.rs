//! Requests that may be sent again: a `POST` with an `Idempotency-Key` is done once, and its first answer is repeated.
//!
//! What holds, by the example of Stripe's interface and the draft of the IETF's HTTP API group
//! (draft-ietf-httpapi-idempotency-key-header):
//! - a key belongs to one user in one tenant and to one operation; the same key elsewhere is another key
//! - the row is there before the work begins, so that of many equal requests at once one runs, and the others hear 409
//! - the run renews its lease and goes on to its end when the client has gone; a crash blocks the key for a minute
//! - kept is what was answered to a request that was carried out or found faulty; not 401, 403, 404 and 429, which tell
//!   of the caller's rights or haste, and nothing from 500 on
//! - a repetition is answered to whoever holds the same rights as then, and goes on record
//!
//! The effect and its answer are not one transaction: after a crash between the two, a repetition runs again, and
//! meets the rules against doubles that stand in the data itself.
//!
//! Must never: keep an answer in clear, or find a key by anything but its keyed hash.

mod answer;
mod identity;
mod layer;
mod rows;

use kluis_core::kernel::{Id, Problem, id::Customer};
use kluis_core::store::{Tx, Unaudited};

use crate::app::App;

pub use layer::Idempotent;

/// Removes answers whose day is over: for the program's housekeeping, since keys clear up only when requests come.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    while rows::forget(&app.db, app.clock.now()).await? > 0 {}
    Ok(())
}

/// Removes the answers that speak of a customer who is being erased, in the transaction that does it; how many.
pub async fn erase(tx: &mut Tx<Unaudited>, customer: Id<Customer>) -> Result<u64, Problem> {
    Ok(rows::erase(tx, customer).await?)
}
