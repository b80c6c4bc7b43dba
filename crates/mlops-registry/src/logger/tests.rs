use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::*;
use crate::{LocalStore, LogBatch};

/// A destination that does what `answer` does, and keeps the batches that it takes.
struct Recorder<F> {
    answer: F,
    pause: Duration,
    taken: Arc<Mutex<Vec<LogBatch>>>,
}

impl<F: Fn(&LogBatch) -> Result<(), Error> + Send + Sync> LogSink for Recorder<F> {
    fn log_batch(&self, batch: &LogBatch) -> Result<(), Error> {
        (self.answer)(batch)?;
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(batch.clone());
        Ok(())
    }

    fn pause(&self) -> Duration {
        self.pause
    }
}

type Taken = Arc<Mutex<Vec<LogBatch>>>;

fn recorder(
    answer: impl Fn(&LogBatch) -> Result<(), Error> + Send + Sync + 'static,
) -> (RunLoggerBuilder, Taken) {
    let taken = Taken::default();
    let sink = Recorder { answer, pause: Duration::ZERO, taken: Arc::clone(&taken) };
    (RunLogger::builder(sink), taken)
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "log to", "the run")
}

/// The steps of each key, in the order in which they were taken.
fn steps(taken: &Taken) -> BTreeMap<String, Vec<i64>> {
    let mut steps: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for metric in taken.lock().unwrap().iter().flat_map(|batch| &batch.metrics) {
        steps.entry(metric.key.clone()).or_default().push(metric.step);
    }
    steps
}

