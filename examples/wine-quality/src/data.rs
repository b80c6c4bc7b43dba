//! The wines: reading the two files and preparing them as the original does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlops_core::{Feature, FeatureKind, Range, Records, Schema};
use ndarray::Array2;
use sha2::{Digest, Sha256};

use crate::fingerprint::Fingerprint;

/// The sample that is compiled in, so that the first run needs nothing else.
const BUNDLED: [(&str, &str); 2] = [
    ("winequality-red.csv", include_str!("../data/winequality-red.csv")),
    ("winequality-white.csv", include_str!("../data/winequality-white.csv")),
];
/// The measured columns, in the order of the files.
const MEASUREMENTS: [&str; 11] = [
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
];
const QUALITY: &str = "quality";
/// The column that tells red wines (1) from white ones (0).
pub(crate) const IS_RED: &str = "is_red";
/// Wines of this quality or above are good.
const GOOD: f64 = 7.0;
/// In hexadecimal digits; MLflow takes 36.
const DIGEST_LENGTH: usize = 16;

/// Wines and whether each is good; red ones first, in the order of the files.
#[derive(Clone, Debug)]
pub(crate) struct Wines {
    values: Array2<f64>,
    is_good: Vec<bool>,
    folder: Option<PathBuf>,
}

/// Why wines could not be read; rows count from 1, the header being the first.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error("{} cannot be read", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{file}, row {row} is not CSV")]
    Csv { file: String, row: u64, source: csv::Error },
    #[error("{file} has no column `{column}`, row 1 should name it, with `;` between the columns")]
    MissingColumn { file: String, column: String },
    #[error("{file}, row {row}, column `{column}` is not a finite number")]
    NotANumber { file: String, row: u64, column: String },
    #[error("{file} has no rows")]
    Empty { file: String },
}

impl Wines {
    /// The bundled sample: all red wines, and the white ones of quality 3, 4, 5, 7 and 9.
    pub(crate) fn bundled() -> Result<Self, DataError> {
        Self::of_files(BUNDLED)
    }

    /// The two files of the UCI Wine Quality data set in `folder`.
    pub(crate) fn read(folder: &Path) -> Result<Self, DataError> {
        let read = |name| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|source| DataError::Io { path, source })
        };
        let [red, white] = BUNDLED.map(|(name, _)| name);
        let wines = Self::of_files([(red, &*read(red)?), (white, &*read(white)?)])?;
        Ok(Self { folder: folder.canonicalize().ok(), ..wines })
    }

    fn of_files([red, white]: [(&str, &str); 2]) -> Result<Self, DataError> {
        let mut values = Vec::new();
        let mut is_good = Vec::new();
        for ((name, text), is_red) in [(red, 1.0), (white, 0.0)] {
            for Row { measurements, quality } in rows(name, text)? {
                values.extend(measurements);
                values.push(is_red);
                is_good.push(quality >= GOOD);
            }
        }
        let values = values.chunks_exact(MEASUREMENTS.len() + 1);
        let values = Array2::from_shape_fn((is_good.len(), MEASUREMENTS.len() + 1), {
            let rows: Vec<&[f64]> = values.collect();
            move |(row, column)| rows[row][column]
        });
        Ok(Self { values, is_good, folder: None })
    }

    pub(crate) fn n_wines(&self) -> usize {
        self.is_good.len()
    }

    /// Whether each wine at `rows` is good.
    pub(crate) fn labels(&self, rows: &[usize]) -> Vec<bool> {
        rows.iter().map(|&row| self.is_good[row]).collect()
    }

    /// The values of one wine as bits, by which copies are recognised.
    pub(crate) fn identity(&self, row: usize) -> Vec<u64> {
        self.values.row(row).iter().map(|value| value.to_bits()).collect()
    }

    /// What tells one wine from others that are no copies of it.
    pub(crate) fn fingerprint(&self, row: usize) -> Fingerprint {
        Fingerprint::of(self.values.row(row))
    }

    /// The wines at `rows`.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let values = self.values.select(ndarray::Axis(0), rows);
        Self { values, is_good: self.labels(rows), folder: self.folder.clone() }
    }

    /// These wines and, after them, other ones.
    ///
    /// # Panics
    /// If there is not one label per record, or if the records have other columns.
    pub(crate) fn with(&self, records: &Records, is_good: &[bool]) -> Self {
        assert_eq!(records.n_rows(), is_good.len(), "one label per record");
        let parts = [self.values.view(), records.values()];
        let values = ndarray::concatenate(ndarray::Axis(0), &parts)
            .unwrap_or_else(|error| panic!("the columns of wines: {error}"));
        Self { values, is_good: [&*self.is_good, is_good].concat(), folder: self.folder.clone() }
    }

    /// Where the two files are; `None` for the bundled sample.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What tells these wines from others: the beginning of the SHA-256 of all values and labels.
    pub(crate) fn digest(&self) -> String {
        self.digest_of(&(0..self.n_wines()).collect::<Vec<_>>())
    }

    /// The same for the wines at `rows`.
    pub(crate) fn digest_of(&self, rows: &[usize]) -> String {
        let mut hash = Sha256::new();
        for &row in rows {
            self.values.row(row).iter().for_each(|value| hash.update(value.to_le_bytes()));
            hash.update([u8::from(self.is_good[row])]);
        }
        format!("{:x}", hash.finalize())[..DIGEST_LENGTH].to_owned()
    }

    /// The schema of the wines, with the ranges of those at `rows`.
    pub(crate) fn schema(&self, rows: &[usize]) -> Result<Arc<Schema>, mlops_core::Error> {
        let features = measurements().map(Feature::numeric).chain([Feature::integer(IS_RED)]);
        let features = features.enumerate().map(|(column, feature)| {
            let values = rows.iter().map(|&row| self.values[[row, column]]);
            match Range::of(values) {
                Some(range) => feature.with_range(range),
                None => feature,
            }
        });
        Schema::new(features.collect()).map(Arc::new)
    }

    /// The wines at `rows` as records.
    pub(crate) fn records(
        &self,
        schema: &Arc<Schema>,
        rows: &[usize],
    ) -> Result<Records, mlops_core::Error> {
        Records::new(Arc::clone(schema), self.values.select(ndarray::Axis(0), rows))
    }
}

