//! Transactions: a change can't be committed before an event about it was recorded.

use std::marker::PhantomData;

use sqlx::{Sqlite, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use super::join::{self, Write};
use super::server::Lent;
use super::sql::Ready;
use super::{Args, Db, Engine, Row, Sql, StoreError};
use crate::kernel::{Id, id::Tenant};

/// Nothing was recorded yet: can't be committed.
#[derive(Debug)]
pub enum Unaudited {}

/// At least one event stands in the transaction: may be committed.
#[derive(Debug)]
pub enum Audited {}

enum Inner {
    /// The turn ends after the transaction.
    Sqlite(Transaction<'static, Sqlite>, OwnedSemaphorePermit),
    Postgres(Lent),
}

/// A transaction; dropped without a commit it rolls back.
pub struct Tx<State> {
    inner: Inner,
    /// Writes that go out together with the next statement or the event.
    deferred: Vec<Write>,
    state: PhantomData<State>,
}

impl Tx<Unaudited> {
    pub(super) async fn begin(db: &Db) -> Result<Self, StoreError> {
        let inner = match db {
            Db::Sqlite(db) => {
                let turn = db.turns.take().await?;
                // IMMEDIATE: a transaction that starts by reading must not fail when it writes.
                Inner::Sqlite(db.writer.begin_with("BEGIN IMMEDIATE").await?, turn)
            }
            Db::Postgres(connections) => Inner::Postgres(connections.begin().await?),
        };
        Ok(Self { inner, deferred: Vec::new(), state: PhantomData })
    }

    /// A transaction in which [`Self::serialise_tenant`] was done and a first row was read, which on PostgreSQL is one round
    /// trip. `first` takes no arguments and gives one row.
    pub(crate) async fn begin_serialised(
        db: &Db,
        tenant: Id<Tenant>,
        first: &'static str,
    ) -> Result<(Self, Option<Row>), StoreError> {
        let Db::Postgres(connections) = db else {
            let mut tx = Self::begin(db).await?;
            let row = tx.fetch_optional(Ready::Static(first), Args::new()).await?;
            return Ok((tx, row));
        };
        // A number of ours and a text of ours: nothing in it comes from outside.
        let lock = Self::lock_of(tenant).to_string();
        let sql = ["BEGIN; SELECT pg_advisory_xact_lock(", &lock, "); ", first].concat();
        let (lent, mut rows) = connections.begin_by(&Ready::Filled(sql.into())).await?;
        let inner = Inner::Postgres(lent);
        Ok((Self { inner, deferred: Vec::new(), state: PhantomData }, rows.pop()))
    }

    /// Only the audit floor turns a transaction into one that may be committed.
    pub(crate) fn audited(self) -> Tx<Audited> {
        Tx { inner: self.inner, deferred: self.deferred, state: PhantomData }
    }

    /// Commits housekeeping of the system's own tables that says nothing about people: leases, progress counters,
    /// expired idempotency keys. Each use says why, and a test lists them all.
    pub async fn commit_without_event(self, _because: &'static str) -> Result<(), StoreError> {
        self.audited().commit().await
    }
}

impl Tx<Audited> {
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.write_deferred().await?;
        match self.inner {
            Inner::Sqlite(tx, _turn) => tx.commit().await?,
            Inner::Postgres(lent) => lent.commit().await?,
        }
        Ok(())
    }
}

impl<State> Tx<State> {
    pub const fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(..) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// See [`Db::fetch_all_without_scope`].
    pub async fn fetch_all_without_scope(
        &mut self,
        _because: &'static str,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = Ready::Static(sql.into().text(self.engine()));
        self.fetch_all(sql, args).await
    }

    /// See [`Db::fetch_all_without_scope`].
    pub async fn fetch_optional_without_scope(
        &mut self,
        _because: &'static str,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<Option<Row>, StoreError> {
        let sql = Ready::Static(sql.into().text(self.engine()));
        self.fetch_optional(sql, args).await
    }

    /// Writes; gives the number of rows. See [`Db::fetch_all_without_scope`].
    pub async fn execute_without_scope(
        &mut self,
        _because: &'static str,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<u64, StoreError> {
        let sql = Ready::Static(sql.into().text(self.engine()));
        self.execute(sql, args).await
    }

    /// Writes before the next statement of this transaction or its end, together with what else was deferred: nothing of
    /// that may depend on anything else of it (see the module `join`). For writes of which nobody asks how many rows they
    /// met. On SQLite, where a statement is no round trip, at once.
    pub async fn defer_without_scope(
        &mut self,
        because: &'static str,
        sql: &'static str,
        args: Args,
    ) -> Result<(), StoreError> {
        match self.engine() {
            Engine::Sqlite => self.execute_without_scope(because, sql, args).await.map(drop),
            Engine::Postgres => {
                self.defer(sql, args);
                Ok(())
            }
        }
    }

    pub(crate) fn defer(&mut self, sql: &'static str, args: Args) {
        self.deferred.push((sql, args));
    }

    /// Sends what was deferred; gives the number of rows that the last of it has written.
    pub(crate) async fn write_deferred(&mut self) -> Result<u64, StoreError> {
        let deferred = std::mem::take(&mut self.deferred);
        match &mut self.inner {
            Inner::Postgres(lent) if !deferred.is_empty() => {
                let (sql, args) = join::joined(deferred);
                lent.execute(sql, args).await
            }
            _ => Ok(0),
        }
    }

    /// Makes changes to one tenant's blind-indexed values wait for each other, so that "is it there already?" and
    /// "then write it" are one step. On SQLite the single writer has done that.
    pub async fn serialise_tenant(&mut self, tenant: Id<Tenant>) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            let lock = Args::new().with(Self::lock_of(tenant));
            self.execute(Ready::Static("SELECT pg_advisory_xact_lock($1)"), lock).await?;
        }
        Ok(())
    }

    /// The number of the lock that [`Self::serialise_tenant`] takes.
    pub(crate) fn lock_of(tenant: Id<Tenant>) -> i64 {
        let (high, low) = tenant.uuid().as_u64_pair();
        (high ^ low).cast_signed()
    }

    pub(crate) async fn fetch_all(&mut self, sql: Ready, args: Args) -> Result<Vec<Row>, StoreError> {
        self.write_deferred().await?;
        match &mut self.inner {
            Inner::Sqlite(tx, _) => {
                let query = sqlx::query_with(sql.into_driver(), args.sqlite()?);
                let rows = query.fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Inner::Postgres(lent) => lent.fetch_all(sql, args).await,
        }
    }

    pub(crate) async fn fetch_optional(&mut self, sql: Ready, args: Args) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(sql, args).await?.into_iter().next())
    }

    pub(crate) async fn execute(&mut self, sql: Ready, args: Args) -> Result<u64, StoreError> {
        self.write_deferred().await?;
        match &mut self.inner {
            Inner::Sqlite(tx, _) => {
                let query = sqlx::query_with(sql.into_driver(), args.sqlite()?);
                Ok(query.execute(&mut **tx).await?.rows_affected())
            }
            Inner::Postgres(lent) => lent.execute(sql, args).await,
        }
    }
}
