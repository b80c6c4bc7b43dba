//! Registers two versions of a model, puts one to use and then the other, and loads what is in use.
//!
//! ```sh
//! cargo run -p quickstarts --bin promote_a_model
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Feature, LoadContext, OutlierDetectorExt, Random, Records, Schema};
use mlops_outlier::{Contamination, IsolationForest};
use mlops_registry::{LocalStore, Registry, Stage};
use ndarray::Array2;

fn main() -> Result<(), Box<dyn Error>> {
    let schema = Arc::new(Schema::new(["alcohol", "density"].map(Feature::numeric).into())?);
    let mut random = Random::new(1);
    let rows = Records::new(schema, Array2::from_shape_simple_fn((500, 2), || random.unit()))?;

    let folder = tempfile::tempdir()?;
    let store = LocalStore::open(folder.path().join("mlruns"))?;
    store.register("wine_outlier")?;
    for seed in [1, 2] {
        let contamination = Contamination::new(0.02)?;
        let forest =
            IsolationForest::params().seed(seed).contamination(contamination).fit(&rows)?;
        let run = store.start_run(&store.experiment("outliers")?, "fit", None)?;
        store.create_model_version("wine_outlier", &run.log_model("forest", &forest)?)?;
    }

    // A directory here; `env::registry()` opens that of a server as well.
    let registry = Registry::local(store);
    registry.promote(&"models:/wine_outlier/1".parse()?, Stage::Production)?;
    let promotion = registry.promote(&"models:/wine_outlier/2".parse()?, Stage::Production)?;
    assert_eq!((promotion.replaced, promotion.archived), (Some(1), vec![1]));

    let uri = "models:/wine_outlier@production".parse()?;
    let forest: IsolationForest = registry.load(&uri, &LoadContext::new())?;
    let odd = forest.detect(&rows)?.is_outlier().filter(|odd| *odd).count();
    writeln!(io::stdout(), "{} is in use: {odd} of 500 rows are odd", registry.fetch(&uri)?.uri)?;
    assert_eq!(odd, 10);
    Ok(())
}
