//! `score`: files get the scores that the models of the store give their rows, and nothing else changes.

#[cfg(feature = "parquet")]
mod parquet;
mod trained;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use mlops_core::{Records, RecordsBuilder, RecordsLimits};
use serde_json::Value;

use crate::program::{bundled_data, text};
use trained::{Trained, names};

/// The measurements of the bundled red wines, as the file has them.
fn red_wines() -> Vec<Vec<String>> {
    let file = fs::read_to_string(bundled_data().join("winequality-red.csv")).unwrap();
    let cells = |line: &str| line.split(';').map(ToOwned::to_owned).collect();
    file.lines().skip(1).map(cells).collect()
}

/// The columns of a file with all features in another order, and two that are not the models'.
const COLUMNS: [&str; 14] = [
    "vintage",
    "alcohol",
    "is_red",
    "sulphates",
    "pH",
    "density",
    "total_sulfur_dioxide",
    "free_sulfur_dioxide",
    "chlorides",
    "residual_sugar",
    "citric_acid",
    "volatile_acidity",
    "fixed_acidity",
    "note",
];

/// Red wines as [`COLUMNS`] have them.
fn shuffled() -> impl Iterator<Item = Vec<String>> {
    red_wines().into_iter().enumerate().map(|(row, wine)| {
        let measured = wine[..11].iter().rev().cloned();
        let mut cells = vec![format!("{:03}", row % 100)];
        cells.extend(measured);
        cells.insert(2, "1".to_owned());
        cells.push("\"round, soft\"".to_owned());
        cells
    })
}

fn csv() -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for wine in shuffled() {
        writeln!(text, "{}", wine.join(",")).unwrap();
    }
    text
}

fn json_lines() -> String {
    let mut text = String::new();
    for wine in shuffled() {
        let fields = COLUMNS.iter().zip(wine).filter(|(name, _)| **name != "vintage");
        let fields: Vec<String> =
            fields.map(|(name, value)| format!("\"{name}\": {value}")).collect();
        writeln!(text, "{{{}}}", fields.join(", ")).unwrap();
    }
    text
}

/// The records of a CSV file with [`COLUMNS`].
fn records(trained: &Trained, csv: &str) -> Records {
    let limits = RecordsLimits::default();
    let builder = RecordsBuilder::new(trained.schema(), limits).ignore_unknown();
    builder.read_csv(csv.as_bytes()).unwrap()
}

#[test]
fn scores_of_csv_are_those_of_the_models() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let wines = csv();
    fs::write(folder.path().join("wines.csv"), &wines).unwrap();
    let expected = trained.scores(&records(&trained, &wines));
    for more in
        [&[][..], &["--jobs", "1", "--batch-size", "7"], &["--jobs", "3", "--batch-size", "100"]]
    {
        let output = trained.score(
            folder.path(),
            &[&["--input", "wines.csv", "--output", "scored.csv"], more].concat(),
        );
        let said = text(&output.stderr);
        assert!(output.status.success() && output.stdout.is_empty(), "{said}");
        assert!(said.starts_with("rows scored: 1599, of which outliers: "), "{said}");
        assert_eq!(names(folder.path()), ["scored.csv", "wines.csv"]);

        let scored = fs::read_to_string(folder.path().join("scored.csv")).unwrap();
        let mut lines = scored.lines().zip(wines.lines());
        let (header, before) = lines.next().unwrap();
        assert_eq!(header, format!("{before},prediction,probability,outlier_score,is_outlier"));
        let found: Vec<_> = lines
            .map(|(line, before)| {
                let added: Vec<&str> = line.strip_prefix(before).unwrap()[1..].split(',').collect();
                let [class, probability, score, is_outlier] = added[..] else { panic!("{line}") };
                let bits = |number: &str| number.parse::<f64>().unwrap().to_bits();
                (
                    class.parse().unwrap(),
                    bits(probability),
                    bits(score),
                    is_outlier.parse().unwrap(),
                )
            })
            .collect();
        assert!(found == expected);
    }
    assert!(expected.iter().any(|row| row.3) && expected.iter().any(|row| row.0 == 1));
}

