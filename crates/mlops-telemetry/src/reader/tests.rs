use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use mlops_core::Feature;
use mlops_testing::{Mutator, SplitMix64, n_mutations};
use proptest::prelude::*;

use super::*;
use crate::lines::LineWriter;
use crate::testing::{inference, schema};
use crate::{
    Event, Feedback, Inference, LineFormat, ModelVersion, Monitoring, Part, Privacy, RequestId,
    Role,
};

fn lines(format: LineFormat, privacy: Privacy, events: &[Event]) -> String {
    let writer = LineWriter { service_name: "Wine".to_owned(), format, privacy };
    let mut lines = Vec::new();
    for event in events {
        writer.append(event, &mut lines).unwrap();
    }
    String::from_utf8(lines).unwrap()
}

fn compact(events: &[Event]) -> String {
    lines(LineFormat::Compact, Privacy::default(), events)
}

fn original(events: &[Event]) -> String {
    lines(LineFormat::Original, Privacy::default(), events)
}

/// Requests of one row, then two, and so on.
fn events(n_requests: u8) -> Vec<Event> {
    let event = |number: u8| {
        let alcohol: Vec<f64> = (0..=number).map(|row| 8.1 + f64::from(row)).collect();
        let mut inference = inference(&alcohol);
        inference.request_id = RequestId::new(number.into());
        Event::Inference(Box::new(inference))
    };
    (0..n_requests).map(event).collect()
}

fn inferences(events: &[Event]) -> Vec<&Inference> {
    let mut inferences = Vec::new();
    for event in events {
        if let Event::Inference(inference) = event {
            inferences.push(&**inference);
        }
    }
    inferences
}

fn read_with(reader: &mut LogReader, log: &str) -> Vec<Logged> {
    let mut logged: Vec<_> = reader.read(log.as_bytes()).map(Result::unwrap).collect();
    logged.extend(reader.finish());
    logged.iter().for_each(check);
    logged
}

fn requests(logged: Vec<Logged>) -> Vec<LoggedRequest> {
    let request = |logged| match logged {
        Logged::Request(request) => *request,
        Logged::Feedback(feedback) => panic!("{feedback:?}"),
    };
    let mut requests: Vec<_> = logged.into_iter().map(request).collect();
    requests.sort_by(|a, b| a.request_id.cmp(&b.request_id));
    requests
}

fn read(log: &str) -> (Vec<LoggedRequest>, ReadCounts) {
    let mut reader = LogReader::new(schema());
    (requests(read_with(&mut reader, log)), reader.counts())
}

/// What is about rows has an entry for each of them.
fn check(logged: &Logged) {
    let Logged::Request(request) = logged else { return };
    let n_rows = request.rows.len();
    assert!(request.rows.is_sorted_by(|a, b| a < b));
    assert!(request.rows.last().is_none_or(|&last| last < request.n_rows));
    if let Some(records) = &request.records {
        assert_eq!((records.n_rows(), request.is_whole.len()), (n_rows, n_rows));
    }
    if let Some(probabilities) = &request.probabilities {
        assert_eq!(probabilities.nrows(), n_rows);
    }
    assert!(request.predictions.is_empty() || request.predictions.len().is_multiple_of(n_rows));
    assert!([0, n_rows].contains(&request.outlier_scores.len()));
    assert!([0, n_rows].contains(&request.outlier_flags.len()));
    assert!(request.p_values.values().all(|value| (0.0..=1.0).contains(value)));
}

/// Both tell the same, as far as the log holds it.
fn assert_told(request: &LoggedRequest, inference: &Inference) {
    assert!(request.is_complete);
    assert_eq!(request.request_id, inference.request_id.as_str());
    assert_eq!(request.time, Some(inference.time));
    assert_eq!(request.service_name.as_deref(), Some("Wine"));
    assert_eq!(request.n_rows, inference.records.n_rows());
    assert!(request.rows.iter().copied().eq(0..request.n_rows));
    assert_eq!(request.records.as_ref().unwrap().values(), inference.records.values());
    assert!(request.absent.is_empty() && request.hidden.is_empty());
    assert!(request.is_whole.iter().all(|&is_whole| is_whole));
    let classes = inference.predictions.classes.as_ref().unwrap();
    assert!(request.predictions.iter().copied().eq(classes.iter().map(|&class| f64::from(class))));
    let drift = inference.monitoring.drift.as_ref().unwrap().report().unwrap();
    for feature in &drift.features {
        assert_eq!(request.p_values.get(&*feature.feature).copied(), feature.p_value);
    }
}

