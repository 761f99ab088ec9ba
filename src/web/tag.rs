//! The chapters of the document, and the name of the cookie that it describes.

use poem_openapi::Tags;

/// Chapters of the document.
#[derive(Tags)]
pub enum Tag {
    /// Persons, organisations and households.
    Customers,
    /// E-mails, calls, visits and other contacts with customers.
    Interactions,
    /// Customers who are gone for good, and the proof of it.
    Erasures,
    /// Files of customers that are brought in.
    Imports,
    /// Long work, and how far it is.
    Jobs,
    /// Fields that a tenant adds to its customers.
    #[oai(rename = "Custom fields")]
    CustomFields,
    /// How customers belong together.
    Relations,
    /// Who did what, when, for what.
    Audit,
    /// The organisations that work here, and who is above whom.
    Tenants,
    /// Who stands behind a tenant, under which contract, and whom to talk to there.
    Partners,
    /// People who sign in, and their roles.
    Users,
    /// Signing in and out.
    Sessions,
    /// Your own account.
    Me,
}

/// The cookie of the pages' sessions. The prefix makes browsers refuse one that another host has set.
pub const SESSION_COOKIE: &str = "__Host-kluis";
