//! The SQL about settings of a tenant that its customers' data must keep to.

use kluis_core::args;
use kluis_core::kernel::{Id, id::Tenant, id::User};
use kluis_core::store::{Db, StoreError, Tx};

const WHY_SETTINGS: &str = "settings of the tenant that a scope has named; they say nothing about people";

/// Country, and whether a legal ground for special data is recorded.
pub async fn tenant_settings(db: &Db, tenant: Id<Tenant>) -> Result<Option<(String, bool)>, StoreError> {
    let sql = "SELECT country, special_ground FROM tenants WHERE id = $1 AND status = 'active'";
    let row = db.fetch_optional_without_scope(WHY_SETTINGS, sql, args![tenant]).await?;
    row.map(|row| Ok((row.text(0)?, row.opt_text(1)?.is_some()))).transpose()
}

pub async fn is_member<S>(tx: &mut Tx<S>, tenant: Id<Tenant>, user: Id<User>) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM user_roles WHERE tenant_id = $1 AND user_id = $2 LIMIT 1";
    Ok(tx.fetch_optional_without_scope(WHY_SETTINGS, sql, args![tenant, user]).await?.is_some())
}
