//! Saves forests as ONNX models, with rows and scores, for other implementations to check: some that are fitted to
//! made-up data, and two of Python's.
//!
//! `cargo run --release -p mlops-outlier --features onnx --example export_onnx -- FOLDER`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use mlops_core::{Feature, ModelDir, OutlierDetector, Random, Records, Schema};
use mlops_outlier::{Contamination, IsolationForest};
use ndarray::Array2;
use serde_json::json;

const N_FORESTS: u64 = 20;
const N_ROWS: usize = 1500;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = env::args_os().nth(1).ok_or("usage: export_onnx FOLDER")?.into();
    fs::create_dir_all(&folder)?;
    for number in 0..N_FORESTS {
        let mut random = Random::stream(1, number);
        let n_columns = if number == 0 { 1 } else { 2 + random.below(11) };
        let columns: Vec<Column> = (0..n_columns).map(|at| COLUMNS[at % COLUMNS.len()]).collect();
        let features = (0..n_columns).map(|at| match at % COLUMNS.len() {
            3 => Feature::integer(format!("f{at}")),
            _ => Feature::numeric(format!("f{at}")),
        });
        let schema = Arc::new(Schema::new(features.collect())?);
        let n_training = [20, 200, 1000, 3000][random.below(4)];
        let training = table(n_training, &columns, 0.05, &mut random);
        let training = Records::new(Arc::clone(&schema), training)?;
        let params = IsolationForest::params()
            .n_estimators([1, 10, 100, 300][random.below(4)])
            .max_samples([4, 16, 256, 1000][random.below(4)])
            .seed(number)
            .contamination(Contamination::new(0.3)?);
        let forest = params.fit(&training)?;

        let mut rows = table(N_ROWS, &columns, 0.1, &mut random);
        for (at, mut row) in rows.rows_mut().into_iter().enumerate().take(300) {
            row.assign(&training.row(at % training.n_rows()));
        }
        export(&folder, &format!("forest_{number:02}"), &forest, rows, &mut random)?;
    }

    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let schema = Schema::new(["acid", "salt", "sulfur"].map(Feature::numeric).into())?;
    let schema = Arc::new(schema);
    let columns = [(8.0, 6.0), (0.5, 0.8), (100.0, 120.0)];
    let columns = columns.map(|(centre, spread)| Column { centre, spread, is_whole: false });
    for name in ["forest", "alibi"] {
        let pickle = fs::read(data.join(format!("{name}.pkl")))?;
        let forest = IsolationForest::from_sklearn(&pickle, Arc::clone(&schema))?;
        let mut random = Random::new(1);
        let rows = table(N_ROWS, &columns, 0.1, &mut random);
        export(&folder, &format!("python_{name}"), &forest, rows, &mut random)?;
    }
    Ok(())
}

/// Saves a forest and what it says about `rows`, some of which get extreme values.
fn export(
    folder: &Path,
    name: &str,
    forest: &IsolationForest,
    mut rows: Array2<f64>,
    random: &mut Random,
) -> Result<(), Box<dyn Error>> {
    let extremes = [0.0, -0.0, f32::from_bits(1), f32::MAX, f32::MIN, f32::NAN].map(f64::from);
    for (at, mut row) in rows.rows_mut().into_iter().enumerate().skip(300).take(300) {
        let column = random.below(row.len());
        row[column] = extremes[at % extremes.len()];
    }
    let records = Records::new(Arc::clone(forest.schema()), rows)?;
    let answers = json!({
        // JSON has no NaN; a missing value is written as null.
        "rows": records.rows().collect::<Vec<_>>(),
        "scores": forest.score(&records)?,
        "threshold": forest.threshold(),
    });
    fs::write(folder.join(format!("{name}.json")), serde_json::to_vec(&answers)?)?;
    ModelDir::create(folder.join(name), &forest.onnx()?)?;
    Ok(())
}

/// Where the values of a column lie.
#[derive(Clone, Copy)]
struct Column {
    centre: f64,
    spread: f64,
    is_whole: bool,
}

const COLUMNS: [Column; 4] = [
    Column { centre: 0.0, spread: 1.0, is_whole: false },
    Column { centre: 0.0, spread: 1e-9, is_whole: false },
    Column { centre: 1e7, spread: 1e4, is_whole: false },
    Column { centre: 0.0, spread: 10.0, is_whole: true },
];

/// Values that 32 bits represent, and a share that is missing.
fn table(n_rows: usize, columns: &[Column], missing: f64, random: &mut Random) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, columns.len()), |(_, column)| {
        if random.unit() < missing {
            return f64::NAN;
        }
        let Column { centre, spread, is_whole } = columns[column];
        let x = centre + spread * (random.unit() + random.unit() + random.unit() - 1.5);
        let x = if is_whole { x.round() } else { x };
        #[expect(clippy::cast_possible_truncation, reason = "ONNX models read 32 bits")]
        let rounded = f64::from(x as f32);
        rounded
    })
}
