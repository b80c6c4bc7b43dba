//! Loads the model that an alias of the registry points to, and predicts with it.
//!
//! ```sh
//! cargo run -p quickstarts --bin load_a_model
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use mlops_core::{LoadContext, LoadModel, ModelDir};
use mlops_registry::{LocalStore, Registry};
use mlops_xgboost::XgboostModel;
use ndarray::array;

fn main() -> Result<(), Box<dyn Error>> {
    // What Python logged to a server is there already; here a booster that Python trained is registered first.
    let folder = tempfile::tempdir()?;
    let store = LocalStore::open(folder.path().join("mlruns"))?;
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("python_service/wine_quality");
    let model = XgboostModel::load(&ModelDir::open(python)?, &LoadContext::new())?;
    let run = store.start_run(&store.experiment("wine quality")?, "fit", None)?;
    store.register("wine_quality")?;
    let version = store.create_model_version("wine_quality", &run.log_model("m", &model)?)?;
    store.set_alias("wine_quality", "champion", version.version)?;

    // `env::registry()` opens what MLFLOW_TRACKING_URI names, a server with the feature `client`.
    let registry = Registry::local(store);
    let uri = "models:/wine_quality@champion".parse()?;
    let model: XgboostModel = registry.load(&uri, &LoadContext::new())?;
    let wine = array![[7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4, 1.0]];
    let probability = model.booster().predict(wine.view())?[0];
    assert!((0.0..0.1).contains(&probability));
    writeln!(
        io::stdout(),
        "{}: good with probability {probability:.3}",
        registry.fetch(&uri)?.uri
    )?;
    Ok(())
}
