//! Databases for one measurement: files in a directory, or databases of a PostgreSQL cluster on this machine.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::Result;
use crate::limit::arms::Arm;

const SCHEMA: &str = include_str!("schema.sql");
/// The cluster that `tests/run` starts.
const CLUSTER: &str = "KLUIS_TEST_POSTGRES_URL";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Where Kluis and the limit program keep their rows.
pub struct Databases {
    pub engine: Engine,
    pub directory: PathBuf,
    cluster: Option<String>,
}

impl Databases {
    pub fn new(engine: Engine, directory: &Path) -> Result<Self> {
        let cluster = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(std::env::var(CLUSTER).map_err(|_| format!("{CLUSTER} isn't set"))?),
        };
        Ok(Self { engine, directory: directory.to_owned(), cluster })
    }

    pub const fn name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        }
    }

    fn url(&self, database: &str) -> Option<String> {
        let cluster = self.cluster.as_deref()?;
        let base = cluster.rsplit_once('/').map_or(cluster, |(base, _)| base);
        Some(format!("{base}/kluis_load_{database}"))
    }

    /// Empty databases on the cluster; those of an earlier measurement go.
    pub async fn make(&self) -> Result<()> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let mut connection = sqlx::PgConnection::connect(cluster).await?;
        for database in ["data", "keys", "limit"] {
            for sql in ["DROP DATABASE IF EXISTS kluis_load_", "CREATE DATABASE kluis_load_"] {
                // Only names of our own are put in.
                connection.execute(AssertSqlSafe(format!("{sql}{database}"))).await?;
            }
        }
        Ok(connection.close().await?)
    }

    /// Settings of Kluis that name its databases.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![("data.directory", self.kluis_directory().display().to_string())];
        settings.extend(self.url("data").map(|url| ("database.url", url)));
        settings.extend(self.url("keys").map(|url| ("keys.url", url)));
        settings
    }

    pub fn kluis_directory(&self) -> PathBuf {
        self.directory.join("kluis")
    }

    fn limit_file(&self) -> PathBuf {
        self.directory.join("limit.db")
    }

    /// Options by which the limit program finds its database.
    pub fn limit_options(&self) -> Vec<String> {
        match self.url("limit") {
            Some(url) => vec!["--postgres".to_owned(), url],
            None => vec!["--sqlite".to_owned(), self.limit_file().display().to_string()],
        }
    }

    /// The limit's database with its tables, empty.
    pub async fn make_limit(&self) -> Result<Arm> {
        if let Some(url) = self.url("limit") {
            let mut connection = sqlx::PgConnection::connect(&url).await?;
            connection.execute(SCHEMA).await?;
            return Ok(Arm::open(None, Some(&url), false).await?);
        }
        let file = self.limit_file();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
        connection.execute(SCHEMA).await?;
        connection.close().await?;
        Ok(Arm::open(Some(&file), None, false).await?)
    }
}
