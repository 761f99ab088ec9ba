//! What is asked about many customers at once.

use kluis_core::kernel::id::{Customer, User};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};

use crate::customers::model::{CustomerDraft, CustomerStatus};
use crate::customers::search::Condition;
use crate::web::Ident;
use crate::web::merge_patch::Patch;

/// Customers by a condition: all that you may change, at most 10,000.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkSelection {
    /// A tree of conditions.
    #[oai(rename = "where")]
    #[serde(rename = "where")]
    pub condition: Condition,
    /// Those that are put away, instead of those in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// What to change in each of them; what isn't named stays as it is.
#[derive(Object, Serialize, Deserialize, Clone, Default)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CustomerStatus>,
    /// Who looks after them from now on; to take the owner away, patch `ownerId` with null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Ident<User>>,
    /// True puts them away, false takes them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Interests to add to those that are there.
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_interests: Vec<String>,
    /// Interests to take away.
    #[oai(default, validator(max_items = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_interests: Vec<String>,
    /// A JSON Merge Patch (RFC 7396) on the writable form of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Patch<CustomerDraft>>,
}

/// One change to many customers, to those with these ids or to those that fit a selection; or many customers to bring in.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerBulkDraft {
    /// Each once.
    #[oai(default, validator(max_items = 10000))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Ident<Customer>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<BulkSelection>,
    /// Customers to bring in, complete as for creation. Where one with one of their external ids is there, it is changed
    /// instead: what the row names becomes so, what it leaves out stays, and external ids are added.
    #[oai(default, validator(max_items = 10000))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<CustomerDraft>,
    /// What to change in those with these ids, or in those that fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<CustomerChange>,
    /// Writes nothing, and says for each customer or row what a run would do.
    #[oai(default)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Example for CustomerBulkDraft {
    fn example() -> Self {
        let id = kluis_core::kernel::Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab));
        let change = CustomerChange { status: Some(CustomerStatus::Former), ..CustomerChange::default() };
        Self { ids: vec![Ident(id)], selection: None, rows: Vec::new(), change: Some(change), dry_run: true }
    }
}
