//! Why is this row an outlier? What each feature contributes to the score of a forest that Python fitted.
//!
//! ```sh
//! cargo run -p quickstarts --bin explain_an_outlier
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use mlops_core::{Explainer, LoadContext, LoadModel, ModelDir, Records};
use mlops_outlier::IsolationForest;
use mlops_xgboost::XgboostModel;
use ndarray::array;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python_service");
    let dir = |name: &str| ModelDir::open(folder.join(name));
    // The pickle of the forest does not say what its columns are called: the booster does.
    let model = XgboostModel::load(&dir("wine_quality")?, &LoadContext::new())?;
    let schema = Arc::clone(model.schema());
    let context = LoadContext::new().schema(Arc::clone(&schema));
    let forest = IsolationForest::load(&dir("wine_quality_outlier")?, &context)?;

    // A wine with the residual sugar and the sulfur dioxide of three.
    let wine = array![[7.2, 0.24, 0.34, 60.0, 0.044, 200.0, 440.0, 0.9908, 3.12, 0.49, 12.8, 0.0]];
    let wine = Records::new(Arc::clone(&schema), wine)?;

    // The base-2 logarithm of the anomaly score, feature by feature.
    let explained = forest.explain(&wine)?;
    let anomaly_score = forest.anomaly_scores(&wine)?[0];
    let base_value = explained.base_values[0];
    assert!((base_value + explained.values.sum() - anomaly_score.log2()).abs() < 1e-9);

    let mut by_size: Vec<(&str, f64)> =
        schema.names().zip(explained.values.iter().copied()).collect();
    by_size.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut out = io::stdout();
    let usual = base_value.exp2();
    writeln!(
        out,
        "anomaly score {anomaly_score:.3}; with no feature's say it would be {usual:.3}"
    )?;
    for (feature, contribution) in by_size.iter().take(3) {
        let percent = 100.0 * (contribution.exp2() - 1.0);
        writeln!(out, "{percent:+5.1} % by {feature}")?;
    }
    let mut strongest = [by_size[0].0, by_size[1].0, by_size[2].0];
    strongest.sort_unstable();
    let planted = ["free_sulfur_dioxide", "residual_sugar", "total_sulfur_dioxide"];
    assert_eq!(strongest, planted);

    // Another view, by how soon the splits of each feature isolate the row.
    let ranking = forest.diffi_ranking(wine.row(0).as_slice().ok_or("a row in one piece")?)?;
    let names: Vec<&str> = schema.names().collect();
    let ranking: Vec<&str> = ranking.into_iter().take(3).map(|feature| names[feature]).collect();
    writeln!(out, "local DIFFI: {}", ranking.join(", "))?;
    assert!(planted.contains(&ranking[0]));
    Ok(())
}
