//! What a tenant's own settings demand of its customers' data.

use std::sync::Arc;

use kluis_core::kernel::{CountryCode, Faults, Id, Phrase, Problem, id::Tenant, id::User};
use kluis_core::privacy::CompartmentSet;
use kluis_core::store::{Tx, Unaudited};

use super::model::Rules;
use super::rows_settings;
use crate::app::App;
use crate::custom_fields::{self, FieldRule};

/// The settings of one tenant.
pub struct TenantRules {
    country: CountryCode,
    special_allowed: bool,
    fields: Arc<[FieldRule]>,
}

impl TenantRules {
    /// The tenant's custom fields, those that are put away among them.
    pub const fn fields(&self) -> &Arc<[FieldRule]> {
        &self.fields
    }

    pub const fn country(&self) -> CountryCode {
        self.country
    }

    /// With today's date, the rules of [`super::model::Valid`].
    pub fn rules(&self, app: &App) -> Rules<'_> {
        Rules {
            today: app.clock.now().date_naive(),
            country: self.country,
            fields: &self.fields,
            special_allowed: self.special_allowed,
            before: None,
            filled: CompartmentSet::EMPTY,
        }
    }
}

/// Reads the settings that hold now.
pub async fn of_tenant(app: &App, tenant: Id<Tenant>) -> Result<TenantRules, Problem> {
    let settings = rows_settings::tenant_settings(&app.db, tenant).await?.ok_or(Problem::not_found())?;
    let fields =
        if settings.has_custom_fields { custom_fields::service::rules(app, tenant).await? } else { Vec::new() };
    let country = CountryCode::parse(&settings.country).unwrap_or(CountryCode::NL);
    Ok(TenantRules { country, special_allowed: settings.has_special_ground, fields: fields.into() })
}

/// The owner of a record must be somebody with a role in its tenant.
pub async fn require_member(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    owner: Option<Id<User>>,
) -> Result<(), Problem> {
    const NOT_HERE: Phrase = Phrase {
        en: "Nobody with this id works for this tenant.",
        nl: "Niemand met dit id werkt voor deze organisatie.",
    };
    let Some(owner) = owner else { return Ok(()) };
    let mut faults = Faults::new();
    if !rows_settings::is_member(tx, tenant, owner).await? {
        faults.add("/ownerId", "not_a_member", NOT_HERE);
    }
    faults.into_result()
}
