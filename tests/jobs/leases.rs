use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use kluis::jobs::{JobFault, Registry, RowOutcome, State, Timing, Worker};
use kluis_core::kernel::Clock;
use tokio::sync::watch;

use crate::bench::{Bench, Count, Shared, TIMING};

fn counting() -> Arc<Count> {
    Arc::new(Count::default())
}

fn failing(from: i64, fault: JobFault) -> Arc<Count> {
    Arc::new(Count { fail_from: AtomicI64::new(from), fault: Some(fault).into(), ..Count::default() })
}

#[tokio::test]
async fn a_job_runs_to_its_end_with_a_result_for_each_row() {
    for bench in Bench::both().await {
        let job = bench.enqueue(25).await;
        let kind = counting();
        assert!(bench.worker(&kind).run_one().await.unwrap());
        assert_eq!(bench.state(job).await, (State::Succeeded, 25, 0, None));
        assert_eq!(bench.effects().await, 25);
        let results = bench.results(job).await;
        assert_eq!(results.iter().map(|r| r.line).collect::<Vec<_>>(), (0..25).collect::<Vec<_>>());
        assert_eq!(results[4].outcome, RowOutcome::Error);
        assert_eq!(results[4].record, Some(uuid::Uuid::from_u128(4)));
        assert_eq!(
            (results[5].record, &results[5].codes[..], results[5].of_line),
            (None, &["a".to_owned(), "b".to_owned()][..], Some(5))
        );
        assert!(!bench.worker(&kind).run_one().await.unwrap(), "it is done once");
        kluis_core::audit::verify(&bench.workshop.db).await.unwrap();
    }
}

#[tokio::test]
async fn the_parameters_of_a_job_are_sealed() {
    let [sqlite, _postgres] = Bench::both().await;
    sqlite.enqueue(1).await;
    sqlite.workshop.db.close().await;
    for file in std::fs::read_dir(sqlite.scratch.directory()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|w| w == b"jan@exam"), "a parameter stands in the file");
    }
}

#[tokio::test]
async fn many_workers_share_the_work_and_double_nothing() {
    for bench in Bench::both().await {
        let mut jobs = Vec::new();
        for _ in 0..6 {
            jobs.push(bench.enqueue(40).await);
        }
        let kind = counting();
        let (stop, stopped) = watch::channel(false);
        let workers: Vec<_> = (0..4).map(|_| tokio::spawn(bench.worker(&kind).run(stopped.clone()))).collect();
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if kind.steps.load(Ordering::Relaxed) == 24 {
                break;
            }
        }
        stop.send(true).unwrap();
        for worker in workers {
            worker.await.unwrap();
        }
        for job in jobs {
            assert_eq!(bench.state(job).await, (State::Succeeded, 40, 0, None));
        }
        assert_eq!(bench.effects().await, 240);
        assert_eq!(kind.opened.load(Ordering::Relaxed), 6);
    }
}

#[tokio::test]
async fn a_worker_whose_lease_was_taken_over_can_commit_nothing_more() {
    for bench in Bench::both().await {
        let job = bench.enqueue(30).await;
        let slow = Arc::new(Count { slow: Duration::from_millis(300), ..Count::default() });
        let stuck = bench.worker(&slow);
        let stuck = tokio::spawn(async move { stuck.run_one().await });
        while slow.steps.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // A node on whose clock the lease has run out.
        let mut elsewhere = bench.workshop.clone();
        elsewhere.clock = Clock::fixed(bench.workshop.clock.now() + TimeDelta::seconds(31));
        let quick = counting();
        let other = Worker::new(elsewhere, Registry::new().with(Arc::new(Shared(quick.clone()))), TIMING);
        assert!(other.run_one().await.unwrap());
        assert!(quick.steps.load(Ordering::Relaxed) > 0);
        stuck.await.unwrap().unwrap();
        assert_eq!(bench.state(job).await, (State::Succeeded, 30, 0, None));
        assert_eq!(bench.effects().await, 30);
        assert_eq!(bench.results(job).await.len(), 30);
    }
}

#[tokio::test]
async fn a_step_that_panics_leaves_a_job_that_can_be_taken_over() {
    for bench in Bench::both().await {
        let job = bench.enqueue(30).await;
        let kind = counting();
        kind.panic.store(true, Ordering::Relaxed);
        let worker = bench.worker(&kind);
        assert!(tokio::spawn(async move { worker.run_one().await }).await.is_err());
        assert!(!bench.worker(&kind).run_one().await.unwrap(), "its lease still holds");
        bench.workshop.clock.advance(TimeDelta::seconds(31));
        assert!(bench.worker(&kind).run_one().await.unwrap());
        assert_eq!(bench.state(job).await, (State::Succeeded, 30, 0, None));
        assert_eq!(bench.effects().await, 30);
    }
}

