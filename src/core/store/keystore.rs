//! The key store in a database: a SQLite file or a PostgreSQL database of its own.
//!
//! Its connections, backups and transactions are never those of the data. Lists of keys go in as one JSON argument, so
//! that a batch is one statement on both databases.
//!
//! What destroying means: on SQLite the bytes are overwritten (`secure_delete`) and the write-ahead log is folded in and
//! truncated before this returns. PostgreSQL can't overwrite: the wrapped key stays in dead tuples until vacuum, in its
//! log and in backups until they expire; without the tenant's and the root key it is noise.
//!
//! Must never: hold an unwrapped key, or be opened on the data database.

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use uuid::Uuid;

use super::{Args, Constraint, Db, Ready, Row, Sql, StoreError, Tx, Unaudited};
use crate::args;
use crate::privacy::keystore::{
    IndexVersion, KeyCounts, KeyKind, KeyStore, Rewrap, StoredRoot, SubjectKeyRecord, SubjectKeyState, TenantKeyRecord,
    USES_LIMIT,
};
use crate::privacy::{IndexField, KeyId, Result, VaultError, WrappedKey};

/// Keys in a database that was migrated with [`super::migrate::Schema::Keys`].
#[derive(Clone)]
pub struct DbKeyStore(Db);

impl DbKeyStore {
    /// `db` must not be the data database.
    pub const fn new(db: Db) -> Self {
        Self(db)
    }

    pub const fn db(&self) -> &Db {
        &self.0
    }
}

const ROOT: Sql = same("SELECT revision, record FROM root_record WHERE id = 1");
const FIRST_ROOT: Sql =
    same("INSERT INTO root_record (id, revision, record) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING");
const NEXT_ROOT: Sql = same("UPDATE root_record SET revision = $1, record = $2 WHERE id = 1 AND revision = $1 - 1");
const TENANT_KEYS: Sql = same(
    "SELECT tenant_id, kind, version, key_id, root_version, wrapped FROM tenant_keys WHERE tenant_id = $1 \
     ORDER BY kind, version",
);
const ALL_TENANT_KEYS: Sql = same(
    "SELECT tenant_id, kind, version, key_id, root_version, wrapped FROM tenant_keys ORDER BY tenant_id, kind, version",
);
const ADD_TENANT_KEY: Sql = same(
    "INSERT INTO tenant_keys (tenant_id, kind, version, key_id, root_version, wrapped) VALUES ($1, $2, $3, $4, $5, $6)",
);
/// Whoever adds keys and whoever replaces the root wait for each other.
const HOLD_ROOT: Sql = Sql::both(
    "SELECT revision FROM root_record WHERE id = 1",
    "SELECT revision FROM root_record WHERE id = 1 FOR SHARE",
);
const NEWER_ROOT: Sql = same("SELECT 1 FROM tenant_keys WHERE root_version > $1 LIMIT 1");
const REWRAP: Sql = Sql::both(
    "UPDATE tenant_keys SET root_version = $1, wrapped = unhex(moved.value ->> 3) FROM json_each($2) AS moved \
     WHERE tenant_id = unhex(moved.value ->> 0) AND kind = moved.value ->> 1 AND version = moved.value ->> 2",
    "UPDATE tenant_keys AS k SET root_version = $1, wrapped = decode(moved.value ->> 3, 'hex') \
     FROM jsonb_array_elements($2::text::jsonb) AS moved (value) WHERE k.tenant_id = (moved.value ->> 0)::uuid \
     AND k.kind = moved.value ->> 1 AND k.version = (moved.value ->> 2)::bigint",
);
const LEFT_BEHIND: Sql = same("SELECT 1 FROM tenant_keys WHERE root_version <> $1 LIMIT 1");
const COUNT_USES: Sql = same(
    "UPDATE tenant_keys SET uses = uses + $4 WHERE tenant_id = $1 AND kind = $2 AND version = $3 AND uses + $4 <= $5",
);
const ADD_SUBJECT_KEYS: Sql = Sql::both(
    "INSERT INTO subject_keys (tenant_id, key_id, version, wrap_version, state, wrapped) \
     SELECT $1, unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4) FROM json_each($2)",
    "INSERT INTO subject_keys (tenant_id, key_id, version, wrap_version, state, wrapped) \
     SELECT $1, (value ->> 0)::uuid, (value ->> 1)::bigint, (value ->> 2)::bigint, value ->> 3, \
     decode(value ->> 4, 'hex') FROM jsonb_array_elements($2::text::jsonb)",
);
const MARK_USED: Sql = Sql::both(
    "UPDATE subject_keys SET state = 'used' WHERE tenant_id = $1 AND state = 'reserved' \
     AND key_id IN (SELECT unhex(value) FROM json_each($2))",
    "UPDATE subject_keys SET state = 'used' WHERE tenant_id = $1 AND state = 'reserved' \
     AND key_id IN (SELECT value::uuid FROM jsonb_array_elements_text($2::text::jsonb))",
);
const SUBJECT_KEYS: Sql = Sql::both(
    "SELECT key_id, version, wrap_version, state, wrapped FROM subject_keys WHERE tenant_id = $1 \
     AND key_id IN (SELECT unhex(value) FROM json_each($2))",
    "SELECT key_id, version, wrap_version, state, wrapped FROM subject_keys WHERE tenant_id = $1 \
     AND key_id IN (SELECT value::uuid FROM jsonb_array_elements_text($2::text::jsonb))",
);
const SUBJECT_KEY: Sql =
    same("SELECT key_id, version, wrap_version, state, wrapped FROM subject_keys WHERE tenant_id = $1 AND key_id = $2");
