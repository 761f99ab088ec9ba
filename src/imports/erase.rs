//! What imports keep of a customer, when that customer is erased.
//!
//! Must never: leave a file in which a line of the customer is known to stand, unless a job reads it now.

use chrono::{DateTime, Utc};
use kluis_core::kernel::{Id, Problem, id::Customer, id::Tenant};
use kluis_core::store::{Tx, Unaudited};

use super::rows;

/// What of imports went with a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub changes: u64,
    pub files: u64,
    /// Files of the tenant are kept until then at the latest; nobody has looked yet whom the unread ones speak of.
    pub files_until: Option<DateTime<Utc>>,
}

/// Removes what imports keep of a customer that is being erased, in the transaction that does it.
pub async fn erase(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, customer: Id<Customer>) -> Result<Erased, Problem> {
    let (changes, files) = rows::erase(tx, tenant, customer).await?;
    Ok(Erased { changes, files, files_until: rows::latest_file(tx, tenant).await? })
}
