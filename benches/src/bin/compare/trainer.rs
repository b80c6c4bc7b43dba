//! XGBoost's trainer and ours, on one thread.

mod data;

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;
use std::time::Instant;

use mlops_xgboost::{Params, TrainingObjective};
use serde::Serialize;
use serde_json::json;

use crate::comparison::{Comparison, machine};
use crate::contest::median;
use crate::peer::{self, Peer};
use crate::program::Program;
use data::Data;

/// So many seeds narrow the interval to less than half of what is asked for, whatever they draw.
const N_SEEDS: u32 = 160;
/// What is asked for is asked of so many; the others tell whether these were lucky.
const FIRST_SEEDS: usize = 40;
/// How far ours may be behind, in standard deviations, at the lower end of an interval.
const MARGIN: f64 = 0.25;
const ROUNDS: usize = 60;
/// Rows, rounds, depth and turns.
const TIMED: [(usize, usize, usize, usize); 4] =
    [(3900, 300, 10, 9), (4096, 20, 8, 9), (65_536, 20, 8, 5), (1_048_576, 20, 8, 3)];

/// What was measured, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Measurements {
    machine: String,
    xgboost: String,
    quality: Vec<Quality>,
    differences: [Difference; 2],
    times: Vec<Time>,
}

/// How good boosters of a data set are, the more the better.
#[derive(Debug, Serialize)]
struct Quality {
    data: &'static str,
    ours: f64,
    peer: f64,
    /// Of the peer's over the seeds.
    standard_deviation: f64,
    /// Ours less the peer's with the same seed, in standard deviations.
    differences: Vec<f64>,
}

/// The difference over all data sets and some seeds, in standard deviations.
#[derive(Debug, Serialize)]
struct Difference {
    seeds: usize,
    mean: f64,
    /// Of the 95 % interval of the mean.
    low: f64,
    high: f64,
}

/// Median seconds of a training.
#[derive(Debug, Serialize)]
struct Time {
    rows: usize,
    rounds: usize,
    depth: usize,
    ours: f64,
    peer: f64,
    /// `peer / ours`.
    ratio: f64,
}

pub(crate) fn compare(work: &Path) -> Result<Measurements, Box<dyn Error>> {
    fs::create_dir_all(work)?;
    let program = Program::python("trainer.py", "requirements.txt")?;
    let mut comparison = Comparison::of("mlops-xgboost");
    let mut peers = peer::start(&program, &["xgboost"], &[], work, &mut comparison)?;
    let peer = peers.first_mut().ok_or("XGBoost does not run; see its log")?;
    let path = work.join("rows.f32");
    let mut quality = Vec::new();
    for data in Data::all()? {
        data.write(&path)?;
        quality.push(compare_quality(&data, &path, peer)?);
    }
    let differences = [FIRST_SEEDS, N_SEEDS as usize].map(|seeds| Difference::of(&quality, seeds));
    let times = TIMED.into_iter().map(|timed| compare_times(timed, &path, peer));
    Ok(Measurements {
        machine: machine(),
        quality,
        differences,
        times: times.collect::<Result<_, _>>()?,
        xgboost: peer.version.clone(),
    })
}

fn compare_quality(data: &Data, path: &Path, peer: &mut Peer) -> Result<Quality, Box<dyn Error>> {
    let (train, test) = (data.train()?, data.test());
    let params = data.params().rounds(ROUNDS).learning_rate(0.1);
    let params = params.subsample(0.8).colsample_bytree(0.8);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for seed in 0..N_SEEDS {
        let booster = params.clone().seed(seed.into()).fit(&train, &[])?.booster;
        ours.push(data.quality(&booster.predict(test.values())?));
        let params = json!({
            "objective": data.objective.name(), "learning_rate": 0.1,
            "subsample": 0.8, "colsample_bytree": 0.8, "seed": seed,
        });
        let question = question("predict", path, data, ROUNDS, &params);
        theirs.push(data.quality(&peer.ask::<Vec<f32>>(&question)?));
    }
    let (mean, standard_deviation) = moments(&theirs);
    let pairs = ours.iter().zip(&theirs);
    Ok(Quality {
        data: data.name,
        ours: moments(&ours).0,
        peer: mean,
        standard_deviation,
        differences: pairs.map(|(ours, theirs)| (ours - theirs) / standard_deviation).collect(),
    })
}

impl Difference {
    /// Over the first seeds.
    fn of(quality: &[Quality], seeds: usize) -> Self {
        let of_data = quality.iter().map(|quality| &quality.differences[..seeds]);
        let differences = of_data.collect::<Vec<_>>().concat();
        let (mean, deviation) = moments(&differences);
        let half = 1.96 * deviation / (differences.len() as f64).sqrt();
        Self { seeds, mean, low: mean - half, high: mean + half }
    }
}

fn compare_times(
    (rows, rounds, depth, turns): (usize, usize, usize, usize),
    path: &Path,
    peer: &mut Peer,
) -> Result<Time, Box<dyn Error>> {
    let data = data::many_wines(rows)?;
    data.write(path)?;
    let train = data.train()?;
    let params = Params::default().rounds(rounds).max_depth(depth);
    let theirs =
        json!({ "objective": TrainingObjective::BinaryLogistic.name(), "max_depth": depth });
    let question = question("time", path, &data, rounds, &theirs);
    let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let began = Instant::now();
        let booster = params.fit(&train, &[])?.booster;
        our_times.push(began.elapsed().as_secs_f64());
        assert_eq!(booster.n_trees(), rounds);
        peer_times.push(peer.ask::<f64>(&question)?);
    }
    let (ours, peer) = (median(our_times), median(peer_times));
    Ok(Time { rows, rounds, depth, ours, peer, ratio: peer / ours })
}

fn question(
    task: &str,
    path: &Path,
    data: &Data,
    rounds: usize,
    params: &serde_json::Value,
) -> String {
    format!("{task} {} {} {rounds} {params} {}", data.width(), data.n_train, path.display())
}

/// The mean, and the standard deviation around it.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, (squares.sum::<f64>() / (n - 1.0)).sqrt())
}

impl Display for Measurements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, XGBoost {}", self.machine, self.xgboost)?;
        writeln!(
            f,
            "\n{:<12} {:>9} {:>9} {:>10} {:>12}",
            "data", "ours", "peer", "deviation", "difference"
        )?;
        for Quality { data, ours, peer, standard_deviation, differences } in &self.quality {
            let (difference, _) = moments(differences);
            writeln!(
                f,
                "{data:<12} {ours:>9.5} {peer:>9.5} {standard_deviation:>10.5} {difference:>12.3}"
            )?;
        }
        for Difference { seeds, mean, low, high } in &self.differences {
            let verdict = if *low > -MARGIN { "holds" } else { "does not hold" };
            writeln!(
                f,
                "{seeds} seeds: mean difference {mean:.3}, 95 % from {low:.3} to {high:.3}; above -{MARGIN}: {verdict}"
            )?;
        }
        writeln!(
            f,
            "\n{:>8} {:>7} {:>6} {:>9} {:>9} {:>6}  ours, ns a row and round",
            "rows", "rounds", "depth", "ours, s", "peer, s", "ratio"
        )?;
        for Time { rows, rounds, depth, ours, peer, ratio } in &self.times {
            let each = ours * 1e9 / (rows * rounds) as f64;
            writeln!(
                f,
                "{rows:>8} {rounds:>7} {depth:>6} {ours:>9.3} {peer:>9.3} {ratio:>6.2}  {each:.0}"
            )?;
        }
        Ok(())
    }
}
