use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use mlops_xgboost::Booster;
use ndarray::Array2;
use serde::Deserialize;

use crate::binding::Binding;
use crate::numbers;

#[derive(Deserialize)]
struct Index {
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    name: String,
    xgboost: String,
    rows: usize,
    cols: usize,
    files: Vec<String>,
}

/// How many files a version has, and of how many the bits are the same.
#[derive(Default)]
struct Count {
    files: usize,
    margins: usize,
    predictions: usize,
    leaves: usize,
}

/// Prints, for each version that 1.6.2 can be asked about, how many answers have the same bits.
///
/// # Errors
/// If any has others; a model that XGBoost does not read is no error.
pub(crate) fn print(folder: &Path) -> Result<(), Box<dyn Error>> {
    let index: Index = serde_json::from_slice(&fs::read(folder.join("index.json"))?)?;
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let (mut n_different, mut differences) = (0, Vec::new());
    for sample in index.samples.iter().filter(|sample| sample.xgboost.starts_with("1.")) {
        let folder = folder.join(format!("v{}", sample.xgboost));
        let values = numbers(&folder.join(format!("{}.x.f32", sample.name)))?;
        let rows = Array2::from_shape_vec((sample.rows, sample.cols), values)?;
        for ending in [".json", ".ubj", ".deprecated", ".model"] {
            let file = format!("{}{ending}", sample.name);
            if !sample.files.contains(&file) {
                continue;
            }
            let count = counts.entry(&sample.xgboost).or_default();
            count.files += 1;
            match same(&fs::read(folder.join(&file))?, ending, &rows) {
                Ok([margins, predictions, leaves]) => {
                    count.margins += usize::from(margins);
                    count.predictions += usize::from(predictions);
                    count.leaves += usize::from(leaves);
                    if !(margins && predictions && leaves) {
                        n_different += 1;
                        differences.push(format!("{} {file}: other bits", sample.xgboost));
                    }
                }
                Err(error) => {
                    differences.push(format!("{} {file}: {}", sample.xgboost, reason(&*error)));
                }
            }
        }
    }
    println!("| files of XGBoost | files | same margins | same predictions | same leaves |");
    println!("|---|---|---|---|---|");
    for (version, Count { files, margins, predictions, leaves }) in counts {
        println!("| {version} | {files} | {margins} | {predictions} | {leaves} |");
    }
    println!();
    for difference in differences {
        println!("* {difference}");
    }
    if n_different > 0 { Err("answers differ".into()) } else { Ok(()) }
}

/// The first line of an error, without the time and the line of XGBoost's source.
fn reason(error: &dyn Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let message = line.rsplit_once(".cc:").and_then(|(_, rest)| rest.split_once(": "));
    message.map_or(line, |(_, message)| message).to_owned()
}

/// Whether margins, predictions and leaves are the same; those of a linear model, which has none, are.
fn same(model: &[u8], ending: &str, rows: &Array2<f32>) -> Result<[bool; 3], Box<dyn Error>> {
    let ours = Booster::from_bytes(model)?;
    let theirs = Binding::new(model, ending)?;
    let rows = rows.view();
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let leaves = ours.n_trees() == 0 || {
        let ours = ours.leaves(rows)?;
        let theirs = theirs.leaves(rows)?;
        ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(ours, theirs)| *ours as f32 == *theirs)
    };
    Ok([
        bits(ours.margins(rows)?) == bits(theirs.margins(rows)?),
        bits(ours.predict(rows)?) == bits(theirs.predict(rows)?),
        leaves,
    ])
}