fn assert_told_with_outliers(request: &LoggedRequest, inference: &Inference, n_known: usize) {
    assert_told(request, inference);
    let outliers = inference.monitoring.outliers.as_ref().unwrap().report().unwrap();
    assert_eq!(request.outlier_scores.len(), outliers.rows.len());
    for (row, expected) in outliers.rows.iter().enumerate() {
        let (score, flag) = (request.outlier_scores[row], request.outlier_flags[row]);
        if row < n_known {
            assert_eq!((score, flag), (expected.score, Some(expected.is_outlier)));
        } else {
            assert!(score.is_nan() && flag.is_none());
        }
    }
}

#[test]
fn what_was_written_compactly_is_read_as_it_was() {
    let events = events(20);
    let (requests, counts) = read(&compact(&events));
    assert_eq!(counts, ReadCounts { requests: 20, ..ReadCounts::default() });
    for (request, inference) in requests.iter().zip(inferences(&events)) {
        assert_told_with_outliers(request, inference, usize::MAX);
        assert_eq!(request.model.as_ref(), Some(&*inference.model));
        assert_eq!(request.duration, Some(Duration::from_micros(123)));
        assert_eq!(request.probabilities.as_ref(), Some(&inference.predictions.outputs.values));
    }
}

#[test]
fn what_was_written_in_the_original_s_lines_is_read_as_it_was() {
    let events = events(20);
    let (requests, counts) = read(&original(&events));
    assert_eq!(counts, ReadCounts { requests: 20, ..ReadCounts::default() });
    for (request, inference) in requests.iter().zip(inferences(&events)) {
        // The names of two features stand for the first two rows.
        assert_told_with_outliers(request, inference, 2);
        assert!(request.model.is_none() && request.probabilities.is_none());
    }
}

#[test]
fn a_request_of_many_lines_is_one_again() {
    let alcohol: Vec<f64> = (0..10_000).map(|row| 8.0 + f64::from(row) / 3e3).collect();
    let events = [Event::Inference(Box::new(inference(&alcohol)))];
    for log in [compact(&events), original(&events)] {
        let mut shuffled: Vec<&str> = log.lines().collect();
        shuffled.reverse();
        for log in [log.clone(), shuffled.join("\n")] {
            let (requests, counts) = read(&log);
            assert_eq!(counts, ReadCounts { requests: 1, ..ReadCounts::default() });
            assert_told(&requests[0], inferences(&events)[0]);
        }
    }
}

#[test]
fn lines_of_many_requests_may_stand_in_any_order() {
    let events = events(30);
    let text = original(&events);
    let mut lines: Vec<&str> = text.lines().collect();
    let mut random = SplitMix64::new(1);
    for i in (1..lines.len()).rev() {
        let bound = i as u64 + 1;
        lines.swap(i, usize::try_from(random.next_u64() % bound).unwrap());
    }
    let (requests, counts) = read(&lines.join("\n"));
    assert_eq!(counts, ReadCounts { requests: 30, ..ReadCounts::default() });
    for (request, inference) in requests.iter().zip(inferences(&events)) {
        assert_told(request, inference);
    }
}

