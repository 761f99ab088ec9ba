//! The declaration of personal data: every column and every field of a compartment, once, in code.
//!
//! The register of processing (GDPR Art. 30), the export, the erasure and the field lists of the policy screens are made
//! from it, so that they can't drift from the code. Must never hold a value.

use std::collections::HashSet;

use super::{Compartment, CompartmentSet};

/// One column or one field of a compartment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldDeclaration {
    /// Entity in the singular, as in policies: `customer`.
    pub entity: &'static str,
    /// Column name, or the path of the field in its compartment: `emails[].address`.
    pub field: &'static str,
    /// Where it is sealed; `None` for a plain column, which must identify nobody by itself.
    pub compartment: Option<Compartment>,
    /// Category of personal data, a term of the W3C Data Privacy Vocabulary: `dpv-pd:EmailAddress`.
    pub category: &'static str,
    /// Purposes that it may be processed for, in the words of the policy.
    pub purposes: &'static [&'static str],
    /// Name of the retention class that says when it goes.
    pub retention_class: &'static str,
}

impl FieldDeclaration {
    /// The same, of another field.
    #[must_use]
    pub const fn named(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The same, in another category.
    #[must_use]
    pub const fn in_category(self, category: &'static str) -> Self {
        Self { category, ..self }
    }
}

/// What stands in one column of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnDeclaration {
    /// `*`: in whatever table the name occurs.
    pub table: &'static str,
    pub column: &'static str,
    pub content: Content,
}

/// How far a column speaks of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The sealed value of one compartment of this entity.
    Sealed(&'static str, Compartment),
    /// Sealed as well, but of several compartments together, or of none: what it is.
    SealedWhole(&'static str),
    /// A hash, MAC or wrapped key, which says something only to whoever holds a key; or which key that is.
    Keyed(&'static str),
    /// A plain field of this entity, declared under this name.
    Plain(&'static str, &'static str),
    /// It says nothing about anybody: why.
    Impersonal(&'static str),
}

impl ColumnDeclaration {
    pub const fn sealed(table: &'static str, entity: &'static str, compartment: Compartment) -> Self {
        Self { table, column: compartment.name(), content: Content::Sealed(entity, compartment) }
    }

    pub const fn whole(table: &'static str, column: &'static str, what: &'static str) -> Self {
        Self { table, column, content: Content::SealedWhole(what) }
    }

    pub const fn keyed(table: &'static str, column: &'static str, of: &'static str) -> Self {
        Self { table, column, content: Content::Keyed(of) }
    }

    pub const fn plain(table: &'static str, column: &'static str, entity: &'static str, field: &'static str) -> Self {
        Self { table, column, content: Content::Plain(entity, field) }
    }

    pub const fn impersonal(table: &'static str, column: &'static str, why: &'static str) -> Self {
        Self { table, column, content: Content::Impersonal(why) }
    }
}

/// What is wrong with a set of declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclarationFault {
    /// Named twice in the same compartment.
    Duplicate { entity: &'static str, field: &'static str },
    /// Entity, field, category, purposes or retention class is empty, or a purpose is named twice.
    Incomplete { entity: &'static str, field: &'static str, what: &'static str },
    /// No field lives in this compartment: it is dead, or a field was forgotten.
    UnusedCompartment(Compartment),
}

/// Checks the declarations of all entities together and names every fault.
pub fn validate(declarations: &[&[FieldDeclaration]]) -> Result<(), Vec<DeclarationFault>> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    let mut used = CompartmentSet::EMPTY;
    for declared in declarations.iter().copied().flatten() {
        let FieldDeclaration { entity, field, compartment, .. } = *declared;
        if !seen.insert((entity, compartment, field)) {
            faults.push(DeclarationFault::Duplicate { entity, field });
        }
        if let Some(what) = missing(declared) {
            faults.push(DeclarationFault::Incomplete { entity, field, what });
        }
        if let Some(compartment) = declared.compartment {
            used.insert(compartment);
        }
    }
    faults.extend(CompartmentSet::ALL.difference(used).iter().map(DeclarationFault::UnusedCompartment));
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn missing(declared: &FieldDeclaration) -> Option<&'static str> {
    let words = [
        ("entity", declared.entity),
        ("field", declared.field),
        ("category", declared.category),
        ("retention class", declared.retention_class),
    ];
    if let Some((what, _)) = words.into_iter().find(|(_, word)| word.trim().is_empty()) {
        return Some(what);
    }
    let purposes: HashSet<_> = declared.purposes.iter().filter(|purpose| !purpose.is_empty()).collect();
    (purposes.is_empty() || purposes.len() != declared.purposes.len()).then_some("purposes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn field(field: &'static str, compartment: Option<Compartment>) -> FieldDeclaration {
        FieldDeclaration {
            entity: "customer",
            field,
            compartment,
            category: "dpv-pd:Name",
            purposes: &["contract", "service"],
            retention_class: "customer",
        }
    }

    const COMPLETE: [FieldDeclaration; 7] = [
        field("status", None),
        field("name", Some(Compartment::Identity)),
        field("emails", Some(Compartment::Contact)),
        field("iban", Some(Compartment::Financial)),
        field("interests", Some(Compartment::Profile)),
        field("remarks", Some(Compartment::Notes)),
        field("health", Some(Compartment::Special)),
    ];

    #[test]
    fn a_complete_set_passes() {
        assert_eq!(validate(&[&COMPLETE]), Ok(()));
    }

    #[test]
    fn every_fault_is_named() {
        let nameless = FieldDeclaration { purposes: &["contract", "contract"], ..COMPLETE[0] };
        let faults = validate(&[&COMPLETE[..6], &[COMPLETE[1], nameless]]).unwrap_err();
        assert_eq!(
            faults,
            [
                DeclarationFault::Duplicate { entity: "customer", field: "name" },
                DeclarationFault::Duplicate { entity: "customer", field: "status" },
                DeclarationFault::Incomplete { entity: "customer", field: "status", what: "purposes" },
                DeclarationFault::UnusedCompartment(Compartment::Special),
            ]
        );
    }
}
