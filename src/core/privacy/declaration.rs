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

/// What is wrong with a set of declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclarationFault {
    Duplicate {
        entity: &'static str,
        field: &'static str,
    },
    /// Entity, field, category, purposes or retention class is empty, or a purpose is named twice.
    Incomplete {
        entity: &'static str,
        field: &'static str,
        what: &'static str,
    },
    /// No field lives in this compartment: it is dead, or a field was forgotten.
    UnusedCompartment(Compartment),
}

/// Checks the declarations of all entities together and names every fault.
pub fn validate(declarations: &[&[FieldDeclaration]]) -> Result<(), Vec<DeclarationFault>> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    let mut used = CompartmentSet::EMPTY;
    for declared in declarations.iter().copied().flatten() {
        let FieldDeclaration { entity, field, .. } = *declared;
        if !seen.insert((entity, field)) {
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
