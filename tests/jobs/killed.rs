//! A worker in a process of its own, killed again and again without warning.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kluis::jobs::{Registry, State, Timing, Worker};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Job;
use kluis_core::store::DbOptions;
use tokio::sync::watch;

use crate::bench::{Bench, Count, Place, Shared, TIMING, open};

const KILLS: usize = 20;
const ROWS: i64 = 1200;

#[tokio::test]
async fn twenty_kills_lose_nothing_and_double_nothing() {
    for bench in Bench::both().await {
        let job = bench.enqueue(ROWS).await;
        let mut killed = 0;
        let mut seen = 0;
        while killed < KILLS {
            let mut child = spawn(&bench.place);
            // Let it get at least one step further, then kill it wherever it is.
            let before = seen;
            for _ in 0..600 {
                tokio::time::sleep(Duration::from_millis(7)).await;
                seen = bench.state(job).await.1;
                if seen > before {
                    break;
                }
            }
            assert!(seen > before, "the job goes on after {killed} kills");
            tokio::time::sleep(Duration::from_micros(1500 * killed as u64)).await;
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            let (state, progress, effects, results) = at_rest(&bench, job).await;
            assert_eq!(state, State::Running);
            assert_eq!((effects, results), (progress, progress), "an effect and a result for each acknowledged row");
            bench.expire_leases().await;
        }
        let mut child = spawn(&bench.place);
        for _ in 0..2000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if bench.state(job).await.0.is_final() {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(bench.state(job).await, (State::Succeeded, ROWS, 0, None));
        assert_eq!(bench.effects().await, ROWS);
        let lines: Vec<i64> = bench.results(job).await.iter().map(|r| r.line).collect();
        assert_eq!(lines, (0..ROWS).collect::<Vec<_>>());
        kluis_core::audit::verify(&bench.workshop.db).await.unwrap();
    }
}

/// State, progress, effects and results of one moment: PostgreSQL still ends the commit that a killed process had
/// asked for.
async fn at_rest(bench: &Bench, job: Id<Job>) -> (State, i64, i64, i64) {
    loop {
        let before = bench.state(job).await;
        let (effects, results) = (bench.effects().await, bench.results(job).await.len() as i64);
        let after = bench.state(job).await;
        if before == after {
            return (after.0, after.1, effects, results);
        }
    }
}

const DATA: &str = "KLUIS_TEST_DATA";
const KEYS: &str = "KLUIS_TEST_KEYS";
const ROOT: &str = "KLUIS_TEST_ROOT";

fn spawn(place: &Place) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "killed::worker_process"])
        .env(DATA, text(&place.data))
        .env(KEYS, text(&place.keys))
        .env(ROOT, &place.root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn text(options: &DbOptions) -> String {
    match options {
        DbOptions::Sqlite { file, .. } => file.to_str().unwrap().to_owned(),
        DbOptions::Postgres { url, .. } => url.clone(),
    }
}

fn options(text: &str) -> DbOptions {
    if text.starts_with("postgres") {
        DbOptions::Postgres { url: text.to_owned(), connections: 4 }
    } else {
        DbOptions::Sqlite { file: text.into(), readers: 2 }
    }
}

/// Not a test: the process that is killed.
#[tokio::test]
#[ignore = "started by the test above"]
async fn worker_process() {
    let Ok(data) = std::env::var(DATA) else { return };
    let place = Place {
        data: options(&data),
        keys: options(&std::env::var(KEYS).unwrap()),
        root: std::env::var(ROOT).unwrap(),
    };
    let workshop = open(&place).await;
    let kind = Arc::new(Count { slow: Duration::from_millis(3), ..Count::default() });
    let timing = Timing { lease: Duration::from_secs(3600), ..TIMING };
    let (_on, stop) = watch::channel(false);
    Worker::new(workshop, Registry::new().with(Arc::new(Shared(kind))), timing).run(stop).await;
}
