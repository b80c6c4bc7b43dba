use serde::{Deserialize, Deserializer, Serialize};

/// How abnormal every row of a batch is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutlierReport {
    /// A row is an outlier if its score is above this; infinite, and null in JSON, if none ever is.
    #[serde(deserialize_with = "infinite_if_null")]
    pub threshold: f64,
    /// One entry per row of the batch, in its order.
    pub rows: Vec<OutlierRow>,
}

/// What an outlier detector says about one row.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutlierRow {
    /// How abnormal the row is; higher is more abnormal.
    pub score: f64,
    /// Where the score stands among those of the training rows, in `[0, 100]`: 0 for the lowest and below, 100 for the
    /// highest and above; if the detector knows.
    pub percentile: Option<f64>,
    /// Whether the score is above the threshold.
    pub is_outlier: bool,
    /// Which features made an outlier of the row, the strongest first; empty for other rows, and for detectors that
    /// cannot tell.
    pub reasons: Vec<Reason>,
}

/// A feature that makes a row abnormal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// The feature's name.
    pub feature: String,
    /// How much it adds, in the units of the detector's explanations; above 0.
    pub contribution: f64,
}

impl OutlierReport {
    /// The scores of a batch and the threshold that they are held against, without percentiles and reasons.
    pub fn new(threshold: f64, scores: Vec<f64>) -> Self {
        let rows = scores.into_iter().map(|score| OutlierRow {
            score,
            percentile: None,
            is_outlier: score > threshold,
            reasons: Vec::new(),
        });
        Self { threshold, rows: rows.collect() }
    }

    /// The score of each row.
    pub fn scores(&self) -> impl ExactSizeIterator<Item = f64> + Clone {
        self.rows.iter().map(|row| row.score)
    }

    /// Whether each row is an outlier.
    pub fn is_outlier(&self) -> impl ExactSizeIterator<Item = bool> + Clone {
        self.rows.iter().map(|row| row.is_outlier)
    }
}

impl Reason {
    /// A feature and what it adds.
    pub fn new(feature: impl Into<String>, contribution: f64) -> Self {
        Self { feature: feature.into(), contribution }
    }
}

/// JSON has no infinity.
fn infinite_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_on_the_threshold_is_no_outlier() {
        let report = OutlierReport::new(0.1, vec![0.0, 0.1, 0.2, f64::NAN]);
        assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, false, true, false]);
    }

    #[test]
    fn a_threshold_that_no_score_exceeds_is_read_again() {
        let report = OutlierReport::new(f64::INFINITY, vec![0.5]);
        let json = serde_json::to_string(&report).unwrap();
        assert!(json.starts_with(r#"{"threshold":null,"#), "{json}");
        assert_eq!(serde_json::from_str::<OutlierReport>(&json).unwrap(), report);
    }

    #[test]
    fn a_report_is_written_row_by_row() {
        let mut report = OutlierReport::new(0.1, vec![0.25, -0.5]);
        report.rows[0].percentile = Some(99.5);
        report.rows[0].reasons.push(Reason::new("pH", 0.125));
        let json = serde_json::to_string(&report).unwrap();
        insta::assert_snapshot!(json, @r#"{"threshold":0.1,"rows":[{"score":0.25,"percentile":99.5,"is_outlier":true,"reasons":[{"feature":"pH","contribution":0.125}]},{"score":-0.5,"percentile":null,"is_outlier":false,"reasons":[]}]}"#);
        assert_eq!(serde_json::from_str::<OutlierReport>(&json).unwrap(), report);
    }
}
