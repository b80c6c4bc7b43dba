use std::time::UNIX_EPOCH;

use mlops_core::Feature;
use mlops_telemetry::LogReader;
use proptest::prelude::*;

use super::*;

fn schema() -> Arc<Schema> {
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
    Arc::new(Schema::new(features).unwrap())
}

/// What a reader of its own makes of a log.
fn read(log: &str) -> Vec<Logged> {
    let mut reader = LogReader::new(schema());
    let mut logged: Vec<_> = reader.read(log.as_bytes()).map(Result::unwrap).collect();
    logged.extend(reader.finish());
    assert_eq!(reader.counts().malformed, 0, "{log}");
    logged
}

/// The line of a request, at a second of 2026's first minute.
fn request(request_id: &str, second: u8, rows: &str) -> String {
    format!(
        r#"{{"ts":"2026-01-01T00:00:{second:02}Z","type":"inference","request_id":"{request_id}","inputs":{{"columns":["alcohol","is_red"],"data":{rows}}}}}"#
    )
}

fn label(request_id: &str, row: usize, second: u8, label: f64) -> String {
    format!(
        r#"{{"ts":"2026-01-01T00:00:{second:02}Z","type":"feedback","request_id":"{request_id}","row":{row},"label":{label}}}"#
    )
}

fn push(join: &mut LabelJoin, log: &str) {
    for logged in read(log) {
        join.push(logged);
    }
}

fn join(log: &[String]) -> Joined {
    let mut join = LabelJoin::new(schema());
    push(&mut join, &log.join("\n"));
    join.finish()
}

/// The request, the row, the bits of the values and the label of each row.
fn told(joined: &Joined) -> Vec<(&str, usize, Vec<u64>, f64)> {
    let LabelledRows { records, labels, keys, times } = &joined.rows;
    assert_eq!((labels.len(), times.len()), (keys.len(), keys.len()));
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    let rows = keys.iter().zip(records.rows()).zip(labels);
    rows.map(|((key, values), &label)| (&*key.request_id, key.row, bits(values), label)).collect()
}

fn keys(joined: &Joined) -> Vec<(&str, usize)> {
    joined.rows.keys.iter().map(|key| (&*key.request_id, key.row)).collect()
}

#[track_caller]
fn assert_adds_up(counts: &JoinCounts) {
    let rows = counts.labelled
        + counts.unlabelled
        + counts.contradictory
        + counts.without_values
        + counts.ambiguous;
    assert_eq!(rows, counts.rows, "{counts:?}");
    let labels = rows - counts.unlabelled
        + counts.repeated
        + counts.contradictions
        + counts.unknown_requests
        + counts.unknown_rows
        + counts.not_labels
        + counts.early
        + counts.late;
    assert_eq!(labels, counts.labels, "{counts:?}");
}

#[test]
fn rows_come_out_by_time_then_request_then_row() {
    let log = [
        label("b", 1, 50, 3.0),
        request("b", 20, "[[9.1,0],[9.2,0]]"),
        request("a", 20, "[[9.3,0]]"),
        request("c", 10, "[[9.4,0]]"),
        request("d", 5, "[[9.5,0]]").replace(r#""ts":"2026-01-01T00:00:05Z","#, ""),
        label("a", 0, 51, 1.0),
        label("c", 0, 52, 0.0),
        label("b", 0, 53, 2.0),
        label("d", 0, 1, 4.0),
    ];
    let joined = join(&log);
    assert_eq!(keys(&joined), [("d", 0), ("c", 0), ("a", 0), ("b", 0), ("b", 1)]);
    assert_eq!(joined.rows.labels, [4.0, 0.0, 1.0, 2.0, 3.0]);
    assert_eq!(joined.rows.records.column(0).to_vec(), [9.5, 9.4, 9.3, 9.1, 9.2]);
    let seconds = joined.rows.times.iter().map(|time| {
        time.map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs() - 1_767_225_600)
    });
    assert!(seconds.eq([None, Some(10), Some(20), Some(20), Some(20)]));
    let expected = JoinCounts { requests: 4, rows: 5, labelled: 5, labels: 5, ..joined.counts };
    assert_eq!(joined.counts, expected);
    assert_adds_up(&joined.counts);
}

