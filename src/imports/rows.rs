//! All the SQL about imports.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant, User};
use kluis_core::privacy::Sealed;
use kluis_core::store::{Args, Db, Row, Sql, StoreError, Tx, Unaudited};
use serde::Serialize;
use uuid::Uuid;

use super::model::{Change, ChangeKind, Draft, Import, ImportRow};

macro_rules! columns {
    () => {
        "i.tenant_id, i.id, i.created_by, i.created_at, i.updated_at, i.file_id, i.draft, i.dry_job_id, i.run_job_id, \
         i.undo_job_id, i.undo_until, i.revision"
    };
}

fn read(row: &Row, rels: RelSet) -> Result<ImportRow, StoreError> {
    Ok(ImportRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        created_by: row.opt_id(2)?,
        created_at: row.time(3)?,
        updated_at: row.time(4)?,
        file: row.opt_id(5)?,
        draft: row.sealed(6)?.ok_or(StoreError::Row(6))?,
        dry_job: row.opt_id(7)?,
        run_job: row.opt_id(8)?,
        undo_job: row.opt_id(9)?,
        undo_until: row.opt_time(10)?,
        revision: row.int(11)?,
        rels,
    })
}

fn read_scoped(row: &Row) -> Result<ImportRow, StoreError> {
    let bits = u8::try_from(row.int(12)?).map_err(|_| StoreError::Row(12))?;
    read(row, RelSet::from_bits(bits))
}

const INSERT: &str = "INSERT INTO imports (tenant_id, id, created_by, created_at, updated_at, file_id, draft, revision) \
    VALUES ($1, $2, $3, $4, $4, $5, $6, 1)";
const WHY_INSERT: &str = "an INSERT has no rows to restrict; the service checks the decision and the epoch before it";

pub(super) struct NewImport<'a> {
    pub tenant: Id<Tenant>,
    pub id: Id<Import>,
    pub created_by: Option<Uuid>,
    pub now: DateTime<Utc>,
    pub file: Uuid,
    pub draft: &'a Sealed<Draft>,
}

pub(super) async fn insert(tx: &mut Tx<Unaudited>, new: &NewImport<'_>) -> Result<(), StoreError> {
    let args = args![new.tenant, new.id, new.created_by, new.now, new.file, new.draft];
    tx.execute_without_scope(WHY_INSERT, INSERT, args).await.map(drop)
}

const GET: &str = concat!("SELECT ", columns!(), ", {rel} FROM imports AS i WHERE i.id = $1 AND {readable}");

pub(super) async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    id: Id<Import>,
) -> Result<Option<ImportRow>, AccessError> {
    scope.fetch_optional(db, GET, args![id]).await?.map(|row| Ok(read_scoped(&row)?)).transpose()
}

/// What a list of imports may be narrowed by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ListFilter {
    /// The word of a [`Stage`](super::model::Stage).
    pub stage: Option<&'static str>,
    pub created_by: Option<Id<User>>,
}

impl ListFilter {
    fn args(&self) -> Args {
        args![self.stage, self.created_by]
    }
}

macro_rules! filtered {
    () => {
        "{scope} AND ($2 IS NULL OR i.created_by = $2) AND ($1 IS NULL OR $1 = CASE \
         WHEN i.undo_job_id IS NOT NULL THEN 'reversed' WHEN i.run_job_id IS NOT NULL THEN 'run' ELSE 'draft' END)"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    ", {rel} FROM imports AS i WHERE ",
    filtered!(),
    " AND ($3 IS NULL OR i.id < $3) ORDER BY i.id DESC LIMIT $4"
);

/// The newest first.
pub(super) async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ListFilter,
    after: Option<Id<Import>>,
    limit: i64,
) -> Result<Vec<ImportRow>, AccessError> {
    let rows = scope.fetch_all(db, LIST, filter.args().with(after).with(limit)).await?;
    rows.iter().map(|row| Ok(read_scoped(row)?)).collect()
}

const COUNT: &str = concat!("SELECT COUNT(*) FROM imports AS i WHERE ", filtered!());

pub(super) async fn count<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ListFilter,
) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}

const WHY_JOB: &str = "a job reads the import that it was made for; who may make it was decided";

const OF_JOB: &str = concat!("SELECT ", columns!(), " FROM imports AS i WHERE i.tenant_id = $1 AND i.id = $2");

pub(super) async fn of_job(db: &Db, tenant: Id<Tenant>, id: Id<Import>) -> Result<Option<ImportRow>, StoreError> {
    let row = db.fetch_optional_without_scope(WHY_JOB, OF_JOB, args![tenant, id]).await?;
    row.map(|row| read(&row, RelSet::EMPTY)).transpose()
}

