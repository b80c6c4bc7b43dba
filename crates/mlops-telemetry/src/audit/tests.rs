use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use super::testing::{FaultyDisk, feedback, lines};
use super::*;
use crate::{RequestId, testing};

const PATIENCE: Duration = Duration::from_secs(20);

fn open(directory: &Path) -> AuditLog {
    AuditLog::open(directory, AuditOptions::new("Wine")).unwrap()
}

/// Appends `event` and waits until it is done.
fn append(log: &AuditLog, event: Event) -> Result<(), AuditError> {
    let (done, outcome) = mpsc::channel();
    log.append(event, move |outcome| done.send(outcome).unwrap());
    outcome.recv_timeout(PATIENCE).unwrap()
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn an_event_is_in_the_open_segment_when_it_is_acknowledged_and_sealed_when_the_log_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let event = Event::Inference(Box::new(testing::inference(&[9.4])));
    append(&log, event).unwrap();
    let open = dir.path().join("segment-00000000000000000001.jsonl.open");
    let text = fs::read_to_string(&open).unwrap();
    assert!(text.starts_with(r#"{"ts":"2022-01-12T15:06:40.007000Z","#) && text.ends_with("}\n"));
    assert_eq!(AuditLog::sealed_segments(dir.path()), Ok(vec![]));
    drop(log);
    let sealed = dir.path().join("segment-00000000000000000001.jsonl");
    assert_eq!(AuditLog::sealed_segments(dir.path()), Ok(vec![sealed.clone()]));
    assert_eq!(fs::read_to_string(sealed).unwrap(), text);
}

#[test]
fn events_of_many_threads_are_all_acknowledged_and_all_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::open(dir.path(), AuditOptions::new("Wine").max_segment_bytes(20_000));
    let log = log.unwrap();
    let (done, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (log, done) = (log.clone(), done.clone());
            scope.spawn(move || {
                for row in 0..250 {
                    let done = done.clone();
                    log.append(feedback(thread * 1000 + row), move |outcome| {
                        done.send(outcome).unwrap();
                    });
                }
            });
        }
    });
    for _ in 0..2000 {
        assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(()));
    }
    assert_eq!(log.counts(), AuditCounts { written: 2000, ..AuditCounts::default() });
    drop(log);
    let segments = AuditLog::sealed_segments(dir.path()).unwrap();
    assert!(segments.len() > 5, "{} segments", segments.len());
    let lines = lines(dir.path());
    assert_eq!(lines.len(), 2000);
    assert_eq!(lines.into_iter().collect::<BTreeSet<_>>().len(), 2000);
}

#[test]
fn what_gathers_during_a_commit_is_the_next_commit() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let gate = disk.block_next_sync();
    let options = AuditOptions::new("Wine");
    let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
    let (done, outcomes) = mpsc::channel();
    let append = |row| {
        let done = done.clone();
        log.append(feedback(row), move |outcome| done.send((row, outcome)).unwrap());
    };
    append(0);
    gate.reached();
    (1..100).for_each(append);
    assert!(outcomes.try_recv().is_err(), "acknowledged before the disk has it");
    assert_ne!(log.counts().queued_bytes, 0);
    gate.open();
    for row in 0..100 {
        assert_eq!(outcomes.recv_timeout(PATIENCE), Ok((row, Ok(()))));
    }
    assert_eq!(disk.n_syncs(), 2);
    assert_eq!(log.counts(), AuditCounts { written: 100, ..AuditCounts::default() });
}

#[test]
fn a_full_queue_refuses_at_once_and_takes_events_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let gate = disk.block_next_sync();
    let capacity = 3 * feedback(0).size();
    let options = AuditOptions::new("Wine").capacity(capacity);
    let log = AuditLog::open_on(Box::new(disk), dir.path(), options).unwrap();
    let (done, outcomes) = mpsc::channel();
    for row in 0..10 {
        let done = done.clone();
        log.append(feedback(row), move |outcome| done.send(outcome).unwrap());
    }
    gate.reached();
    for _ in 3..10 {
        assert_eq!(outcomes.try_recv().unwrap(), Err(AuditError::Full { capacity }));
    }
    gate.open();
    for _ in 0..3 {
        assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(()));
    }
    assert_eq!(append(&log, feedback(10)), Ok(()));
    assert_eq!(log.counts(), AuditCounts { written: 4, refused: 7, ..AuditCounts::default() });
    drop(log);
    assert_eq!(lines(dir.path()).len(), 4);
}

#[test]
fn a_full_disk_fails_its_events_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let options = AuditOptions::new("Wine");
    let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
    assert_eq!(append(&log, feedback(0)), Ok(()));
    disk.set_room(50);
    for row in 1..4 {
        let kind = io::ErrorKind::StorageFull;
        let expected = AuditError::Storage { directory: dir.path().to_owned(), kind };
        assert_eq!(append(&log, feedback(row)), Err(expected));
    }
    disk.set_room(u64::MAX);
    assert_eq!(append(&log, feedback(4)), Ok(()));
    assert_eq!(log.counts(), AuditCounts { written: 2, failed: 3, ..AuditCounts::default() });
    drop(log);
    assert_eq!(lines(dir.path()), [0, 4], "what was half written is cut off");
    assert_eq!(AuditLog::sealed_segments(dir.path()).unwrap().len(), 1);
}

