//! Labels for requests as services log them.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use mlops_core::{Feature, Prediction, Records, RecordsLimits, Schema};
use mlops_pipeline::labels::{JoinCounts, Joined, LabelCsv, LabelJoin};
use mlops_telemetry::{
    AuditLog, AuditOptions, Event, Feedback, Inference, LineFormat, LogReader, ModelVersion,
    Privacy, RequestId, Role, Telemetry, TelemetryBuilder,
};

fn schema() -> Arc<Schema> {
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
    Arc::new(Schema::new(features).unwrap())
}

/// Joins what files tell, and a table of labels.
fn join(files: &[PathBuf], table: &str) -> Joined {
    let mut join = LabelJoin::new(schema()).max_delay(Duration::from_secs(30 * 86_400));
    let mut reader = LogReader::new(schema());
    for file in files {
        for logged in reader.read(BufReader::new(File::open(file).unwrap())) {
            join.push(logged.unwrap());
        }
    }
    reader.finish().for_each(|logged| join.push(logged));
    for label in LabelCsv::new(table.as_bytes()).unwrap() {
        join.push_label(label.unwrap());
    }
    assert_eq!((reader.counts().malformed, reader.counts().torn), (0, 0));
    join.finish()
}

/// Two requests, a challenger's answer to the second one, and labels of the first.
fn events() -> Vec<Event> {
    let asked = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let inference = |number: u8, body: &str| {
        let records = Records::from_json(&schema(), body.as_bytes(), RecordsLimits::default());
        let records = Arc::new(records.unwrap());
        let predictions = Prediction::single(vec![0.5; records.n_rows()]).into();
        let model = Arc::new(ModelVersion::new("wines", Some("7".to_owned())));
        let mut inference =
            Inference::new(RequestId::new(number.into()), model, records, predictions);
        inference.time = asked + Duration::from_secs(number.into());
        inference
    };
    let feedback = |row, label, days: u64| {
        let mut feedback = Feedback::new(RequestId::new(1), row, label);
        feedback.time = asked + Duration::from_secs(days * 86_400);
        feedback
    };
    let rows =
        r#"[{"alcohol":9.4,"is_red":1},{"alcohol":null,"is_red":0},{"alcohol":12.5,"is_red":1}]"#;
    let second = inference(2, r#"[{"alcohol":0.1,"is_red":0}]"#);
    let mut challenger = second.clone();
    challenger.role = Role::Challenger;
    vec![
        Event::Feedback(feedback(0, 1.0, 7)),
        Event::Inference(Box::new(inference(1, rows))),
        Event::Inference(Box::new(second)),
        Event::Inference(Box::new(challenger)),
        Event::Feedback(feedback(1, 0.0, 8)),
        Event::Feedback(feedback(2, 1.0, 31)),
        Event::Feedback(feedback(3, 1.0, 8)),
    ]
}

/// Writes a log of the events.
fn record(telemetry: TelemetryBuilder) {
    let telemetry = telemetry.start().unwrap();
    for event in &events() {
        telemetry.record(event);
    }
    telemetry.flush(Duration::from_secs(10)).unwrap();
}

/// The first two rows of the first request, and the second request, whose label the table has.
#[track_caller]
fn assert_joined(joined: &Joined) {
    let rows: Vec<_> = joined.rows.keys.iter().map(|key| (&*key.request_id, key.row)).collect();
    let (first, second) = (RequestId::new(1), RequestId::new(2));
    assert_eq!(rows, [(first.as_str(), 0), (first.as_str(), 1), (second.as_str(), 0)]);
    assert_eq!(joined.rows.labels, [1.0, 0.0, 3.5]);
    let records = &joined.rows.records;
    assert_eq!(records.row(0).to_vec(), [9.4, 1.0]);
    assert!(records.row(1)[0].is_nan() && records.row(1)[1] == 0.0);
    assert_eq!(records.row(2).to_vec(), [0.1, 0.0]);
}

const TABLE: &str = "request_id,row,label\n00000000000000000000000000000002,0,3.5\n";

#[test]
fn lines_of_telemetry_are_joined_with_labels() {
    let dir = tempfile::tempdir().unwrap();
    for format in [LineFormat::Compact, LineFormat::Original] {
        let path = dir.path().join("service.log");
        let telemetry = Telemetry::builder("Wine", File::create(&path).unwrap()).format(format);
        record(telemetry);
        let joined = join(&[path.clone(), path], TABLE);
        assert_joined(&joined);
        let JoinCounts { requests, rows, labelled, unlabelled, shadows, .. } = joined.counts;
        assert_eq!((requests, rows, labelled, unlabelled, shadows), (2, 4, 3, 1, 1));
        let JoinCounts { labels, repeated, late, unknown_rows, .. } = joined.counts;
        assert_eq!((labels, repeated, late, unknown_rows), (5, 0, 1, 1), "{format:?}");
    }
}

#[test]
fn segments_of_an_audit_log_are_joined_with_labels() {
    let dir = tempfile::tempdir().unwrap();
    let audit = AuditLog::open(dir.path(), AuditOptions::new("Wine").max_segment_bytes(1)).unwrap();
    for event in events() {
        let (done, outcome) = mpsc::channel();
        audit.append(event, move |outcome| done.send(outcome).unwrap());
        outcome.recv().unwrap().unwrap();
    }
    drop(audit);
    let segments = AuditLog::sealed_segments(dir.path()).unwrap();
    assert!(segments.len() > 1);
    assert_joined(&join(&segments, TABLE));
}

#[test]
fn rows_with_hidden_values_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    for privacy in
        [Privacy::default().drop(["is_red"]), Privacy::default().hash([1; 32], ["alcohol"])]
    {
        let path = dir.path().join("service.log");
        let telemetry = Telemetry::builder("Wine", File::create(&path).unwrap()).privacy(privacy);
        record(telemetry);
        let counts = join(&[path], TABLE).counts;
        assert_eq!((counts.labelled, counts.without_values, counts.unlabelled), (0, 3, 1));
    }
}

#[test]
fn every_kind_of_log_and_export_is_joined_with_labels() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mlops-telemetry/tests/data");
    let id = "0f2d7f3c7a0b4c0e9a1de6f5f3a7b1c2";
    let table = format!(
        "time,request_id,row,label\n2022-01-13T00:00:00Z,{id},1,0\n2022-01-12T15:06:40Z,{id},0,1\n,{id},2,1\n"
    );
    let names = [
        "original.log",
        "compact.jsonl",
        "cri.log",
        "docker.jsonl",
        "container_log.json",
        "container_log.csv",
        "container_log_v2.jsonl",
    ];
    let alone: Vec<Joined> = names.iter().map(|name| join(&[samples.join(name)], &table)).collect();
    // What several pods and exports tell of one request is the same.
    let together = join(&names.map(|name| samples.join(name)), &table);
    for joined in alone.iter().chain([&together]) {
        let rows: Vec<_> = joined.rows.keys.iter().map(|key| (&*key.request_id, key.row)).collect();
        assert_eq!(rows, [(id, 1), (id, 2)]);
        assert_eq!(joined.rows.labels, [0.0, 1.0]);
        let records = &joined.rows.records;
        assert!(records.row(0)[0].is_nan() && records.row(0)[1] == 0.0);
        assert_eq!(records.row(1).to_vec(), [12.5, 0.0]);
        let JoinCounts { requests, rows, labelled, unlabelled, early, .. } = joined.counts;
        // The first label was known 7 ms before anybody asked.
        assert_eq!((requests, rows, labelled, unlabelled, early), (1, 3, 2, 1, 1));
    }
}
