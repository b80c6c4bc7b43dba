//! `demo`: trains, serves, sends traffic and shows what the monitoring makes of it.

mod odd_wines;
mod shift;
mod verdict;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mlops_core::{Random, Records};
use mlops_registry::{LocalStore, Registry, Tracking};

use crate::background::Background;
use crate::cli::DRIFT_WINDOW;
use crate::client::{Client, Latencies};
use crate::data::Wines;
use crate::directories::Directories;
use crate::error::Error;
use crate::models::CONTAMINATION;
use crate::screen::{progress, say};
use crate::search::SearchOptions;
use crate::served::{ServedModels, service};
use crate::split::{Split, distinct};
use crate::train::{self, Options, Outcome, Protocol};
use odd_wines::OddWine;
use shift::Shift;
use verdict::{FAMILY_WISE_LEVEL, Measured, OddWineFound};

/// The rows of a batch that is tested for drift.
const BATCH: usize = 400;
const TRIALS: usize = 8;

/// Runs the demo; what it measured goes to `json` if it is given.
pub(crate) fn demo(store: &LocalStore, seed: u64, json: Option<&Path>) -> Result<(), Error> {
    let wines = Wines::bundled()?;
    say(format_args!("1. Training on {} wines, {TRIALS} candidates, seed {seed}", wines.n_wines()));
    let options = Options {
        search: SearchOptions { trials: TRIALS, jobs: 2, seed },
        protocol: Protocol::Grouped,
        split: None,
        test_rows: None,
        config: None,
        has_table: false,
    };
    let outcome = train::train(&wines, &Tracking::local(store.clone()), &options)?;

    let log = store.root().join("demo-requests.log");
    let directories =
        Directories::find(&Registry::local(store.clone()).into(), &outcome.configuration)?;
    let model = ServedModels::load(&directories, None)?.into_model(DRIFT_WINDOW);
    let log = File::create(&log).map_err(Error::io(&log))?;
    let server = Background::start(service(model, None, log)?.build()?)?;
    say(format_args!("2. Serving the three registered models on http://{}", server.address()));
    let measured = Traffic::new(&wines, seed)?.send(&Client::new(server.address()), outcome)?;
    server.stop()?;

    if let Some(path) = json {
        measured.write(path)?;
    }
    measured.show_verdict();
    say("Go on with");
    say(format_args!(
        "  cargo run --release -p wine-quality -- serve --config {} --store {} --listen 127.0.0.1:5000",
        measured.outcome.config.display(),
        store.root().display()
    ));
    say(
        "  curl -s -H 'Content-Type: application/json' --data @examples/wine-quality/data/two_wines.json \\",
    );
    say("    http://127.0.0.1:5000/predict");
    if measured.is_passed() { Ok(()) } else { Err(Error::Demo) }
}

/// The wines that are sent: none of them trained, and no wine stands twice among them.
struct Traffic {
    reference: Records,
    held_out: Records,
    random: Random,
}

impl Traffic {
    fn new(wines: &Wines, seed: u64) -> Result<Self, Error> {
        let split = Split::grouped(wines, seed);
        let schema = wines.schema(&split.train)?;
        let records = |rows: &[usize]| wines.records(&schema, &distinct(wines, rows));
        let (reference, held_out) = (records(&split.train)?, records(&split.test)?);
        Ok(Self { reference, held_out, random: Random::stream(seed, 1) })
    }

