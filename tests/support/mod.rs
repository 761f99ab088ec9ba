//! What tests stand on: a fresh database of each engine.
//!
//! PostgreSQL is not optional: without `KLUIS_TEST_POSTGRES_URL` (set by `tests/run`) these tests fail.

#![expect(dead_code, reason = "each test target uses its own part")]
#![expect(clippy::expect_used, reason = "what a test stands on must be there, or the test has failed")]

pub mod app;
pub mod spill;
pub mod tables;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use kluis_core::store::{Db, DbOptions, migrate};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A database that goes away with the test.
pub struct Scratch {
    pub db: Db,
    pub options: DbOptions,
    directory: tempfile::TempDir,
}

impl Scratch {
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = DbOptions::Sqlite { file: directory.path().join("kluis.db"), readers: 4 };
        Self::open(options, directory).await
    }

    pub async fn postgres() -> Self {
        let options = DbOptions::Postgres { url: postgres_database("data").await, connections: 8 };
        Self::open(options, tempfile::tempdir().expect("a temporary directory")).await
    }

    pub async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }

    async fn open(options: DbOptions, directory: tempfile::TempDir) -> Self {
        let db = Db::open(&options).await.expect("the database opens");
        migrate::run(&db, migrate::Schema::Data).await.expect("the migrations run");
        Self { db, options, directory }
    }

    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
}

/// Makes an empty PostgreSQL database and gives its URL.
pub async fn postgres_database(label: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let admin = std::env::var("KLUIS_TEST_POSTGRES_URL")
        .expect("KLUIS_TEST_POSTGRES_URL is not set: run the tests by tests/run, which starts a PostgreSQL of its own");
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("kluis_{label}_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(&admin).await.expect("PostgreSQL answers");
    for sql in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.expect("a database can be made");
    }
    connection.close().await.expect("the connection closes");
    let (base, query) = admin.split_once('?').map_or((admin.as_str(), ""), |(b, q)| (b, q));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    if query.is_empty() { format!("{server}/{name}") } else { format!("{server}/{name}?{query}") }
}
