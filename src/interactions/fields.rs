//! The declaration of an interaction's data.
//!
//! Must never: hold a value, or leave out what a view shows or a table keeps.

use kluis_core::privacy::{ColumnDeclaration as Column, Compartment, FieldDeclaration};

const INTERACTION: &str = "interaction";
const TABLE: &str = "interactions";

const fn of(compartment: Option<Compartment>, category: &'static str, field: &'static str) -> FieldDeclaration {
    FieldDeclaration {
        entity: INTERACTION,
        field,
        compartment,
        category,
        purposes: &["contract", "service", "compliance", "self_service"],
        retention_class: "interaction",
    }
}

const fn usual(field: &'static str) -> FieldDeclaration {
    of(Some(Compartment::Notes), "dpv-pd:Communication", field)
}

/// What was marked as sensitive stands in the other compartment, whole.
const fn sensitive(field: &'static str) -> FieldDeclaration {
    of(Some(Compartment::Special), "dpv:SpecialCategoryPersonalData", field)
}

const fn plain(field: &'static str) -> FieldDeclaration {
    of(None, "dpv-pd:CommunicationsMetadata", field)
}

/// Every field of an interaction.
pub const FIELDS: &[FieldDeclaration] = &[
    usual("subject"),
    usual("body"),
    usual("participants[].name"),
    usual("participants[].customerId"),
    sensitive("subject"),
    sensitive("body"),
    sensitive("participants[].name"),
    sensitive("participants[].customerId"),
    plain("customerId"),
    plain("authorId"),
    plain("channel"),
    plain("direction"),
    plain("sensitivity"),
    plain("occurredAt"),
];

const fn column(column: &'static str, field: &'static str) -> Column {
    Column::plain(TABLE, column, INTERACTION, field)
}

/// Every column of interactions.
pub const COLUMNS: &[Column] = &[
    Column::whole(TABLE, "content", "subject, body and participants: notes, or special by the row's sensitivity"),
    column("customer_id", "customerId"),
    column("author_id", "authorId"),
    column("channel", "channel"),
    column("direction", "direction"),
    column("sensitivity", "sensitivity"),
    column("occurred_at", "occurredAt"),
];
