//! Publishes directories of models to the server of MLflow at URL and registers them:
//! `cargo run -p mlops-registry --features client --example publish_model -- URL NAME=DIR...`.

use std::env::args;
use std::error::Error;
use std::io::{self, Write};

use mlops_core::ModelDir;
use mlops_registry::client::{NewRun, Publication, Transfer};
use mlops_registry::{RunStatus, env};

const USAGE: &str = "usage: publish_model URL NAME=DIR...";

fn main() -> Result<(), Box<dyn Error>> {
    let url = args().nth(1).ok_or(USAGE)?;
    // Who asks, and how object storage is reached, the environment says.
    let client = env::client_builder(Some(&url))?.build_blocking()?;
    let experiment = client.experiment("published")?;
    for argument in args().skip(2) {
        let (name, dir) = argument.split_once('=').ok_or(USAGE)?;
        let run = client.create_run(&experiment, NewRun::new(name))?;
        let publication = Publication::new(run.id.clone(), name).registered_name(name);
        let published =
            client.publish(&ModelDir::open(dir)?, &publication, &Transfer::default())?;
        client.finish_run(&run.id, RunStatus::Finished)?;
        let version = published.version.ok_or("no version")?;
        writeln!(io::stdout(), "models:/{name}/{}", version.version)?;
    }
    Ok(())
}
