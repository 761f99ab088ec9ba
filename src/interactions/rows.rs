//! All the SQL about interactions.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Interaction, id::Tenant, id::User};
use kluis_core::privacy::Sealed;
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};

use super::model::Content;
use crate::customers::reach::Bounds;

/// A row as it is stored.
pub struct InteractionRow {
    pub tenant: Id<Tenant>,
    pub id: Id<Interaction>,
    pub plain: Plain,
    pub content: Sealed<Content>,
    pub mac: Vec<u8>,
    /// How the actor who asked stands to this row.
    pub rels: RelSet,
}

/// The columns that are not sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    pub customer: Id<Customer>,
    pub author: Option<Id<User>>,
    pub channel: String,
    pub direction: String,
    pub sensitivity: String,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    pub revision: i64,
}

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ListFilter {
    pub tenant: Option<Id<Tenant>>,
    pub customer: Option<Id<Customer>>,
    pub author: Option<Id<User>>,
    pub channel: Option<&'static str>,
    pub direction: Option<&'static str>,
    pub occurred_after: Option<DateTime<Utc>>,
    pub occurred_before: Option<DateTime<Utc>>,
    pub archived: bool,
}

impl ListFilter {
    fn args(&self, bounds: &Bounds) -> Args {
        args![
            self.tenant,
            self.customer,
            self.author,
            self.channel,
            self.direction,
            self.occurred_after,
            self.occurred_before,
            self.archived,
            bounds.tenant,
        ]
    }
}

/// Where the page before ended.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct After {
    pub occurred_at: DateTime<Utc>,
    pub id: Id<Interaction>,
}

impl After {
    pub const fn of(row: &InteractionRow) -> Self {
        Self { occurred_at: row.plain.occurred_at, id: row.id }
    }
}

macro_rules! columns {
    () => {
        "i.tenant_id, i.id, i.customer_id, i.author_id, i.channel, i.direction, i.sensitivity, i.occurred_at, \
         i.created_at, i.updated_at, i.archived_at, i.revision, i.content, i.mac, {rel}"
    };
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR i.tenant_id = $1) AND ($2 IS NULL OR i.customer_id = $2) \
         AND ($3 IS NULL OR i.author_id = $3) AND ($4 IS NULL OR i.channel = $4) \
         AND ($5 IS NULL OR i.direction = $5) AND ($6 IS NULL OR i.occurred_at > $6) \
         AND ($7 IS NULL OR i.occurred_at < $7) AND (i.archived_at IS NOT NULL) = $8 \
         AND ($9 IS NULL OR i.tenant_id = $9)"
    };
}

/// With customers of one owner; a condition of its own, so that the database can begin with those customers.
macro_rules! owned {
    () => {
        " AND EXISTS (SELECT 1 FROM customers AS c WHERE c.tenant_id = i.tenant_id AND c.id = i.customer_id \
         AND c.owner_id = $11)"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM interactions AS i WHERE ",
    filtered!(),
    " ORDER BY i.occurred_at DESC, i.id DESC LIMIT $10"
);
const LIST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM interactions AS i WHERE ",
    filtered!(),
    " AND (i.occurred_at, i.id) < ($11, $12) ORDER BY i.occurred_at DESC, i.id DESC LIMIT $10"
);
const LIST_OWNED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM interactions AS i WHERE ",
    filtered!(),
    owned!(),
    " ORDER BY i.occurred_at DESC, i.id DESC LIMIT $10"
);
const LIST_OWNED_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM interactions AS i WHERE ",
    filtered!(),
    owned!(),
    " AND (i.occurred_at, i.id) < ($12, $13) ORDER BY i.occurred_at DESC, i.id DESC LIMIT $10"
);
const TIMELINE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM interactions AS i WHERE i.tenant_id = $11 AND i.customer_id = $12 AND ",
    filtered!(),
    " ORDER BY i.occurred_at DESC, i.id DESC LIMIT $10"
);
const TIMELINE_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM interactions AS i WHERE i.tenant_id = $11 AND i.customer_id = $12 AND ",
    filtered!(),
    " AND (i.occurred_at, i.id) < ($13, $14) ORDER BY i.occurred_at DESC, i.id DESC LIMIT $10"
);

/// One page, the latest first; of customers within the bounds.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    (filter, bounds): (&ListFilter, &Bounds),
    after: Option<After>,
    limit: i64,
) -> Result<Vec<InteractionRow>, AccessError> {
    let args = filter.args(bounds).with(limit);
    let (sql, args) = match (bounds.owner, after) {
        (None, None) => (LIST, args),
        (None, Some(_)) => (LIST_AFTER, args),
        (Some(owner), None) => (LIST_OWNED, args.with(owner)),
        (Some(owner), Some(_)) => (LIST_OWNED_AFTER, args.with(owner)),
    };
    read_all(&scope.fetch_all(db, sql, behind(args, after)).await?)
}

/// The same for one customer, by the index of its timeline.
pub async fn timeline<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    customer: (Id<Tenant>, Id<Customer>),
    filter: &ListFilter,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<InteractionRow>, AccessError> {
    let args = filter.args(&Bounds::default()).with(limit).with(customer.0).with(customer.1);
    let sql = if after.is_some() { TIMELINE_AFTER } else { TIMELINE };
    read_all(&scope.fetch_all(db, sql, behind(args, after)).await?)
}