const SUBJECT_KEYS_BELOW: Sql = same(
    "SELECT key_id, version, wrap_version, state, wrapped FROM subject_keys WHERE tenant_id = $1 AND wrap_version < $2 \
     AND state <> 'destroyed' AND (key_id, version) > ($3, $4) ORDER BY key_id, version LIMIT $5",
);
const REWRAP_SUBJECT_KEYS: Sql = Sql::both(
    "UPDATE subject_keys SET wrap_version = $2, wrapped = unhex(moved.value ->> 4) FROM json_each($3) AS moved \
     WHERE tenant_id = $1 AND key_id = unhex(moved.value ->> 0) AND version = moved.value ->> 1 AND state <> 'destroyed'",
    "UPDATE subject_keys AS k SET wrap_version = $2, wrapped = decode(moved.value ->> 4, 'hex') \
     FROM jsonb_array_elements($3::text::jsonb) AS moved (value) WHERE k.tenant_id = $1 \
     AND k.key_id = (moved.value ->> 0)::uuid AND k.version = (moved.value ->> 1)::bigint AND k.state <> 'destroyed'",
);
/// Whoever makes keys under one of these counts that in its row: they wait for each other.
const HOLD_WRAP_KEYS: Sql = Sql::both(
    "SELECT version FROM tenant_keys WHERE tenant_id = $1 AND kind = 'wrap' AND version < $2",
    "SELECT version FROM tenant_keys WHERE tenant_id = $1 AND kind = 'wrap' AND version < $2 FOR UPDATE",
);
const RETIRE_WRAP_KEYS: Sql = same(
    "DELETE FROM tenant_keys WHERE tenant_id = $1 AND kind = 'wrap' AND version < $2 AND NOT EXISTS (SELECT 1 \
     FROM subject_keys AS s WHERE s.tenant_id = $1 AND s.wrap_version = tenant_keys.version AND s.state <> 'destroyed')",
);
const DESTROY_SUBJECT_KEY: Sql =
    same("UPDATE subject_keys SET state = 'destroyed', wrapped = NULL WHERE tenant_id = $1 AND key_id = $2");
const INDEX_VERSIONS: Sql =
    same("SELECT tenant_id, field, version, bits, root_version FROM index_versions WHERE tenant_id = $1");
const ALL_INDEX_VERSIONS: Sql = same("SELECT tenant_id, field, version, bits, root_version FROM index_versions");
const ADD_INDEX_VERSION: Sql = same(
    "INSERT INTO index_versions (tenant_id, field, version, bits, root_version) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (tenant_id, field, version) DO NOTHING",
);
const DROP_INDEX_VERSIONS: Sql =
    same("DELETE FROM index_versions WHERE tenant_id = $1 AND field = $2 AND version < $3");
const COUNT_TENANTS: Sql = same("SELECT COUNT(DISTINCT tenant_id) FROM tenant_keys");
const COUNT_SUBJECTS: Sql = same("SELECT state, COUNT(*) FROM subject_keys GROUP BY state");

