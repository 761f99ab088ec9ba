//! The tree that is kept of the audit log: grown by several nodes, stopped by what was changed, proving what is in it.

use std::collections::BTreeMap;

use kluis_core::args;
use kluis_core::audit::kept::{self, BreachKind, Sequenced, sequence};
use kluis_core::audit::tree::{Checkpoint, Hash, Signer, verify_consistency, verify_inclusion};
use kluis_core::audit::{Event, verify};
use kluis_core::kernel::Id;
use kluis_core::kernel::clock::from_micros;
use kluis_core::store::{Args, Db};
use uuid::Uuid;

use crate::audit::event;
use crate::support::Scratch;

pub const WHY: &str = "a test of the audit log itself";

pub fn signer() -> Signer {
    Signer::new("kluis.example/audit", &[42; 32]).unwrap()
}

/// Events that differ in everything that an event has.
pub fn events(first: usize, count: usize) -> Vec<Event> {
    let one = |number: usize| {
        let event = Event {
            id: Id::from_uuid(Uuid::from_u128(number as u128)),
            at: from_micros(1_700_000_000_000_000 + i64::try_from(number).unwrap()),
            request: format!("req_{number}").into(),
            record: number.is_multiple_of(2).then(|| Uuid::from_u128(number as u128)),
            owner: number.is_multiple_of(3).then(|| Id::from_uuid(Uuid::from_u128(3))),
            subjects: vec![[3; 16]; number % 3],
            detail: BTreeMap::new(),
            ..event()
        };
        event.count("records", number).code("step", "begin").names("fields", ["a", "b"])
    };
    (first..first + count).map(one).collect()
}

pub async fn record(db: &Db, first: usize, count: usize) {
    db.begin().await.unwrap().record_all(events(first, count)).await.unwrap().commit().await.unwrap();
}

pub async fn run(db: &Db, sql: &'static str, args: Args) -> u64 {
    let mut tx = db.begin().await.unwrap();
    let changed = tx.execute_without_scope(WHY, sql, args).await.unwrap();
    tx.commit_without_event(WHY).await.unwrap();
    changed
}

pub async fn step(db: &Db) -> Sequenced {
    sequence(db, &signer(), from_micros(1_700_000_000_000_000)).await.unwrap()
}

async fn root(db: &Db, size: u64) -> Hash {
    let stored = kept::checkpoint(db, i64::try_from(size).unwrap()).await.unwrap().unwrap();
    let opened = Checkpoint::open(&stored.note, signer().verifier()).unwrap();
    assert_eq!((opened.size, stored.verifier), (size, signer().verifier().to_string()));
    opened.root
}

#[tokio::test]
async fn what_was_recorded_is_signed_and_proven() {
    for scratch in Scratch::both().await {
        let db = &scratch.db;
        assert_eq!(step(db).await, Sequenced::Nothing);
        let sizes = [1, 2, 255, 256, 257, 700, 1300];
        let mut size = 0;
        for next in sizes {
            record(db, size, next - size).await;
            let (from, to) = (i64::try_from(size).unwrap(), i64::try_from(next).unwrap());
            assert_eq!(step(db).await, Sequenced::Grown { from, size: to });
            assert_eq!(step(db).await, Sequenced::Nothing);
            size = next;
        }
        let report = verify(db).await.unwrap();
        assert_eq!((report.events, report.tree, report.checkpoints), (1300, 1300, 7), "{report:?}");
        assert!(report.is_whole() && report.broken_at.is_none(), "{report:?}");
        for size in sizes.map(|size| size as u64) {
            let signed = root(db, size).await;
            for seq in (1..=size).step_by(37).chain([1, size]) {
                let (leaf, proof) = (kept::leaf(db, seq).await.unwrap(), kept::inclusion(db, seq, size).await.unwrap());
                assert_eq!(verify_inclusion(seq - 1, size, &leaf, &proof, &signed), Ok(()), "{seq} of {size}");
            }
            for old in sizes.map(|size| size as u64).into_iter().filter(|old| *old <= size) {
                let proof = kept::consistency(db, old, size).await.unwrap();
                assert_eq!(
                    verify_consistency(old, size, &proof, &root(db, old).await, &signed),
                    Ok(()),
                    "{old} {size}"
                );
            }
        }
        assert!(kept::inclusion(db, 1301, 1300).await.is_err() && kept::inclusion(db, 0, 1300).await.is_err());
        assert!(kept::inclusion(db, 1, 1301).await.is_err() && kept::consistency(db, 5, 1301).await.is_err());
        assert!(kept::consistency(db, 0, 5).await.is_err() && kept::leaf(db, 1301).await.is_err());
    }
}