#[test]
fn what_could_not_be_flushed_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let options = AuditOptions::new("Wine");
    let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
    disk.fail_syncs(true);
    assert!(append(&log, feedback(0)).is_err());
    disk.fail_syncs(false);
    assert_eq!(append(&log, feedback(1)), Ok(()));
    disk.fail_syncs(true);
    assert!(append(&log, feedback(2)).is_err());
    drop(log);
    assert_eq!(lines(dir.path()), [1]);
}

#[test]
fn a_segment_that_cannot_be_cut_is_left_and_sealed_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let options = AuditOptions::new("Wine");
    let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
    assert_eq!(append(&log, feedback(0)), Ok(()));
    disk.fail_truncation(true);
    disk.set_room(50);
    assert!(append(&log, feedback(1)).is_err());
    disk.set_room(u64::MAX);
    assert_eq!(append(&log, feedback(2)), Ok(()), "there is another segment");
    let torn = dir.path().join("segment-00000000000000000001.jsonl.open");
    assert!(!fs::read_to_string(&torn).unwrap().ends_with('\n'));
    disk.fail_truncation(false);
    assert_eq!(append(&log, feedback(3)), Ok(()));
    assert!(!torn.exists(), "it is sealed before the next commit");
    drop(log);
    assert_eq!(lines(dir.path()), [0, 2, 3]);
}

#[test]
fn a_disk_that_takes_nothing_is_not_littered_with_segments() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let options = AuditOptions::new("Wine");
    let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options.clone()).unwrap();
    disk.fail_truncation(true);
    disk.set_room(0);
    for row in 0..50 {
        assert!(append(&log, feedback(row)).is_err());
    }
    assert!(fs::read_dir(dir.path()).unwrap().count() < 12);
    drop(log);
    let log = AuditLog::open(dir.path(), options).unwrap();
    assert_eq!(append(&log, feedback(50)), Ok(()));
    drop(log);
    assert_eq!(lines(dir.path()), [50]);
}

#[test]
fn a_segment_is_sealed_at_its_age_without_traffic() {
    let dir = tempfile::tempdir().unwrap();
    let age = Duration::from_millis(30);
    let log = AuditLog::open(dir.path(), AuditOptions::new("Wine").max_segment_age(age));
    let log = log.unwrap();
    for n_sealed in 1..3 {
        assert_eq!(append(&log, feedback(n_sealed)), Ok(()));
        eventually("the segment is sealed", || {
            AuditLog::sealed_segments(dir.path()).unwrap().len() == n_sealed
        });
    }
    assert_eq!(lines(dir.path()), [1, 2]);
}

#[test]
fn a_segment_may_be_sealed_at_no_age_and_at_no_size() {
    let dir = tempfile::tempdir().unwrap();
    let options = AuditOptions::new("Wine").max_segment_age(Duration::MAX);
    let log = AuditLog::open(dir.path(), options.max_segment_bytes(u64::MAX)).unwrap();
    assert_eq!(append(&log, feedback(0)), Ok(()));
    drop(log);
    let options = AuditOptions::new("Wine").max_segment_age(Duration::ZERO);
    let log = AuditLog::open(dir.path(), options.max_segment_bytes(0)).unwrap();
    for row in 1..4 {
        assert_eq!(append(&log, feedback(row)), Ok(()));
    }
    drop(log);
    assert_eq!(lines(dir.path()), [0, 1, 2, 3]);
    assert_eq!(AuditLog::sealed_segments(dir.path()).unwrap().len(), 4);
}

#[test]
fn a_log_is_open_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/audit");
    assert_eq!(AuditLog::sealed_segments(&path), Ok(vec![]));
    let log = open(&path);
    let again = AuditLog::open(&path, AuditOptions::new("Wine"));
    assert_eq!(again.unwrap_err(), AuditError::Locked { directory: path.clone() });
    drop(log);
    drop(open(&path));
}

#[test]
fn a_callback_may_panic_or_hold_the_last_handle() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(feedback(0), |_| panic!("a broken callback"));
    let (release, released) = mpsc::channel::<()>();
    let last = log.clone();
    log.append(feedback(1), move |_| {
        let _ = released.recv_timeout(PATIENCE);
        drop(last);
    });
    drop(log);
    release.send(()).unwrap();
    eventually("the log is sealed", || AuditLog::sealed_segments(dir.path()).unwrap().len() == 1);
    assert_eq!(lines(dir.path()), [0, 1]);
}

#[test]
fn columns_are_kept_private() {
    let dir = tempfile::tempdir().unwrap();
    let options = AuditOptions::new("Wine").privacy(Privacy::default().drop(["alcohol"]));
    let log = AuditLog::open(dir.path(), options).unwrap();
    let event = testing::inference(&[9.4]);
    assert_eq!(event.request_id, RequestId::new(255));
    append(&log, Event::Inference(Box::new(event))).unwrap();
    drop(log);
    let segment = AuditLog::sealed_segments(dir.path()).unwrap().remove(0);
    assert!(fs::read_to_string(segment).unwrap().contains(r#""columns":["is_red"]"#));
}
