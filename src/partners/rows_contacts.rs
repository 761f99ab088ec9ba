//! All the SQL about the contact people of partners. They are seen and changed under the scope of their partner's row.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use kluis_core::privacy::{KeyId, Sealed};
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};

use super::model::{ContactNames, Function, Partner, PartnerContact, Reach};
use super::rows::rels;

/// A contact person as stored.
pub struct ContactRow {
    pub tenant: Id<Tenant>,
    pub id: Id<PartnerContact>,
    pub partner: Id<Partner>,
    pub function: Function,
    pub language: String,
    pub primary: bool,
    pub key: KeyId,
    pub identity: Sealed<ContactNames>,
    pub contact: Option<Sealed<Reach>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    pub revision: i64,
    pub mac: Vec<u8>,
    /// How the actor who asked stands to the partner.
    pub rels: RelSet,
}

/// What a list may be narrowed by.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct ContactFilter {
    pub partner: Id<Partner>,
    pub function: Option<&'static str>,
    pub primary: Option<bool>,
    pub archived: bool,
}

impl ContactFilter {
    fn args(&self) -> Args {
        args![self.partner, self.function, self.primary, self.archived]
    }
}

macro_rules! columns {
    () => {
        "k.tenant_id, k.id, k.partner_id, k.function, k.language, k.is_primary, k.key_id, k.identity, k.contact, \
         k.created_at, k.updated_at, k.archived_at, k.revision, k.mac, {rel}"
    };
}

macro_rules! joined {
    () => {
        " FROM partner_contacts AS k JOIN partners AS p ON p.tenant_id = k.tenant_id AND p.id = k.partner_id \
         WHERE p.id = $1 AND {readable}"
    };
}

macro_rules! filtered {
    () => {
        " AND ($2 IS NULL OR k.function = $2) AND ($3 IS NULL OR k.is_primary = $3) \
         AND (k.archived_at IS NOT NULL) = $4"
    };
}

const GET: &str = concat!("SELECT ", columns!(), joined!(), " AND k.id = $2");
const LIST: &str =
    concat!("SELECT ", columns!(), joined!(), filtered!(), " AND ($5 IS NULL OR k.id > $5) ORDER BY k.id LIMIT $6");
const COUNT: &str = concat!("SELECT COUNT(*)", joined!(), filtered!());

/// One contact person of a partner that may be read.
pub async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    partner: Id<Partner>,
    id: Id<PartnerContact>,
) -> Result<Option<ContactRow>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![partner, id]).await?;
    Ok(row.map(|row| read(&row)).transpose()?)
}

/// A page of the contact people of a partner that may be read, in the order in which they were made.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ContactFilter,
    after: Option<Id<PartnerContact>>,
    limit: i64,
) -> Result<Vec<ContactRow>, AccessError> {
    let rows = scope.fetch_all(db, LIST, filter.args().with(after).with(limit)).await?;
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &ContactFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}

fn read(row: &Row) -> Result<ContactRow, StoreError> {
    Ok(ContactRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        partner: row.id(2)?,
        function: Function::from_code(&row.text(3)?).ok_or(StoreError::Row(3))?,
        language: row.text(4)?,
        primary: row.bool(5)?,
        key: KeyId::from_bytes(row.array(6)?),
        identity: row.sealed(7)?.ok_or(StoreError::Row(7))?,
        contact: row.sealed(8)?,
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
        archived_at: row.opt_time(11)?,
        revision: row.int(12)?,
        mac: row.blob(13)?,
        rels: rels(row, 14)?,
    })
}

const WHY: &str =
    "an INSERT has no rows to restrict; the service found the partner under its scope and looks at the epoch";

const ALL_OF: &str = "SELECT COUNT(*) FROM partner_contacts WHERE tenant_id = $1 AND partner_id = $2";

/// How many contact people a partner has, those that are put away among them.
pub async fn all_of(tx: &mut Tx<Unaudited>, (tenant, partner): (Id<Tenant>, Id<Partner>)) -> Result<i64, StoreError> {
    let row = tx.fetch_optional_without_scope(WHY, ALL_OF, args![tenant, partner]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

const INSERT: &str = "INSERT INTO partner_contacts (tenant_id, id, partner_id, function, language, is_primary, key_id, \
    identity, contact, created_at, updated_at, archived_at, revision, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

pub async fn insert(tx: &mut Tx<Unaudited>, contact: &ContactRow) -> Result<(), StoreError> {
    let args = args![
        contact.tenant,
        contact.id,
        contact.partner,
        contact.function.code(),
        contact.language.as_str(),
        contact.primary,
        &contact.key.as_bytes()[..],
        &contact.identity,
        contact.contact.as_ref(),
        contact.created_at,
        contact.updated_at,
        contact.archived_at,
        contact.revision,
        &contact.mac[..],
    ];
    tx.execute_without_scope(WHY, INSERT, args).await.map(drop)
}

const UPDATE: &str = "UPDATE partner_contacts AS k SET function = $3, language = $4, is_primary = $5, identity = $6, \
    contact = $7, updated_at = $8, archived_at = $9, revision = $10, mac = $11 \
    WHERE k.tenant_id = $1 AND k.id = $2 AND k.revision = $12 AND EXISTS \
    (SELECT 1 FROM partners AS p WHERE p.tenant_id = k.tenant_id AND p.id = k.partner_id AND {scope})";

/// Writes the row if it still has revision `expected` and the scope still holds its partner; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    contact: &ContactRow,
    expected: i64,
) -> Result<bool, AccessError> {
    let args = args![
        contact.tenant,
        contact.id,
        contact.function.code(),
        contact.language.as_str(),
        contact.primary,
        &contact.identity,
        contact.contact.as_ref(),
        contact.updated_at,
        contact.archived_at,
        contact.revision,
        &contact.mac[..],
        expected,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}

const DELETE: &str = "DELETE FROM partner_contacts AS k WHERE k.tenant_id = $1 AND k.id = $2 AND k.revision = $3 \
    AND EXISTS (SELECT 1 FROM partners AS p WHERE p.tenant_id = k.tenant_id AND p.id = k.partner_id AND {scope})";

/// Removes the row if it still has this revision and the scope still holds its partner; gives whether it did.
pub async fn delete<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    contact: &ContactRow,
) -> Result<bool, AccessError> {
    Ok(scope.execute(tx, DELETE, args![contact.tenant, contact.id, contact.revision]).await? == 1)
}
