//! Batch scoring.

mod columns;
mod csv;
mod error;
mod json_lines;
mod ordered;
#[cfg(feature = "parquet")]
mod parquet;
mod summary;
mod table;

use std::fmt;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;

use mlops_core::{Classifier, OutlierDetector};

pub use error::{BadRow, BatchError, Place};
pub use summary::BatchSummary;

use columns::Columns;
use ordered::ordered;

/// Scores a file of any length with a classifier and an outlier detector: each row goes out as it came in, with what the
/// models say of it behind.
///
/// | column | | JSON, CSV | Parquet |
/// |---|---|---|---|
/// | `prediction` | the class, counted from 0; of two classes, 1 is the positive one | number | `Int64` |
/// | `probability` | that of the positive class; of more than two, that of the predicted one; in `[0, 1]` | number | `Float64` |
/// | `outlier_score` | how abnormal the row is; higher is more abnormal | number | `Float64` |
/// | `is_outlier` | whether the score is above the detector's threshold | `true`, `false` | `Boolean` |
///
/// The last two are there if there is a detector. Numbers are written so that they are read back to the same bits.
///
/// Features are found by their names, in any order; what else is in the file stays. Values are missing, or not what a
/// feature takes, as [`Records`](mlops_core::Records) says. Memory is that of a few batches, however long the file is; the
/// results are the same for any number of [`jobs`](Self::jobs) and of rows in a [batch](Self::batch_rows).
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{Classifier, Feature, PredictError, Prediction, Predictor, Records, Schema};
/// use mlops_pipeline::{BadRows, BatchScoring};
///
/// #[derive(Debug)]
/// struct Strength(Arc<Schema>);
///
/// impl Predictor for Strength {
///     fn schema(&self) -> &Arc<Schema> {
///         &self.0
///     }
///
///     fn predict(&self, wines: &Records) -> Result<Prediction, PredictError> {
///         Ok(Prediction::single(wines.column(0).iter().map(|alcohol| alcohol / 20.0).collect()))
///     }
/// }
///
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")])?);
/// let scoring = BatchScoring::new(Classifier::new(Strength(schema)));
/// let mut scored = Vec::new();
/// let summary = scoring.bad_rows(BadRows::Null).csv(
///     &b"wine,alcohol\nRabelo,12.50\nGalo,strong\n"[..],
///     &mut scored,
/// )?;
/// assert_eq!(
///     String::from_utf8(scored)?,
///     "wine,alcohol,prediction,probability\nRabelo,12.50,1,0.625\nGalo,strong,,\n"
/// );
/// let bad = summary.first_bad.map(|row| row.to_string());
/// assert_eq!(bad.as_deref(), Some("line 3, field `alcohol`: the value has the wrong type"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct BatchScoring {
    classifier: Classifier,
    outliers: Option<Box<dyn OutlierDetector>>,
    prefix: String,
    bad_rows: BadRows,
    batch_rows: usize,
    jobs: usize,
    on_read: Arc<dyn Fn(u64) + Send + Sync>,
}

/// What happens to a row that cannot be scored, such as one with a value that its feature does not take.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum BadRows {
    /// It is an error, and the rest is not scored.
    #[default]
    Stop,
    /// It is left out.
    Skip,
    /// It gets empty results; left out if none can stand beside it, as in a line that is not JSON, or one with more or
    /// fewer values than columns.
    Null,
}

impl BatchScoring {
    /// Scoring by a classifier alone, one batch of 8192 rows after the other.
    pub fn new(classifier: Classifier) -> Self {
        Self {
            classifier,
            outliers: None,
            prefix: String::new(),
            bad_rows: BadRows::default(),
            batch_rows: 8192,
            jobs: 1,
            on_read: Arc::new(|_| {}),
        }
    }

    /// Scores how abnormal each row is, too. The detector must read the features that the classifier reads.
    pub fn outliers(self, detector: impl OutlierDetector + 'static) -> Self {
        Self { outliers: Some(Box::new(detector)), ..self }
    }

