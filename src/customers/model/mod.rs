//! What a customer is: plain columns, and one structure per compartment.
//!
//! The structures are at once what a front-end sends, what is sealed and what is shown, so that a page of customers can
//! hand out what it has opened without parsing it again. What was sent becomes [`Valid`] before anything is sealed.

mod compartments;
mod draft;
mod keys;
mod validate;

pub use compartments::{
    Address, BankAccount, Contact, EmailAddress, ExternalId, Financial, Gender, Household, Identity, NameUse, Notes,
    Organisation, Person, PhoneNumber, Profile, SocialHandle, Special,
};
pub use draft::{Channel, CustomerDraft, CustomerKind, CustomerStatus, LegalBasis};
pub use keys::{ExactKey, KeyDigest, exact_keys, external_id_form, search_keys};
pub use validate::{Rules, Valid, interests};

/// Version of the shape of the sealed structures.
pub const SCHEMA: u16 = 1;
