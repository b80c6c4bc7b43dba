//! The bundled sample of the wine-quality data, as requests carry it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use mlops_core::{Feature, Records, RecordsLimits, Schema};

static RED: LazyLock<String> = LazyLock::new(|| read("winequality-red.csv"));
static WHITE: LazyLock<String> = LazyLock::new(|| read("winequality-white.csv"));

/// The columns of the files but the last, which is the quality.
const MEASURED: [&str; 11] = [
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
];

/// The eleven measured features and `is_red`.
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "the names are unique")]
pub fn schema() -> Arc<Schema> {
    let measured = MEASURED.map(Feature::numeric);
    let features = measured.into_iter().chain([Feature::integer("is_red")]).collect();
    Arc::new(Schema::new(features).expect("a schema of unique names"))
}

/// A JSON array of `n` wines, red ones first; the sample is repeated as often as needed.
pub fn json(n: usize) -> String {
    let red = wines(&RED).map(|line| row(line, 1));
    let white = wines(&WHITE).map(|line| row(line, 0));
    let rows: Vec<_> = red.chain(white).cycle().take(n).collect();
    format!("[{}]", rows.join(","))
}

/// The first `n` wines as records.
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "the sample fits the schema")]
pub fn records(n: usize) -> Records {
    let limits = RecordsLimits::default().max_rows(n);
    Records::from_json(&schema(), json(n).as_bytes(), limits).expect("wines of the schema")
}

/// Whether each of the first `n` wines is good: of quality 7 or above.
pub fn labels(n: usize) -> Vec<bool> {
    let is_good = |line: &str| line.rsplit(';').next().is_some_and(|quality| quality >= "7");
    wines(&RED).chain(wines(&WHITE)).cycle().take(n).map(is_good).collect()
}

#[expect(clippy::expect_used, reason = "the sample lies in the workspace")]
fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wine-quality/data");
    fs::read_to_string(folder.join(name)).expect("a file of the sample")
}

fn wines(file: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    file.lines().skip(1)
}

fn row(line: &str, is_red: u8) -> String {
    let fields = MEASURED.iter().zip(line.split(';'));
    let fields: Vec<_> = fields.map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!(r#"{{{},"is_red":{is_red}}}"#, fields.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_repeated_after_its_last_wine() {
        let records = records(4125);
        assert_eq!(
            records.row(0).to_vec(),
            [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4, 1.0]
        );
        assert_eq!(records.column(11).sum(), 1600.0);
        assert_eq!(records.row(4124), records.row(0));
        assert_eq!(labels(4124).into_iter().filter(|is_good| *is_good).count(), 217 + 885);
    }
}
