use std::collections::BTreeMap;

use kluis_core::audit::{self, Class, Event, Outcome, ReadLog};
use kluis_core::kernel::Id;
use kluis_core::kernel::clock::from_micros;
use kluis_core::store::{Args, Db};
use uuid::Uuid;

use crate::support::Scratch;

const WHY: &str = "a test of the audit log itself";

pub fn event() -> Event {
    Event {
        id: Id::from_uuid(Uuid::from_u128(7)),
        at: from_micros(1_700_000_000_000_000),
        tenant: Id::from_uuid(Uuid::from_u128(1)),
        owner: None,
        actor: "usr_x".into(),
        channel: "api".into(),
        request: "r1".into(),
        class: Class::Write,
        action: "customer.create".into(),
        entity: "customer".into(),
        record: None,
        subjects: vec![[3; 16]],
        compartments: 0,
        purpose: "contract".into(),
        outcome: Outcome::Allowed,
        detail: BTreeMap::new(),
    }
}

async fn tamper(db: &Db, sql: &'static str) {
    let mut tx = db.begin().await.unwrap();
    tx.execute_without_scope(WHY, sql, Args::new()).await.unwrap();
    tx.commit_without_event(WHY).await.unwrap();
}

#[tokio::test]
async fn each_kind_of_tampering_breaks_the_chain() {
    for sql in [
        "UPDATE audit_events SET action = 'customer.read' WHERE seq = 50",
        "UPDATE audit_events SET detail = '{\"a\":1}' WHERE seq = 50",
        "UPDATE audit_events SET class = 'read' WHERE seq = 50",
        "DELETE FROM audit_events WHERE seq = 50",
        "DELETE FROM audit_events WHERE seq >= 50",
        "UPDATE audit_events SET seq = CASE seq WHEN 50 THEN 1000051 ELSE 1000050 END WHERE seq IN (50, 51)",
        "UPDATE audit_head SET seq = 80 WHERE id = 1",
    ] {
        for scratch in Scratch::both().await {
            let tx = scratch.db.begin().await.unwrap();
            tx.record_all(vec![event(); 100]).await.unwrap().commit().await.unwrap();
            let report = audit::verify(&scratch.db).await.unwrap();
            assert_eq!((report.events, report.broken_at), (100, None));
            tamper(&scratch.db, sql).await;
            assert!(audit::verify(&scratch.db).await.unwrap().broken_at.is_some(), "{sql}");
        }
    }
}

#[tokio::test]
async fn reads_are_written_before_they_are_answered() {
    for scratch in Scratch::both().await {
        let log = ReadLog::start(scratch.db.clone()).unwrap();
        let tasks: Vec<_> = (0..300)
            .map(|_| {
                let log = log.clone();
                tokio::spawn(async move { log.record(event().class(Class::Read)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let report = audit::verify(&scratch.db).await.unwrap();
        assert_eq!((report.events, report.broken_at), (300, None));
    }
}

#[tokio::test]
async fn groups_of_every_size_stand_behind_each_other_whoever_writes_between() {
    for scratch in Scratch::both().await {
        let logs = [(); 2].map(|()| ReadLog::start(scratch.db.clone()).unwrap());
        let mut expected = 0;
        for size in (1..40).chain([64, 300]) {
            for log in &logs {
                let reads = (0..size).map(|_| log.record(event().class(Class::Read)));
                futures_util::future::join_all(reads).await.into_iter().for_each(|written| written.unwrap());
                expected += size;
            }
            if size % 7 == 0 {
                let tx = scratch.db.begin().await.unwrap();
                tx.record(event()).await.unwrap().commit().await.unwrap();
                expected += 1;
            }
        }
        let report = audit::verify(&scratch.db).await.unwrap();
        assert_eq!((report.events, report.broken_at), (expected, None), "{:?}", scratch.db.engine());
    }
}

#[tokio::test]
async fn a_read_fails_when_it_cannot_be_written() {
    let scratch = Scratch::sqlite().await;
    tamper(&scratch.db, "DROP TABLE audit_events").await;
    let log = ReadLog::start(scratch.db.clone()).unwrap();
    assert!(log.record(event()).await.is_err());
}
