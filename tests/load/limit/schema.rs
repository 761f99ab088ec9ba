//! The limit's table: the columns of Kluis, with what is sealed there in clear here.

/// Columns in the order in which both arms read and write them.
macro_rules! columns {
    () => {
        "tenant_id, id, kind, status, owner_id, created_at, updated_at, archived_at, preferred_channel, language, \
         region, source, legal_basis, consented_purposes, last_contact_at, revision, identity, contact, financial, \
         profile, notes, special, withheld"
    };
}

pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers WHERE tenant_id = $1 AND archived_at IS NULL ORDER BY id DESC LIMIT $2"
);
pub const GET: &str = concat!("SELECT ", columns!(), " FROM customers WHERE tenant_id = $1 AND id = $2");
pub const BY_EMAIL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers WHERE tenant_id = $1 AND archived_at IS NULL AND id IN (SELECT customer_id FROM customer_values \
     WHERE tenant_id = $1 AND field = 'email' AND value = $2) ORDER BY id DESC LIMIT 51"
);
pub const INSERT: &str = concat!(
    "INSERT INTO customers (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)"
);
pub const INSERT_VALUE: &str =
    "INSERT INTO customer_values (tenant_id, field, value, customer_id) VALUES ($1, $2, $3, $4)";
