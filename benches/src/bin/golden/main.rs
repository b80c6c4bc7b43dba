//! Prints what this project computes for model files and rows, as JSON, to compare it with what their makers
//! compute.
//!
//! ```sh
//! cargo run --release -p mlops-benches --bin golden -- drift FILE
//! cargo run --release -p mlops-benches --bin golden -- outlier PATH...
//! cargo run --release -p mlops-benches --bin golden -- xgboost MODEL ROWS
//! ```
//!
//! `FILE`: samples and what tests of them are expected to say, as `crates/mlops-drift/tests/data/golden_drift.py`
//! describes it; printed with what ours say in the place of that.
//!
//! `PATH`: isolation forests of Python (pickle, joblib or skops, also in gzip, or an MLflow directory) and tables of
//! rows (CSV with a header, or JSON with `rows`), in any order; a folder stands for the files in it. Each forest is
//! asked for every table that has its number of columns.
//!
//! `MODEL`, `ROWS`: a booster, and a table as above or numbers of 32 bits, row by row, in a file that ends in `.f32`.

mod drift;
mod outlier;
mod table;
mod xgboost;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let subject = args.next().unwrap_or_default();
    let paths: Vec<PathBuf> = args.map(PathBuf::from).collect();
    if let Some(absent) = paths.iter().find(|path| !path.exists()) {
        let _ = writeln!(io::stderr(), "error: {} is not there", absent.display());
        return ExitCode::FAILURE;
    }
    let outcome = match &*subject {
        "drift" => drift::golden(&paths).and_then(print),
        "outlier" => outlier::golden(&paths).and_then(print),
        "xgboost" => xgboost::golden(&paths).and_then(print),
        "--help" => writeln!(io::stdout(), "{USAGE}").map_err(Into::into),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "\
usage: golden drift FILE | golden outlier PATH... | golden xgboost MODEL ROWS
FILE: cases of drift tests as JSON
ROWS: a CSV file with a header, a JSON file with `rows`, or 32-bit numbers in a file that ends in .f32";

fn print(document: Value) -> Result<(), Box<dyn Error>> {
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}
