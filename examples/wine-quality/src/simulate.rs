//! `simulate`: a year of wines, month by month, in which the laboratory changes; the system serves, watches, retrains and
//! promotes by itself.

mod course;
mod system;
mod year;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use mlops_core::{LoadContext, LoadModel, ModelDir, durable};
use mlops_registry::{LocalStore, Tracking};
use mlops_xgboost::XgboostModel;

use crate::data::Wines;
use crate::error::Error;
use crate::screen::say;
use crate::search::SearchOptions;
use crate::train::{self, Options, Protocol};
use course::{Course, MonthOutcome};
use system::System;
use year::{MONTHS, SHIFT_MONTH, SHIFTED, Year};

/// Runs through a year; runs, models, logs, the table and the picture go into a new folder.
pub(crate) fn simulate(wines: &Wines, search: SearchOptions, folder: &Path) -> Result<(), Error> {
    new_folder(folder)?;
    let store = LocalStore::open(folder.join("mlruns"))?;
    let config = folder.join("configuration.json");
    let year = Year::draw(wines, search.seed)?;
    let n_wines = year.n_wines_of_month();
    say(format_args!(
        "1. The first models, of {} wines and {} candidates, seed {}",
        year.history.n_wines(),
        search.trials,
        search.seed
    ));
    let first = train_first(&year.history, &store, search, &config)?;
    say(format_args!(
        "2. A year of {MONTHS} months with {n_wines} new wines each; from month {SHIFT_MONTH} on, another laboratory \
         tells {SHIFTED} in degrees proof"
    ));
    let window = NonZeroUsize::new(n_wines / 2).unwrap_or(NonZeroUsize::MIN);
    let system = System::start(folder, store, config, window)?;
    let course = pass(&year, system, search, &first)?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        durable::write(&path, text.as_bytes()).map_err(Error::io(&path))?;
        Ok::<PathBuf, Error>(path)
    };
    let json =
        write("simulation.json", &serde_json::to_string_pretty(&course).map_err(Error::Answer)?)?;
    let picture = write("simulation.svg", &course.picture()?)?;
    say(format_args!(
        "3. The year as a picture: {}; as JSON: {}",
        picture.display(),
        json.display()
    ));
    say("Verdict");
    let checks = course.checks();
    for (check, holds) in &checks {
        say(format_args!("   {} {check}", if *holds { "yes" } else { "NO " }));
    }
    let holds = checks.iter().all(|(_, holds)| *holds);
    say(if holds { "The simulation passed." } else { "The simulation failed." });
    if holds { Ok(()) } else { Err(Error::Simulation) }
}

/// A folder that holds nothing yet.
fn new_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let mut entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::NotEmpty { path: folder.to_owned() }),
    }
}

fn train_first(
    history: &Wines,
    store: &LocalStore,
    search: SearchOptions,
    config: &Path,
) -> Result<XgboostModel, Error> {
    let options = Options {
        search,
        protocol: Protocol::Grouped,
        split: None,
        test_rows: None,
        config: Some(config.to_owned()),
        has_table: false,
    };
    let outcome = train::train(history, &Tracking::local(store.clone()), &options)?;
    let dir = ModelDir::open(store.resolve(&outcome.configuration.prediction.parse()?)?)?;
    Ok(XgboostModel::load(&dir, &LoadContext::new())?)
}

/// Month by month: ask, watch, learn what the wines turned out to be, retrain if there is a reason.
fn pass(
    year: &Year,
    mut system: System,
    search: SearchOptions,
    first: &XgboostModel,
) -> Result<Course, Error> {
    say(MonthOutcome::HEADER);
    let mut course = Course::default();
    for month in &year.months {
        let answered = system.ask(month)?;
        let drift = system.watched()?.rung();
        // Before any label is told of wines that have shifted.
        let is_first_alarm = !drift.is_empty() && course.months.iter().all(MonthOutcome::is_quiet);
        let shuffled = if is_first_alarm {
            let (old, labels) = (&year.history, &month.labels);
            Some(system.retrain_on_shuffled_labels(old, search, &answered, labels)?)
        } else {
            None
        };
        system.tell(&answered, &month.labels)?;
        let outcome = system.retrain_when_drift(&year.history, search)?;
        let of_month = MonthOutcome {
            month: month.number,
            n_wines: month.labels.len(),
            auc: year::auc(&answered.probabilities, &month.labels)?,
            auc_of_first_model: month.auc(first.booster())?,
            drift,
            shuffled,
            decision: outcome.decision,
            model: outcome.configuration.prediction,
        };
        say(&of_month);
        course.months.push(of_month);
    }
    system.stop()?;
    Ok(course)
}
