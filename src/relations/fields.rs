//! The declaration of a relation's data: two ids, and what the one is to the other.
//!
//! Must never: hold a value, or leave out what a view shows or a table keeps.

use kluis_core::privacy::{ColumnDeclaration as Column, FieldDeclaration};

const RELATION: &str = "relation";
const TABLE: &str = "customer_relations";

const fn plain(field: &'static str) -> FieldDeclaration {
    FieldDeclaration {
        entity: RELATION,
        field,
        compartment: None,
        category: "dpv-pd:Relationship",
        purposes: &["contract", "service", "compliance", "self_service"],
        retention_class: "customer",
    }
}

/// Every field of a relation.
pub const FIELDS: &[FieldDeclaration] =
    &[plain("kind"), plain("fromId"), plain("toId"), plain("startsOn"), plain("endsOn")];

const fn column(column: &'static str, field: &'static str) -> Column {
    Column::plain(TABLE, column, RELATION, field)
}

/// Every column of relations.
pub const COLUMNS: &[Column] = &[
    column("kind", "kind"),
    column("from_id", "fromId"),
    column("to_id", "toId"),
    column("starts_on", "startsOn"),
    column("ends_on", "endsOn"),
];
