use crate::name::check_key;
use crate::{Error, LogBatch, NewMetric};

/// What is sent at once.
///
/// The keys stand in one text: strings of their own would be freed by another thread than allocated them, and the
/// allocator would have the one wait for the other.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    keys: String,
    points: Vec<Point>,
    params: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    n_bytes: usize,
}

/// A value of a metric.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Where its key ends in `keys`.
    key_end: usize,
    value: f64,
    timestamp: i64,
    step: i64,
}

impl Batch {
    /// What a value of a metric with this key takes, in bytes.
    pub(crate) fn metric_bytes(key: &str) -> usize {
        size_of::<Point>() + key.len()
    }

    pub(crate) fn push_metric(&mut self, key: &str, value: f64, timestamp: i64, step: i64) {
        self.keys.push_str(key);
        self.points.push(Point { key_end: self.keys.len(), value, timestamp, step });
        self.n_bytes += Self::metric_bytes(key);
    }

    pub(crate) fn push_param(&mut self, param: (String, String)) {
        self.n_bytes += text_bytes(&param);
        self.params.push(param);
    }

    pub(crate) fn push_tag(&mut self, tag: (String, String)) {
        self.n_bytes += text_bytes(&tag);
        self.tags.push(tag);
    }

    /// How many metrics, parameters and tags there are.
    pub(crate) fn len(&self) -> usize {
        self.points.len() + self.params.len() + self.tags.len()
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Takes out what is in it. Metrics whose keys MLflow would refuse are left out: they would have the others
    /// refused; the errors are theirs.
    pub(crate) fn drain(&mut self) -> (LogBatch, Vec<Error>) {
        let (mut metrics, mut errors) = (Vec::with_capacity(self.points.len()), Vec::new());
        let mut key_start = 0;
        for Point { key_end, value, timestamp, step } in self.points.drain(..) {
            let key = &self.keys[key_start..key_end];
            key_start = key_end;
            match check_key(key, "key") {
                Ok(()) => metrics.push(NewMetric { timestamp, ..NewMetric::new(key, value, step) }),
                Err(error) => errors.push(Error::name("log the metric", key, error)),
            }
        }
        self.keys.clear();
        self.n_bytes = 0;
        let (params, tags) = (self.params.drain(..).collect(), self.tags.drain(..).collect());
        (LogBatch { metrics, params, tags }, errors)
    }
}

fn text_bytes((key, value): &(String, String)) -> usize {
    size_of::<(String, String)>() + key.len() + value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_but_for_bad_keys() {
        let mut batch = Batch::default();
        for (key, step) in [("a", 1), ("é/b", 2), ("", 3), ("../c", 4), ("a", 5)] {
            batch.push_metric(key, 0.5, 7, step);
        }
        batch.push_param(("k".to_owned(), "v".to_owned()));
        batch.push_tag(("t".to_owned(), "w".to_owned()));
        assert_eq!(batch.len(), 7);
        assert!(batch.n_bytes() > 5 * size_of::<Point>());
        let (log_batch, errors) = batch.drain();
        let metrics = log_batch.metrics.iter().map(|metric| (metric.key.as_str(), metric.step));
        assert_eq!(metrics.collect::<Vec<_>>(), [("a", 1), ("é/b", 2), ("a", 5)]);
        assert_eq!((log_batch.params[0].1.as_str(), log_batch.tags[0].1.as_str()), ("v", "w"));
        let errors: Vec<_> = errors.iter().map(Error::to_string).collect();
        assert_eq!(errors[1], "cannot log the metric `../c`: the name is not allowed");
        assert_eq!((errors.len(), batch.len(), batch.n_bytes()), (2, 0, 0));
    }
}
