//! A user as one caller may see it.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::kernel::Problem;
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::privacy::{Compartment, CompartmentSet};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::model::{Grant, RoleGrant, UserDraft, UserLanguage, UserStatus};
use super::rows::Seen;
use super::seal;
use crate::app::App;
use crate::web::{ETag, Ident, Timestamp};

/// A user. Names and addresses that you may not see are absent, and named under `withheld`.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    pub id: Ident<User>,
    /// The home tenant, which manages the account.
    pub tenant_id: Ident<Tenant>,
    pub status: UserStatus,
    pub language: UserLanguage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether a second factor is asked for at sign-in.
    pub second_factor: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<Timestamp>,
    pub revision: i64,
    /// Compartments that you may not see.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// A role that a user holds.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct RoleGrantView {
    pub id: Ident<RoleGrant>,
    /// Where the role counts.
    pub tenant_id: Ident<Tenant>,
    /// Name of the role, as policies know it.
    pub role: String,
    /// It counts from here on; absent: from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// It counts up to here; absent: without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<Ident<User>>,
    pub granted_at: Timestamp,
    /// Always 1: a role is given and taken away, never changed.
    pub revision: i64,
}

impl From<&Grant> for RoleGrantView {
    fn from(grant: &Grant) -> Self {
        Self {
            id: grant.id.into(),
            tenant_id: grant.tenant.into(),
            role: grant.role.clone(),
            starts_at: grant.starts_at.map(Into::into),
            ends_at: grant.ends_at.map(Into::into),
            granted_by: grant.granted_by.map(Into::into),
            granted_at: grant.granted_at.into(),
            revision: ETag::FIRST,
        }
    }
}

/// The compartments that users have.
const HELD: CompartmentSet = CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]);

/// Opens a row for one caller.
pub async fn open<P: ScopedPermission>(app: &App, scope: &Scope<P>, seen: &Seen) -> Result<UserView, Problem> {
    let row = &seen.row;
    let key = app.keys.subject_key(row.tenant.uuid(), row.key).await?;
    let disclosure = scope.disclosure(seen.rels);
    let place = |part| seal::place(row.tenant, row.id, part, 0);
    let identity = disclosure.open(
        Compartment::Identity,
        &row.identity,
        &key,
        &place("identity").of("identity", &row.identity),
    )?;
    let contact =
        disclosure.open(Compartment::Contact, &row.contact, &key, &place("contact").of("contact", &row.contact))?;
    let withheld = HELD.difference(disclosure.clear());
    Ok(UserView {
        id: row.id.into(),
        tenant_id: row.tenant.into(),
        status: row.status,
        language: row.language,
        display_name: identity.clear().map(|identity| identity.display_name.expose().to_owned()),
        email: contact.clear().map(|contact| contact.email.expose().to_owned()),
        second_factor: row.totp.is_some(),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        last_sign_in_at: row.last_sign_in_at.map(Into::into),
        revision: row.revision,
        withheld: withheld.iter().map(|compartment| compartment.name().to_owned()).collect(),
    })
}

/// The writable form of an account, for a merge patch. The caller has checked that all of it may be seen.
pub fn draft(account: &Account) -> Result<UserDraft, Problem> {
    Ok(UserDraft {
        email: account.contact()?.email.expose().to_owned(),
        display_name: account.identity()?.display_name.expose().to_owned(),
        language: account.row.language,
    })
}

/// What was shown of these rows.
pub fn shown<P: ScopedPermission>(scope: &Scope<P>, seen: &[Seen]) -> CompartmentSet {
    seen.iter().fold(CompartmentSet::EMPTY, |set, seen| set.union(scope.disclosure(seen.rels).clear()))
}
