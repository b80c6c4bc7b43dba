//! How much memory a log can make its reader take; a program of its own, as it replaces the allocator.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use allocation_counter::measure;
use mlops_core::{Feature, Schema};
use mlops_telemetry::LogReader;

/// The most bytes that are held at once while a log is read whose lines are at most 64 KiB long.
fn peak(log: impl BufRead) -> u64 {
    let features = (0..100).map(|number| Feature::numeric(format!("feature {number}"))).collect();
    let schema = Arc::new(Schema::new(features).unwrap());
    let measured = measure(|| {
        let mut reader = LogReader::new(schema).max_line_bytes(64 << 10).max_pending(100);
        let n_read = reader.read(log).map(Result::unwrap).count();
        assert!(n_read + reader.finish().len() <= 200_000);
    });
    measured.bytes_max
}

/// What begins with `start` and goes on with `rest`, again and again, for 16 MiB.
fn endless(start: &'static str, rest: &'static str) -> impl BufRead {
    let rest = rest.repeat((1 << 16) / rest.len());
    BufReader::new(start.as_bytes().chain(Repeat { rest, position: 0 }.take(1 << 24)))
}

struct Repeat {
    rest: String,
    position: usize,
}

impl Read for Repeat {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = (&self.rest.as_bytes()[self.position..]).read(buffer)?;
        self.position = (self.position + n_read) % self.rest.len();
        Ok(n_read)
    }
}

#[test]
fn what_never_ends_takes_no_more_than_a_line() {
    let starts = [
        ("", "x"),
        ("{", "\"a\":"),
        ("[{\"a\":\"", "x"),
        ("[", "[{"),
        ("LogEntry\n\"", "x\n"),
        ("", "2022-01-12T15:06:40Z stdout P xxxxxxxxxxxxxxxxxxxx\n"),
        ("", "{\"log\":\"xxxxxxxxxxxxxxxxxxxxxxxxxx\",\"stream\":\"stdout\"}\n"),
    ];
    for (start, rest) in starts {
        let peak = peak(endless(start, rest));
        assert!(peak < 1 << 20, "{peak} bytes for {start:?} and {rest:?}");
    }
}

#[test]
fn requests_that_never_become_complete_take_bounded_memory() {
    let lines = (0..200_000).map(|number| {
        format!("{{\"type\":\"input_data\",\"request_id\":\"{number}\",\"value\":[{{}},{{}}]}}\n")
    });
    let log: String = lines.collect();
    let peak = peak(log.as_bytes());
    // Most of it remembers which lines were there.
    assert!(peak < 8 << 20, "{peak} bytes");
}

#[test]
fn rows_of_few_bytes_take_bounded_memory() {
    // 20,000 rows of 100 columns in 60 KB, twelve times.
    let rows = "{},".repeat(20_000);
    let lines = (0..12).map(|number| {
        format!("{{\"type\":\"input_data\",\"request_id\":\"{number}\",\"value\":[{rows}{{}}]}}\n")
    });
    let log: String = lines.collect();
    let peak = peak(log.as_bytes());
    assert!(peak > 16 << 20, "the test is about more than {peak} bytes");
    assert!(peak < 256 << 20, "{peak} bytes");
}
