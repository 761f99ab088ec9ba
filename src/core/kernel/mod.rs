//! Ground floor: types without I/O that every other floor speaks in.
//!
//! Must never: read a clock or a random source by itself, touch a file or the network, know a domain.

pub mod address;
pub mod birth;
pub mod bsn;
pub mod clock;
pub mod company;
pub mod country;
pub mod email;
pub mod fold;
pub mod iban;
pub mod id;
pub mod language;
pub mod message;
pub mod name;
pub mod organisation;
pub mod phone;
pub mod prefix;
pub mod problem;
pub mod text;
pub mod web_address;

pub use address::{HouseNumber, Postcode};
pub use birth::BirthDate;
pub use clock::{Clock, Entropy};
pub use company::{BranchNumber, KvkNumber, VatNumber};
pub use country::CountryCode;
pub use email::Email;
pub use iban::Iban;
pub use id::{Id, Kind};
pub use language::LanguageTag;
pub use message::Message;
pub use name::{NamePart, NameParts, NameUse, PersonName};
pub use organisation::OrganisationName;
pub use phone::Phone;
pub use prefix::split_family;
pub use problem::{Fault, Faults, Phrase, Problem, ProblemKind};
pub use text::{LongText, REQUIRED, Text, TextFault};
pub use web_address::WebAddress;

#[cfg(test)]
mod sample;
