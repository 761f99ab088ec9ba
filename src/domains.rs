//! THE list of domains: one line each, for the API, its document and its statements.

use poem_openapi::Tags;

use crate::customers::api::CustomersApi;
use crate::imports::api::ImportsApi;
use crate::jobs::api::JobsApi;
use crate::web::document::{Contact, DocumentError, Settings};
use crate::web::{Document, service};

/// Chapters of the document.
#[derive(Tags)]
pub enum Tag {
    /// Persons, organisations and households.
    Customers,
    /// Files of customers that are brought in.
    Imports,
    /// Long work, and how far it is.
    Jobs,
}

/// All operations.
pub type Api = (CustomersApi, ImportsApi, JobsApi, ());

/// An instance of each.
pub const fn api() -> Api {
    (CustomersApi, ImportsApi, JobsApi, ())
}

/// The cookie of the pages' sessions. The prefix makes browsers refuse one that another host has set.
pub const SESSION_COOKIE: &str = "__Host-kluis";

/// Operations that answer without sign-in: a list that only shrinks.
const PUBLIC: &[&str] = &[];

/// Statuses beyond those that follow from method, parameters and security.
const ALSO: &[(&str, u16)] = &[
    ("createCustomer", 409),
    ("updateCustomer", 409),
    ("updateImport", 409),
    ("deleteImport", 409),
    ("runImport", 409),
    ("reverseImport", 409),
    ("cancelJob", 409),
];

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
    })
}

/// The API's endpoint, without what stands around it.
pub fn endpoint(document: &Document) -> Result<poem::Route, service::ServiceError> {
    service::service(api(), document)
}