/// Waits until a report is as it should be; no test waits longer than for what never comes.
fn wait_for(logger: &RunLogger, is_there: impl Fn(&LoggerReport) -> bool) -> LoggerReport {
    let started = Instant::now();
    loop {
        let report = logger.report();
        assert!(started.elapsed() < LONG, "{report:?}");
        if is_there(&report) {
            return report;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn nothing_is_lost_on_drop_and_the_order_of_each_key_is_kept() {
    let (builder, taken) = recorder(|_| Ok(()));
    let logger = builder.batch_size(100).start().unwrap();
    thread::scope(|scope| {
        for key in ["a", "b", "c", "d"] {
            let logger = &logger;
            scope.spawn(move || {
                for step in 0..5000 {
                    logger.log_metric(key, 0.5, step);
                }
                logger.log_param(key, 1);
                logger.set_tag(key, "x");
            });
        }
    });
    drop(logger);
    let steps = steps(&taken);
    assert_eq!(steps.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert!(steps.values().all(|steps| steps.iter().copied().eq(0..5000)));
    let taken = taken.lock().unwrap();
    assert_eq!(taken.iter().map(|batch| batch.params.len()).sum::<usize>(), 4);
    assert_eq!(taken.iter().map(|batch| batch.tags.len()).sum::<usize>(), 4);
    let size = |batch: &LogBatch| batch.metrics.len() + batch.params.len() + batch.tags.len();
    assert!(taken.iter().all(|batch| size(batch) <= 100));
}

#[test]
fn values_are_sent_after_a_while_and_full_batches_at_once() {
    let (builder, _) = recorder(|_| Ok(()));
    let logger = builder.interval(Duration::from_millis(20)).start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    assert_eq!(wait_for(&logger, |report| report.logged == 1).pending, 0);

    let (builder, taken) = recorder(|_| Ok(()));
    let logger = builder.interval(60 * LONG).batch_size(10).start().unwrap();
    for step in 0..25 {
        logger.log_metric("loss", 0.5, step);
    }
    assert_eq!(wait_for(&logger, |report| report.logged == 20).pending, 5);
    assert_eq!(logger.flush(LONG).logged, 25);
    for _ in 0..2 {
        logger.log_param("text", "x".repeat(300 << 10));
    }
    assert_eq!(wait_for(&logger, |report| report.logged == 27).pending, 0);
    let sizes = taken.lock().unwrap().iter().map(|it| it.metrics.len()).collect::<Vec<_>>();
    assert_eq!(sizes, [10, 10, 5, 0]);
}

#[test]
fn a_destination_that_hangs_holds_up_nobody() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let (builder, taken) = recorder({
        let (gate, calls) = (Arc::clone(&gate), Arc::clone(&calls));
        move |_| {
            calls.fetch_add(1, Ordering::Relaxed);
            drop(gate.lock());
            Ok(())
        }
    });
    let logger = builder.capacity(100_000).deadline(SHORT).start().unwrap();
    let started = Instant::now();
    for step in 0..50_000 {
        logger.log_metric("loss", 0.5, step);
    }
    for i in 0..100 {
        logger.log_param(&format!("p{i}"), "x".repeat(1000));
    }
    let report = logger.flush(SHORT);
    let n_in = 50_000 - report.dropped;
    assert!((1000..10_000).contains(&n_in), "{report:?}");
    assert_eq!((report.logged, report.failed, report.pending), (0, 0, n_in + 100));
    let report = logger.finish();
    assert_eq!((report.pending, report.is_complete()), (n_in + 100, false));
    assert!(started.elapsed() < LONG);

    // The thread ends when it can, and does not go on with what was given up.
    drop(closed);
    while Arc::strong_count(&taken) > 1 {
        assert!(started.elapsed() < LONG);
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn what_passes_is_waited_for() {
    let calls = AtomicUsize::new(0);
    let (builder, taken) = recorder(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0..2 => Err(error(ErrorKind::Unavailable)),
        _ => Ok(()),
    });
    let logger = builder.interval(Duration::ZERO).start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    let report = wait_for(&logger, |report| report.error.is_some());
    assert_eq!((report.pending, report.error.unwrap().kind()), (1, ErrorKind::Unavailable));
    let report = logger.finish();
    assert!(report.is_complete() && report.error.is_none(), "{report:?}");
    assert_eq!(taken.lock().unwrap().len(), 1);
}

#[test]
fn a_destination_that_does_not_come_back_is_given_up_at_the_deadline() {
    let (builder, _) = recorder(|_| Err(error(ErrorKind::Unavailable)));
    let logger = builder.deadline(SHORT).start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    let started = Instant::now();
    let report = logger.finish();
    assert!(started.elapsed() >= SHORT && started.elapsed() < LONG);
    assert_eq!((report.pending, report.logged), (1, 0));
    assert_eq!(report.error.unwrap().kind(), ErrorKind::Unavailable);
}

#[test]
fn what_is_refused_takes_nothing_with_it() {
    let (builder, taken) = recorder(|batch| {
        let is_bad = batch.params.iter().any(|(key, _)| key == "changed");
        if is_bad { Err(error(ErrorKind::Refused)) } else { Ok(()) }
    });
    let logger = builder.start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    logger.log_metric("../x", 0.5, 1);
    for key in ["a", "changed", "b"] {
        logger.log_param(key, 1);
    }
    logger.set_tag("t", "x");
    let report = logger.flush(LONG);
    assert_eq!((report.logged, report.failed, report.pending), (4, 2, 0));
    assert_eq!(report.error.unwrap().kind(), ErrorKind::Refused);
    let taken = taken.lock().unwrap();
    let params = taken.iter().flat_map(|batch| &batch.params).map(|(key, _)| key.as_str());
    assert_eq!(params.collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(taken.iter().map(|batch| batch.metrics.len()).sum::<usize>(), 1);
}

#[test]
fn what_is_not_about_the_batch_fails_it_at_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let (builder, _) = recorder(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Err(error(ErrorKind::NotFound))
    });
    let logger = builder.start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    logger.log_param("a", 1);
    let report = logger.finish();
    assert_eq!((report.failed, report.pending, calls.load(Ordering::Relaxed)), (2, 0, 1));
    assert!(report.error.unwrap().is_not_found());
}

#[test]
fn a_panic_fails_its_batch_and_no_other() {
    let (builder, taken) = recorder(|batch| {
        assert_ne!(batch.metrics[0].step, 1, "what the test is about");
        Ok(())
    });
    let logger = builder.start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    assert_eq!(logger.flush(LONG).failed, 1);
    logger.log_metric("loss", 0.5, 2);
    let report = logger.finish();
    assert_eq!((report.logged, report.failed, report.pending), (1, 1, 0));
    assert_eq!(steps(&taken)["loss"], [2]);
}

#[test]
fn the_destination_gets_the_pauses_that_it_asks_for() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&starts);
    let answer = move |_: &LogBatch| {
        noted.lock().unwrap().push(Instant::now());
        Ok(())
    };
    let pause = Duration::from_millis(20);
    let logger = RunLogger::builder(Recorder { answer, pause, taken: Taken::default() });
    let logger = logger.batch_size(1).start().unwrap();
    for step in 0..5 {
        logger.log_metric("loss", 0.5, step);
    }
    assert!(logger.finish().is_complete());
    let starts = starts.lock().unwrap();
    assert_eq!(starts.len(), 5);
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= pause), "{starts:?}");
}

#[test]
fn a_run_of_a_local_store_gets_what_is_logged_with_the_time_at_which_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    let run = store.start_run(&store.experiment("wine").unwrap(), "search", None).unwrap();
    let logger = RunLogger::builder(run.clone()).interval(60 * LONG).start().unwrap();
    let before = crate::meta::now();
    logger.log_metric("loss", f64::INFINITY, 1);
    let after = crate::meta::now();
    logger.log_param("lr", 0.1);
    thread::sleep(Duration::from_millis(20));
    logger.log_param("lr", 0.2);
    logger.set_tag("note", "x");
    let report = logger.finish();
    assert_eq!((report.logged, report.failed), (3, 1));
    assert_eq!(report.error.unwrap().kind(), ErrorKind::ParamChanged);
    let loss = run.metrics().unwrap()["loss"];
    assert_eq!((loss.value, loss.step), (f64::INFINITY, 1));
    assert!((before..=after).contains(&loss.timestamp));
    assert_eq!(run.params().unwrap()["lr"], "0.1");
    assert_eq!(run.tags().unwrap()["note"], "x");
}