    fn send(mut self, client: &Client, outcome: Outcome) -> Result<Measured, Error> {
        let clean_outlier_rate = self.send_held_out(client)?;
        let latencies = self.send_one_by_one(client)?;

        let (unshifted, shifted) = (self.batch(), self.batch());
        let shift = Shift::draw(&self.reference, &mut self.random);
        let level = format!(
            "family-wise level of {FAMILY_WISE_LEVEL}: one false alarm in 1,000 clean batches"
        );
        say(format_args!("4. Drift, judged at a {level}"));
        let clean_drift = client.predict(&unshifted)?.drifted(FAMILY_WISE_LEVEL)?;
        say(format_args!("   {BATCH} unshifted wines: {}", names(&clean_drift)));
        let drift = client.predict(&shift.apply(&shifted)?)?.drifted(FAMILY_WISE_LEVEL)?;
        say(format_args!("   {BATCH} wines with {shift}: {}", names(&drift)));

        say("5. Odd wines");
        let odd_wines = self.send_odd_wines(client)?;
        Ok(Measured {
            outcome,
            predictions_per_second: latencies.requests_per_second(),
            p50_milliseconds: latencies.quantile(0.5),
            p99_milliseconds: latencies.quantile(0.99),
            shifted_feature: shift.feature().to_owned(),
            drift,
            clean_drift,
            clean_outlier_rate,
            odd_wines,
        })
    }

    /// Sends all held-out wines; returns the share that is called odd.
    fn send_held_out(&self, client: &Client) -> Result<f64, Error> {
        let rows: Vec<usize> = (0..self.held_out.n_rows()).collect();
        let began = Instant::now();
        let (mut n_good, mut n_odd) = (0, 0);
        for rows in rows.chunks(100) {
            let answer = client.predict(&self.held_out.select(rows))?;
            n_good += answer.n_good();
            n_odd += answer.n_odd();
        }
        let n_wines = rows.len();
        let per_second = n_wines as f64 / began.elapsed().as_secs_f64();
        let rate = f64::from(n_odd) / n_wines as f64;
        say(format_args!(
            "3. {n_wines} held-out wines in requests of 100: {n_good} called good, {n_odd} odd ({:.1} %, calibrated \
             for {:.1} %), {per_second:.0} wines per second",
            100.0 * rate,
            100.0 * CONTAMINATION
        ));
        Ok(rate)
    }

    /// Sends wines in requests of their own, one after the other.
    fn send_one_by_one(&mut self, client: &Client) -> Result<Latencies, Error> {
        const REQUESTS: usize = 1000;
        let bar = progress(REQUESTS, "requests");
        let mut latencies = Latencies::default();
        for _ in 0..REQUESTS {
            let wine = self.held_out.select(&[self.random.below(self.held_out.n_rows())]);
            let began = Instant::now();
            client.predict(&wine)?;
            latencies.push(began.elapsed());
            bar.inc(1);
        }
        bar.finish_and_clear();
        say(format_args!(
            "   {REQUESTS} requests of one wine, one after the other: {:.0} predictions per second, half within {:.2} \
             ms, 99 % within {:.2} ms",
            latencies.requests_per_second(),
            latencies.quantile(0.5),
            latencies.quantile(0.99)
        ));
        Ok(latencies)
    }

    fn send_odd_wines(&self, client: &Client) -> Result<Vec<OddWineFound>, Error> {
        let wines = OddWine::all(&self.reference);
        let values = wines.iter().flat_map(|wine| wine.values).collect();
        let shape = (wines.len(), self.reference.schema().len());
        let values = ndarray::Array2::from_shape_vec(shape, values).unwrap_or_default();
        let answer = client.predict(&Records::new(Arc::clone(self.reference.schema()), values)?)?;
        let found = wines.into_iter().zip(answer.odd()).map(|(wine, is_found)| {
            say(format_args!(
                "   {}: {}",
                wine.description,
                if is_found { "found" } else { "missed" }
            ));
            OddWineFound { wine: wine.description, is_found }
        });
        Ok(found.collect())
    }

    /// Held-out wines, drawn without replacement.
    fn batch(&mut self) -> Records {
        let mut rows: Vec<usize> = (0..self.held_out.n_rows()).collect();
        self.random.choose(&mut rows, BATCH);
        rows.truncate(BATCH);
        self.held_out.select(&rows)
    }
}

fn names(features: &[String]) -> String {
    if features.is_empty() {
        "no drift".to_owned()
    } else {
        format!("drift in {}", features.join(", "))
    }
}
