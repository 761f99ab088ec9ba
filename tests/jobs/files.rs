use chrono::TimeDelta;
use kluis::jobs::Workshop;
use kluis::jobs::files::{self, FileWriter, PIECE};
use kluis_core::args;
use kluis_core::kernel::ProblemKind;

use crate::bench::{Bench, WHY};

const CANARY: &[u8] = b"kanarie.piet@example.com";

#[tokio::test]
async fn what_was_handed_in_is_read_back_piece_by_piece_and_never_in_clear_on_disk() {
    for bench in Bench::both().await {
        let content: Vec<u8> = CANARY.iter().copied().cycle().take(2 * PIECE + 17).collect();
        let expires = bench.workshop.clock.now() + TimeDelta::hours(1);
        let mut writer = FileWriter::begin(&bench.workshop, bench.tenant, expires).await.unwrap();
        for part in content.chunks(333_333) {
            writer.push(part).await.unwrap();
        }
        let (file, size) = writer.finish().await.unwrap();
        assert_eq!((size.bytes, size.pieces), (content.len() as i64, 3));
        let mut read = Vec::new();
        for number in 0..size.pieces {
            read.extend_from_slice(&files::read_piece(&bench.workshop, bench.tenant, file, number).await.unwrap());
        }
        assert!(read == content);
        let missing = files::read_piece(&bench.workshop, bench.tenant, file, 3).await.unwrap_err();
        assert_eq!(missing.kind, ProblemKind::Integrity);

        let sql = "UPDATE job_file_pieces SET number = 1 - number WHERE number = 0";
        let mut tx = bench.workshop.db.begin().await.unwrap();
        tx.execute_without_scope(WHY, "DELETE FROM job_file_pieces WHERE number = 1", args![]).await.unwrap();
        tx.execute_without_scope(WHY, sql, args![]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        let moved = files::read_piece(&bench.workshop, bench.tenant, file, 1).await.unwrap_err();
        assert_eq!(moved.kind, ProblemKind::Integrity, "a piece in another place");

        for entry in std::fs::read_dir(bench.scratch.directory()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(CANARY.len()).any(|w| w == CANARY));
        }
    }
}

#[tokio::test]
async fn files_go_when_their_time_is_over() {
    for bench in Bench::both().await {
        let expires = bench.workshop.clock.now() + TimeDelta::hours(1);
        let mut writer = FileWriter::begin(&bench.workshop, bench.tenant, expires).await.unwrap();
        writer.push(CANARY).await.unwrap();
        let (file, _) = writer.finish().await.unwrap();
        assert_eq!(sweep(&bench.workshop).await, 0);
        bench.workshop.clock.advance(TimeDelta::hours(2));
        assert_eq!(sweep(&bench.workshop).await, 1);
        assert!(files::read_piece(&bench.workshop, bench.tenant, file, 0).await.is_err());
        let sql = "SELECT COUNT(*) FROM job_file_pieces";
        let row = bench.workshop.db.fetch_optional_without_scope(WHY, sql, args![]).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), 0);
    }
}

async fn sweep(workshop: &Workshop) -> u64 {
    let mut tx = workshop.db.begin().await.unwrap();
    let gone = files::sweep(&mut tx, workshop.clock.now()).await.unwrap();
    tx.commit_without_event("a test sweeps files whose time is over").await.unwrap();
    gone
}