#[test]
fn nothing_comes_of_nothing() {
    let joined = LabelJoin::new(schema()).finish();
    assert_eq!(joined.rows.records.n_rows(), 0);
    assert_eq!(joined.counts, JoinCounts::default());
    assert_eq!(joined.counts.to_string(), "");
}

#[test]
fn what_is_delivered_twice_counts_once() {
    let log = [request("a", 1, "[[9.4,1],[null,0]]"), label("a", 1, 2, 1.0)];
    let once = join(&log);
    let mut twice = LabelJoin::new(schema());
    for _ in 0..2 {
        push(&mut twice, &log.join("\n"));
    }
    let twice = twice.finish();
    assert_eq!(told(&twice), told(&once));
    assert_eq!(twice.counts, JoinCounts { labels: 2, repeated: 1, ..once.counts });
}

#[test]
fn the_same_label_is_harmless_and_another_one_is_not() {
    let rows = "[[1,1],[2,1],[3,1],[4,1]]";
    let log = [
        request("a", 1, rows),
        label("a", 0, 2, 0.0),
        label("a", 0, 3, -0.0),
        label("a", 0, 4, 0.0),
        label("a", 1, 2, 0.0),
        label("a", 1, 3, 1.0),
        label("a", 1, 4, 0.0),
        label("a", 1, 4, 2.0),
        label("a", 2, 2, 1.0),
    ];
    let joined = join(&log);
    assert_eq!(keys(&joined), [("a", 0), ("a", 2)]);
    assert!(joined.rows.labels[0].is_sign_positive());
    let expected = JoinCounts {
        requests: 1,
        rows: 4,
        labelled: 2,
        unlabelled: 1,
        contradictory: 1,
        labels: 8,
        repeated: 3,
        contradictions: 2,
        ..JoinCounts::default()
    };
    assert_eq!(joined.counts, expected);
    assert_adds_up(&joined.counts);
}

#[test]
fn labels_without_a_row_are_counted_by_what_they_lack() {
    let mut join = LabelJoin::new(schema());
    push(&mut join, &request("a", 1, "[[1,1],[2,1]]"));
    for (request_id, row, label) in [
        ("b", 0, 1.0),
        ("b", 7, f64::NAN),
        ("a", 2, 1.0),
        ("a", usize::MAX, 1.0),
        ("a", 0, f64::NAN),
        ("a", 0, -f64::NAN),
        ("a", 1, f64::INFINITY),
        ("a", 1, 5.0),
    ] {
        join.push_label(RowLabel::new(request_id, row, label));
    }
    let joined = join.finish();
    assert_eq!(told(&joined), [("a", 1, vec![2_f64.to_bits(), 1_f64.to_bits()], 5.0)]);
    let expected = JoinCounts {
        requests: 1,
        rows: 2,
        labelled: 1,
        unlabelled: 1,
        labels: 8,
        unknown_requests: 2,
        unknown_rows: 2,
        not_labels: 3,
        ..JoinCounts::default()
    };
    assert_eq!(joined.counts, expected);
    assert_adds_up(&joined.counts);
}

#[test]
fn labels_come_after_their_request_and_not_too_late() {
    let mut log = vec![request("a", 10, "[[1,1],[2,1],[3,1],[4,1]]")];
    for (row, second) in [(0, 9), (1, 10), (2, 40), (3, 41)] {
        log.push(label("a", row, second, 1.0));
    }
    assert_eq!(keys(&join(&log)), [("a", 1), ("a", 2), ("a", 3)]);
    let mut in_time = LabelJoin::new(schema()).max_delay(Duration::from_secs(30));
    push(&mut in_time, &log.join("\n"));
    in_time.push_label(RowLabel::new("a", 0, 7.0));
    let joined = in_time.finish();
    assert_eq!(keys(&joined), [("a", 0), ("a", 1), ("a", 2)]);
    assert_eq!(joined.rows.labels, [7.0, 1.0, 1.0], "nobody knows when the first was known");
    assert_eq!((joined.counts.early, joined.counts.late), (1, 1));
    assert_adds_up(&joined.counts);
}