const SAVE: &str = "UPDATE imports AS i SET draft = $3, updated_at = $4, legal_basis = $5, source = $6, \
    revision = revision + 1 WHERE i.tenant_id = $1 AND i.id = $2 AND i.revision = $7 AND i.run_job_id IS NULL AND {scope}";

pub(super) struct Saved<'a> {
    pub draft: &'a Sealed<Draft>,
    pub now: DateTime<Utc>,
    pub legal_basis: Option<&'a str>,
    pub source: Option<&'a str>,
}

/// Writes what was decided, if the import still has its revision and wasn't run.
pub(super) async fn save<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    import: &ImportRow,
    saved: &Saved<'_>,
) -> Result<bool, AccessError> {
    let args =
        args![import.tenant, import.id, saved.draft, saved.now, saved.legal_basis, saved.source, import.revision];
    Ok(scope.execute(tx, SAVE, args).await? == 1)
}

const SET_JOBS: &str = "UPDATE imports AS i SET dry_job_id = $3, run_job_id = $4, undo_job_id = $5, undo_until = $6, \
    updated_at = $7, revision = revision + 1 WHERE i.tenant_id = $1 AND i.id = $2 AND i.revision = $8 AND {scope}";

/// Writes which jobs work on the import, if it still has its revision.
pub(super) async fn set_jobs<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    import: &ImportRow,
    now: DateTime<Utc>,
) -> Result<bool, AccessError> {
    let args = args![
        import.tenant,
        import.id,
        import.dry_job,
        import.run_job,
        import.undo_job,
        import.undo_until,
        now,
        import.revision
    ];
    Ok(scope.execute(tx, SET_JOBS, args).await? == 1)
}

const DELETE: &str = "DELETE FROM imports AS i \
    WHERE i.tenant_id = $1 AND i.id = $2 AND i.revision = $3 AND i.run_job_id IS NULL AND {scope}";

pub(super) async fn delete<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    import: &ImportRow,
) -> Result<bool, AccessError> {
    Ok(scope.execute(tx, DELETE, args![import.tenant, import.id, import.revision]).await? == 1)
}

const KEEP_FILE: &str = "UPDATE job_files SET expires_at = $3 WHERE tenant_id = $1 AND id = $2 AND expires_at < $3";

/// Keeps the file for as long as the import can still be looked at.
pub(super) async fn keep_file(
    tx: &mut Tx<Unaudited>,
    import: &ImportRow,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.execute_without_scope(WHY_JOB, KEEP_FILE, args![import.tenant, import.file, until]).await.map(drop)
}

/// A chunk of changes goes as one JSON text, so that it costs one statement.
#[derive(Serialize)]
struct Packed {
    l: i64,
    r: uuid::fmt::Simple,
    c: &'static str,
    v: i64,
    b: Option<String>,
}

const ADD_CHANGES: Sql = Sql::both(
    "INSERT INTO import_changes (tenant_id, import_id, line, record_id, change, revision_after, before) \
     SELECT $1, $2, value ->> 'l', unhex(value ->> 'r'), value ->> 'c', value ->> 'v', unhex(value ->> 'b') \
     FROM json_each($3)",
    "INSERT INTO import_changes (tenant_id, import_id, line, record_id, change, revision_after, before) \
     SELECT $1, $2, l, r, c, v, decode(b, 'hex') \
     FROM jsonb_to_recordset(CAST($3 AS jsonb)) AS packed (l BIGINT, r UUID, c TEXT, v BIGINT, b TEXT)",
);

pub(super) async fn add_changes(
    tx: &mut Tx<Unaudited>,
    (tenant, import): (Id<Tenant>, Id<Import>),
    changes: &[Change],
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let packed = changes.iter().map(|change| Packed {
        l: change.line,
        r: change.record.uuid().simple(),
        c: change.kind.as_str(),
        v: change.revision,
        b: change.before.as_deref().map(|bytes| HEXLOWER.encode(bytes)),
    });
    let json = serde_json::to_string(&packed.collect::<Vec<_>>()).unwrap_or_default();
    tx.execute_without_scope(WHY_JOB, ADD_CHANGES, args![tenant, import, json]).await.map(drop)
}

const CHANGES: &str = "SELECT line, record_id, change, revision_after, before FROM import_changes \
    WHERE tenant_id = $1 AND import_id = $2 AND line > $3 ORDER BY line LIMIT $4";

pub(super) async fn changes_after(
    db: &Db,
    (tenant, import): (Id<Tenant>, Id<Import>),
    line: i64,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let rows = db.fetch_all_without_scope(WHY_JOB, CHANGES, args![tenant, import, line, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Change {
                line: row.int(0)?,
                record: row.id(1)?,
                kind: ChangeKind::parse(&row.text(2)?).ok_or(StoreError::Row(2))?,
                revision: row.int(3)?,
                before: row.opt_blob(4)?,
            })
        })
        .collect()
}

