use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DriftReport;

/// What a monitor of many batches has found so far.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MonitorSnapshot {
    /// The kind of monitor, such as `window`: lower case, without spaces.
    pub monitor: String,
    /// The number of rows that it has seen.
    pub n_rows: u64,
    /// The number of alarms that it has raised.
    pub n_alarms: u64,
    /// The latest alarms, oldest first. A monitor keeps a bounded number of them, so that these may be fewer than
    /// `n_alarms`.
    pub alarms: Vec<Alarm>,
    /// What was found in the last window that is complete; `None` before there is one, and for monitors without windows.
    pub last_window: Option<DriftReport>,
    /// Where the monitor stands with each feature, in schema order; empty for monitors that judge whole windows only.
    pub features: Vec<FeatureStatistic>,
}

impl MonitorSnapshot {
    /// A monitor that has seen rows and found nothing.
    pub fn new(monitor: impl Into<String>, n_rows: u64) -> Self {
        Self {
            monitor: monitor.into(),
            n_rows,
            n_alarms: 0,
            alarms: Vec::new(),
            last_window: None,
            features: Vec::new(),
        }
    }
}

/// A time at which a monitor found drift.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Alarm {
    /// The feature that has drifted; `None` if it was found in all of them together.
    pub feature: Option<Arc<str>>,
    /// What crossed its threshold: `adjusted_p_value` by falling below it, `e_value` by reaching it, or whatever else a
    /// monitor names, in lower case and without spaces.
    pub what: String,
    /// Its value then; finite.
    pub statistic: f64,
    /// What it was held against; finite.
    pub threshold: f64,
    /// The number of rows that the monitor had seen, that of the alarm included.
    pub n_rows: u64,
}

impl Alarm {
    /// An alarm of a feature, or of all together.
    pub fn new(
        feature: Option<Arc<str>>,
        what: impl Into<String>,
        statistic: f64,
        threshold: f64,
        n_rows: u64,
    ) -> Self {
        Self { feature, what: what.into(), statistic, threshold, n_rows }
    }
}

/// Where a monitor stands with a feature between two alarms.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FeatureStatistic {
    /// The feature's name.
    pub feature: Arc<str>,
    /// What is watched, by the name that an [`Alarm`] would have.
    pub what: String,
    /// Its value now; finite.
    pub statistic: f64,
    /// What it is held against; `None` if that changes with the rows to come.
    pub threshold: Option<f64>,
}

impl FeatureStatistic {
    /// The value of what is watched, and its threshold.
    pub fn new(
        feature: impl Into<Arc<str>>,
        what: impl Into<String>,
        statistic: f64,
        threshold: Option<f64>,
    ) -> Self {
        Self { feature: feature.into(), what: what.into(), statistic, threshold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_without_windows_says_where_it_stands_with_each_feature() {
        let mut snapshot = MonitorSnapshot::new("e_detector", 4711);
        snapshot.n_alarms = 1;
        snapshot.alarms = vec![Alarm::new(None, "e_value", 20_480.0, 10_000.0, 4000)];
        snapshot.features = vec![FeatureStatistic::new("pH", "e_value", 1.5, Some(120_000.0))];
        let json = serde_json::to_string(&snapshot).unwrap();
        insta::assert_snapshot!(json, @r#"{"monitor":"e_detector","n_rows":4711,"n_alarms":1,"alarms":[{"feature":null,"what":"e_value","statistic":20480.0,"threshold":10000.0,"n_rows":4000}],"last_window":null,"features":[{"feature":"pH","what":"e_value","statistic":1.5,"threshold":120000.0}]}"#);
        assert_eq!(serde_json::from_str::<MonitorSnapshot>(&json).unwrap(), snapshot);
    }
}
