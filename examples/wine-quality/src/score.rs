//! `score`: the models of a configuration judge the wines of a file.

mod input;
mod output;

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mlops_pipeline::{BadRows, BatchError, BatchScoring, BatchSummary};

use crate::cli::ScoreArgs;
use crate::configuration::Configuration;
use crate::directories::Directories;
use crate::error::Error;
use crate::registry::NamedRegistry;
use crate::screen::{byte_progress, note};
use crate::served::ServedModels;

pub(crate) use input::Format;

use input::Input;
use output::Output;

/// The name that stands for stdin and stdout.
pub(crate) const STANDARD: &str = "-";

/// What happens to a row that cannot be scored.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum OnError {
    /// It is an error: nothing more is scored.
    Stop,
    /// It is left out.
    Skip,
    /// It gets empty results.
    Null,
}

impl From<OnError> for BadRows {
    fn from(on_error: OnError) -> Self {
        match on_error {
            OnError::Stop => Self::Stop,
            OnError::Skip => Self::Skip,
            OnError::Null => Self::Null,
        }
    }
}

/// Scores the rows of the input; tells on stderr what came of it.
pub(crate) fn score(args: &ScoreArgs) -> Result<(), Error> {
    // What is wrong with the arguments and the configuration is known before models are loaded.
    let configuration = Configuration::read(&args.config)?;
    let input = Input::open(args)?;
    let output = Output::open(&args.output)?;
    let directories = Directories::find(&NamedRegistry::new(&args.store), &configuration)?;
    let models = ServedModels::load(&directories, None)?;
    models.warn();

    let began = Instant::now();
    let bar = byte_progress(input.n_bytes().filter(|_| !output.is_terminal()));
    let seen = bar.clone();
    let scoring = models
        .into_scoring()
        .prefix(&args.prefix)
        .bad_rows(args.on_error.into())
        .batch_rows(args.batch_size)
        .jobs(args.jobs.unwrap_or_else(cores))
        .on_read(move |n_bytes| seen.inc(n_bytes));
    let scored = run(&scoring, input, output);
    bar.finish_and_clear();
    match scored {
        Ok(summary) => {
            tell(&summary, began.elapsed());
            Ok(())
        }
        // Whoever reads the output has seen enough of it.
        Err(BatchError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(BatchError::Write(source)) => Err(Error::io(named(&args.output, "stdout"))(source)),
        Err(source) => {
            let path = named(&args.input, "stdin").to_owned();
            Err(Error::Score { path, source: Box::new(source) })
        }
    }
}

fn run(
    scoring: &BatchScoring,
    input: Input,
    mut output: Output,
) -> Result<BatchSummary, BatchError> {
    let summary = match input {
        Input::Csv(text) => scoring.csv(text, &mut output),
        Input::JsonLines(text) => scoring.json_lines(text, &mut output),
        #[cfg(feature = "parquet")]
        Input::Parquet(file) => scoring.parquet(file, &mut output),
    }?;
    output.finish().map_err(BatchError::Write)?;
    Ok(summary)
}

/// What errors call a file.
fn named<'p>(path: &'p Path, standard: &'static str) -> &'p Path {
    if path == Path::new(STANDARD) { Path::new(standard) } else { path }
}

/// Says what came of it.
fn tell(summary: &BatchSummary, time: Duration) {
    let BatchSummary { n_scored, n_outliers, n_null, n_skipped, first_bad, .. } = summary;
    let seconds = time.as_secs_f64();
    let rate = *n_scored as f64 / seconds;
    note(format_args!(
        "rows scored: {n_scored}, of which outliers: {n_outliers}; {seconds:.1} s, {rate:.0} rows/s"
    ));
    if let Some(first) = first_bad {
        note(format_args!(
            "rows with empty results: {n_null}; rows left out: {n_skipped}; the first of them: {first}"
        ));
    }
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
