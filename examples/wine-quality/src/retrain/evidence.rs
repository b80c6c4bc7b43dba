use std::fs::{self, File};
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mlops_core::Records;
use mlops_pipeline::labels::{JoinCounts, LabelCsv, LabelJoin, LabelledRows};
use mlops_telemetry::{LogReader, Logged};
use serde::Serialize;

use super::champion::Champion;
use super::shift::{Shift, ShiftWatch};
use crate::error::Error;
use crate::fingerprint::Fingerprint;

/// Where logs and labels are, and how they are read.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    /// Files, or folders of them.
    pub(crate) telemetry: &'a [PathBuf],
    pub(crate) labels: &'a [PathBuf],
    /// Labels that came later after their request are left out.
    pub(crate) max_delay: Option<Duration>,
    /// The rows of a window that is tested for drift.
    pub(crate) window: NonZeroUsize,
}

/// Wines that were predicted and of which it is known whether they are good, by the time of their request.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) records: Records,
    pub(super) is_good: Vec<bool>,
    pub(super) times: Vec<Option<SystemTime>>,
    pub(super) standings: Vec<Standing>,
    pub(super) shift: Option<Shift>,
    pub(super) counts: EvidenceCounts,
}

/// What the champion has to do with a wine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Nothing.
    Fresh,
    /// It was trained on it.
    Learned,
    /// It was measured by it.
    Tested,
}

/// What there was to retrain on.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EvidenceCounts {
    pub(crate) files: usize,
    /// Windows of the champion's requests that were tested for drift.
    pub(crate) windows: usize,
    #[serde(flatten)]
    pub(crate) joined: JoinCounts,
    /// Rows left out because their label is no class.
    pub(crate) not_classes: usize,
    /// Rows left out because a value is missing in the request.
    pub(crate) with_missing_values: usize,
    /// Copies of wines that the champion was trained on.
    pub(crate) learned: usize,
    /// Copies of wines that the champion was measured by: nobody learns from them.
    pub(crate) tested: usize,
    /// Wines that the champion does not know.
    pub(crate) fresh: usize,
}

/// How requests have changed.
type Drift = (usize, Option<Shift>);

impl Evidence {
    /// Reads logs and labels, and looks up what the champion knows.
    pub(super) fn read(sources: &Sources<'_>, champion: &Champion) -> Result<Self, Error> {
        let schema = champion.model.schema();
        let mut reader = LogReader::new(Arc::clone(schema));
        let mut join = LabelJoin::new(Arc::clone(schema));
        if let Some(max_delay) = sources.max_delay {
            join = join.max_delay(max_delay);
        }
        let mut watch = ShiftWatch::new(champion, sources.window);
        let files = files(sources.telemetry)?;
        if files.is_empty() {
            return Err(Error::NoTelemetry);
        }
        let mut take = |logged: Logged| {
            if let Logged::Request(request) = &logged {
                watch.observe(request)?;
            }
            join.push(logged);
            Ok::<_, Error>(())
        };
        for path in &files {
            let file = File::open(path).map_err(Error::io(path))?;
            for logged in reader.read(BufReader::new(file)) {
                take(logged.map_err(Error::io(path))?)?;
            }
        }
        reader.finish().try_for_each(&mut take)?;
        for path in sources.labels {
            let unread = |source| Error::Labels { path: path.clone(), source };
            let file = File::open(path).map_err(Error::io(path))?;
            for label in LabelCsv::new(file).map_err(unread)? {
                join.push_label(label.map_err(unread)?);
            }
        }
        let joined = join.finish();
        Ok(Self::of(joined.rows, joined.counts, files.len(), watch.finish(), champion))
    }

    fn of(
        rows: LabelledRows,
        joined: JoinCounts,
        files: usize,
        (windows, shift): Drift,
        champion: &Champion,
    ) -> Self {
        let is_class = |row: &usize| [0.0, 1.0].contains(&rows.labels[*row]);
        let is_whole = |row: &usize| rows.records.row(*row).iter().all(|value| !value.is_nan());
        let (classes, not_classes): (Vec<usize>, Vec<usize>) =
            (0..rows.labels.len()).partition(is_class);
        let (kept, with_missing): (Vec<usize>, Vec<usize>) =
            classes.into_iter().partition(is_whole);
        let records = rows.records.select(&kept);
        let standing = |row: usize| {
            let wine = Fingerprint::of(records.row(row));
            match &champion.known {
                known if known.tested.contains(&wine) => Standing::Tested,
                known if known.learned.contains(&wine) => Standing::Learned,
                _ => Standing::Fresh,
            }
        };
        let standings: Vec<_> = (0..kept.len()).map(standing).collect();
        let n = |standing| standings.iter().filter(|it| **it == standing).count();
        let counts = EvidenceCounts {
            files,
            windows,
            joined,
            not_classes: not_classes.len(),
            with_missing_values: with_missing.len(),
            learned: n(Standing::Learned),
            tested: n(Standing::Tested),
            fresh: n(Standing::Fresh),
        };
        Self {
            is_good: kept.iter().map(|row| rows.labels[*row] == 1.0).collect(),
            times: kept.iter().map(|row| rows.times[*row]).collect(),
            records,
            standings,
            shift,
            counts,
        }
    }
}

/// The files that are named, and those in and below the folders that are, by their names; what is hidden is passed over.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(Error::io(path))?;
        let entries: Result<Vec<_>, _> = entries.map(|entry| entry.map(|it| it.path())).collect();
        let mut entries = entries.map_err(Error::io(path))?;
        entries.retain(|entry| !is_hidden(entry));
        entries.sort_unstable();
        found.extend(files(&entries)?);
    }
    Ok(found)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
