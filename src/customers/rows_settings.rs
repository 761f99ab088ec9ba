//! The SQL about settings of a tenant that its customers' data must keep to.

use kluis_core::args;
use kluis_core::kernel::{Id, id::Tenant, id::User};
use kluis_core::store::{Db, Row, StoreError, Tx};

const WHY_SETTINGS: &str = "settings of the tenant that a scope has named; they say nothing about people";

/// What the customers of a tenant must keep to.
pub struct TenantSettings {
    pub country: String,
    /// A legal ground for special data is recorded.
    pub has_special_ground: bool,
    pub has_custom_fields: bool,
}

pub async fn tenant_settings(db: &Db, tenant: Id<Tenant>) -> Result<Option<TenantSettings>, StoreError> {
    let sql = "SELECT t.country, t.special_ground IS NOT NULL, \
        EXISTS (SELECT 1 FROM custom_fields AS f WHERE f.tenant_id = t.id) \
        FROM tenants AS t WHERE t.id = $1 AND t.status = 'active'";
    let row = db.fetch_optional_without_scope(WHY_SETTINGS, sql, args![tenant]).await?;
    let settings = |row: Row| {
        Ok(TenantSettings { country: row.text(0)?, has_special_ground: row.bool(1)?, has_custom_fields: row.bool(2)? })
    };
    row.map(settings).transpose()
}

pub async fn is_member<S>(tx: &mut Tx<S>, tenant: Id<Tenant>, user: Id<User>) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM user_roles WHERE tenant_id = $1 AND user_id = $2 LIMIT 1";
    Ok(tx.fetch_optional_without_scope(WHY_SETTINGS, sql, args![tenant, user]).await?.is_some())
}