#[test]
fn scores_of_json_lines_are_those_of_the_models() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let wines = json_lines();
    fs::write(folder.path().join("wines.ndjson"), &wines).unwrap();
    let args =
        ["--input", "wines.ndjson", "--prefix", "model_", "--batch-size", "64", "--jobs", "2"];
    let output = trained.score(folder.path(), &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let scored = text(&output.stdout);
    let found: Vec<_> = scored
        .lines()
        .zip(wines.lines())
        .map(|(line, before)| {
            let added = line.strip_prefix(before.strip_suffix('}').unwrap()).unwrap();
            let added: Value = serde_json::from_str(&added.replacen(',', "{", 1)).unwrap();
            let number = |name: &str| added[format!("model_{name}")].as_f64().unwrap();
            let bits = |name: &str| number(name).to_bits();
            let is_outlier = added["model_is_outlier"].as_bool().unwrap();
            (
                u32::from(number("prediction") == 1.0),
                bits("probability"),
                bits("outlier_score"),
                is_outlier,
            )
        })
        .collect();
    assert!(found == trained.scores(&records(&trained, &csv())));
}

/// Gives `text` to stdin.
fn feed(mut command: Command, text: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    thread::scope(|scope| {
        // The program may have ended before it has read everything.
        scope.spawn(move || _ = stdin.write_all(text));
        process.wait_with_output().unwrap()
    })
}

#[test]
fn rows_flow_from_stdin_to_stdout() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let csv = csv();
    let output = feed(trained.command(folder.path(), &["--format", "csv"]), csv.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1600);

    let header = csv.lines().next().unwrap();
    let output = feed(trained.command(folder.path(), &["--format", "csv"]), header.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        format!("{header},prediction,probability,outlier_score,is_outlier\n")
    );
    let output = feed(trained.command(folder.path(), &["--format", "jsonl"]), b"");
    assert!(output.status.success() && output.stdout.is_empty());
    let output = feed(trained.command(folder.path(), &["--format", "csv"]), b"");
    assert!(text(&output.stderr).starts_with("error: stdin cannot be scored: the input is empty"));
}

