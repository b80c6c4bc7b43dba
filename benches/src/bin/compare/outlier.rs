use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mlops_benches::{file, synthetic};
use mlops_core::{OutlierDetector, Records};
use mlops_outlier::IsolationForest;

use crate::comparison::{Comparison, Row};
use crate::contest::{FEW_TURNS, TURNS, Times, contest};
use crate::peer::{self, Peer};
use crate::program::Program;
use crate::ranks::rank_correlation;

const SCORING: [&str; 3] = ["isotree", "onnxruntime", "scikit-learn"];
const FITTING: [&str; 2] = ["isotree", "scikit-learn"];
const CRATES: [&str; 2] = ["extended-isolation-forest", "rustyml"];
/// These score scikit-learn's forest; the others score their own.
const SCIKIT_LEARN: [&str; 2] = ["onnxruntime", "scikit-learn"];

/// What the forests that score are fitted to.
const N_TRAINING: usize = 5000;
const N_ROWS: usize = 200_000;
/// The rows whose scores are compared with ours, at least.
const N_COMPARED: usize = 2000;
/// The rows of a call that scores or fits, and its turns.
const SCORED: [(usize, usize); 3] = [(1, TURNS), (1000, TURNS), (100_000, FEW_TURNS)];
const FITTED: [(usize, usize); 2] = [(5000, TURNS), (1_000_000, FEW_TURNS)];

/// Compares isolation forests with those of all peers that run here.
pub(crate) fn compare(work: &Path) -> Result<Comparison, Box<dyn Error>> {
    let mut comparison = Comparison::of("mlops-outlier");
    let python = Program::python("outlier", "requirements-outlier.txt")?;
    let crates = Program::rust(&work.join("rust"));
    if let Err(reason) = &crates {
        for name in CRATES {
            comparison.skip(name, &**reason);
        }
    }
    let programs = Programs { python, crates: crates.ok() };
    compare_scores(&programs, &work.join("score"), &mut comparison)?;
    compare_fits(&programs, &work.join("fit"), &mut comparison)?;
    Ok(comparison)
}

struct Programs {
    python: Program,
    crates: Option<Program>,
}

impl Programs {
    /// Hands the peers the rows; those in Python are named.
    fn start(
        &self,
        mode: &str,
        names: &[&str],
        [training, rows]: [&Records; 2],
        work: &Path,
        comparison: &mut Comparison,
    ) -> Result<Vec<Peer>, Box<dyn Error>> {
        fs::create_dir_all(work)?;
        peer::write(training, &work.join("training.f64"))?;
        peer::write(rows, &work.join("rows.f64"))?;
        let width = rows.schema().len().to_string();
        let args = [OsStr::new(mode), work.as_os_str(), OsStr::new(&width)];
        let mut peers = peer::start(&self.python, names, &args, work, comparison)?;
        if let Some(crates) = &self.crates {
            peers.extend(peer::start(crates, &CRATES, &args, work, comparison)?);
        }
        Ok(peers)
    }
}

/// What scores a case in turn.
struct Contestants {
    engine: &'static str,
    ours: Box<dyn OutlierDetector>,
    peers: Vec<Peer>,
    model: Model,
}

/// Whether a peer has the model of ours.
#[derive(Clone, Copy)]
enum Model {
    Same,
    Other,
}

fn compare_scores(
    programs: &Programs,
    work: &Path,
    comparison: &mut Comparison,
) -> Result<(), Box<dyn Error>> {
    let (training, rows) = (synthetic::spread(N_TRAINING, 1), synthetic::spread(N_ROWS, 2));
    let peers = programs.start("score", &SCORING, [&training, &rows], work, comparison)?;
    let (same, others): (Vec<_>, Vec<_>) =
        peers.into_iter().partition(|peer| SCIKIT_LEARN.contains(&&*peer.name));
    let forest = IsolationForest::params().seed(1).fit(&training)?;
    let mut contestants = vec![Contestants {
        engine: "own forest",
        ours: Box::new(forest),
        peers: others,
        model: Model::Other,
    }];
    if !same.is_empty() {
        let pickle = file(&work.join("scikit-learn.pickle"));
        let forest = IsolationForest::from_sklearn(&pickle, Arc::clone(rows.schema()))?;
        contestants.push(Contestants {
            engine: "scikit-learn's forest",
            ours: Box::new(forest),
            peers: same,
            model: Model::Same,
        });
    }
    for (n, turns) in SCORED {
        let batches = windows(&rows, n);
        for contestants in &mut contestants {
            comparison.rows.extend(contestants.compare(&rows, &batches, turns)?);
        }
    }
    Ok(())
}

