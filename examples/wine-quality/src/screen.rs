//! What a person sees: lines on stdout, the progress of long work on stderr.

use std::fmt;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// Shows a line. Whoever closed the other end does not want to see it.
pub(crate) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Shows a line beside the program's output.
pub(crate) fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A bar for `steps` steps, which shows only on a terminal.
pub(crate) fn progress(steps: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64).with_message(what);
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A bar for so many bytes, which shows only on a terminal, or none if it is not known how many they are.
pub(crate) fn byte_progress(n_bytes: Option<u64>) -> ProgressBar {
    let Some(n_bytes) = n_bytes else { return ProgressBar::hidden() };
    let bar = ProgressBar::new(n_bytes);
    match ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
