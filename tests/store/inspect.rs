use kluis_core::args;
use kluis_core::store::migrate::{self, Schema};
use kluis_core::store::{Engine, inspect};
use sqlx::Connection;

use crate::support::Scratch;

const WHY: &str = "a test of the store itself";

#[tokio::test]
async fn a_database_tells_what_it_is() {
    for scratch in Scratch::both().await {
        inspect::ping(&scratch.db).await.unwrap();
        let version = inspect::version(&scratch.db).await.unwrap();
        assert!(version.is_supported(), "{version}");
        assert_eq!(inspect::damage(&scratch.db).await.unwrap(), Vec::<String>::new());
        let clock = inspect::clock(&scratch.db).await.unwrap();
        assert_eq!(clock.is_some(), scratch.db.engine() == Engine::Postgres);
    }
}

#[tokio::test]
async fn two_databases_are_told_apart() {
    for (one, other) in
        [(Scratch::sqlite().await, Scratch::sqlite().await), (Scratch::postgres().await, Scratch::postgres().await)]
    {
        let place = inspect::place(&one.db).await.unwrap();
        assert_eq!(place, inspect::place(&one.db).await.unwrap());
        assert_ne!(place, inspect::place(&other.db).await.unwrap());
    }
}

#[tokio::test]
async fn a_row_without_its_parent_is_found() {
    let scratch = Scratch::sqlite().await;
    // Another program that doesn't look at foreign keys.
    let file = scratch.directory().join("kluis.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).foreign_keys(false);
    let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let sql = "INSERT INTO tenant_tree (ancestor_id, descendant_id, depth) VALUES (X'00', X'01', 0)";
    sqlx::query(sql).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let damage = inspect::damage(&scratch.db).await.unwrap();
    assert_eq!(damage, ["tenant_tree: 2 rows without a parent"]);
}

#[tokio::test]
async fn a_newer_schema_is_noticed() {
    for scratch in Scratch::both().await {
        assert!(migrate::newer(&scratch.db, Schema::Data).await.unwrap().is_empty());
        let sql = "UPDATE _sqlx_migrations SET version = 9000 WHERE version = 1";
        let mut tx = scratch.db.begin().await.unwrap();
        tx.execute_without_scope(WHY, sql, args![]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        assert_eq!(migrate::newer(&scratch.db, Schema::Data).await.unwrap(), [9000]);
        assert!(!migrate::plan(&scratch.db, Schema::Data).await.unwrap()[0].applied);
    }
}
