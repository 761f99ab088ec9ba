//! In which country the tenants are that a search reaches: numbers and addresses without one are read by it, as they
//! were when they were written down.
//!
//! Must never: read what is stored; that has its country already.

use std::collections::HashMap;

use kluis_core::access::Scope;
use kluis_core::kernel::{CountryCode, Id, Problem, id::Tenant};

use super::field::Field;
use crate::app::App;
use crate::customers::access::Read;
use crate::customers::rows;
use crate::tenants;

/// The country of each tenant, as far as the conditions depend on it.
#[derive(Default)]
pub struct Countries {
    /// The acting tenant's; also for records of a tenant that isn't below it.
    own: Option<CountryCode>,
    all: HashMap<Id<Tenant>, CountryCode>,
}

impl Countries {
    /// Looks them up if one of the fields is read by a country.
    pub async fn of(app: &App, scope: &Scope<Read>, fields: &[Field]) -> Result<Self, Problem> {
        if !fields.iter().any(Field::is_national) {
            return Ok(Self::default());
        }
        let mut all = HashMap::new();
        for tenant in rows::tenants_in_scope(&app.db, scope).await? {
            if let Some(record) = tenants::service::find(app, tenant).await? {
                all.insert(tenant, record.valid.country);
            }
        }
        Ok(Self { own: all.get(&scope.tenant()).copied(), all })
    }

    pub fn of_tenant(&self, tenant: Id<Tenant>) -> CountryCode {
        self.all.get(&tenant).copied().or(self.own).unwrap_or(CountryCode::NL)
    }

    /// Those of all tenants; one of them for each tenant.
    pub fn all(&self) -> impl Iterator<Item = CountryCode> {
        self.all.values().copied()
    }
}
