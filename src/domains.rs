//! THE list of domains: one line each, for the API, its document, its statements and its register of personal data.

pub mod register;
mod words;

use crate::audit_events::api::AuditEventsApi;
use crate::audit_events::api_checkpoints::AuditCheckpointsApi;
use crate::bulk::api::BulkApi;
use crate::custom_fields::api::CustomFieldsApi;
use crate::customers::api::CustomersApi;
use crate::erasures::api::ErasuresApi;
use crate::imports::api::ImportsApi;
use crate::interactions::api::InteractionsApi;
use crate::jobs::api::JobsApi;
use crate::partners::api::PartnersApi;
use crate::relations::api::RelationsApi;
use crate::sessions::api::SessionsApi;
use crate::sessions::api_me::MeApi;
use crate::tenants::api::TenantsApi;
use crate::users::api::UsersApi;
use crate::web::document::{Contact, DocumentError, Settings};
use crate::web::{Document, SESSION_COOKIE, service};

/// All operations.
pub type Api = (
    CustomersApi,
    CustomFieldsApi,
    BulkApi,
    ErasuresApi,
    InteractionsApi,
    RelationsApi,
    ImportsApi,
    JobsApi,
    AuditEventsApi,
    AuditCheckpointsApi,
    TenantsApi,
    PartnersApi,
    UsersApi,
    SessionsApi,
    MeApi,
);

/// An instance of each.
pub const fn api() -> Api {
    (
        CustomersApi,
        CustomFieldsApi,
        BulkApi,
        ErasuresApi,
        InteractionsApi,
        RelationsApi,
        ImportsApi,
        JobsApi,
        AuditEventsApi,
        AuditCheckpointsApi,
        TenantsApi,
        PartnersApi,
        UsersApi,
        SessionsApi,
        MeApi,
    )
}

/// Operations that answer without sign-in: a list that only shrinks.
const PUBLIC: &[&str] = &["createSession", "redeemLink", "choosePassword", "requestPasswordReset"];

/// Statuses beyond those that follow from method, parameters and security.
const ALSO: &[(&str, u16)] = &[
    ("getInclusionProof", 409),
    ("getLatestAuditCheckpoint", 404),
    ("createCustomer", 409),
    ("updateCustomer", 409),
    ("createCustomField", 409),
    ("closeTenant", 409),
    ("createPartnerContact", 409),
    ("deletePartnerContact", 409),
    ("createUser", 409),
    ("updateUser", 409),
    ("createOneTimeLink", 409),
    ("grantRole", 409),
    ("createMyToken", 409),
    ("beginSecondFactor", 409),
    ("confirmSecondFactor", 409),
    ("createSession", 401),
    ("redeemLink", 401),
    ("choosePassword", 401),
    ("updateImport", 409),
    ("deleteImport", 409),
    ("runImport", 409),
    ("reverseImport", 409),
    ("cancelJob", 409),
    ("reverseJob", 409),
    ("findDuplicates", 404),
    ("changeCustomers", 404),
];

/// Creations that are asked again when their decision was stale. All that such a one writes is one transaction, which it
/// begins by `Scope::begin`.
pub const REPEATABLE: &[&str] = &["/customers"];

/// The API's description, checked.
pub fn document() -> Result<Document, DocumentError> {
    Document::of::<Api>(&Settings {
        title: "Kluis",
        description: "A CRM that keeps its customers' data as a vault would. Every answer shows what you may see, and \
                      every look is put on record.",
        contact: Contact { name: "Kluis", url: "https://kluis.example", email: "api@kluis.example" },
        public: PUBLIC,
        session_cookie: SESSION_COOKIE,
        also: ALSO,
        words: words::WORDS,
    })
}

/// The API's endpoint, without what stands around it.
pub fn endpoint(document: &Document) -> Result<poem::Route, service::ServiceError> {
    service::service(api(), document)
}

/// Adds the pages of all domains, and what they need.
#[must_use]
pub fn pages(route: poem::Route) -> poem::Route {
    crate::sessions::console::mount(crate::web::frame::mount(route))
}
