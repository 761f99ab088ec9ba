//! Migrations: embedded, numbered, the same names for both databases, applied in order and never changed afterwards.

use std::borrow::Cow;

use rust_embed::RustEmbed;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::sql::Ready;
use super::{Args, Db, Engine, StoreError};

#[derive(RustEmbed)]
#[folder = "../../migrations"]
struct Files;

/// Which schema: the data, or the keys that stand in a database of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    Data,
    Keys,
}

/// One migration and whether it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub version: i64,
    pub name: String,
    pub applied: bool,
}

fn folder(engine: Engine, schema: Schema) -> &'static str {
    match (engine, schema) {
        (Engine::Sqlite, Schema::Data) => "sqlite/",
        (Engine::Postgres, Schema::Data) => "postgres/",
        (Engine::Sqlite, Schema::Keys) => "sqlite/keys/",
        (Engine::Postgres, Schema::Keys) => "postgres/keys/",
    }
}

/// The embedded migrations of one schema: version, name, SQL.
fn files(engine: Engine, schema: Schema) -> Result<Vec<(i64, String, String)>, StoreError> {
    let prefix = folder(engine, schema);
    let mut found = Vec::new();
    for path in Files::iter() {
        let Some(file) = path.strip_prefix(prefix).filter(|f| !f.contains('/')) else { continue };
        let named = file.strip_suffix(".sql").and_then(|f| f.split_once('_'));
        let parsed = named.and_then(|(number, name)| Some((number.parse().ok()?, name.to_owned())));
        let (version, name) = parsed.ok_or_else(|| StoreError::Migration(format!("odd file name {file}")))?;
        let data = Files::get(&path).ok_or_else(|| StoreError::Migration(format!("{file} is missing")))?;
        let sql = String::from_utf8(data.data.into_owned())
            .map_err(|_| StoreError::Migration(format!("{file} is not UTF-8")))?;
        found.push((version, name, sql));
    }
    found.sort();
    Ok(found)
}

/// Applies what is missing; refuses a schema that is newer than this program or differs from what it knows.
pub async fn run(db: &Db, schema: Schema) -> Result<(), StoreError> {
    let migrations = files(db.engine(), schema)?
        .into_iter()
        .map(|(version, name, sql)| {
            Migration::new(version, Cow::Owned(name), MigrationType::Simple, AssertSqlSafe(sql).into_sql_str(), false)
        })
        .collect();
    let migrator = Migrator::with_migrations(migrations);
    let result = match db {
        Db::Sqlite(db) => migrator.run(&db.writer).await,
        Db::Postgres(connections) => migrator.run(connections.lend().await?.start()?).await,
    };
    result.map_err(|e| StoreError::Migration(e.to_string()))
}

/// What `run` would do: every migration known to this program, and whether the database has it already.
pub async fn plan(db: &Db, schema: Schema) -> Result<Vec<Step>, StoreError> {
    let applied = applied(db).await?;
    let known = files(db.engine(), schema)?;
    Ok(known
        .into_iter()
        .map(|(version, name, _)| Step { applied: applied.contains(&version), version, name })
        .collect())
}

/// Versions that the database has and this program doesn't know: a newer program was here.
pub async fn newer(db: &Db, schema: Schema) -> Result<Vec<i64>, StoreError> {
    let known: Vec<_> = files(db.engine(), schema)?.into_iter().map(|(version, ..)| version).collect();
    Ok(applied(db).await?.into_iter().filter(|version| !known.contains(version)).collect())
}

async fn applied(db: &Db) -> Result<Vec<i64>, StoreError> {
    let table = match db.engine() {
        Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
        Engine::Postgres => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '_sqlx_migrations'"
        }
    };
    let exists = match db.fetch_optional(Ready::Static(table), Args::new()).await? {
        Some(row) => row.int(0)? > 0,
        None => false,
    };
    let mut applied = Vec::new();
    if exists {
        let sql = Ready::Static("SELECT version FROM _sqlx_migrations ORDER BY version");
        for row in db.fetch_all(sql, Args::new()).await? {
            applied.push(row.int(0)?);
        }
    }
    Ok(applied)
}
