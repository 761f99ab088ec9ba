use kluis_core::args;
use kluis_core::store::{Constraint, StoreError};

use crate::audit::event;
use crate::support::Scratch;

const WHY: &str = "a test of the store itself";

#[tokio::test]
async fn what_is_not_committed_never_happened() {
    for scratch in Scratch::both().await {
        let mut tx = scratch.db.begin().await.unwrap();
        tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = value + $1", args![41]).await.unwrap();
        drop(tx);
        let epoch = scratch.db.fetch_optional_without_scope(WHY, "SELECT value FROM authz_epoch", args![]).await;
        assert_eq!(epoch.unwrap().unwrap().int(0).unwrap(), 1);
    }
}

#[tokio::test]
async fn violations_are_told_by_kind() {
    for scratch in Scratch::both().await {
        let mut tx = scratch.db.begin().await.unwrap();
        let twice =
            tx.execute_without_scope(WHY, "INSERT INTO authz_epoch (id, value) VALUES ($1, $2)", args![1, 5]).await;
        assert!(matches!(twice, Err(StoreError::Constraint { constraint: Constraint::Unique, .. })), "{twice:?}");
        drop(tx);
        let mut tx = scratch.db.begin().await.unwrap();
        let check =
            tx.execute_without_scope(WHY, "INSERT INTO authz_epoch (id, value) VALUES ($1, $2)", args![2, 5]).await;
        assert!(matches!(check, Err(StoreError::Constraint { constraint: Constraint::Check, .. })), "{check:?}");
    }
}

#[tokio::test]
async fn writers_wait_for_each_other_and_lose_nothing() {
    for scratch in Scratch::both().await {
        let add = |db: kluis_core::store::Db| async move {
            let mut tx = db.begin().await.unwrap();
            tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = value + $1", args![1]).await.unwrap();
            tx.record(event()).await.unwrap().commit().await.unwrap();
        };
        let tasks: Vec<_> = (0..40).map(|_| tokio::spawn(add(scratch.db.clone()))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let epoch = scratch.db.fetch_optional_without_scope(WHY, "SELECT value FROM authz_epoch", args![]).await;
        assert_eq!(epoch.unwrap().unwrap().int(0).unwrap(), 41);
        assert_eq!(kluis_core::audit::verify(&scratch.db).await.unwrap().events, 40);
    }
}