/// A log as container runtimes and exports write it.
fn wrapped(log: &str) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let time = "2022-01-12T15:06:40.007Z";
    let (mut cri, mut docker, mut entries, mut csv) =
        (String::new(), String::new(), Vec::new(), "PodName,TimeGenerated,LogMessage\n".to_owned());
    for line in log.lines() {
        let (first, second) = line.split_at(line.len() / 2);
        writeln!(cri, "{time} stdout P {first}\n{time} stderr F noise\n{time} stdout F {second}")
            .unwrap();
        let (first, second) = (json(first), json(&format!("{second}\n")));
        writeln!(docker, r#"{{"log":{first},"stream":"stdout","time":"{time}"}}"#).unwrap();
        writeln!(docker, r#"{{"log":{second},"stream":"stdout","time":"{time}"}}"#).unwrap();
        let message = if line.starts_with('{') { line.to_owned() } else { json(line) };
        entries.push(format!(r#"{{"TimeGenerated":"{time}","LogMessage":{message}}}"#));
        entries.push(format!(r#"{{"TimeGenerated":"{time}","LogEntry":{}}}"#, json(line)));
        writeln!(csv, "\"a,\nb\",{time},\"{}\"", line.replace('"', "\"\"")).unwrap();
    }
    let table = |start| entries[start..].iter().step_by(2).cloned().collect::<Vec<_>>();
    vec![
        cri,
        docker,
        table(0).join("\n"),
        table(1).join("\n"),
        format!("\u{feff}[\n  {}\n]\n", table(0).join(",\n  ")),
        format!("[{}]", table(1).join(",")),
        csv,
    ]
}

#[test]
fn runtimes_and_exports_may_wrap_every_format() {
    let events = events(5);
    for log in [compact(&events), original(&events)] {
        for log in wrapped(&log) {
            let (requests, counts) = read(&log);
            assert_eq!((requests.len(), counts.malformed, counts.torn), (5, 0, 0), "{log}");
            for (request, inference) in requests.iter().zip(inferences(&events)) {
                assert_told(request, inference);
            }
        }
    }
}

#[test]
fn foreign_and_broken_lines_are_counted_and_hide_no_other() {
    let events = events(2);
    let text = original(&events);
    let noise = "\
        Serving on port 5000\n\
        [2022-01-12 15:06:40,007] INFO - {'task': InferenceTask(), 'result': [0]}\n\
        {\"type\":\"request\",\"status\":200}\n\
        {\"type\":\"input_data\",\"request_id\":\n\
        {\"type\":\"output_data\",\"request_id\":\"a\",\"predictions\":{}}\n";
    let log: String = text.split_inclusive('\n').flat_map(|line| [noise, line]).collect();
    let (requests, counts) = read(&log);
    assert_eq!(requests.len(), 2);
    let expected = ReadCounts { requests: 2, skipped: 18, malformed: 12, ..ReadCounts::default() };
    assert_eq!(counts, expected);
}

#[test]
fn a_torn_last_line_is_ignored_and_a_whole_one_without_its_end_is_not() {
    let log = compact(&events(2));
    for cut in 1..400 {
        let (requests, counts) = read(&log[..log.len() - cut]);
        let n_requests = if cut == 1 { 2 } else { 1 };
        assert_eq!((requests.len(), counts.malformed), (n_requests, 0), "{cut} bytes cut off");
        assert_eq!(counts.torn, 2 - n_requests as u64);
    }
}

#[test]
fn what_was_delivered_twice_is_given_out_once() {
    let mut events = events(3);
    let feedback =
        Feedback { time: SystemTime::UNIX_EPOCH, ..Feedback::new(RequestId::new(1), 0, 1.0) };
    events.push(Event::Feedback(feedback));
    for (log, n_lines) in [(compact(&events), 4), (original(&events), 10)] {
        let mut reader = LogReader::new(schema());
        assert_eq!(read_with(&mut reader, &log).len(), 4);
        assert_eq!(read_with(&mut reader, &log).len(), 0);
        let expected =
            ReadCounts { requests: 3, feedbacks: 1, duplicates: n_lines, ..ReadCounts::default() };
        assert_eq!(reader.counts(), expected);
    }
}

#[test]
fn a_challenger_s_answer_and_a_truth_stand_beside_the_request() {
    let mut shadow = inference(&[9.4]);
    shadow.role = Role::Challenger;
    shadow.model = Arc::new(ModelVersion::new("wines", Some("8".to_owned())));
    let feedback =
        Feedback { time: SystemTime::UNIX_EPOCH, ..Feedback::new(RequestId::new(255), 0, 1.0) };
    let events = [
        Event::Inference(Box::new(inference(&[9.4]))),
        Event::Inference(Box::new(shadow)),
        Event::Feedback(feedback),
    ];
    let mut reader = LogReader::new(schema());
    let logged = read_with(&mut reader, &compact(&events));
    let [Logged::Request(champion), Logged::Request(shadow), Logged::Feedback(truth)] = &logged[..]
    else {
        panic!("{logged:?}")
    };
    assert!(!champion.is_shadow && champion.records.is_some());
    assert!(shadow.is_shadow && shadow.records.is_none() && shadow.is_complete);
    assert_eq!((shadow.rows.as_slice(), shadow.predictions.as_slice()), (&[0][..], &[0.0][..]));
    assert_eq!(truth.request_id, champion.request_id);
    assert_eq!((truth.row, truth.label, truth.time), (0, 1.0, Some(SystemTime::UNIX_EPOCH)));
}

#[test]
fn columns_that_are_not_in_the_log_are_named() {
    let privacy = Privacy::default().drop(["is_red"]).hash([1; 32], ["alcohol"]);
    let wide =
        vec![Feature::integer("is_red"), Feature::numeric("pH"), Feature::numeric("alcohol")];
    let wide = Arc::new(Schema::new(wide).unwrap());
    for format in [LineFormat::Compact, LineFormat::Original] {
        let log = lines(format, privacy.clone(), &events(1));
        let mut reader = LogReader::new(Arc::clone(&wide));
        let request = requests(read_with(&mut reader, &log)).remove(0);
        assert_eq!(request.absent, ["is_red", "pH"]);
        assert_eq!(request.hidden, ["alcohol"]);
        assert!(request.records.unwrap().row(0).iter().all(|value| value.is_nan()));
        assert_eq!(request.is_whole, [false]);
        assert!(request.p_values.is_empty());
        assert_eq!(request.predictions, [0.0]);
    }
}

#[test]
fn rows_are_whole_if_the_log_has_all_that_they_had() {
    let is_whole = |log: &str| read(log).0.remove(0).is_whole;
    let line = |rest: &str, columns: &str, data: &str| {
        format!(
            r#"{{"type":"inference","request_id":"a",{rest}"inputs":{{"columns":{columns},"data":{data}}}}}"#
        )
    };
    let both = r#"["alcohol","is_red"]"#;
    let values = "[[9.4,1],[null,1],[1e39,1],[9.4,\"red\"]]";
    assert_eq!(is_whole(&line("", both, values)), [true, true, false, false]);
    assert_eq!(is_whole(&line("", r#"["alcohol"]"#, "[[9.4]]")), [false]);
    // Whether a missing value stands among hashes by chance or by choice, nobody can tell.
    let values = r#"[["6ac8c37ddc7a6cd6",1],[null,1]]"#;
    assert_eq!(is_whole(&line("", both, values)), [false, false]);

    let first = line(r#""first_row":0,"n_rows":3,"#, both, "[[9.4,1]]");
    let last =
        r#"{"type":"inference","request_id":"a","first_row":1,"n_rows":3,"predictions":[0,1]}"#;
    assert_eq!(is_whole(&[&first, last].join("\n")), [true, false, false]);
    assert!(is_whole(last).is_empty());
}

#[test]
fn what_is_missing_at_the_end_is_missing_in_the_request() {
    let alcohol: Vec<f64> = (0..10_000).map(|row| 8.0 + f64::from(row) / 3e3).collect();
    let log = compact(&[Event::Inference(Box::new(inference(&alcohol)))]);
    let kept: Vec<&str> = log.lines().skip(1).step_by(2).collect();
    let (requests, counts) = read(&kept.join("\n"));
    assert_eq!((counts.requests, counts.incomplete), (1, 1));
    let request = &requests[0];
    assert!(!request.is_complete && request.n_rows == 10_000);
    assert!(request.rows.len() < 10_000 && request.p_values.is_empty());
    let records = request.records.as_ref().unwrap();
    for (i, &row) in request.rows.iter().enumerate() {
        assert_eq!(records.row(i)[0], alcohol[row]);
        assert_eq!(request.outlier_scores[i], alcohol[row]);
    }

    let log = original(&events(1));
    let (requests, _) = read(log.lines().nth(2).unwrap());
    assert!(!requests[0].is_complete && requests[0].records.is_none());
    assert_eq!(
        (requests[0].rows.as_slice(), requests[0].predictions.as_slice()),
        (&[0][..], &[0.0][..])
    );
}

#[test]
fn requests_do_not_wait_for_ever() {
    let log = original(&events(50));
    let inputs: Vec<&str> = log.lines().step_by(3).collect();
    let mut reader = LogReader::new(schema()).max_pending(10);
    let mut n_read = 0;
    for line in inputs {
        n_read += reader.read(line.as_bytes()).count();
        assert!(reader.joiner.n_pending() <= 10);
    }
    assert_eq!((n_read, reader.finish().len(), reader.counts().incomplete), (40, 10, 50));
    assert_eq!(reader.joiner.size(), 0);
}

#[test]
fn lines_that_are_too_long_are_left_out() {
    let log = compact(&events(4));
    let longest = log.lines().map(str::len).max().unwrap();
    let mut reader = LogReader::new(schema()).max_line_bytes(longest - 1);
    assert_eq!(read_with(&mut reader, &log).len(), 3);
    assert_eq!(reader.counts().too_long, 1);
}

#[test]
fn a_model_of_several_outputs_and_detectors_that_failed_are_read() {
    let line = r#"{"type":"inference","request_id":"a","predictions":[[1,2],[3,4]],"monitoring":{"drift":{"status":"unavailable"},"outliers":{"status":"unavailable"}}}"#;
    let (requests, _) = read(line);
    assert_eq!(requests[0].predictions, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(requests[0].n_rows, 2);
    assert!(requests[0].outlier_scores.is_empty() && requests[0].p_values.is_empty());
    let mut broken = inference(&[9.4]);
    broken.monitoring = Monitoring { drift: Some(Part::Unavailable), outliers: None };
    let (requests, counts) = read(&compact(&[Event::Inference(Box::new(broken))]));
    assert_eq!((requests[0].is_complete, counts.malformed), (true, 0));
}

#[test]
fn an_error_of_the_input_ends_the_file_and_not_the_reader() {
    struct Broken;

    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    let mut reader = LogReader::new(schema());
    let mut entries = reader.read(io::BufReader::new(Broken));
    assert_eq!(entries.next().unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(entries.next().is_none());
    assert_eq!(read_with(&mut reader, &compact(&events(1))).len(), 1);
}

#[test]
fn changed_logs_are_read_or_counted() {
    let events = events(3);
    let (compact, original) = (compact(&events), original(&events));
    let mut logs = [wrapped(&compact), wrapped(&original)].concat();
    logs.extend([compact, original]);
    let mut mutator = Mutator::new(0x106);
    for round in 0..n_mutations() {
        let log = mutator.mutate(logs[round % logs.len()].as_bytes());
        let mut reader = LogReader::new(schema()).max_line_bytes(2048).max_pending(2);
        let mut n_given = 0;
        for logged in reader.read(log) {
            check(&logged.unwrap());
            n_given += 1;
        }
        assert!(reader.joiner.n_pending() <= 2 && reader.joiner.size() < 100_000);
        n_given += reader.finish().inspect(check).len();
        let counts = reader.counts();
        assert_eq!(n_given as u64, counts.requests + counts.feedbacks);
    }
}

#[test]
fn claims_of_a_line_take_no_memory() {
    let line = |first_row: usize, rest: &str| {
        format!(
            r#"{{"type":"inference","request_id":"a","first_row":{first_row},"n_rows":{},{rest}}}"#,
            usize::MAX
        )
    };
    let one_wide = line(0, &format!(r#""predictions":[[{}1]]"#, "1,".repeat(100_000)));
    let many = line(7, &format!(r#""predictions":[{}1]"#, "1,".repeat(100_000)));
    let far = line(usize::MAX - 1, r#""predictions":[1,2,3]"#);
    let (requests, _) = read(&[one_wide, many, far].join("\n"));
    assert_eq!(requests[0].rows.len(), 100_003);
    assert_eq!(requests[0].rows.last(), Some(&(usize::MAX - 1)));
    assert!(requests[0].predictions.is_empty(), "rows of this width would not fit");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_counted(bytes: Vec<u8>, start in 0..6_usize) {
        let starts = ["", "[{", "LogEntry\n", "{\"log\":", "2022-01-12T15:06:40Z stdout P ", "[2022-01-12"];
        let log = [starts[start].as_bytes(), &bytes].concat();
        let mut reader = LogReader::new(schema()).max_line_bytes(64);
        for logged in reader.read(&log[..]) {
            check(&logged.unwrap());
        }
        prop_assert_eq!(reader.finish().len(), 0);
    }
}