fn behind(args: Args, after: Option<After>) -> Args {
    match after {
        None => args,
        Some(after) => args.with(after.occurred_at).with(after.id),
    }
}

fn read_all(rows: &[Row]) -> Result<Vec<InteractionRow>, AccessError> {
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

const COUNT: &str = concat!("SELECT COUNT(*) FROM interactions AS i WHERE ", filtered!());

/// How many fit.
pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &ListFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args(&Bounds::default())).await?;
    row.map_or(Ok(0), |row| Ok(row.int(0)?))
}

const COUNTS: &str = concat!(
    "SELECT i.customer_id, COUNT(*) FROM interactions AS i WHERE ",
    filtered!(),
    " AND ($11 IS NULL OR i.customer_id > $11) GROUP BY i.customer_id ORDER BY i.customer_id LIMIT $10"
);
const COUNTS_OWNED: &str = concat!(
    "SELECT i.customer_id, COUNT(*) FROM interactions AS i WHERE ",
    filtered!(),
    owned!(),
    " AND ($12 IS NULL OR i.customer_id > $12) GROUP BY i.customer_id ORDER BY i.customer_id LIMIT $10"
);

/// How many fit, for each customer within the bounds and behind one, in the order of their ids: whether those may be read
/// is decided elsewhere.
pub async fn counts<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    (filter, bounds): (&ListFilter, &Bounds),
    after: Option<Id<Customer>>,
    limit: i64,
) -> Result<Vec<(Id<Customer>, i64)>, AccessError> {
    let args = filter.args(bounds).with(limit);
    let (sql, args) = match bounds.owner {
        None => (COUNTS, args.with(after)),
        Some(owner) => (COUNTS_OWNED, args.with(owner).with(after)),
    };
    let rows = scope.fetch_all(db, sql, args).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.int(1)?))).collect()
}

const GET: &str = concat!("SELECT ", columns!(), " FROM interactions AS i WHERE i.id = $1 AND {readable}");

pub async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    id: Id<Interaction>,
) -> Result<Option<InteractionRow>, AccessError> {
    scope.fetch_optional(db, GET, args![id]).await?.map(|row| Ok(read(&row)?)).transpose()
}

const HELD: &str = "SELECT {rel} FROM interactions AS i WHERE i.tenant_id = $1 AND i.id = $2 AND {scope}";

/// How the actor stands to a row that was just written; `None` when the scope doesn't hold it as it is now.
pub async fn held<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    tenant: Id<Tenant>,
    id: Id<Interaction>,
) -> Result<Option<RelSet>, AccessError> {
    let row = scope.fetch_optional_in(tx, HELD, args![tenant, id]).await?;
    row.map(|row| Ok(rels(&row, 0)?)).transpose()
}

fn rels(row: &Row, column: usize) -> Result<RelSet, StoreError> {
    let bits = u8::try_from(row.int(column)?).map_err(|_| StoreError::Row(column))?;
    Ok(RelSet::from_bits(bits))
}

fn read(row: &Row) -> Result<InteractionRow, StoreError> {
    Ok(InteractionRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        plain: Plain {
            customer: row.id(2)?,
            author: row.opt_id(3)?,
            channel: row.text(4)?,
            direction: row.text(5)?,
            sensitivity: row.text(6)?,
            occurred_at: row.time(7)?,
            created_at: row.time(8)?,
            updated_at: row.time(9)?,
            archived_at: row.opt_time(10)?,
            revision: row.int(11)?,
        },
        content: row.sealed(12)?.ok_or(StoreError::Row(12))?,
        mac: row.blob(13)?,
        rels: rels(row, 14)?,
    })
}

const INSERT: &str = "INSERT INTO interactions (tenant_id, id, customer_id, author_id, channel, direction, sensitivity, \
    occurred_at, created_at, updated_at, archived_at, revision, content, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const WHY_INSERT: &str = "an INSERT has no rows to restrict; the service looks at the new row under its scope";

/// Writes a new row; `rels` of it isn't looked at.
pub async fn insert(tx: &mut Tx<Unaudited>, row: &InteractionRow) -> Result<(), StoreError> {
    let plain = &row.plain;
    let args = args![
        row.tenant,
        row.id,
        plain.customer,
        plain.author,
        plain.channel.as_str(),
        plain.direction.as_str(),
        plain.sensitivity.as_str(),
        plain.occurred_at,
        plain.created_at,
        plain.updated_at,
        plain.archived_at,
        plain.revision,
        &row.content,
        row.mac.as_slice(),
    ];
    tx.execute_without_scope(WHY_INSERT, INSERT, args).await?;
    Ok(())
}

const UPDATE: &str = "UPDATE interactions AS i SET channel = $3, direction = $4, sensitivity = $5, occurred_at = $6, \
    updated_at = $7, archived_at = $8, revision = $9, content = $10, mac = $11 \
    WHERE i.tenant_id = $1 AND i.id = $2 AND i.revision = $12 AND {scope}";

/// Writes the row if it still has revision `expected` and the scope still holds it; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    row: &InteractionRow,
    expected: i64,
) -> Result<bool, AccessError> {
    let plain = &row.plain;
    let args = args![
        row.tenant,
        row.id,
        plain.channel.as_str(),
        plain.direction.as_str(),
        plain.sensitivity.as_str(),
        plain.occurred_at,
        plain.updated_at,
        plain.archived_at,
        plain.revision,
        &row.content,
        row.mac.as_slice(),
        expected,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}
