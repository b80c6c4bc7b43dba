//! Logs parameters and metrics of a training loop, which is never held up by it.
//!
//! ```sh
//! cargo run -p quickstarts --bin log_a_run
//! ```

use std::error::Error;
use std::io::{self, Write};

use mlops_registry::{Compare, Filter, LocalStore, RunLogger, RunStatus};

fn main() -> Result<(), Box<dyn Error>> {
    // MLflow's own layout: `mlflow ui` shows it. For a server there is `blocking::MlflowClient`, for both `env::registry`.
    let folder = tempfile::tempdir()?;
    let store = LocalStore::open(folder.path().join("mlruns"))?;
    let experiment = store.experiment("wine quality")?;
    for learning_rate in [0.1, 0.3] {
        let run = store.start_run(&experiment, "trial", None)?;
        let logger = RunLogger::new(run.clone())?;
        logger.log_param("learning_rate", learning_rate);
        for step in 0..100 {
            logger.log_metric("loss", (-learning_rate * f64::from(step)).exp(), step.into());
        }
        assert!(logger.finish().is_complete());
        run.finish(RunStatus::Finished)?;
    }

    let good = Filter::metric("loss", Compare::Less, 0.001)?;
    let best = store.search_runs(&[&experiment.id], &good, &["metrics.loss ASC"])?;
    assert_eq!(best[0].params()?["learning_rate"], "0.3");
    let loss = best[0].metrics()?["loss"];
    writeln!(
        io::stdout(),
        "best run {}: loss {:.1e} at step {}",
        best[0].id(),
        loss.value,
        loss.step
    )?;
    Ok(())
}
