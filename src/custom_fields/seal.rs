//! Between a field in clear and a row at rest: its words sealed under the tenant's data key, the rest bound by a MAC. Who
//! edits a row in the database can't steer values into another compartment.

use kluis_core::access::Object;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Id, Problem, ProblemKind};
use kluis_core::privacy::{Context, DataKey, RowMac, Sealed, VaultError};
use serde::{Deserialize, Serialize};

use super::model::{CustomField, FieldChoice, FieldDraft, FieldLabels, FieldRecord, SCHEMA};
use super::rows::FieldRow;

const TABLE: &str = "custom_fields";
const PART: &str = "texts";

/// The words that people choose.
#[derive(Serialize, Deserialize)]
pub struct FieldTexts {
    key: String,
    labels: FieldLabels,
    choices: Vec<FieldChoice>,
}

const fn place(tenant: Id<Tenant>, id: Id<CustomField>, revision: i64) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: TABLE,
        part: PART,
        row: id.uuid(),
        subject: tenant.uuid(),
        revision,
        schema: SCHEMA,
    }
}

/// The row of a field, sealed and signed.
pub fn seal(key: &DataKey, record: &FieldRecord) -> Result<FieldRow, Problem> {
    let draft = &record.draft;
    let texts = FieldTexts { key: draft.key.clone(), labels: draft.labels.clone(), choices: draft.choices.clone() };
    let purposes = serde_json::to_string(&draft.purposes).map_err(|_| Problem::new(ProblemKind::Internal))?;
    let mut row = FieldRow {
        tenant: record.tenant,
        id: record.id,
        kind: draft.kind,
        compartment: draft.compartment,
        required: draft.required,
        category: draft.category.clone(),
        purposes,
        retention: draft.retention,
        texts: Sealed::seal(key, &place(record.tenant, record.id, record.revision), &texts)?,
        created_at: record.created_at,
        updated_at: record.updated_at,
        archived_at: record.archived_at,
        revision: record.revision,
        mac: Vec::new(),
        rels: kluis_core::access::RelSet::EMPTY,
    };
    row.mac = mac(key, &row).finish()?.to_vec();
    Ok(row)
}

/// Opens a row, after a look whether anybody edited it behind our back.
pub fn open(key: &DataKey, row: &FieldRow) -> Result<FieldRecord, Problem> {
    checked(key, row).map_err(|error| Problem::from(error).about(Object::CustomField.as_str(), row.id, row.tenant))
}

fn checked(key: &DataKey, row: &FieldRow) -> Result<FieldRecord, VaultError> {
    const BROKEN: VaultError = VaultError::Integrity("purposes of a custom field");
    mac(key, row).verify(&row.mac)?;
    let context = place(row.tenant, row.id, row.revision).of(PART, &row.texts);
    let FieldTexts { key, labels, choices } = row.texts.open(key, &context)?;
    Ok(FieldRecord {
        tenant: row.tenant,
        id: row.id,
        draft: FieldDraft {
            key,
            labels,
            kind: row.kind,
            choices,
            required: row.required,
            compartment: row.compartment,
            category: row.category.clone(),
            purposes: serde_json::from_str(&row.purposes).map_err(|_| BROKEN)?,
            retention: row.retention,
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
        archived_at: row.archived_at,
        revision: row.revision,
    })
}

fn mac<'k>(key: &'k DataKey, row: &FieldRow) -> RowMac<'k> {
    RowMac::new(key, TABLE, row.tenant.uuid(), row.id.uuid())
        .text("kind", Some(row.kind.code()))
        .text("compartment", Some(row.compartment.code()))
        .flag("required", row.required)
        .text("category", Some(&row.category))
        .text("purposes", Some(&row.purposes))
        .text("retention", Some(row.retention.code()))
        .sealed("texts", Some(&row.texts))
        .int("archived_at", row.archived_at.map(|at| at.timestamp_micros()))
        .int("revision", Some(row.revision))
}