#[test]
fn a_file_may_be_scored_in_its_place() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let wines = csv();
    for name in ["wines.csv", "same.csv"] {
        fs::write(folder.path().join(name), &wines).unwrap();
    }
    for (input, output) in [("wines.csv", "scored.csv"), ("same.csv", "same.csv")] {
        let output = trained.score(folder.path(), &["--input", input, "--output", output]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("same.csv") == read("scored.csv") && read("wines.csv") == wines.as_bytes());
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_without_room_is_an_error() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wines.csv"), csv()).unwrap();
    let said = trained.failure(folder.path(), &["--input", "wines.csv", "--output", "/dev/full"]);
    assert!(
        said.starts_with("error: /dev/full cannot be read or written: No space left"),
        "{said}"
    );
    let mut command = trained.command(folder.path(), &["--input", "wines.csv"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    let said = text(&output.stderr);
    assert!(said.starts_with("error: stdout cannot be read or written: No space left"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let all = csv();
    let mut command = trained.command(folder.path(), &["--format", "csv", "--batch-size", "10"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        let rows = all.split_once('\n').unwrap().1.to_owned();
        let mut outcome = stdin.write_all(all.as_bytes());
        while outcome.is_ok() {
            outcome = stdin.write_all(rows.as_bytes());
        }
    });
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 1000]).unwrap();
    drop(stdout);
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn a_bad_row_is_named_or_passed_over() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let bad = csv().replacen(",9.4,1,", ",strong,1,", 2).replacen(",9.8,1,", ",9.8,0.5,", 1);
    fs::write(folder.path().join("wines.csv"), &bad).unwrap();
    let args = ["--input", "wines.csv", "--output", "scored.csv"];
    let error = trained.failure(folder.path(), &args);
    assert_eq!(
        error,
        "error: wines.csv cannot be scored: line 2, field `alcohol`: the value has the wrong type\n"
    );
    for (policy, n_lines, counts) in [
        ("skip", 1597, "rows with empty results: 0; rows left out: 3"),
        ("null", 1600, "rows with empty results: 3; rows left out: 0"),
    ] {
        let output = trained.score(folder.path(), &[&args[..], &["--on-error", policy]].concat());
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.starts_with("rows scored: 1596, of which outliers: "), "{said}");
        let first = "the first of them: line 2, field `alcohol`: the value has the wrong type\n";
        assert!(said.ends_with(&format!("{counts}; {first}")), "{said}");
        let scored = fs::read_to_string(folder.path().join("scored.csv")).unwrap();
        assert_eq!(scored.lines().count(), n_lines);
        assert_eq!(scored.lines().filter(|line| line.ends_with(",,,,")).count(), n_lines - 1597);
        fs::remove_file(folder.path().join("scored.csv")).unwrap();
    }
}

#[test]
fn what_is_no_such_file_is_refused() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let csv = csv();
    fs::write(folder.path().join("scored.csv"), "old").unwrap();
    fs::write(folder.path().join("wines.txt"), &csv).unwrap();
    for (name, content, error) in [
        ("a.csv", &b""[..], "the input is empty, expected a line with the names of the columns"),
        ("b.csv", csv.replacen("pH", "ph", 1).as_bytes(), "the input has no column `pH`"),
        (
            "c.csv",
            csv.replacen("note", "prediction", 1).as_bytes(),
            "the input has a column `prediction` already",
        ),
        ("d.csv", &[0xff, 0xfe, 0, b'\n', 7][..], "the first line does not name columns"),
        ("e.csv", &csv.as_bytes()[..csv.len() - 3], "line 1600: a quote is left open"),
        ("f.jsonl", b"\x1f\x8b\x08\0\0", "line 1, column 1: malformed JSON"),
        ("g.jsonl", csv.as_bytes(), "line 1, column 1: malformed JSON"),
        ("h.jsonl", b"[{}]", "line 1: expected an object with the fields of a row"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
        let output = format!("scored.{}", name.split_once('.').unwrap().1);
        let said = trained.failure(folder.path(), &["--input", name, "--output", &output]);
        assert!(said.starts_with(&format!("error: {name} cannot be scored: {error}")), "{said}");
    }
    let said = trained.failure(
        folder.path(),
        &["--input", "wines.txt", "--output", "scored.csv", "--format", "parquet"],
    );
    assert!(said.contains("Parquet"), "{said}");
    for args in [
        &["--input", "wines.txt"][..],
        &["--input", "wines.csv", "--output", "wines.jsonl"],
        &["--format", "parquet"],
    ] {
        let said = trained.failure(folder.path(), args);
        assert!(said.contains("`--format` should say") || said.contains("Parquet"), "{said}");
    }
    for args in [
        ["--input", "none.csv", "--output", "scored.csv"],
        ["--input", "wines.txt", "--output", "none/scored.csv"],
        ["--input", "wines.txt", "--output", "."],
        ["--input", ".", "--output", "scored.csv"],
    ] {
        let said = trained.failure(folder.path(), &[&args[..], &["--format", "csv"]].concat());
        assert!(said.contains("cannot be read or written"), "{said}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("scored.csv")).unwrap(), "old");
}

/// Whether a file whose name begins so is in the folder, waited for.
fn wait_for(folder: &Path, prefix: &str) {
    for _ in 0..600 {
        if names(folder).iter().any(|name| name.starts_with(prefix)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{:?}", names(folder));
}

#[test]
fn a_process_that_is_stopped_leaves_no_output() {
    let trained = Trained::shared();
    for (signal, left) in [("-TERM", 0), ("-INT", 0), ("-KILL", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let args = ["--format", "csv", "--output", "scored.csv"];
        let mut command = trained.command(folder.path(), &args);
        let mut process = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Stdin stays open: there may be more.
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(csv().as_bytes()).unwrap();
        wait_for(folder.path(), ".tmp-scored.csv-");
        // The program listens to signals soon after.
        thread::sleep(Duration::from_millis(200));
        let pid = process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert!(!process.wait().unwrap().success());
        let names = names(folder.path());
        assert!(!names.contains(&"scored.csv".to_owned()));
        assert_eq!(names.len(), left, "{names:?}");
    }
}

#[test]
fn what_is_no_file_is_written_to_and_a_link_stays_one() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wines.csv"), csv()).unwrap();
    let output = trained.score(folder.path(), &["--input", "wines.csv", "--output", "/dev/stdout"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1600);

    fs::write(folder.path().join("there.csv"), "old").unwrap();
    std::os::unix::fs::symlink("there.csv", folder.path().join("link.csv")).unwrap();
    let output = trained.score(folder.path(), &["--input", "wines.csv", "--output", "link.csv"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(names(folder.path()), ["link.csv", "there.csv", "wines.csv"]);
    assert!(folder.path().join("link.csv").is_symlink());
    let scored = fs::read_to_string(folder.path().join("there.csv")).unwrap();
    assert_eq!(scored.lines().count(), 1600);
}
