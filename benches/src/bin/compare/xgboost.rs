use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mlops_benches::{file, numbers, peers_python};
use mlops_xgboost::Booster;
use ndarray::{ArrayView2, s};

use crate::comparison::{Comparison, Row};
use crate::contest::contest;
use crate::peer::{self, Peer};

const PEERS: [&str; 8] = [
    "libxgboost:1.7.6",
    "libxgboost:3.2.0",
    "libxgboost:3.4.1",
    "tl2cgen",
    "treelite",
    "onnxruntime",
    "onedal",
    TWIN,
];
/// Scores a model of another library of the same size.
const TWIN: &str = "lleaves";
const N_ROWS: [usize; 3] = [1, 16, 1000];

/// Compares the probabilities of 300 trees of depth 10 with those of all peers that run here.
#[expect(clippy::disallowed_methods, reason = "the program's settings")]
pub(crate) fn compare(work: &Path) -> Result<Comparison, Box<dyn Error>> {
    let python = peers_python("requirements.txt")?;
    let fixtures = std::env::var("MLOPS_FIXTURES");
    let fixtures = fixtures.map_err(|_| "MLOPS_FIXTURES names no folder with the booster")?;
    let folder = PathBuf::from(fixtures).join("xgboost/bench");
    let [model, rows] = ["m_d10.ubj", "X.f32"].map(|name| folder.join(name));

    let booster = Booster::from_bytes(&file(&model))?;
    let values = numbers(&rows);
    let n_features = booster.n_features();
    let view = ArrayView2::from_shape((values.len() / n_features, n_features), &values)?;
    let expected = numbers(&folder.join("m_d10.pred.f32"));
    assert_eq!(booster.predict(view)?, expected, "ours has the bits of XGBoost 3.2");

    let mut comparison = Comparison::of("mlops-xgboost");
    let width = n_features.to_string();
    let args = [model.as_os_str(), rows.as_os_str(), OsStr::new(&width), work.as_os_str()];
    let mut peers = peer::start(&python, "boosters", &PEERS, &args, work, &mut comparison)?;
    for n in N_ROWS {
        comparison.rows.extend(case(&booster, view, &expected, &mut peers, n)?);
    }
    Ok(comparison)
}

/// All peers on calls of `n` rows.
fn case(
    booster: &Booster,
    rows: ArrayView2<'_, f32>,
    expected: &[f32],
    peers: &mut [Peer],
    n: usize,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let n_windows = rows.nrows() / n;
    let mut predictions = vec![0.0; n];
    let ours = |window| {
        let first = window % n_windows * n;
        let outcome = booster.predict_into(rows.slice(s![first..first + n, ..]), &mut predictions);
        assert!(outcome.is_ok() && predictions == expected[first..first + n]);
    };
    let times = contest(ours, peers, n)?;
    let rows = peers.iter_mut().zip(&times.peers).map(|(peer, time)| {
        let equal = if peer.name == TWIN {
            None
        } else {
            Some(are_equal(&peer.predict(n, n_windows)?, &expected[..n_windows * n], &peer.name)?)
        };
        Ok(Row {
            peer: peer.name.clone(),
            case: format!("{n} rows"),
            engine: booster.engine().to_owned(),
            ours_us: times.ours,
            peer_us: *time,
            ratio: time / times.ours,
            equal,
        })
    });
    rows.collect()
}

/// Whether a peer's probabilities are ours to the last bit.
///
/// # Errors
/// If they are so far from ours that the peer computes something else.
fn are_equal(theirs: &[f64], ours: &[f32], peer: &str) -> Result<bool, Box<dyn Error>> {
    let is_close = |(theirs, ours): (&f64, &f32)| (theirs - f64::from(*ours)).abs() < 1e-5;
    if theirs.len() != ours.len() || !theirs.iter().zip(ours).all(is_close) {
        return Err(format!("{peer} computes something else").into());
    }
    Ok(theirs.iter().zip(ours).all(|(theirs, ours)| *theirs == f64::from(*ours)))
}