    /// What stands before the names of the columns that are added; nothing by default.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// What happens to a row that cannot be scored; [`BadRows::Stop`] by default.
    pub fn bad_rows(self, bad_rows: BadRows) -> Self {
        Self { bad_rows, ..self }
    }

    /// The most rows that are scored together; 8192 by default.
    pub fn batch_rows(self, rows: NonZeroUsize) -> Self {
        Self { batch_rows: rows.get(), ..self }
    }

    /// How many threads score; 1 by default. One more reads and writes if there are several.
    pub fn jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs: jobs.get(), ..self }
    }

    /// Tells how many more bytes of the input were read, as they are; to nobody by default.
    pub fn on_read(self, observer: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { on_read: Arc::new(observer), ..self }
    }

    /// Scores CSV as RFC 4180 describes it: a line with the names of the columns, and a line for each row.
    ///
    /// Rows keep their bytes; those without any are dropped. Lines end as the first one does.
    ///
    /// # Errors
    /// [`BatchError`]; what was written until then is not to be used.
    pub fn csv(&self, input: impl Read, output: impl Write) -> Result<BatchSummary, BatchError> {
        self.score_csv(self.observed(input), output)
    }

    /// Scores JSON lines: an object in each line, with a field for each feature.
    ///
    /// Objects keep their bytes; lines of white space are dropped.
    ///
    /// # Errors
    /// [`BatchError`]; what was written until then is not to be used.
    pub fn json_lines(
        &self,
        input: impl Read,
        output: impl Write,
    ) -> Result<BatchSummary, BatchError> {
        self.score_json_lines(self.observed(input), output)
    }

    /// Scores a Parquet file.
    ///
    /// Features are read from columns of integers, floating-point numbers, booleans, text, or dictionaries of these; a null
    /// is a missing value. What is written has snappy's compression, and row groups of up to 2^20 rows and about 64 MiB.
    ///
    /// # Errors
    /// [`BatchError`]; what was written until then is not to be used.
    #[cfg(feature = "parquet")]
    pub fn parquet(
        &self,
        input: std::fs::File,
        output: impl Write + Send,
    ) -> Result<BatchSummary, BatchError> {
        self.score_parquet(input, output)
    }

    fn columns(&self) -> Columns {
        Columns::new(&self.prefix, self.outliers.is_some())
    }

    /// Scores the batches that `next` gives, and writes what `work` makes of them.
    fn run<T: Send>(
        &self,
        next: impl FnMut() -> Result<Option<T>, BatchError>,
        work: impl Fn(T) -> Result<(Vec<u8>, BatchSummary), BatchError> + Sync,
        mut output: impl Write,
    ) -> Result<BatchSummary, BatchError> {
        let mut total = BatchSummary::default();
        ordered(self.jobs, next, work, |(text, summary)| {
            output.write_all(&text).map_err(BatchError::Write)?;
            total.add(summary);
            Ok(())
        })?;
        output.flush().map_err(BatchError::Write)?;
        Ok(total)
    }

    fn observed<R>(&self, input: R) -> Observed<R> {
        Observed { input, on_read: Arc::clone(&self.on_read) }
    }
}

impl fmt::Debug for BatchScoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchScoring")
            .field("classifier", &self.classifier)
            .field("outliers", &self.outliers)
            .field("prefix", &self.prefix)
            .field("bad_rows", &self.bad_rows)
            .field("batch_rows", &self.batch_rows)
            .field("jobs", &self.jobs)
            .finish_non_exhaustive()
    }
}

/// A reader that tells how much is read.
struct Observed<R> {
    input: R,
    on_read: Arc<dyn Fn(u64) + Send + Sync>,
}

impl<R: Read> Read for Observed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.input.read(buffer)?;
        (self.on_read)(n_read as u64);
        Ok(n_read)
    }
}

#[cfg(test)]
mod tests;
