use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::{fs, io};

use mlops_benches::{peers_python, synthetic};
use mlops_core::{DriftDetector, DriftReport, FeatureKind, PredictError, Records};
use mlops_drift::{AlibiDrift, Scratch, TabularDrift};

use crate::comparison::{Comparison, Row};
use crate::contest::contest;
use crate::peer::{self, Peer};

const PEERS: [&str; 3] = ["scipy", ALIBI, "evidently"];
/// A detector of ours gives its answers as well.
const ALIBI: &str = "alibi-detect";
/// Draws that many rows with that seed.
type Draw = fn(usize, u64) -> Records;
const DATA: [(&str, Draw); 2] =
    [("two-decimal", synthetic::two_decimal), ("untied", synthetic::untied)];
const N_REFERENCE: usize = 4872;
const N_BATCH_ROWS: usize = 20_000;
const N_ROWS: [usize; 4] = [1, 2, 100, 1000];
/// The batches of a case whose p-values are compared with ours; evidently takes half a second for each.
const N_COMPARED: usize = 20;

/// How ours answers, and how far p-values may be from its own, relative to them, to be equal.
#[derive(Clone, Copy)]
struct Engine {
    name: &'static str,
    tolerance: f64,
}

const EXACT: Engine = Engine { name: "exact", tolerance: 1e-9 };
/// These are numbers of 32 bits.
const AS_ALIBI: Engine = Engine { name: "as alibi-detect", tolerance: 2e-6 };

/// Compares tests of twelve features with those of all peers that run here.
pub(crate) fn compare(work: &Path) -> Result<Comparison, Box<dyn Error>> {
    let python = peers_python("requirements-drift.txt")?;
    let mut comparison = Comparison::of("mlops-drift");
    for (name, draw) in DATA {
        let (reference, rows) = (draw(N_REFERENCE, 1), draw(N_BATCH_ROWS, 2));
        let mut peers = start(&python, &reference, &rows, &work.join(name), &mut comparison)?;
        let categorical = categories(&reference).map(|(_, name)| name);
        let detector = TabularDrift::builder().categorical(categorical).fit(&reference)?;
        for n in N_ROWS {
            let batches: Vec<_> = (0..N_BATCH_ROWS / n)
                .map(|at| rows.select(&(at * n..(at + 1) * n).collect::<Vec<_>>()))
                .collect();
            let case = format!("{name}, {n} rows");
            comparison.rows.extend(compare_batches(&detector, &batches, &mut peers, &case)?);
        }
    }
    Ok(comparison)
}

/// The places and names of the features that are tested as categories.
fn categories(records: &Records) -> impl Iterator<Item = (usize, &str)> {
    let features = records.schema().features().iter().enumerate();
    let categories = features.filter(|(_, feature)| *feature.kind() == FeatureKind::Integer);
    categories.map(|(place, feature)| (place, feature.name()))
}

/// Hands the peers the reference and the rows of the batches.
fn start(
    python: &str,
    reference: &Records,
    rows: &Records,
    work: &Path,
    comparison: &mut Comparison,
) -> Result<Vec<Peer>, Box<dyn Error>> {
    fs::create_dir_all(work)?;
    let [reference_file, rows_file] = ["reference.f64", "batches.f64"].map(|name| work.join(name));
    write(reference, &reference_file)?;
    write(rows, &rows_file)?;
    let width = reference.schema().len().to_string();
    let places: Vec<_> = categories(reference).map(|(place, _)| place.to_string()).collect();
    let mut args = vec![reference_file.as_os_str(), rows_file.as_os_str(), OsStr::new(&width)];
    args.extend(places.iter().map(OsStr::new));
    peer::start(python, "drift", &PEERS, &args, work, comparison)
}

/// Writes the values row by row, least significant byte first.
fn write(records: &Records, path: &Path) -> io::Result<()> {
    let bytes: Vec<u8> = records.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(path, bytes)
}

/// All peers on batches of one size.
fn compare_batches(
    detector: &TabularDrift,
    batches: &[Records],
    peers: &mut [Peer],
    case: &str,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut scratch = Scratch::default();
    let exact =
        |batch: &Records, report: &mut DriftReport| detector.test_into(batch, &mut scratch, report);
    let mut rows = compare_engine(EXACT, exact, batches, peers, case)?;

    let twin = AlibiDrift::from(detector.clone());
    let as_alibi = |batch: &Records, report: &mut DriftReport| {
        *report = twin.detect(batch)?;
        Ok(())
    };
    if let Some(at) = peers.iter().position(|peer| peer.name == ALIBI) {
        rows.extend(compare_engine(AS_ALIBI, as_alibi, batches, &mut peers[at..=at], case)?);
    }
    Ok(rows)
}

fn compare_engine(
    engine: Engine,
    mut test: impl FnMut(&Records, &mut DriftReport) -> Result<(), PredictError>,
    batches: &[Records],
    peers: &mut [Peer],
    case: &str,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let n = batches[0].n_rows();
    let mut report = DriftReport::new(0.05, vec![]);
    let mut expected = Vec::new();
    for batch in batches {
        test(batch, &mut report)?;
        let p_values: Option<Vec<f64>> = p_values(&report).collect();
        expected.push(p_values.ok_or("a feature without a p-value")?);
    }
    let ours = |window: usize| {
        let at = window % batches.len();
        let outcome = test(&batches[at], &mut report);
        let expected = expected[at].iter().copied().map(Some);
        assert!(outcome.is_ok() && p_values(&report).eq(expected));
    };
    let times = contest(ours, peers, n)?;
    let compared = expected[..N_COMPARED].concat();
    let rows = peers.iter_mut().zip(&times.peers).map(|(peer, time)| {
        let theirs = peer.predict(n, N_COMPARED)?;
        Ok(Row {
            peer: peer.name.clone(),
            case: case.to_owned(),
            engine: engine.name.to_owned(),
            ours_us: times.ours,
            peer_us: *time,
            ratio: time / times.ours,
            equal: Some(are_equal(&theirs, &compared, engine.tolerance, &peer.name)?),
        })
    });
    rows.collect()
}

fn p_values(report: &DriftReport) -> impl Iterator<Item = Option<f64>> {
    report.features.iter().map(|feature| feature.p_value)
}

/// Whether a peer's p-values are ours, within the tolerance.
///
/// # Errors
/// If they are not as many, or no p-values.
fn are_equal(
    theirs: &[f64],
    ours: &[f64],
    tolerance: f64,
    peer: &str,
) -> Result<bool, Box<dyn Error>> {
    if theirs.len() != ours.len() || !theirs.iter().all(|p_value| (0.0..=1.0).contains(p_value)) {
        return Err(format!("{peer} computes something else").into());
    }
    Ok(theirs.iter().zip(ours).all(|(theirs, ours)| (theirs - ours).abs() <= tolerance * ours))
}