const COUNT_CHANGES: &str = "SELECT COUNT(*) FROM import_changes WHERE tenant_id = $1 AND import_id = $2";

pub(super) async fn count_changes(
    tx: &mut Tx<Unaudited>,
    (tenant, import): (Id<Tenant>, Id<Import>),
) -> Result<i64, StoreError> {
    let row = tx.fetch_optional_without_scope(WHY_JOB, COUNT_CHANGES, args![tenant, import]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

const DROP_CHANGES: Sql = Sql::both(
    "DELETE FROM import_changes WHERE tenant_id = $1 AND import_id = $2 AND line IN (SELECT value FROM json_each($3))",
    "DELETE FROM import_changes WHERE tenant_id = $1 AND import_id = $2 \
     AND line IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($3 AS jsonb)))",
);

/// Forgets what was done to these records: it is undone.
pub(super) async fn drop_changes(
    tx: &mut Tx<Unaudited>,
    (tenant, import): (Id<Tenant>, Id<Import>),
    lines: &[i64],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(lines).unwrap_or_default();
    tx.execute_without_scope(WHY_JOB, DROP_CHANGES, args![tenant, import, json]).await.map(drop)
}

const FORGET_FILES: &str = "UPDATE imports SET file_id = NULL WHERE file_id IS NOT NULL AND NOT EXISTS \
    (SELECT 1 FROM job_files AS f WHERE f.tenant_id = imports.tenant_id AND f.id = imports.file_id)";

/// Takes the names of files away that are gone.
pub(super) async fn forget_files(tx: &mut Tx<Unaudited>) -> Result<u64, StoreError> {
    const WHY: &str = "the time of a file is over for all tenants alike";
    tx.execute_without_scope(WHY, FORGET_FILES, args![]).await
}

const FORGET: &str = "DELETE FROM import_changes WHERE (tenant_id, import_id) IN \
    (SELECT i.tenant_id, i.id FROM imports AS i WHERE i.undo_until < $1 AND NOT EXISTS (SELECT 1 FROM jobs AS j \
    WHERE j.tenant_id = i.tenant_id AND j.id = i.undo_job_id AND j.state IN ('queued', 'running')))";

/// Drops what it takes to undo imports whose time for it is over, unless they are just being undone.
pub(super) async fn forget_changes(tx: &mut Tx<Unaudited>, now: DateTime<Utc>) -> Result<u64, StoreError> {
    const WHY: &str = "the time in which an import can be undone is over for all tenants alike";
    tx.execute_without_scope(WHY, FORGET, args![now]).await
}

const WHY_ERASED: &str = "a customer is erased: what imports keep of it goes as well, by the decision to erase it";
const ERASE_CHANGES: &str = "DELETE FROM import_changes WHERE tenant_id = $1 AND record_id = $2";
// A file that a job is reading now stays until its time is over; the certificate says when that is.
const ERASE_FILES: &str = "DELETE FROM job_files WHERE tenant_id = $1 AND id IN (SELECT i.file_id FROM imports AS i \
    JOIN job_rows AS r ON r.tenant_id = i.tenant_id AND (r.job_id = i.run_job_id OR r.job_id = i.dry_job_id) \
    WHERE i.tenant_id = $1 AND r.record_id = $2 AND i.file_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs AS j \
    WHERE j.tenant_id = i.tenant_id AND j.id IN (i.dry_job_id, i.run_job_id, i.undo_job_id) \
    AND j.state IN ('queued', 'running')))";
const LATEST_FILE: &str = "SELECT MAX(expires_at) FROM job_files WHERE tenant_id = $1";

/// Removes what it takes to undo changes of a customer, and the files in which one of its lines stood; how many of each.
pub(super) async fn erase(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    customer: Id<Customer>,
) -> Result<(u64, u64), StoreError> {
    let args = || args![tenant, customer];
    let changes = tx.execute_without_scope(WHY_ERASED, ERASE_CHANGES, args()).await?;
    let files = tx.execute_without_scope(WHY_ERASED, ERASE_FILES, args()).await?;
    if files > 0 {
        forget_files(tx).await?;
    }
    Ok((changes, files))
}

/// Until when a file of a tenant is kept at the latest.
pub(super) async fn latest_file(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let row = tx.fetch_optional_without_scope(WHY_ERASED, LATEST_FILE, args![tenant]).await?;
    row.map_or(Ok(None), |row| row.opt_time(0))
}
