//! Between a partner or contact person in clear and a row at rest: sealing, and the row's MAC.

use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use kluis_core::privacy::{Compartment, Context, DataKey, RowMac, Sealed, VaultError};
use serde::Serialize;
use uuid::Uuid;

use super::model::SCHEMA;
use super::rows::PartnerRow;
use super::rows_contacts::ContactRow;

const PARTNERS: &str = "partners";
const CONTACTS: &str = "partner_contacts";

/// Where the values of one row belong; a partner and a contact person are each their own subject.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    table: &'static str,
    tenant: Id<Tenant>,
    row: Uuid,
}

impl Place {
    pub fn of_partner(row: &PartnerRow) -> Self {
        Self::partner(row.tenant, row.id.uuid())
    }

    pub const fn partner(tenant: Id<Tenant>, row: Uuid) -> Self {
        Self { table: PARTNERS, tenant, row }
    }

    pub fn of_contact(row: &ContactRow) -> Self {
        Self::contact(row.tenant, row.id.uuid())
    }

    pub const fn contact(tenant: Id<Tenant>, row: Uuid) -> Self {
        Self { table: CONTACTS, tenant, row }
    }

    pub const fn context(self, compartment: Compartment, revision: i64) -> Context {
        Context {
            tenant: self.tenant.uuid(),
            table: self.table,
            part: compartment.name(),
            row: self.row,
            subject: self.row,
            revision,
            schema: SCHEMA,
        }
    }

    /// The context that the stored value says it was sealed in.
    pub fn stored<T>(self, compartment: Compartment, sealed: &Sealed<T>) -> Context {
        self.context(compartment, 0).of(compartment.name(), sealed)
    }

    /// Seals one compartment at a revision.
    pub fn seal<T: Serialize>(
        self,
        key: &DataKey,
        compartment: Compartment,
        revision: i64,
        value: &T,
    ) -> Result<Sealed<T>, VaultError> {
        Sealed::seal(key, &self.context(compartment, revision), value)
    }
}

pub fn sign_partner(key: &DataKey, row: &mut PartnerRow) -> Result<(), VaultError> {
    row.mac = partner_mac(key, row).finish()?.to_vec();
    Ok(())
}

pub fn verify_partner(key: &DataKey, row: &PartnerRow) -> Result<(), VaultError> {
    partner_mac(key, row).verify(&row.mac)
}

fn partner_mac<'k>(key: &'k DataKey, row: &PartnerRow) -> RowMac<'k> {
    RowMac::new(key, PARTNERS, row.tenant.uuid(), row.id.uuid())
        .text("status", Some(row.status.code()))
        .text("country", Some(&row.country))
        .text("contract_starts", row.contract_starts.map(|date| date.to_string()).as_deref())
        .text("contract_ends", row.contract_ends.map(|date| date.to_string()).as_deref())
        .int("archived_at", row.archived_at.map(|at| at.timestamp_micros()))
        .sealed("identity", Some(&row.identity))
        .sealed("contact", row.contact.as_ref())
        .sealed("financial", row.financial.as_ref())
        .int("revision", Some(row.revision))
}

pub fn sign_contact(key: &DataKey, row: &mut ContactRow) -> Result<(), VaultError> {
    row.mac = contact_mac(key, row).finish()?.to_vec();
    Ok(())
}

pub fn verify_contact(key: &DataKey, row: &ContactRow) -> Result<(), VaultError> {
    contact_mac(key, row).verify(&row.mac)
}

fn contact_mac<'k>(key: &'k DataKey, row: &ContactRow) -> RowMac<'k> {
    RowMac::new(key, CONTACTS, row.tenant.uuid(), row.id.uuid())
        .uuid("partner_id", Some(row.partner.uuid()))
        .text("function", Some(row.function.code()))
        .text("language", Some(&row.language))
        .flag("primary", row.primary)
        .int("archived_at", row.archived_at.map(|at| at.timestamp_micros()))
        .sealed("identity", Some(&row.identity))
        .sealed("contact", row.contact.as_ref())
        .int("revision", Some(row.revision))
}