/// The names of the measured features.
fn measurements() -> impl Iterator<Item = String> {
    MEASUREMENTS.into_iter().map(|name| name.replace(' ', "_"))
}

/// Whether a schema has the features of wines, in their order.
pub(crate) fn is_of_wines(schema: &Schema) -> bool {
    schema.names().eq(measurements().chain([IS_RED.to_owned()]))
}

/// The measured features of a schema: all but the one that tells red from white.
pub(crate) fn measured(schema: &Schema) -> impl Iterator<Item = usize> {
    let is_measured = |feature: &Feature| matches!(feature.kind(), FeatureKind::Numeric);
    (0..schema.len()).filter(move |&column| is_measured(&schema.features()[column]))
}

struct Row {
    measurements: [f64; MEASUREMENTS.len()],
    quality: f64,
}

fn rows(file: &str, text: &str) -> Result<Vec<Row>, DataError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
    let csv_error = |source: csv::Error| {
        let row = source.position().map_or(1, csv::Position::line);
        DataError::Csv { file: file.to_owned(), row, source }
    };
    let header = reader.headers().map_err(csv_error)?.clone();
    let column = |name: &str| {
        let position = header.iter().position(|column| column == name);
        position.ok_or_else(|| DataError::MissingColumn {
            file: file.to_owned(),
            column: name.to_owned(),
        })
    };
    if text.trim().is_empty() {
        return Err(DataError::Empty { file: file.to_owned() });
    }
    let mut measurements = [0; MEASUREMENTS.len()];
    for (position, name) in measurements.iter_mut().zip(MEASUREMENTS) {
        *position = column(name)?;
    }
    let quality = column(QUALITY)?;

    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let row = record.position().map_or(0, csv::Position::line);
        let number = |position: usize| {
            let value =
                record[position].trim().parse().ok().filter(|value: &f64| value.is_finite());
            let column = &header[position];
            value.ok_or_else(|| DataError::NotANumber {
                file: file.to_owned(),
                row,
                column: column.to_owned(),
            })
        };
        let mut values = [0.0; MEASUREMENTS.len()];
        for (value, &position) in values.iter_mut().zip(&measurements) {
            *value = number(position)?;
        }
        rows.push(Row { measurements: values, quality: number(quality)? });
    }
    if rows.is_empty() { Err(DataError::Empty { file: file.to_owned() }) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "fixed acidity;volatile acidity;citric acid;residual sugar;chlorides;free sulfur dioxide;\
        total sulfur dioxide;density;pH;sulphates;alcohol;quality\n";

    fn error(red: &str) -> String {
        let white = format!("{HEADER}7;0.27;0.36;20.7;0.045;45;170;1.001;3;0.45;8.8;6\n");
        Wines::of_files([("red.csv", red), ("white.csv", &white)]).unwrap_err().to_string()
    }

    #[test]
    fn the_bundled_sample_is_prepared_as_the_original_does() {
        let wines = Wines::bundled().unwrap();
        let rows: Vec<usize> = (0..wines.n_wines()).collect();
        let schema = wines.schema(&rows).unwrap();
        assert_eq!((wines.n_wines(), schema.len()), (1599 + 2525, 12));
        assert_eq!(schema.names().nth(5), Some("free_sulfur_dioxide"));
        let first = wines.records(&schema, &[0]).unwrap();
        assert_eq!(
            first.row(0).to_vec(),
            [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4, 1.0]
        );
        let good = wines.labels(&rows).into_iter().filter(|is_good| *is_good).count();
        assert_eq!(good, 217 + 885);
        assert_eq!(measured(&schema).count(), 11);
    }

    #[test]
    fn a_bad_file_is_named_with_row_and_column() {
        let row = "7.4;0.7;0;1.9;0.076;11;34;0.9978;3.51;0.56;9.4;5";
        assert_eq!(error(""), "red.csv has no rows");
        assert_eq!(error(HEADER), "red.csv has no rows");
        assert_eq!(
            error(&HEADER.replace("pH", "ph")),
            "red.csv has no column `pH`, row 1 should name it, with `;` between the columns"
        );
        assert_eq!(
            error(&HEADER.replace(';', ",")),
            "red.csv has no column `fixed acidity`, row 1 should name it, with `;` between the columns"
        );
        let text = row.replace("3.51", "high");
        assert_eq!(
            error(&format!("{HEADER}{row}\n{text}\n")),
            "red.csv, row 3, column `pH` is not a finite number"
        );
        let text = row.replace("9.4", "NaN");
        assert_eq!(
            error(&format!("{HEADER}{text}\n")),
            "red.csv, row 2, column `alcohol` is not a finite number"
        );
        assert_eq!(error(&format!("{HEADER}{row};1\n")), "red.csv, row 2 is not CSV");
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Wines::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("winequality-red.csv cannot be read"), "{error}");
    }
}