impl Contestants {
    /// All peers on batches of one size, which are all the rows.
    fn compare(
        &mut self,
        rows: &Records,
        batches: &[Records],
        turns: usize,
    ) -> Result<Vec<Row>, Box<dyn Error>> {
        let n = batches[0].n_rows();
        let expected = self.ours.score(rows)?;
        let ours = |window: usize| {
            let at = window % batches.len();
            let scores = self.ours.score(&batches[at]);
            assert!(scores.is_ok_and(|scores| scores == expected[at * n..(at + 1) * n]));
        };
        let times = contest(ours, &mut self.peers, n, turns)?;
        let case = format!("score, {n} rows");
        let n_calls = N_COMPARED.div_ceil(n);
        // scikit-learn's average is 1/2, ours 0.
        let compared: Vec<f64> = expected[..n_calls * n].iter().map(|score| score + 0.5).collect();
        outcome(&mut self.peers, &times, &case, self.engine, |peer| {
            verdict(&peer.predict(n, n_calls)?, &compared, self.model, &peer.name)
        })
    }
}

fn compare_fits(
    programs: &Programs,
    work: &Path,
    comparison: &mut Comparison,
) -> Result<(), Box<dyn Error>> {
    let most = FITTED.map(|(n, _)| n).into_iter().fold(0, usize::max);
    let (training, rows) = (synthetic::spread(most, 3), synthetic::spread(N_COMPARED, 2));
    let mut peers = programs.start("fit", &FITTING, [&training, &rows], work, comparison)?;
    let params = IsolationForest::params().seed(1);
    for (n, turns) in FITTED {
        let batches = windows(&training, n);
        let forests = batches.iter().map(|batch| params.fit(batch));
        let forests = forests.collect::<Result<Vec<_>, _>>()?;
        let ours = |window: usize| {
            let at = window % batches.len();
            let forest = params.fit(&batches[at]);
            // It depends on all trees.
            let expected = forests[at].highest_score();
            assert!(forest.is_ok_and(|forest| forest.highest_score() == expected));
        };
        let times = contest(ours, &mut peers, n, turns)?;
        let compared = forests[0].score(&rows)?;
        let case = format!("fit, {n} rows");
        comparison.rows.extend(outcome(&mut peers, &times, &case, "own fit", |peer| {
            verdict(&peer.predict(n, 1)?, &compared, Model::Other, &peer.name)
        })?);
    }
    Ok(())
}

/// The rows in batches of `n`, one after the other.
fn windows(records: &Records, n: usize) -> Vec<Records> {
    let window = |at: usize| records.select(&(at * n..(at + 1) * n).collect::<Vec<_>>());
    (0..records.n_rows() / n).map(window).collect()
}

fn outcome(
    peers: &mut [Peer],
    times: &Times,
    case: &str,
    engine: &str,
    equal: impl Fn(&mut Peer) -> Result<Option<bool>, Box<dyn Error>>,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let rows = peers.iter_mut().zip(&times.peers).map(|(peer, time)| {
        Ok(Row {
            peer: peer.name.clone(),
            case: case.to_owned(),
            engine: engine.to_owned(),
            ours_us: times.ours,
            peer_us: *time,
            ratio: time / times.ours,
            equal: equal(peer)?,
        })
    });
    rows.collect()
}

/// Whether the scores of a peer with the same model are ours to 1e-15; `None` if it has another model.
///
/// # Errors
/// If they are not as many, or so far from ours, or in so different an order, that it computes something else.
fn verdict(
    theirs: &[f64],
    ours: &[f64],
    model: Model,
    peer: &str,
) -> Result<Option<bool>, Box<dyn Error>> {
    let are_within = |tolerance: f64| {
        theirs.iter().zip(ours).all(|(theirs, ours)| (theirs - ours).abs() <= tolerance)
    };
    let is_sensible = theirs.len() == ours.len()
        && match model {
            Model::Same => are_within(1e-6),
            Model::Other => {
                theirs.iter().all(|score| score.is_finite()) && rank_correlation(theirs, ours) > 0.9
            }
        };
    match model {
        _ if !is_sensible => Err(format!("{peer} computes something else").into()),
        Model::Same => Ok(Some(are_within(1e-15))),
        Model::Other => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [f64; 5] = [0.5, 0.4, 0.6, 0.45, 0.3];

    fn verdict_on(theirs: &[f64], model: Model) -> Result<Option<bool>, String> {
        verdict(theirs, &OURS, model, "it").map_err(|error| error.to_string())
    }

    fn something_else() -> Result<Option<bool>, String> {
        Err("it computes something else".to_owned())
    }

    #[test]
    fn the_same_model_has_the_same_scores() {
        assert_eq!(verdict_on(&OURS.map(|score| score + 1e-16), Model::Same), Ok(Some(true)));
        assert_eq!(verdict_on(&OURS.map(|score| score + 1e-7), Model::Same), Ok(Some(false)));
        assert_eq!(verdict_on(&OURS.map(|score| score + 1e-5), Model::Same), something_else());
        assert_eq!(verdict_on(&OURS[..4], Model::Same), something_else());
    }

    #[test]
    fn another_model_ranks_the_rows_as_ours_does() {
        assert_eq!(verdict_on(&OURS.map(f64::sqrt), Model::Other), Ok(None));
        assert_eq!(verdict_on(&OURS.map(|score| -score), Model::Other), something_else());
        assert_eq!(verdict_on(&[0.5; 5], Model::Other), something_else());
        let mut missing = OURS;
        missing[2] = f64::NAN;
        assert_eq!(verdict_on(&missing, Model::Other), something_else());
    }
}