#[tokio::test]
async fn cancelling_takes_effect_between_two_steps() {
    for bench in Bench::both().await {
        let job = bench.enqueue(1000).await;
        let kind = Arc::new(Count { slow: Duration::from_millis(20), ..Count::default() });
        let worker = bench.worker(&kind);
        let working = tokio::spawn(async move { worker.run_one().await });
        while kind.steps.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.cancel(job).await;
        working.await.unwrap().unwrap();
        let (state, progress, ..) = bench.state(job).await;
        assert_eq!(state, State::Cancelled);
        assert!(progress < 1000);
        assert_eq!(bench.effects().await, progress, "what was acknowledged stays, nothing else happened");
        assert_eq!(bench.results(job).await.len() as i64, progress);
    }
}

#[tokio::test]
async fn what_may_work_later_is_tried_again_ever_more_seldom_and_then_given_up() {
    for bench in Bench::both().await {
        let job = bench.enqueue(30).await;
        let kind = failing(10, JobFault::Later("unavailable".into()));
        let worker = bench.worker(&kind);
        // The first step is progress, so that the attempts are counted from the second one on.
        assert!(worker.run_one().await.unwrap());
        assert_eq!(bench.state(job).await, (State::Queued, 10, 0, None));
        for pause in [5, 5, 10] {
            bench.workshop.clock.advance(TimeDelta::seconds(pause - 1));
            assert!(!worker.run_one().await.unwrap(), "not before {pause} s");
            bench.workshop.clock.advance(TimeDelta::seconds(1));
            assert!(worker.run_one().await.unwrap(), "after {pause} s");
        }
        assert_eq!(bench.state(job).await, (State::Failed, 10, 3, Some("unavailable".to_owned())));
        assert_eq!(bench.effects().await, 10);
    }
}

#[tokio::test]
async fn what_will_never_work_fails_at_once_and_a_sealed_vault_is_waited_for() {
    for bench in Bench::both().await {
        let lost = bench.enqueue(30).await;
        bench.worker(&failing(20, JobFault::Failed("forbidden".into()))).run_one().await.unwrap();
        assert_eq!(bench.state(lost).await, (State::Failed, 20, 0, Some("forbidden".to_owned())));

        let waiting = bench.enqueue(30).await;
        let kind = failing(0, JobFault::Wait);
        for _ in 0..10 {
            assert!(bench.worker(&kind).run_one().await.unwrap());
            assert_eq!(bench.state(waiting).await, (State::Queued, 0, 0, None));
            bench.workshop.clock.advance(TimeDelta::seconds(15));
        }
        *kind.fault.lock().unwrap() = None;
        bench.worker(&kind).run_one().await.unwrap();
        assert_eq!(bench.state(waiting).await.0, State::Succeeded);
    }
}

#[tokio::test]
async fn changed_rights_open_the_job_anew() {
    for bench in Bench::both().await {
        let job = bench.enqueue(30).await;
        let kind = failing(10, JobFault::Again);
        bench.worker(&kind).run_one().await.unwrap();
        assert!(kind.opened.load(Ordering::Relaxed) > 2);
        *kind.fault.lock().unwrap() = None;
        bench.worker(&kind).run_one().await.unwrap();
        assert_eq!(bench.state(job).await.0, State::Succeeded);
        assert_eq!(bench.effects().await, 30);
    }
}

#[tokio::test]
async fn a_stopped_worker_gives_its_job_back_at_once() {
    for bench in Bench::both().await {
        let job = bench.enqueue(1000).await;
        let kind = Arc::new(Count { slow: Duration::from_millis(20), ..Count::default() });
        let (stop, stopped) = watch::channel(false);
        let working = tokio::spawn(bench.worker(&kind).run(stopped));
        while kind.steps.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(true).unwrap();
        working.await.unwrap();
        let (state, progress, ..) = bench.state(job).await;
        assert_eq!(state, State::Queued);
        bench.worker(&counting()).run_one().await.unwrap();
        assert_eq!(bench.state(job).await.0, State::Succeeded);
        assert!(progress >= 20);
        assert_eq!(bench.effects().await, 1000);
    }
}

#[tokio::test]
async fn an_unknown_kind_is_left_for_a_program_that_knows_it() {
    for bench in Bench::both().await {
        let job = bench.enqueue(10).await;
        let old = Worker::new(bench.workshop.clone(), Registry::new(), Timing { ..TIMING });
        assert!(old.run_one().await.unwrap());
        assert_eq!(bench.state(job).await, (State::Queued, 0, 0, None));
        bench.workshop.clock.advance(TimeDelta::minutes(1));
        bench.worker(&counting()).run_one().await.unwrap();
        assert_eq!(bench.state(job).await.0, State::Succeeded);
    }
}