#[test]
fn a_value_that_was_missing_stays_missing_and_one_that_is_not_known_does_not() {
    let hash = r#"[["6ac8c37ddc7a6cd6",1],[9.5,1]]"#;
    let log = [
        request("a", 1, "[[null,null],[9.4,1],[1e39,1]]"),
        request("b", 2, hash),
        request("c", 3, "[[9.6]]").replace(r#","is_red""#, ""),
        r#"{"type":"inference","request_id":"d","predictions":[0]}"#.to_owned(),
        label("a", 0, 9, 1.0),
        label("a", 1, 9, 1.0),
        label("a", 2, 9, 1.0),
        label("b", 0, 9, 1.0),
        label("b", 1, 9, 1.0),
        label("c", 0, 9, 1.0),
        label("d", 0, 9, 1.0),
    ];
    let joined = join(&log);
    assert_eq!(keys(&joined), [("a", 0), ("a", 1), ("b", 1)]);
    assert!(joined.rows.records.row(0).iter().all(|value| value.is_nan()));
    assert_eq!((joined.counts.without_values, joined.counts.unlabelled), (4, 0));
    assert_adds_up(&joined.counts);
}

#[test]
fn records_of_other_columns_have_no_values() {
    let narrow = Arc::new(Schema::new(vec![Feature::numeric("alcohol")]).unwrap());
    let mut join = LabelJoin::new(narrow);
    push(&mut join, &request("a", 1, "[[9.4,1]]"));
    join.push_label(RowLabel::new("a", 0, 1.0));
    let joined = join.finish();
    assert_eq!((joined.counts.without_values, joined.rows.records.n_rows()), (1, 0));
}

#[test]
fn rows_that_a_name_stands_for_twice_are_left_out() {
    let log = [
        request("a", 5, "[[1,1],[2,1]]"),
        label("a", 0, 9, 1.0),
        label("a", 1, 9, 1.0),
        label("a", 2, 9, 1.0),
    ];
    let mut both = LabelJoin::new(schema());
    push(&mut both, &log.join("\n"));
    let others = request("a", 4, "[[1,1],[null,1],[3,1]]");
    push(&mut both, &others);
    let joined = both.finish();
    assert_eq!(keys(&joined), [("a", 0), ("a", 2)]);
    let earlier = UNIX_EPOCH + Duration::from_secs(1_767_225_604);
    assert_eq!(joined.rows.times, [Some(earlier); 2]);
    assert_eq!((joined.counts.requests, joined.counts.rows, joined.counts.ambiguous), (1, 3, 1));
    assert_adds_up(&joined.counts);
}

#[test]
fn challengers_are_passed_over() {
    let shadow = request("a", 1, "[[9.4,1]]").replace("inference", "shadow");
    let joined = join(&[shadow, label("a", 0, 2, 1.0)]);
    let expected =
        JoinCounts { labels: 1, unknown_requests: 1, shadows: 1, ..JoinCounts::default() };
    assert_eq!(joined.counts, expected);
}

#[test]
fn pieces_of_a_request_are_put_together() {
    let log = [
        r#"[2026-01-01 00:00:07,000] INFO - {"type":"input_data","value":"[{\"alcohol\":9.4,\"is_red\":1}]","request_id":"a"}"#,
        r#"[2026-01-01 00:00:08,000] INFO - {"type":"output_data","predictions":[0],"request_id":"a"}"#,
        r#"{"type":"inference","request_id":"b","first_row":1,"n_rows":4,"inputs":{"columns":["alcohol","is_red"],"data":[[9.5,1]]}}"#,
        r#"{"type":"inference","request_id":"b","first_row":0,"n_rows":4,"inputs":{"columns":["alcohol","is_red"],"data":[[9.6,1]]}}"#,
    ];
    let mut join = LabelJoin::new(schema());
    for line in log.into_iter().rev() {
        push(&mut join, line);
    }
    for (request_id, row) in [("a", 0), ("b", 0), ("b", 1), ("b", 2), ("b", 4)] {
        join.push_label(RowLabel::new(request_id, row, 1.0));
    }
    let joined = join.finish();
    assert_eq!(keys(&joined), [("b", 0), ("b", 1), ("a", 0)]);
    assert_eq!(joined.rows.records.column(0).to_vec(), [9.6, 9.5, 9.4]);
    let earlier = UNIX_EPOCH + Duration::from_secs(1_767_225_607);
    assert_eq!(joined.rows.times, [None, None, Some(earlier)]);
    let expected = JoinCounts {
        requests: 2,
        rows: 5,
        labelled: 3,
        unlabelled: 1,
        without_values: 1,
        labels: 5,
        unknown_rows: 1,
        ..JoinCounts::default()
    };
    assert_eq!(joined.counts, expected);
}

#[test]
fn claims_of_a_line_take_no_memory() {
    let line = |request_id: &str| {
        format!(
            r#"{{"type":"inference","request_id":"{request_id}","first_row":7,"n_rows":{},"predictions":[0]}}"#,
            usize::MAX
        )
    };
    let joined = join(&[line("a"), line("b"), label("b", 7, 1, 1.0)]);
    assert_eq!((joined.counts.rows, joined.counts.without_values), (u64::MAX, 1));
}

#[test]
fn counts_are_written_as_lines_and_as_json() {
    let counts = JoinCounts {
        requests: 1,
        rows: 2,
        labelled: 3,
        unlabelled: 4,
        contradictory: 5,
        without_values: 6,
        ambiguous: 7,
        labels: 8,
        repeated: 9,
        contradictions: 10,
        unknown_requests: 11,
        unknown_rows: 12,
        not_labels: 13,
        early: 14,
        late: 15,
        shadows: 16,
    };
    insta::assert_snapshot!(counts, @r"
    1 request
    2 rows
    3 rows with a label
    4 rows without a label
    5 rows left out, with different labels
    6 rows left out, with values that the log does not show
    7 rows left out, logged with different values under one name
    8 labels
    9 labels repeated
    10 labels in contradiction to another
    11 labels of an unknown request
    12 labels of a row that the request does not have
    13 labels without a finite number
    14 labels from before the request
    15 labels from too long after the request
    16 challenger answers passed over
    ");
    insta::assert_snapshot!(serde_json::to_string(&counts).unwrap(), @r#"{"requests":1,"rows":2,"labelled":3,"unlabelled":4,"contradictory":5,"without_values":6,"ambiguous":7,"labels":8,"repeated":9,"contradictions":10,"unknown_requests":11,"unknown_rows":12,"not_labels":13,"early":14,"late":15,"shadows":16}"#);
}

/// A line of one of two requests and their rows; some of them cannot be used.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let id = prop_oneof![Just("a"), Just("b")];
    let values = prop_oneof![Just("9.4"), Just("9.5"), Just("null"), Just("1e39")];
    let rows = prop::collection::vec(values, 1..4);
    let request_line = (id.clone(), 0..4_u8, rows).prop_map(|(id, second, values)| {
        let rows: Vec<String> = values.iter().map(|value| format!("[{value},1]")).collect();
        request(id, second, &format!("[{}]", rows.join(",")))
    });
    let label_line = (id, 0..4_usize, 0..8_u8, prop_oneof![Just(0.0), Just(1.0)])
        .prop_map(|(id, row, second, value)| label(id, row, second, value));
    prop::collection::vec(prop_oneof![1 => request_line, 2 => label_line], 0..16)
}

proptest! {
    #[test]
    fn the_order_of_what_is_pushed_does_not_matter(
        (lines, shuffled) in lines().prop_flat_map(|lines| {
            (Just(lines.clone()), Just(lines).prop_shuffle())
        }),
    ) {
        let join = |lines: &[String]| {
            let mut join = LabelJoin::new(schema()).max_delay(Duration::from_secs(4));
            // Each line is read by itself: a reader would pass over what it has seen.
            for line in lines {
                push(&mut join, line);
            }
            join.finish()
        };
        let (joined, other) = (join(&lines), join(&shuffled));
        assert_adds_up(&joined.counts);
        prop_assert_eq!(joined.counts, other.counts);
        prop_assert_eq!(told(&joined), told(&other));
        prop_assert_eq!(joined.rows.times, other.rows.times);
    }
}
