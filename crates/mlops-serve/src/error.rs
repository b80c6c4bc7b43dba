use std::time::Duration;
use std::{fmt, io};

use mlops_core::{Feature, FeatureKind};

/// Why a service could not be built or changed, or did not end cleanly.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part reads other features than the model, or a model than the one before.
    #[error(
        "the {component} reads {} as feature {position}, expected {}",
        describe(got.as_deref()),
        describe(expected.as_deref())
    )]
    SchemaMismatch {
        /// What reads other features.
        component: Component,
        /// The position of the first feature that differs, counted from 0.
        position: usize,
        /// The feature that was expected, if one was at this position.
        expected: Option<Box<Feature>>,
        /// The feature that is read, if one is at this position.
        got: Option<Box<Feature>>,
    },
    /// A model does not predict its example, or not finite numbers.
    #[error("the model `{model}` failed on its input example")]
    ExampleFailed {
        /// The name of the model.
        model: String,
    },
    /// A model predicts numbers in the place of one that decides for classes, or the other way round.
    #[error("the model `{model}` is a classifier in the place of one that is none, or the reverse")]
    OtherKind {
        /// The name of the model.
        model: String,
    },
    /// Two models have one name.
    #[error("two models are called `{name}`")]
    DuplicateModel {
        /// The name.
        name: String,
    },
    /// No model has the name.
    #[error("no model is called `{name}`")]
    UnknownModel {
        /// The name.
        name: String,
    },
    /// The operating system gave no thread.
    #[error("a thread could not be started: {kind}")]
    Thread {
        /// The kind of the operating system's error.
        kind: io::ErrorKind,
    },
    /// Connections were still busy when the grace of a shutdown ended.
    #[error("{connections} connections were cut, still busy after a grace of {grace:?}")]
    ConnectionsCut {
        /// The number of connections.
        connections: usize,
        /// How long they were waited for.
        grace: Duration,
    },
    /// What stood in the queue of the telemetry could not be written in time.
    #[error(transparent)]
    Telemetry(#[from] mlops_telemetry::Error),
    /// The audit log could not be sealed in time; what was acknowledged is in it.
    #[error(transparent)]
    Audit(#[from] mlops_telemetry::AuditError),
}

/// A part of a model, or of what is deployed with it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Component {
    /// The model itself.
    Model,
    /// What explains predictions.
    Explainer,
    /// The drift detector.
    Drift,
    /// The outlier detector.
    Outliers,
    /// A drift monitor.
    Monitor,
    /// The input example.
    Example,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Explainer => "explainer",
            Self::Drift => "drift detector",
            Self::Outliers => "outlier detector",
            Self::Monitor => "drift monitor",
            Self::Example => "input example",
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
            component: Component::Outliers,
            position: 8,
            expected: Some(Box::new(Feature::numeric("pH").with_range(range))),
            got: Some(Box::new(Feature::integer("pH"))),
        };
        insta::assert_snapshot!(error, @"the outlier detector reads integer `pH` as feature 8, expected numeric `pH` in [2.7, 4]");
        let error = Error::SchemaMismatch {
            component: Component::Drift,
            position: 1,
            expected: Some(Box::new(Feature::categorical("region", ["Douro"]))),
            got: None,
        };
        insta::assert_snapshot!(error, @"the drift detector reads nothing as feature 1, expected categorical `region`");
    }
}
