//! The metrics of a run: a file for each, to which lines are added.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use super::{LOG_METRIC, METRICS, Run};
use crate::entries::Entry;
use crate::name::check_key;
use crate::{Error, Metric, entries, meta};

impl Run {
    /// Logs a value of a metric at this moment; NaN and infinities are kept.
    ///
    /// Costs one small append, without waiting for the device: a loss of power may take the last
    /// values with it, a crash of the program does not.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn log_metric(&self, key: &str, value: f64, step: i64) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name(LOG_METRIC, key, error))?;
        let line = Metric::new(meta::now(), value, step).to_line();
        let _lock = self.store.lock()?;
        let new = self.append_metrics([(key, line.as_str())])?;
        self.write_all(new)
    }

    /// The latest value of every metric: that of the largest step.
    ///
    /// # Errors
    /// * [`Malformed`](crate::ErrorKind::Malformed) if a line is not a value
    /// * [`Io`](crate::ErrorKind::Io) if they cannot be read
    pub fn metrics(&self) -> Result<BTreeMap<String, Metric>, Error> {
        let mut metrics = BTreeMap::new();
        for (key, text) in entries::read_all(&self.folder().join(METRICS))? {
            let history = self.parse_history(&key, &text)?;
            metrics.extend(Metric::latest(&history).map(|latest| (key, latest)));
        }
        Ok(metrics)
    }

    /// All values of a metric in the order in which they were logged; none if it was not logged.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`Malformed`](crate::ErrorKind::Malformed) if a line is not a value
    /// * [`Io`](crate::ErrorKind::Io) if they cannot be read
    pub fn metric_history(&self, key: &str) -> Result<Vec<Metric>, Error> {
        check_key(key, "key").map_err(|error| Error::name("read the metric", key, error))?;
        let text = entries::read(&self.folder().join(METRICS), key)?;
        text.map_or(Ok(Vec::new()), |text| self.parse_history(key, &text))
    }

    /// Adds lines to the files of metrics that are there, and returns the entries of those that are not: MLflow stumbles over
    /// an empty file, so the first lines come with the file. The caller holds the lock.
    pub(super) fn append_metrics<'a>(
        &self,
        lines: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<Entry<'a>>, Error> {
        let mut new = Vec::new();
        for (key, text) in lines {
            let path = self.folder().join(METRICS).join(key);
            if !path.is_file() {
                new.push(Entry { kind: METRICS, key, text });
                continue;
            }
            let append = File::options().append(true).open(&path);
            append
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| Error::io(LOG_METRIC, &path, error))?;
        }
        Ok(new)
    }

    fn parse_history(&self, key: &str, text: &str) -> Result<Vec<Metric>, Error> {
        Metric::parse_history(text)
            .ok_or_else(|| Error::malformed(&self.folder().join(METRICS).join(key)))
    }
}
