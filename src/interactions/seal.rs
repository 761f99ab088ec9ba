//! Between an interaction in clear and a row at rest: sealing under the customer's key, the row's MAC, and its check.

use kluis_core::kernel::{Id, Problem, ProblemKind, id::Interaction, id::Tenant};
use kluis_core::privacy::{Compartment, Context, DataKey, RowMac, Sealed, VaultError};

use super::model::{Content, SCHEMA, Sensitivity};
use super::rows::{InteractionRow, Plain};

const TABLE: &str = "interactions";

/// Where the content of one interaction belongs.
pub fn place(tenant: Id<Tenant>, id: Id<Interaction>, plain: &Plain, compartment: Compartment) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: TABLE,
        part: compartment.name(),
        row: id.uuid(),
        subject: plain.customer.uuid(),
        revision: plain.revision,
        schema: SCHEMA,
    }
}

/// The compartment of a stored row.
pub fn compartment(plain: &Plain) -> Result<Compartment, Problem> {
    let sensitivity = Sensitivity::from_code(&plain.sensitivity).ok_or(Problem::new(ProblemKind::Integrity))?;
    Ok(sensitivity.compartment())
}

/// Seals content at the row's revision.
pub fn seal(
    key: &DataKey,
    tenant: Id<Tenant>,
    id: Id<Interaction>,
    plain: &Plain,
    content: &Content,
) -> Result<Sealed<Content>, Problem> {
    Ok(Sealed::seal(key, &place(tenant, id, plain, compartment(plain)?), content)?)
}

/// Checks that nobody edited the row, or put an old value back into it, behind our back.
pub fn verify(key: &DataKey, row: &InteractionRow) -> Result<(), VaultError> {
    row_mac(key, row.tenant, row.id, &row.plain, &row.content).verify(&row.mac)
}

/// The MAC of a row that is about to be written.
pub fn mac(
    key: &DataKey,
    tenant: Id<Tenant>,
    id: Id<Interaction>,
    plain: &Plain,
    content: &Sealed<Content>,
) -> Result<Vec<u8>, VaultError> {
    Ok(row_mac(key, tenant, id, plain, content).finish()?.to_vec())
}

fn row_mac<'k>(
    key: &'k DataKey,
    tenant: Id<Tenant>,
    id: Id<Interaction>,
    plain: &Plain,
    content: &Sealed<Content>,
) -> RowMac<'k> {
    RowMac::new(key, TABLE, tenant.uuid(), id.uuid())
        .uuid("customer_id", Some(plain.customer.uuid()))
        .uuid("author_id", plain.author.map(Id::uuid))
        .text("channel", Some(&plain.channel))
        .text("direction", Some(&plain.direction))
        .text("sensitivity", Some(&plain.sensitivity))
        .int("occurred_at", Some(plain.occurred_at.timestamp_micros()))
        .int("archived_at", plain.archived_at.map(|at| at.timestamp_micros()))
        .int("revision", Some(plain.revision))
        .sealed("content", Some(content))
}