#[tokio::test]
async fn however_many_nodes_try_each_event_is_taken_once() {
    for scratch in Scratch::both().await {
        let writer = scratch.db.clone();
        let recording = tokio::spawn(async move {
            for part in 0..40 {
                record(&writer, part * 10, 10).await;
            }
        });
        let node = |db: Db| async move {
            let (mut grown, mut lost) = (0, 0);
            loop {
                match step(&db).await {
                    Sequenced::Grown { size: 400, .. } => return (grown + 1, lost),
                    Sequenced::Grown { .. } => grown += 1,
                    Sequenced::Lost => lost += 1,
                    Sequenced::Nothing if kept::size(&db).await.unwrap() == 400 => return (grown, lost),
                    Sequenced::Nothing => tokio::task::yield_now().await,
                    Sequenced::Broken(breach) => panic!("{breach:?}"),
                }
            }
        };
        let nodes: Vec<_> = (0..4).map(|_| tokio::spawn(node(scratch.db.clone()))).collect();
        let mut grown = 0;
        for node in nodes {
            grown += node.await.unwrap().0;
        }
        recording.await.unwrap();
        let report = verify(&scratch.db).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert_eq!((report.events, report.tree, report.checkpoints), (400, 400, grown), "one checkpoint for each step");
    }
}

#[tokio::test]
async fn an_event_that_was_changed_before_it_was_signed_stops_the_signing() {
    for (sql, kind, at) in [
        ("UPDATE audit_events SET action = 'customer.read' WHERE seq = 50", BreachKind::Edited, 50),
        ("UPDATE audit_events SET class = 'write', detail = '{}' WHERE seq = 50", BreachKind::Edited, 50),
        ("UPDATE audit_events SET detail = 'x' WHERE seq = 50", BreachKind::Edited, 50),
        ("DELETE FROM audit_events WHERE seq = 50", BreachKind::Missing, 50),
        ("DELETE FROM audit_events WHERE seq >= 50", BreachKind::Missing, 50),
        ("DELETE FROM audit_events WHERE seq <> 80", BreachKind::Missing, 31),
        ("UPDATE audit_head SET seq = 80 WHERE id = 1", BreachKind::End, 80),
        ("UPDATE audit_head SET seq = 7 WHERE id = 1", BreachKind::End, 7),
        ("UPDATE audit_tree SET size = 20 WHERE id = 1", BreachKind::Tree, 20),
        ("DELETE FROM audit_tiles WHERE level = 0", BreachKind::Tree, 30),
        ("DELETE FROM audit_checkpoints WHERE size = 30", BreachKind::Tree, 30),
        ("UPDATE audit_checkpoints SET note = 'x' WHERE size = 30", BreachKind::Tree, 30),
    ] {
        for scratch in Scratch::both().await {
            let db = &scratch.db;
            record(db, 0, 30).await;
            assert_eq!(step(db).await, Sequenced::Grown { from: 0, size: 30 });
            record(db, 30, 70).await;
            run(db, sql, args![]).await;
            let mut last = step(db).await;
            if let Sequenced::Grown { size, .. } = last {
                assert_eq!(size, at - 1, "what stands before it is sound: {sql}");
                last = step(db).await;
            }
            let Sequenced::Broken(breach) = last else { panic!("{sql}: {last:?}") };
            assert_eq!((breach.kind, breach.at), (kind, at), "{sql}");
            let signed = kept::last_checkpoint(db).await.unwrap().map_or(0, |last| last.size);
            assert!(signed < at.max(31), "nothing was signed over it: {sql}");
            assert!(!verify(db).await.unwrap().is_whole(), "{sql}");
        }
    }
}

#[tokio::test]
async fn another_key_signs_nothing_on_top_and_another_name_does() {
    let scratch = Scratch::sqlite().await;
    let now = from_micros(0);
    record(&scratch.db, 0, 10).await;
    step(&scratch.db).await;
    record(&scratch.db, 10, 10).await;
    let stranger = Signer::new("kluis.example/audit", &[1; 32]).unwrap();
    let refused = sequence(&scratch.db, &stranger, now).await.unwrap();
    assert!(matches!(refused, Sequenced::Broken(breach) if breach.kind == BreachKind::Tree), "{refused:?}");
    let moved = Signer::new("crm.example/audit", &[42; 32]).unwrap();
    assert_eq!(sequence(&scratch.db, &moved, now).await.unwrap(), Sequenced::Grown { from: 10, size: 20 });
    let report = verify(&scratch.db).await.unwrap();
    assert_eq!((report.checkpoints, report.is_whole()), (2, true), "{report:?}");
}
