use kluis_core::store::Db;
use kluis_core::store::migrate::{self, Schema};

use crate::support::Scratch;

#[tokio::test]
async fn migrations_run_once_and_the_plan_tells_what_is_left() {
    for scratch in Scratch::both().await {
        let plan = migrate::plan(&scratch.db, Schema::Data).await.unwrap();
        assert!(!plan.is_empty());
        assert!(plan.iter().all(|step| step.applied));
        migrate::run(&scratch.db, Schema::Data).await.unwrap();
    }
}

#[tokio::test]
async fn an_empty_database_has_everything_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let options = kluis_core::store::DbOptions::Sqlite { file: directory.path().join("x.db"), readers: 1 };
    let db = Db::open(&options).await.unwrap();
    let plan = migrate::plan(&db, Schema::Data).await.unwrap();
    assert!(plan.iter().all(|step| !step.applied));
}
