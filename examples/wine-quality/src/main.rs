//! The wine-quality system: trains three models, serves them, scores files and watches drift and outliers.

mod background;
mod baseline;
mod cli;
mod client;
mod compat;
mod configuration;
mod data;
mod demo;
mod directories;
mod error;
mod fingerprint;
mod known_wines;
mod models;
mod promote;
mod registration;
mod registry;
mod report;
mod retrain;
mod score;
mod screen;
mod search;
mod serve;
mod served;
mod simulate;
mod source;
mod split;
mod table;
mod train;
mod training;

use std::process::ExitCode;

use clap::Parser;
use mlops_core::durable;
use mlops_registry::{LocalStore, Tracking, env};

use crate::cli::{Cli, Command, RetrainArgs, SearchArgs, StoreArgs, TrainArgs};
use crate::configuration::Configuration;
use crate::data::Wines;
use crate::error::Error;
use crate::registry::NamedRegistry;
use crate::screen::{note, say};
use crate::search::SearchOptions;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Train(args) => train(args),
        Command::Retrain(args) => retrain(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Score(args) => score::score(&args),
        Command::Promote(args) => promote::promote(&args),
        Command::Demo(args) => {
            store(&args.store).and_then(|store| demo::demo(&store, args.seed, args.json.as_deref()))
        }
        Command::Simulate(args) => wines(&args.search).and_then(|wines| {
            simulate::simulate(&wines, search_options(&args.search), &args.output)
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("error: {}", error.chain()));
            ExitCode::FAILURE
        }
    }
}

fn train(args: TrainArgs) -> Result<(), Error> {
    if let Some(config) = &args.config {
        Configuration::check_place(config)?;
    }
    let wines = wines(&args.search)?;
    let options = train::Options {
        search: search_options(&args.search),
        protocol: args.protocol,
        split: args.split,
        test_rows: args.test_rows,
        config: args.config,
        has_table: true,
    };
    let outcome = train::train(&wines, &tracking(&args.store)?, &options)?;
    say(serde_json::to_string(&outcome).map_err(Error::Answer)?);
    Ok(())
}

fn retrain(args: &RetrainArgs) -> Result<(), Error> {
    let wines = wines(&args.search)?;
    let options = retrain::Options {
        config: &args.config,
        sources: retrain::Sources {
            telemetry: &args.telemetry,
            labels: &args.labels,
            max_delay: args.max_label_delay,
            window: args.drift_window,
        },
        search: search_options(&args.search),
        margin: args.margin,
        when_drift: args.when_drift,
        dry_run: args.dry_run,
    };
    if let Some(report) = &args.report {
        Configuration::check_place(report)?;
    }
    let registry = NamedRegistry::new(&args.store);
    let outcome = retrain::retrain(&wines, &tracking(&args.store)?, &registry, &options)?;
    say(&outcome);
    say(serde_json::to_string(&outcome).map_err(Error::Answer)?);
    args.report.as_ref().map_or(Ok(()), |report| {
        durable::write(report, format!("{outcome}\n").as_bytes()).map_err(Error::io(report))
    })
}

fn wines(args: &SearchArgs) -> Result<Wines, Error> {
    Ok(match &args.data {
        Some(folder) => Wines::read(folder)?,
        None => Wines::bundled()?,
    })
}

fn search_options(args: &SearchArgs) -> SearchOptions {
    SearchOptions { trials: args.trials as usize, jobs: args.jobs as usize, seed: args.seed }
}

/// The store of the arguments, else the store or server of the environment.
fn tracking(args: &StoreArgs) -> Result<Tracking, Error> {
    match &args.store {
        Some(root) => Ok(Tracking::local(LocalStore::open(root)?)),
        None => env::tracking().map_err(Error::of_environment),
    }
}

fn store(args: &StoreArgs) -> Result<LocalStore, Error> {
    Ok(match &args.store {
        Some(root) => LocalStore::open(root)?,
        None => env::store()?,
    })
}
