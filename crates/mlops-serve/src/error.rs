use std::time::Duration;
use std::{fmt, io};

use mlops_core::{Feature, FeatureKind};

/// Why a service could not be built, or did not end cleanly.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A detector reads other features than the model.
    #[error(
        "the {detector} reads {} as feature {position}, expected {} as the model does",
        describe(got.as_deref()),
        describe(expected.as_deref())
    )]
    SchemaMismatch {
        /// The detector.
        detector: Detector,
        /// The position of the first feature that differs, counted from 0.
        position: usize,
        /// The model's feature, if it has one at this position.
        expected: Option<Box<Feature>>,
        /// The detector's feature, if it has one at this position.
        got: Option<Box<Feature>>,
    },
    /// The operating system gave no thread for the log.
    #[error("the thread of the log could not be started: {kind}")]
    LogThread {
        /// The kind of the operating system's error.
        kind: io::ErrorKind,
    },
    /// Connections were still busy when the grace of a shutdown ended.
    #[error("{connections} connections were cut, still busy {grace:?} after the shutdown began")]
    ConnectionsCut {
        /// The number of connections.
        connections: usize,
        /// How long they were waited for.
        grace: Duration,
    },
    /// What stood in the log's queue could not be written in time.
    #[error("the log was not written out within {grace:?}")]
    LogNotWritten {
        /// How long it was waited for.
        grace: Duration,
    },
}

/// One of the detectors beside the model.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Detector {
    /// The drift detector.
    Drift,
    /// The outlier detector.
    Outliers,
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drift => "drift detector",
            Self::Outliers => "outlier detector",
        })
    }
}

fn describe(feature: Option<&Feature>) -> String {
    let Some(feature) = feature else { return "nothing".to_owned() };
    let kind = match feature.kind() {
        FeatureKind::Numeric => "numeric",
        FeatureKind::Integer => "integer",
        FeatureKind::Categorical { .. } => "categorical",
        _ => "another kind of",
    };
    match feature.range() {
        None => format!("{kind} `{}`", feature.name()),
        Some(range) => format!("{kind} `{}` in [{}, {}]", feature.name(), range.min, range.max),
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::Range;

    use super::*;

    #[test]
    fn a_mismatch_says_what_differs() {
        let range = Range::of([2.7, 4.0]).unwrap();
        let error = Error::SchemaMismatch {
            detector: Detector::Outliers,
            position: 8,
            expected: Some(Box::new(Feature::numeric("pH").with_range(range))),
            got: Some(Box::new(Feature::integer("pH"))),
        };
        insta::assert_snapshot!(error, @"the outlier detector reads integer `pH` as feature 8, expected numeric `pH` in [2.7, 4] as the model does");
        let error = Error::SchemaMismatch {
            detector: Detector::Drift,
            position: 1,
            expected: Some(Box::new(Feature::categorical("region", ["Douro"]))),
            got: None,
        };
        insta::assert_snapshot!(error, @"the drift detector reads nothing as feature 1, expected categorical `region` as the model does");
    }
}