/// Every statement of this store, for the test that prepares them on both databases.
pub const STATEMENTS: [Sql; 26] = [
    ROOT,
    FIRST_ROOT,
    NEXT_ROOT,
    TENANT_KEYS,
    ALL_TENANT_KEYS,
    ADD_TENANT_KEY,
    HOLD_ROOT,
    NEWER_ROOT,
    REWRAP,
    LEFT_BEHIND,
    COUNT_USES,
    ADD_SUBJECT_KEYS,
    MARK_USED,
    SUBJECT_KEYS,
    SUBJECT_KEY,
    SUBJECT_KEYS_BELOW,
    REWRAP_SUBJECT_KEYS,
    HOLD_WRAP_KEYS,
    RETIRE_WRAP_KEYS,
    DESTROY_SUBJECT_KEY,
    INDEX_VERSIONS,
    ALL_INDEX_VERSIONS,
    ADD_INDEX_VERSION,
    DROP_INDEX_VERSIONS,
    COUNT_TENANTS,
    COUNT_SUBJECTS,
];

const fn same(text: &'static str) -> Sql {
    Sql::both(text, text)
}

#[async_trait]
impl KeyStore for DbKeyStore {
    async fn root(&self) -> Result<Option<StoredRoot>> {
        let row = self.0.fetch_optional(self.ready(ROOT), Args::new()).await?;
        let read = |row: Row| Ok::<_, VaultError>(StoredRoot { revision: row.int(0)?, record: row.text(1)? });
        row.map(read).transpose()
    }

    async fn save_root(&self, root: &StoredRoot) -> Result<bool> {
        let statement = if root.revision == 1 { FIRST_ROOT } else { NEXT_ROOT };
        self.write(statement, args![root.revision, root.record.as_str()]).await.map(|rows| rows == 1)
    }

    async fn tenant_keys(&self, tenant: Option<Uuid>) -> Result<Vec<TenantKeyRecord>> {
        let rows = match tenant {
            Some(tenant) => self.0.fetch_all(self.ready(TENANT_KEYS), args![tenant]).await?,
            None => self.0.fetch_all(self.ready(ALL_TENANT_KEYS), Args::new()).await?,
        };
        rows.iter().map(tenant_key).collect()
    }

    async fn replace_root(&self, root: &StoredRoot, rewrap: &Rewrap<'_>) -> Result<bool> {
        let mut tx = self.0.begin().await?;
        // From here on, whoever adds keys waits; and who came before has committed.
        if tx.execute(self.ready(NEXT_ROOT), args![root.revision, root.record.as_str()]).await? != 1 {
            return Ok(false);
        }
        let before = tx.fetch_all(self.ready(ALL_TENANT_KEYS), Args::new()).await?;
        let before = before.iter().map(tenant_key).collect::<Result<Vec<_>>>()?;
        let after = rewrap(&before)?;
        let version = after.first().map(|key| i64::from(key.root_version));
        for some in after.chunks(AT_ONCE) {
            tx.execute(self.ready(REWRAP), args![version, tenant_keys_json(some)]).await?;
        }
        if tx.fetch_optional(self.ready(LEFT_BEHIND), args![version]).await?.is_some() {
            return Err(VaultError::Integrity("keys of tenants that were not wrapped anew"));
        }
        commit(tx).await?;
        self.wipe_log().await?;
        Ok(true)
    }

