use std::collections::BTreeMap;

use super::{LOG_METRIC, LOG_PARAM, PARAMS, Run, SET_TAG, TAGS};
use crate::entries::Entry;
use crate::name::check_key;
use crate::{Error, ErrorKind, LogBatch, LogSink, Metric, NewMetric};

impl Run {
    /// Logs many values at once, as [`log_metric`](Self::log_metric), [`log_param`](Self::log_param) and
    /// [`set_tag`](Self::set_tag) do, with one wait for other writers and one append for each metric.
    ///
    /// A batch that breaks a rule leaves nothing behind; one that cannot be written may leave a part.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse a key
    /// * [`ParamChanged`](ErrorKind::ParamChanged) if a parameter is logged already with another value, or has two
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn log_batch(&self, batch: &LogBatch) -> Result<(), Error> {
        let LogBatch { metrics, params, tags } = batch;
        let metric_keys = metrics.iter().map(|metric| (LOG_METRIC, &metric.key));
        let param_keys = params.iter().map(|(key, _)| (LOG_PARAM, key));
        let tag_keys = tags.iter().map(|(key, _)| (SET_TAG, key));
        for (operation, key) in metric_keys.chain(param_keys).chain(tag_keys) {
            check_key(key, "key").map_err(|error| Error::name(operation, key, error))?;
        }
        let lines = lines(metrics);
        let params = unique(params)?;

        let _lock = self.store.lock()?;
        let mut new = Vec::new();
        for (key, text) in params {
            if self.is_new_param(key, text)? {
                new.push(Entry { kind: PARAMS, key, text });
            }
        }
        new.extend(tags.iter().map(|(key, text)| Entry { kind: TAGS, key, text }));
        let lines = lines.iter().map(|(key, lines)| (*key, lines.as_str()));
        new.extend(self.append_metrics(lines)?);
        self.write_all(new)
    }
}

impl LogSink for Run {
    fn log_batch(&self, batch: &LogBatch) -> Result<(), Error> {
        self.log_batch(batch)
    }
}

/// The lines of each metric.
fn lines(metrics: &[NewMetric]) -> BTreeMap<&str, String> {
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for metric in metrics {
        // A line with a data set makes MLflow lose the step when it reads it.
        let NewMetric { key, value, timestamp, step, .. } = metric;
        *lines.entry(key).or_default() += &Metric::new(*timestamp, *value, *step).to_line();
    }
    lines
}

/// The parameters, each once.
fn unique(params: &[(String, String)]) -> Result<BTreeMap<&str, &str>, Error> {
    let mut unique = BTreeMap::new();
    for (key, value) in params {
        if unique.insert(key.as_str(), value.as_str()).is_some_and(|old| old != value) {
            let key = format_args!("`{key}`");
            return Err(Error::new(ErrorKind::ParamChanged, LOG_PARAM, key));
        }
    }
    Ok(unique)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalStore;

    fn run(folder: &tempfile::TempDir) -> Run {
        let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
        let experiment = store.experiment("wine").unwrap();
        store.start_run(&experiment, "search", None).unwrap()
    }

    fn text(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_batch_is_logged_as_its_parts_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        run.log_metric("loss", 0.5, 0).unwrap();
        run.log_param("depth", 3).unwrap();
        let metrics = [("loss", 0.25, 1), ("val/auc", f64::NAN, 1), ("loss", 0.125, 2)];
        let metrics = metrics.map(|(key, value, step)| NewMetric::new(key, value, step)).to_vec();
        let params = vec![text("depth", "3"), text("lr", "0.1"), text("lr", "0.1")];
        let tags = vec![text("note", "old"), text("note", "new")];
        let batch = LogBatch { metrics, params, tags };
        run.log_batch(&batch).unwrap();
        let losses = run.metric_history("loss").unwrap();
        let losses: Vec<_> = losses.iter().map(|metric| (metric.value, metric.step)).collect();
        assert_eq!(losses, [(0.5, 0), (0.25, 1), (0.125, 2)]);
        let auc = run.metric_history("val/auc").unwrap();
        assert!(auc[0].value.is_nan() && auc[0].timestamp == batch.metrics[1].timestamp);
        let params = run.params().unwrap();
        assert_eq!(
            (params.len(), params["depth"].as_str(), params["lr"].as_str()),
            (2, "3", "0.1")
        );
        assert_eq!(run.tags().unwrap()["note"], "new");
    }

    #[test]
    fn a_batch_that_breaks_a_rule_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        run.log_param("lr", 0.1).unwrap();
        for (params, tags, kind) in [
            (vec![text("lr", "0.2")], vec![], ErrorKind::ParamChanged),
            (vec![text("new", "1"), text("new", "2")], vec![], ErrorKind::ParamChanged),
            (vec![text("new", "1")], vec![text("../x", "1")], ErrorKind::InvalidName),
        ] {
            let metrics = vec![NewMetric::new("loss", 0.5, 0)];
            let error = run.log_batch(&LogBatch { metrics, params, tags }).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(run.metrics().unwrap().len(), 0);
            assert_eq!(run.params().unwrap().len(), 1);
        }
        run.log_batch(&LogBatch::default()).unwrap();
    }
}
