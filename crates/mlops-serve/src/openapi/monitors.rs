//! What the drift monitors have found.

use mlops_core::{Correction, DriftStatus, DriftTest, PValueMethod};
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::words::{
    Schema, any_of, closed, component, list, natural, number_or_null, of, one_of_texts, or_null,
};
use crate::monitor::Failure;

pub(super) fn components() -> Vec<(String, Schema)> {
    let schemas = [
        ("DriftMonitors", monitors()),
        ("MonitorSnapshot", snapshot()),
        ("Alarm", alarm()),
        ("FeatureStatistic", statistic()),
        ("DriftReport", report()),
        ("FeatureDrift", drift()),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema.into())).collect()
}

/// Of each model that has monitors, what each of them says, or how it failed.
fn monitors() -> ObjectBuilder {
    let name = || ("name", Schema::from(of(Type::String)));
    let monitor = any_of([
        closed([name(), ("snapshot", component("MonitorSnapshot"))], []).into(),
        closed([name(), ("failure", words(&Failure::ALL))], []).into(),
    ]);
    let version = ("version", of(Type::String).into());
    let model = closed([name(), ("monitors", list(monitor).into())], [version]);
    closed([("models", list(model).into())], [])
}

fn snapshot() -> ObjectBuilder {
    let window = any_of([component("DriftReport"), of(Type::Null).into()]);
    closed(
        [
            ("monitor", of(Type::String).into()),
            ("n_rows", natural().into()),
            ("n_alarms", natural().into()),
            ("alarms", list(component("Alarm")).into()),
            ("last_window", window),
            ("features", list(component("FeatureStatistic")).into()),
        ],
        [],
    )
    .description(Some("the latest alarms, oldest first, and the last window that is complete"))
}

fn alarm() -> ObjectBuilder {
    closed(
        [
            ("feature", or_null(Type::String).into()),
            ("what", of(Type::String).into()),
            ("statistic", number_or_null()),
            ("threshold", number_or_null()),
            ("n_rows", natural().into()),
        ],
        [],
    )
    .description(Some("what crossed its threshold, and after how many rows"))
}

fn statistic() -> ObjectBuilder {
    closed(
        [
            ("feature", of(Type::String).into()),
            ("what", of(Type::String).into()),
            ("statistic", number_or_null()),
            ("threshold", number_or_null()),
        ],
        [],
    )
    .description(Some("where a monitor stands with a feature"))
}

fn report() -> ObjectBuilder {
    let corrections = [
        Correction::None,
        Correction::Bonferroni,
        Correction::Holm,
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
    ];
    closed(
        [
            ("alpha", number_or_null()),
            ("correction", words(&corrections)),
            ("minimum_effect", number_or_null()),
            ("reference_id", or_null(Type::String).into()),
            ("n_rows", natural().into()),
            ("p_value", number_or_null()),
            ("is_drift", or_null(Type::Boolean).into()),
            ("features", list(component("FeatureDrift")).into()),
        ],
        [],
    )
    .description(Some("a window, its p-values adjusted for their number"))
}

fn drift() -> ObjectBuilder {
    let statuses = [
        DriftStatus::Tested,
        DriftStatus::TooFewRows,
        DriftStatus::Constant,
        DriftStatus::EmptyBatch,
        DriftStatus::AllMissing,
        DriftStatus::EmptyReference,
    ];
    let methods = [PValueMethod::Exact, PValueMethod::MonteCarlo, PValueMethod::Asymptotic];
    let numbers_or_null = |names: &[&'static str]| {
        let numbers = closed(names.iter().map(|&name| (name, number_or_null())), []);
        any_of([numbers.into(), of(Type::Null).into()])
    };
    let effects = ["distance", "wasserstein", "population_stability_index"];
    let missing = ["reference", "batch", "p_value", "adjusted_p_value"];
    closed(
        [
            ("feature", of(Type::String).into()),
            ("test", words(&[DriftTest::KolmogorovSmirnov, DriftTest::ChiSquared])),
            ("status", words(&statuses)),
            ("statistic", number_or_null()),
            ("p_value", number_or_null()),
            ("adjusted_p_value", number_or_null()),
            ("threshold", number_or_null()),
            ("method", any_of([words(&methods), of(Type::Null).into()])),
            ("effects", numbers_or_null(&effects)),
            ("n_values", natural().into()),
            ("n_missing", natural().into()),
            ("n_unseen", natural().into()),
            ("missing", numbers_or_null(&missing)),
            ("is_drift", or_null(Type::Boolean).into()),
        ],
        [],
    )
}

/// One of these, as JSON has them.
fn words<T: Serialize>(words: &[T]) -> Schema {
    one_of_texts(words.iter().filter_map(|word| serde_json::to_value(word).ok())).into()
}
