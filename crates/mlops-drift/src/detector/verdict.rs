use mlops_core::{DriftReport, DriftStatus, FeatureDrift};

use crate::correction::Family;

/// Adjusts the p-values of a report for their number, by its correction, and says what has drifted,
/// by its level and its minimum effect.
///
/// `member` says with which p-value the values of a feature belong to the family, if they do; the
/// tests of what is missing always do.
pub(crate) fn judge(
    report: &mut DriftReport,
    member: fn(&FeatureDrift) -> Option<f64>,
    family: &mut Family,
) {
    family.p_values.clear();
    for feature in &report.features {
        let missing = feature.missing.map(|missing| missing.p_value);
        family.p_values.extend(member(feature).into_iter().chain(missing));
    }
    family.adjust(report.correction);
    let alpha = report.alpha;
    let threshold = family.threshold(report.correction, alpha);
    let least_effect = report.minimum_effect.unwrap_or(0.0);
    let is_drift = |p_value: f64, effect: f64| p_value < alpha && effect >= least_effect;
    let mut adjusted = family.adjusted.iter();
    let (mut smallest, mut verdict) = (f64::INFINITY, None);
    for feature in &mut report.features {
        let mut flag = None;
        feature.threshold = threshold;
        feature.adjusted_p_value = feature.p_value;
        if member(feature).is_some()
            && let Some(value) = adjusted.next()
        {
            feature.adjusted_p_value = feature.p_value.map(|_| *value);
        }
        if let Some(p_value) = feature.adjusted_p_value {
            let effect = feature.effects.map_or(1.0, |effects| effects.distance);
            flag = Some(is_drift(p_value, effect));
            smallest = f64::min(smallest, p_value);
        }
        if let Some(missing) = &mut feature.missing
            && let Some(value) = adjusted.next()
        {
            missing.adjusted_p_value = *value;
            let effect = (missing.batch - missing.reference).abs();
            flag = Some(flag == Some(true) || is_drift(*value, effect));
            smallest = f64::min(smallest, *value);
        }
        feature.is_drift = flag;
        verdict = verdict.max(flag);
    }
    report.p_value = verdict.map(|_| smallest);
    report.is_drift = verdict;
}

/// The p-value of a feature's values as a member of the family of all tests that can tell anything
/// about the pooled rows, however these are dealt out.
///
/// A feature whose values are all the same is no part of it, what is missing is one only where
/// something is, and a feature whose values happen to be all in one sample counts with a p-value of 1.
/// So the family is never smaller than the pooled rows make it, and the promise of the correction
/// holds.
pub(crate) fn testable(feature: &FeatureDrift) -> Option<f64> {
    match feature.status {
        DriftStatus::Constant | DriftStatus::EmptyBatch => None,
        DriftStatus::AllMissing | DriftStatus::EmptyReference => Some(1.0),
        _ => feature.p_value,
    }
}
