//! One request, as every kind of log holds it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mlops_core::{Feature, Schema};
use mlops_telemetry::{LogReader, Logged, LoggedRequest, ReadCounts};

fn read(name: &str) -> (LoggedRequest, ReadCounts) {
    let features = vec![Feature::integer("is_red"), Feature::numeric("alcohol")];
    let mut reader = LogReader::new(Arc::new(Schema::new(features).unwrap()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let log = BufReader::new(File::open(path).unwrap());
    let mut requests = Vec::new();
    for logged in reader.read(log) {
        if let Logged::Request(request) = logged.unwrap() {
            requests.push(*request);
        }
    }
    assert_eq!((requests.len(), reader.finish().len()), (1, 0), "{name}");
    (requests.remove(0), reader.counts())
}

#[test]
fn every_kind_of_log_tells_the_same() {
    let originals =
        ["original.log", "cri.log", "docker.jsonl", "container_log.json", "container_log.csv"];
    for name in ["compact.jsonl", "container_log_v2.jsonl"].into_iter().chain(originals) {
        let (request, counts) = read(name);
        assert_eq!((counts.malformed, counts.torn, counts.incomplete), (0, 0, 0), "{name}");
        // Its fourth line is a text of Python.
        assert_eq!(counts.skipped > 0, originals.contains(&name), "{name}");
        assert_eq!(request.request_id, "0f2d7f3c7a0b4c0e9a1de6f5f3a7b1c2");
        assert_eq!(request.service_name.as_deref(), Some("WineQualityService"));
        let time = request.time.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(time.as_millis(), 1_642_000_000_007, "{name}");
        let records = request.records.unwrap();
        let rows: Vec<_> = records.rows().collect();
        assert_eq!((rows[0], rows[2]), (&[1.0, 9.4][..], &[0.0, 12.5][..]));
        assert!(rows[1][0] == 0.0 && rows[1][1].is_nan());
        assert_eq!(request.predictions, [0.0, 0.0, 1.0]);
        assert_eq!(request.p_values["alcohol"], 0.153_618_559_241_294_86);
        assert_eq!(request.outlier_scores[..2], [-0.08, 0.25], "{name}");
        assert_eq!(request.outlier_flags[..2], [Some(false), Some(true)]);
        // Two features name two rows.
        assert_eq!(request.outlier_flags[2].is_none(), originals.contains(&name));
    }
}

#[test]
fn only_our_lines_tell_model_and_duration() {
    let (request, counts) = read("compact.jsonl");
    assert_eq!(request.model.unwrap().version.as_deref(), Some("7"));
    assert_eq!(request.duration, Some(Duration::from_micros(123)));
    assert_eq!(request.probabilities.unwrap().column(0).to_vec(), [0.25, 0.5, 0.75]);
    assert_eq!(counts.feedbacks, 1);
    let (request, _) = read("original.log");
    assert!(
        request.model.is_none() && request.duration.is_none() && request.probabilities.is_none()
    );
}
