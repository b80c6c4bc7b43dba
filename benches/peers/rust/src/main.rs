//! A peer that is a crate. Run by `compare`: `peers PEER MODE WORK N_FEATURES`
//!
//! * `PEER`: rustyml or extended-isolation-forest
//! * the others, and what a call does: as in `../outlier/__main__.py`

mod extended_isolation_forest;
mod library;
mod rustyml;
mod service;

use std::error::Error;
use std::fs;
use std::path::Path;

use library::{Library, Row, WIDTH};
use service::{Service, skip};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let prepared = match arguments.first().map(String::as_str) {
        Some("extended-isolation-forest") => prepare(extended_isolation_forest::Crate, &arguments),
        Some("rustyml") => prepare(rustyml::Crate, &arguments),
        _ => Err("usage: peers rustyml|extended-isolation-forest score|fit WORK N_FEATURES".into()),
    };
    match prepared {
        Ok(serve) => serve(),
        Err(reason) => Ok(skip(&*reason)?),
    }
}

type Serve = Box<dyn FnOnce() -> Result<(), Box<dyn Error>>>;

/// What serves the peer.
///
/// # Errors
/// If it does not run here.
fn prepare(library: impl Library + 'static, arguments: &[String]) -> Result<Serve, Box<dyn Error>> {
    let [name, mode, work, n_features] = arguments else {
        return Err("expected four arguments".into());
    };
    if *n_features != WIDTH.to_string() {
        return Err(format!("compiled for {WIDTH} features").into());
    }
    let [training, rows] = ["training.f64", "rows.f64"].map(|name| Path::new(work).join(name));
    let (training, rows) = (numbers(&training)?, numbers(&rows)?);
    let version = version(name).ok_or("no such package in the lock file")?;
    match &**mode {
        "score" => {
            let forest = library.fit(&training)?;
            Ok(Box::new(move || {
                let score = |rows: &[Row]| library.score(&forest, rows);
                Service::new(&rows, score, Ok).serve(version)
            }))
        }
        "fit" => Ok(Box::new(move || {
            let fit = |training: &[Row]| library.fit(training);
            Service::new(&training, fit, |forest| library.score(&forest, &rows)).serve(version)
        })),
        _ => Err("expected the mode score or fit".into()),
    }
}

/// The rows in a file of numbers of 64 bits, least significant byte first.
fn numbers(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let numbers: Vec<f64> =
        bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    Ok(numbers.as_chunks::<WIDTH>().0.to_vec())
}

/// The version of a package that this program was compiled with.
fn version(package: &str) -> Option<&'static str> {
    let entry = format!("name = \"{package}\"\nversion = \"");
    include_str!("../Cargo.lock").split_once(&entry)?.1.split('"').next()
}
