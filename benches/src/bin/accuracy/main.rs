//! Holds the isolation forests of this project to the accuracy of scikit-learn's, and writes
//! `target/compare/accuracy.json`.
//!
//! ```sh
//! python3.11 -m venv target/peers-accuracy
//! target/peers-accuracy/bin/pip install -r benches/peers/requirements-accuracy.txt
//! PEERS_PYTHON=target/peers-accuracy/bin/python cargo run --release -p mlops-benches --bin accuracy
//! ```
//!
//! Both fit a forest of 100 trees of 256 rows to the same rows, with 20 seeds for each data set, and score these rows;
//! the accuracy is the area under the ROC curve (AUC) of the rows that are outliers. The data sets are those that
//! Python packages ship, with a rare class as outliers, and generated ones of the four kinds of anomalies of `ADBench`,
//! drawn anew for each seed; `benches/peers/accuracy` makes them and says how.
//!
//! The program fails unless the 95 % interval of the mean difference, ours minus scikit-learn's, lies above -0.005.
//! The interval is that of Student for the seeds: one value per seed, the mean over all data sets. Two more are for
//! information: the same over the data sets in which no value is missing, and that of the data sets: one value per
//! data set, the mean over its seeds. A data set that ours does not fit is left out of the intervals, and named, and
//! the program fails.
//!
//! Where values are missing, the forests differ by design. A missing value goes with most of the others here, and to a
//! side that is drawn for each split in scikit-learn, which also splits what is there from what is missing. So theirs
//! finds rows whose missing values are what is odd about them, and ours is not distracted where they are not.

mod accuracy;
mod auc;
mod interval;
mod peer;
mod rows;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use mlops_core::durable::FileLock;
use mlops_core::{OutlierDetector, Records};
use mlops_outlier::IsolationForest;

use accuracy::{Accuracy, DataSet};
use auc::auc;
use peer::{Case, Peer};
use rows::LabelledRows;

const N_SEEDS: u64 = 20;

fn main() -> ExitCode {
    match compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compare")) {
        Ok(accuracy) if accuracy.holds() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(folder: &Path) -> Result<Accuracy, Box<dyn Error>> {
    let work = folder.join("accuracy");
    fs::create_dir_all(&work)?;
    // Whoever measures speed is left alone.
    let _lock = FileLock::acquire(&folder.join("lock"))?;
    let mut peer = Peer::start(&work, N_SEEDS)?;
    let mut data_sets: Vec<DataSet> = Vec::new();
    while let Some(case) = peer.next_case()? {
        let rows = LabelledRows::read(&case)?;
        if data_sets.last().is_none_or(|last| last.name != case.set) {
            data_sets.push(DataSet::new(&case, &rows));
        }
        if let Some(data_set) = data_sets.last_mut() {
            data_set.push(&case, our_auc(&case, &rows));
        }
    }
    let accuracy = Accuracy::new(peer.versions.clone(), data_sets, N_SEEDS)?;
    let json = serde_json::to_string_pretty(&accuracy)?;
    mlops_core::durable::write(&folder.join("accuracy.json"), json.as_bytes())?;
    writeln!(io::stdout(), "{accuracy}")?;
    Ok(accuracy)
}

fn our_auc(case: &Case, rows: &LabelledRows) -> Result<f64, String> {
    let scores = scores(case.seed, &rows.records).map_err(|error| error.to_string())?;
    auc(&scores, &rows.is_outlier).ok_or_else(|| "outliers or normal rows alone".to_owned())
}

fn scores(seed: u64, records: &Records) -> Result<Vec<f64>, Box<dyn Error>> {
    Ok(IsolationForest::params().seed(seed).fit(records)?.score(records)?)
}
