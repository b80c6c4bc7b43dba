//! A process that is killed while it writes an audit log.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, thread};

use mlops_core::{Feature, Schema};
use mlops_telemetry::{AuditLog, AuditOptions, Event, Feedback, LogReader, Logged, RequestId};

/// The directory of the process that is to be killed; the test below sets it.
const DIRECTORY: &str = "MLOPS_AUDIT_CRASH";

fn options() -> AuditOptions {
    AuditOptions::new("Wine").max_segment_bytes(20_000)
}

/// Appends for ever and notes what was acknowledged, if it is told where.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn the_process_that_is_killed() {
    let Ok(directory) = env::var(DIRECTORY) else { return };
    let log = AuditLog::open(Path::new(&directory).join("audit"), options()).unwrap();
    let acknowledged = File::create(Path::new(&directory).join("acknowledged")).unwrap();
    let acknowledged = Arc::new(Mutex::new(acknowledged));
    // If nobody kills it, it ends.
    let started = Instant::now();
    for row in 0.. {
        let acknowledged = Arc::clone(&acknowledged);
        let event = Event::Feedback(Feedback::new(RequestId::new(255), row, 1.0));
        log.append(event, move |outcome| {
            outcome.unwrap();
            writeln!(acknowledged.lock().unwrap(), "{row}").unwrap();
        });
        thread::sleep(Duration::from_micros(50));
        if started.elapsed() > Duration::from_secs(30) {
            break;
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn what_was_acknowledged_survives_a_kill() {
    assert!(env::var(DIRECTORY).is_err(), "the child runs one test");
    for round in 0..5_u64 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crashes::the_process_that_is_killed"])
            .env(DIRECTORY, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let acknowledged = dir.path().join("acknowledged");
        let started = Instant::now();
        while fs::read(&acknowledged).is_ok_and(|it| it.is_empty()) || !acknowledged.exists() {
            assert!(started.elapsed() < Duration::from_secs(20), "nothing is acknowledged");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20 + 17 * round));
        child.kill().unwrap();
        child.wait().unwrap();

        let directory = dir.path().join("audit");
        drop(AuditLog::open(&directory, options()).unwrap());
        let schema = Schema::new(vec![Feature::numeric("alcohol")]).unwrap();
        let mut reader = LogReader::new(Arc::new(schema));
        let mut rows = BTreeSet::new();
        for segment in AuditLog::sealed_segments(&directory).unwrap() {
            let segment = BufReader::new(File::open(segment).unwrap());
            for logged in reader.read(segment) {
                let Logged::Feedback(feedback) = logged.unwrap() else { panic!("no feedback") };
                rows.insert(feedback.row);
            }
        }
        let acknowledged = fs::read_to_string(acknowledged).unwrap();
        // The last number may be half written.
        let (acknowledged, _) = acknowledged.rsplit_once('\n').unwrap();
        let acknowledged: Vec<usize> =
            acknowledged.lines().map(|row| row.parse().unwrap()).collect();
        assert!(acknowledged.len() > 1);
        assert!(acknowledged.iter().all(|row| rows.contains(row)), "an event is lost");
        assert_eq!((reader.counts().malformed, reader.counts().torn), (0, 0));
    }
}
