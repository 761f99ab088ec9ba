//! A relation's row, bound by a MAC under its tenant's key: it is about two customers, and so under neither one's own.
//!
//! Must never: give out a row that somebody edited, moved to other customers or put there behind our back.

use kluis_core::privacy::{DataKey, RowMac, VaultError};

use super::model::RelationRecord;
use super::rows::RelationRow;

const TABLE: &str = "customer_relations";

/// The MAC to store beside the columns.
pub fn sign(key: &DataKey, record: &RelationRecord) -> Result<Vec<u8>, VaultError> {
    Ok(mac(key, record).finish()?.to_vec())
}

pub fn verify(key: &DataKey, row: &RelationRow) -> Result<(), VaultError> {
    mac(key, &row.record).verify(&row.mac)
}

/// Everything but the time of the last change, which says nothing about anybody's rights.
fn mac<'k>(key: &'k DataKey, record: &RelationRecord) -> RowMac<'k> {
    let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string());
    RowMac::new(key, TABLE, record.tenant.uuid(), record.id.uuid())
        .uuid("from_id", Some(record.from.uuid()))
        .uuid("to_id", Some(record.to.uuid()))
        .text("kind", Some(record.kind.code()))
        .text("starts_on", date(record.starts_on).as_deref())
        .text("ends_on", date(record.ends_on).as_deref())
        .int("created_at", Some(record.created_at.timestamp_micros()))
        .int("revision", Some(record.revision))
}
