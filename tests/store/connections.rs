//! Connections to PostgreSQL survive what happens to them, and never carry one caller's business into the next one's. And
//! on SQLite, those who write take turns.

use std::time::Duration;

use kluis_core::args;
use kluis_core::audit::{self, Class, ReadLog};
use kluis_core::store::{Db, DbOptions, StoreError};

use crate::audit::event;
use crate::support::Scratch;

const WHY: &str = "a test of the store itself";

async fn number(db: &Db, sql: &'static str) -> i64 {
    let row = db.fetch_optional_without_scope(WHY, sql, args![]).await.expect("it reads").expect("a row");
    row.int(0).expect("a number")
}

/// Holds several connections at once, so that so many are idle afterwards.
async fn warm(db: &Db) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let db = db.clone();
        tasks.spawn(async move { number(&db, "SELECT 7::bigint FROM pg_sleep(0.05)").await });
    }
    assert_eq!(tasks.join_all().await, [7; 6]);
}

#[tokio::test]
async fn connections_that_died_while_nobody_used_them_are_replaced() {
    let scratch = Scratch::postgres().await;
    warm(&scratch.db).await;
    let others = "SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()) AS ended";
    assert!(number(&scratch.db, others).await >= 5, "there were idle ones");
    // Let the ends of the lines arrive.
    tokio::time::sleep(Duration::from_millis(100)).await;
    warm(&scratch.db).await;
    let end = "SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pg_backend_pid())) AS ended";
    assert!(scratch.db.fetch_optional_without_scope(WHY, end, args![]).await.is_err(), "in the middle of a statement");
    let tx = scratch.db.begin().await.expect("writers get a new one too");
    tx.record(event()).await.expect("recorded").commit().await.expect("committed");
    assert_eq!(number(&scratch.db, "SELECT COUNT(*) FROM audit_events").await, 1);
}

#[tokio::test]
async fn whoever_goes_away_in_the_middle_disturbs_nobody() {
    let scratch = Scratch::postgres().await;
    for round in 0..40_u64 {
        let asked = scratch.db.fetch_all_without_scope(WHY, "SELECT 1::bigint FROM pg_sleep(0.004)", args![]);
        let gone = tokio::time::timeout(Duration::from_micros(round * 150), asked).await;
        drop(gone);
        assert_eq!(number(&scratch.db, "SELECT 5::bigint").await, 5);
    }
}

#[tokio::test]
async fn what_was_not_committed_is_gone_before_the_connection_is_used_again() {
    for scratch in Scratch::both().await {
        for _ in 0..20 {
            let mut tx = scratch.db.begin().await.expect("a transaction");
            tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = value + 1", args![]).await.expect("written");
            drop(tx);
        }
        let failed = scratch.db.begin().await.expect("a transaction").record_all(Vec::new()).await;
        assert!(failed.is_err());
        let mut tx = scratch.db.begin().await.expect("a transaction");
        let wrong = tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = NULL", args![]).await;
        assert!(wrong.is_err(), "the column refuses it");
        drop(tx);
        assert_eq!(number(&scratch.db, "SELECT value FROM authz_epoch").await, 1, "as it was");
        let tx = scratch.db.begin().await.expect("a transaction");
        tx.record(event()).await.expect("recorded").commit().await.expect("committed");
        assert_eq!(number(&scratch.db, "SELECT COUNT(*) FROM audit_events").await, 1);
    }
}

#[tokio::test]
async fn a_cancelled_writer_leaves_the_next_one_room() {
    for scratch in Scratch::both().await {
        for round in 0..40_u64 {
            let db = scratch.db.clone();
            let write = async move {
                let tx = db.begin().await?.record_all(vec![event(); 3]).await?;
                tx.commit().await
            };
            let gone = tokio::time::timeout(Duration::from_micros(round * 100), write).await;
            drop(gone);
        }
        let tx = scratch.db.begin().await.expect("a transaction");
        tx.record(event()).await.expect("recorded").commit().await.expect("committed");
        let report = audit::verify(&scratch.db).await.expect("it reads");
        assert_eq!(report.broken_at, None, "whole groups or nothing");
        assert_eq!(report.events % 3, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_and_looks_are_written_in_turns() {
    for scratch in Scratch::both().await {
        let log = ReadLog::start(scratch.db.clone()).expect("it starts");
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..400 {
            let (db, log) = (scratch.db.clone(), log.clone());
            tasks.spawn(async move {
                match number % 4 {
                    0 => db.begin().await?.record(event()).await?.commit().await,
                    1 => db.begin().await?.record(event()).await.map(drop),
                    _ => log.record(event().class(Class::Read)).await.map_err(|_| StoreError::Row(0)),
                }
            });
        }
        for written in tasks.join_all().await {
            written.expect("nobody meets the other's lock");
        }
        let report = audit::verify(&scratch.db).await.expect("it reads");
        assert_eq!((report.events, report.broken_at), (300, None));
    }
}

#[tokio::test]
async fn after_closing_there_is_a_clear_error() {
    for scratch in Scratch::both().await {
        let log = ReadLog::start(scratch.db.clone()).expect("it starts");
        log.record(event()).await.expect("recorded");
        scratch.db.close().await;
        assert!(log.record(event()).await.is_err());
        assert!(matches!(scratch.db.begin().await, Err(StoreError::Unavailable(_))));
        let asked = scratch.db.fetch_all_without_scope(WHY, "SELECT 1", args![]).await;
        assert!(matches!(asked, Err(StoreError::Unavailable(_))));
        if let DbOptions::Sqlite { file, .. } = &scratch.options {
            assert!(!file.with_extension("db-wal").exists(), "the log is folded into the file");
        }
    }
}
