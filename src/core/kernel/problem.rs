//! What went wrong, in a form that people can read in their language and programs can act on (RFC 9457).
//!
//! Must never carry personal data, a secret or an internal: no SQL, no path, no value that was sent.

use std::borrow::Cow;

use uuid::Uuid;

use super::id::Tenant;
use super::{Id, Kind};

/// A text for people in both languages of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase {
    pub en: &'static str,
    pub nl: &'static str,
}

/// The kinds of problems. Each has a stable page under `/problems/<slug>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    Malformed,
    Invalid,
    Unauthenticated,
    Forbidden,
    FieldNotPermitted,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    Conflict,
    Duplicate,
    IdempotencyInProgress,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    IdempotencyMismatch,
    PreconditionRequired,
    TooManyRequests,
    Integrity,
    Internal,
    Sealed,
    Unavailable,
}

impl ProblemKind {
    pub const ALL: [Self; 21] = [
        Self::Malformed,
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::FieldNotPermitted,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Conflict,
        Self::Duplicate,
        Self::IdempotencyInProgress,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::IdempotencyMismatch,
        Self::PreconditionRequired,
        Self::TooManyRequests,
        Self::Integrity,
        Self::Internal,
        Self::Sealed,
        Self::Unavailable,
    ];

    /// HTTP status, last part of the `type` URL, title.
    pub const fn parts(self) -> (u16, &'static str, Phrase) {
        const fn p(en: &'static str, nl: &'static str) -> Phrase {
            Phrase { en, nl }
        }
        match self {
            Self::Malformed => (400, "malformed", p("The request can't be read", "Het verzoek is niet leesbaar")),
            Self::Invalid => (400, "invalid", p("The request has faults", "Het verzoek bevat fouten")),
            Self::Unauthenticated => (401, "unauthenticated", p("Sign in first", "Meld u eerst aan")),
            Self::Forbidden => (403, "forbidden", p("Not allowed", "Niet toegestaan")),
            Self::FieldNotPermitted => {
                (403, "field_not_permitted", p("A field that you may not use", "Een veld dat u niet mag gebruiken"))
            }
            Self::NotFound => (404, "not_found", p("Not found", "Niet gevonden")),
            Self::MethodNotAllowed => (405, "method_not_allowed", p("Method not allowed", "Methode niet toegestaan")),
            Self::NotAcceptable => (406, "not_acceptable", p("Not acceptable", "Niet aanvaardbaar")),
            Self::Conflict => (409, "conflict", p("Conflicts with what is there", "In strijd met wat er al is")),
            Self::Duplicate => (409, "duplicate", p("This already exists", "Dit bestaat al")),
            Self::IdempotencyInProgress => {
                (409, "idempotency_in_progress", p("The first request still runs", "Het eerste verzoek loopt nog"))
            }
            Self::PreconditionFailed => (
                412,
                "precondition_failed",
                p("Somebody else changed this first", "Iemand anders heeft dit eerder gewijzigd"),
            ),
            Self::TooLarge => (413, "too_large", p("Too large", "Te groot")),
            Self::UnsupportedMediaType => {
                (415, "unsupported_media_type", p("Unsupported content type", "Niet-ondersteund inhoudstype"))
            }
            Self::IdempotencyMismatch => (
                422,
                "idempotency_mismatch",
                p("This key was used for another request", "Deze sleutel is al voor een ander verzoek gebruikt"),
            ),
            Self::PreconditionRequired => {
                (428, "precondition_required", p("Send If-Match with the ETag", "Stuur If-Match met de ETag"))
            }
            Self::TooManyRequests => (429, "too_many_requests", p("Too many requests", "Te veel verzoeken")),
            Self::Integrity => (
                500,
                "integrity",
                p("A stored record failed its integrity check", "Een opgeslagen gegeven is niet meer betrouwbaar"),
            ),
            Self::Internal => (500, "internal", p("Something went wrong here", "Er ging hier iets mis")),
            Self::Sealed => (503, "sealed", p("The vault is sealed", "De kluis is gesloten")),
            Self::Unavailable => (503, "unavailable", p("Not available right now", "Nu niet beschikbaar")),
        }
    }

    pub const fn status(self) -> u16 {
        self.parts().0
    }

    pub const fn slug(self) -> &'static str {
        self.parts().1
    }
}

/// One fault in what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body, or `query:name`, `header:name`, `path:name`.
    pub pointer: String,
    /// Stable, snake case: `required`, `unknown_field`, `email`, `iban`, `bsn` …
    pub code: &'static str,
    pub detail: Phrase,
}

/// Collects every fault instead of stopping at the first, up to [`Faults::MOST`].
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// How many are kept: a body of thousands of rows must not be answered with as many faults.
    pub const MOST: usize = 200;

    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: Phrase) {
        if self.0.len() < Self::MOST {
            self.0.push(Fault { pointer: pointer.into(), code, detail });
        }
    }

    /// Keeps the value, or notes the fault and gives `None`.
    pub fn check<T, E: Into<(&'static str, Phrase)>>(
        &mut self,
        pointer: impl Into<String>,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let (code, detail) = error.into();
                self.add(pointer, code, detail);
                None
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }

    /// `Ok` when nothing was found, otherwise one problem that names everything.
    pub fn into_result(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

/// The one error that leaves the program.
#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: ProblemKind,
    pub detail: Option<Phrase>,
    pub faults: Vec<Fault>,
    /// Public extra members: ids of a colliding record that the caller may see, seconds to wait …
    pub members: Vec<(&'static str, Cow<'static, str>)>,
    /// The record in question where the program, and not the caller, has to do with it: for the audit, never shown.
    pub about: Option<Box<Place>>,
}

/// A record, by its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub entity: &'static str,
    pub tenant: Uuid,
    pub record: Uuid,
}

impl Problem {
    pub const fn new(kind: ProblemKind) -> Self {
        Self { kind, detail: None, faults: Vec::new(), members: Vec::new(), about: None }
    }

    pub const fn invalid(faults: Vec<Fault>) -> Self {
        Self { kind: ProblemKind::Invalid, detail: None, faults, members: Vec::new(), about: None }
    }

    pub const fn not_found() -> Self {
        Self::new(ProblemKind::NotFound)
    }

    #[must_use]
    pub const fn detail(mut self, detail: Phrase) -> Self {
        self.detail = Some(detail);
        self
    }

    #[must_use]
    pub fn about<K: Kind>(mut self, entity: &'static str, record: Id<K>, tenant: Id<Tenant>) -> Self {
        self.about = Some(Box::new(Place { entity, tenant: tenant.uuid(), record: record.uuid() }));
        self
    }

    #[must_use]
    pub fn member(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.members.push((name, value.into()));
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.slug())
    }
}

impl std::error::Error for Problem {}