    async fn add_tenant_keys(&self, keys: &[TenantKeyRecord]) -> Result<bool> {
        let mut tx = self.0.begin().await?;
        tx.fetch_optional(self.ready(HOLD_ROOT), Args::new()).await?;
        let oldest = keys.iter().map(|key| i64::from(key.root_version)).min();
        if tx.fetch_optional(self.ready(NEWER_ROOT), args![oldest]).await?.is_some() {
            return Err(VaultError::Rotated);
        }
        for key in keys {
            let added = tx.execute(
                self.ready(ADD_TENANT_KEY),
                args![
                    key.tenant,
                    key.kind.name(),
                    i64::from(key.version),
                    key.id.uuid(),
                    i64::from(key.root_version),
                    key.wrapped.as_bytes(),
                ],
            );
            match added.await {
                Ok(_) => (),
                Err(StoreError::Constraint { constraint: Constraint::Unique, .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        commit(tx).await.map(|()| true)
    }

    async fn reserve_uses(&self, tenant: Uuid, kind: KeyKind, version: u32, uses: u64) -> Result<bool> {
        self.write(COUNT_USES, uses_args(tenant, kind, version, uses)).await.map(|rows| rows == 1)
    }

    async fn add_subject_keys(
        &self,
        tenant: Uuid,
        wrap_version: u32,
        keys: &[SubjectKeyRecord],
        used: &[KeyId],
    ) -> Result<bool> {
        let mut tx = self.0.begin().await?;
        let counted = uses_args(tenant, KeyKind::Wrap, wrap_version, keys.len() as u64);
        if tx.execute(self.ready(COUNT_USES), counted).await? != 1 {
            return Ok(false);
        }
        tx.execute(self.ready(ADD_SUBJECT_KEYS), args![tenant, records_json(keys)]).await?;
        if !used.is_empty() {
            tx.execute(self.ready(MARK_USED), args![tenant, ids_json(used)]).await?;
        }
        commit(tx).await.map(|()| true)
    }

    async fn subject_keys_below(
        &self,
        tenant: Uuid,
        below: u32,
        after: Option<(KeyId, u32)>,
        most: u32,
    ) -> Result<Vec<SubjectKeyRecord>> {
        // Before all of them stands the id that none has: a range of the primary key, wherever it begins.
        let (id, version) = after.map_or((Uuid::nil(), 0), |(id, version)| (id.uuid(), i64::from(version)));
        let args = args![tenant, i64::from(below), id, version, i64::from(most)];
        let rows = self.0.fetch_all(self.ready(SUBJECT_KEYS_BELOW), args).await?;
        rows.iter().map(subject_key).collect()
    }

    async fn rewrap_subject_keys(&self, tenant: Uuid, wrap_version: u32, keys: &[SubjectKeyRecord]) -> Result<bool> {
        let mut tx = self.0.begin().await?;
        let counted = uses_args(tenant, KeyKind::Wrap, wrap_version, keys.len() as u64);
        if tx.execute(self.ready(COUNT_USES), counted).await? != 1 {
            return Ok(false);
        }
        let args = args![tenant, i64::from(wrap_version), records_json(keys)];
        tx.execute(self.ready(REWRAP_SUBJECT_KEYS), args).await?;
        commit(tx).await.map(|()| true)
    }

    async fn retire_wrap_keys(&self, tenant: Uuid, below: u32) -> Result<usize> {
        let mut tx = self.0.begin().await?;
        tx.fetch_all(self.ready(HOLD_WRAP_KEYS), args![tenant, i64::from(below)]).await?;
        let retired = tx.execute(self.ready(RETIRE_WRAP_KEYS), args![tenant, i64::from(below)]).await?;
        commit(tx).await?;
        self.wipe_log().await?;
        Ok(usize::try_from(retired).unwrap_or(usize::MAX))
    }

    async fn mark_used(&self, tenant: Uuid, ids: &[KeyId]) -> Result<()> {
        self.write(MARK_USED, args![tenant, ids_json(ids)]).await.map(drop)
    }

    async fn subject_keys(&self, tenant: Uuid, ids: &[KeyId]) -> Result<Vec<SubjectKeyRecord>> {
        let rows = match ids {
            [] => return Ok(Vec::new()),
            [id] => self.0.fetch_all(self.ready(SUBJECT_KEY), args![tenant, id.uuid()]).await?,
            ids => self.0.fetch_all(self.ready(SUBJECT_KEYS), args![tenant, ids_json(ids)]).await?,
        };
        rows.iter().map(subject_key).collect()
    }

    async fn destroy_subject_key(&self, tenant: Uuid, id: KeyId) -> Result<bool> {
        let destroyed = self.write(DESTROY_SUBJECT_KEY, args![tenant, id.uuid()]).await?;
        self.wipe_log().await?;
        Ok(destroyed > 0)
    }

    async fn index_versions(&self, tenant: Option<Uuid>) -> Result<Vec<(Uuid, IndexVersion)>> {
        let rows = match tenant {
            Some(tenant) => self.0.fetch_all(self.ready(INDEX_VERSIONS), args![tenant]).await?,
            None => self.0.fetch_all(self.ready(ALL_INDEX_VERSIONS), Args::new()).await?,
        };
        rows.iter().map(index_version).collect()
    }

    async fn add_index_version(&self, tenant: Uuid, index: &IndexVersion) -> Result<bool> {
        let args = args![
            tenant,
            index.field.name(),
            i64::from(index.version),
            i64::from(index.bits),
            i64::from(index.root_version),
        ];
        self.write(ADD_INDEX_VERSION, args).await.map(|rows| rows == 1)
    }

    async fn drop_index_versions(&self, tenant: Uuid, field: IndexField, below: u32) -> Result<()> {
        self.write(DROP_INDEX_VERSIONS, args![tenant, field.name(), i64::from(below)]).await.map(drop)
    }

    async fn counts(&self) -> Result<KeyCounts> {
        let mut counts = KeyCounts::default();
        if let Some(row) = self.0.fetch_optional(self.ready(COUNT_TENANTS), Args::new()).await? {
            counts.tenants = row.int(0)?.unsigned_abs();
        }
        for row in self.0.fetch_all(self.ready(COUNT_SUBJECTS), Args::new()).await? {
            let number = row.int(1)?.unsigned_abs();
            match state(&row, 0)? {
                SubjectKeyState::Reserved => counts.reserved = number,
                SubjectKeyState::Used => counts.used = number,
                SubjectKeyState::Destroyed => counts.destroyed = number,
            }
        }
        Ok(counts)
    }
}

impl DbKeyStore {
    fn ready(&self, sql: Sql) -> Ready {
        Ready::Static(sql.text(self.0.engine()))
    }

    async fn write(&self, sql: Sql, args: Args) -> Result<u64> {
        let mut tx = self.0.begin().await?;
        let rows = tx.execute(self.ready(sql), args).await?;
        commit(tx).await.map(|()| rows)
    }

    async fn wipe_log(&self) -> Result<()> {
        Ok(self.0.wipe_log().await?)
    }
}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        Self::store(error)
    }
}

async fn commit(tx: Tx<Unaudited>) -> Result<()> {
    Ok(tx
        .commit_without_event("the key store has no audit log of its own: what uses a key is recorded with the data")
        .await?)
}

fn uses_args(tenant: Uuid, kind: KeyKind, version: u32, uses: u64) -> Args {
    // Far below the limit of i64: whatever is larger passes the limit of uses anyway.
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX / 2);
    args![tenant, kind.name(), i64::from(version), signed(uses), signed(USES_LIMIT)]
}

fn ids_json(ids: &[KeyId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| HEXLOWER.encode(id.as_bytes())).collect();
    serde_json::json!(ids).to_string()
}

/// Keys that one statement carries; a hundred thousand tenants make some hundred statements.
const AT_ONCE: usize = 1000;

/// Rows of tenant, kind, version, wrapped key.
fn tenant_keys_json(records: &[TenantKeyRecord]) -> String {
    let row = |record: &TenantKeyRecord| {
        serde_json::json!([
            HEXLOWER.encode(record.tenant.as_bytes()),
            record.kind.name(),
            record.version,
            HEXLOWER.encode(record.wrapped.as_bytes())
        ])
    };
    serde_json::Value::Array(records.iter().map(row).collect()).to_string()
}

/// Rows of id, version, wrapping version, state, wrapped key.
fn records_json(records: &[SubjectKeyRecord]) -> String {
    let row = |record: &SubjectKeyRecord| {
        let wrapped = record.wrapped.map(|wrapped| HEXLOWER.encode(wrapped.as_bytes()));
        serde_json::json!([
            HEXLOWER.encode(record.id.as_bytes()),
            record.version,
            record.wrap_version,
            record.state.name(),
            wrapped
        ])
    };
    serde_json::Value::Array(records.iter().map(row).collect()).to_string()
}

fn tenant_key(row: &Row) -> Result<TenantKeyRecord> {
    Ok(TenantKeyRecord {
        tenant: row.uuid(0)?,
        kind: KeyKind::from_name(&row.text(1)?).ok_or(StoreError::Row(1))?,
        version: number(row, 2)?,
        id: KeyId::from_uuid(row.uuid(3)?),
        root_version: number(row, 4)?,
        wrapped: WrappedKey::from_stored_bytes(&row.blob(5)?)?,
    })
}

fn subject_key(row: &Row) -> Result<SubjectKeyRecord> {
    Ok(SubjectKeyRecord {
        id: KeyId::from_uuid(row.uuid(0)?),
        version: number(row, 1)?,
        wrap_version: number(row, 2)?,
        state: state(row, 3)?,
        wrapped: row.opt_blob(4)?.map(|bytes| WrappedKey::from_stored_bytes(&bytes)).transpose()?,
    })
}

fn index_version(row: &Row) -> Result<(Uuid, IndexVersion)> {
    let index = IndexVersion {
        field: IndexField::from_name(&row.text(1)?).ok_or(StoreError::Row(1))?,
        version: number(row, 2)?,
        bits: number(row, 3)?,
        root_version: number(row, 4)?,
    };
    Ok((row.uuid(0)?, index))
}

fn state(row: &Row, column: usize) -> Result<SubjectKeyState> {
    Ok(SubjectKeyState::from_name(&row.text(column)?).ok_or(StoreError::Row(column))?)
}

fn number<N: TryFrom<i64>>(row: &Row, column: usize) -> Result<N> {
    N::try_from(row.int(column)?).map_err(|_| StoreError::Row(column).into())
}
