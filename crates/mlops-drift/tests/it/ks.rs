//! Properties of the Kolmogorov-Smirnov test.

use mlops_drift::{Alternative, Error, KsOutcome, Sample, ks_two_sample};
use proptest::prelude::*;

/// Samples of up to `most` values with many ties.
fn tied(most: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let sample = move || prop::collection::vec((0..12_u8).prop_map(f64::from), 1..=most);
    (sample(), sample())
}

/// Samples of up to `most` values, mostly distinct.
fn continuous(most: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let sample = move || prop::collection::vec(-1e3..1e3_f64, 1..=most);
    (sample(), sample())
}

fn test(reference: &[f64], batch: &[f64]) -> KsOutcome {
    ks_two_sample(reference, batch, Alternative::TwoSided).unwrap()
}

fn test_side(reference: &[f64], batch: &[f64], alternative: Alternative) -> KsOutcome {
    ks_two_sample(reference, batch, alternative).unwrap()
}

fn map(values: &[f64], function: impl Fn(f64) -> f64) -> Vec<f64> {
    values.iter().map(|value| function(*value)).collect()
}

/// `n m D`, from the definition.
fn distance(reference: &[f64], batch: &[f64], alternative: Alternative) -> usize {
    let up_to = |sample: &[f64], x: f64| sample.iter().filter(|value| **value <= x).count();
    let pooled = reference.iter().chain(batch);
    let distances = pooled.map(|x| {
        let (first, second) =
            (up_to(reference, *x) * batch.len(), up_to(batch, *x) * reference.len());
        match alternative {
            Alternative::TwoSided => first.abs_diff(second),
            Alternative::Greater => first.saturating_sub(second),
            Alternative::Less => second.saturating_sub(first),
        }
    });
    distances.max().unwrap()
}

/// How many of all relabellings have at least the observed distance, and how many there are.
fn count_relabellings(reference: &[f64], batch: &[f64], alternative: Alternative) -> (f64, f64) {
    let pooled: Vec<f64> = reference.iter().chain(batch).copied().collect();
    let observed = distance(reference, batch, alternative);
    let (mut extreme, mut all) = (0, 0);
    for labels in 0_u32..1 << pooled.len() {
        if labels.count_ones() as usize != batch.len() {
            continue;
        }
        let (mut new_reference, mut new_batch) = (vec![], vec![]);
        for (position, value) in pooled.iter().enumerate() {
            let sample =
                if labels >> position & 1 == 1 { &mut new_batch } else { &mut new_reference };
            sample.push(*value);
        }
        all += 1;
        extreme += u32::from(distance(&new_reference, &new_batch, alternative) >= observed);
    }
    (f64::from(extreme), f64::from(all))
}

proptest! {
    #[test]
    fn samples_can_be_swapped((reference, batch) in tied(60)) {
        let (outcome, swapped) = (test(&reference, &batch), test(&batch, &reference));
        prop_assert_eq!(outcome.statistic.to_bits(), swapped.statistic.to_bits());
        prop_assert!((outcome.p_value / swapped.p_value - 1.0).abs() < 1e-12);
    }

    #[test]
    fn swapped_samples_are_suspected_of_the_opposite((reference, batch) in tied(60)) {
        let less = test_side(&reference, &batch, Alternative::Less);
        let greater = test_side(&batch, &reference, Alternative::Greater);
        prop_assert_eq!(less.statistic.to_bits(), greater.statistic.to_bits());
        prop_assert!((less.p_value / greater.p_value - 1.0).abs() < 1e-12);
        let larger = less.statistic.max(test_side(&reference, &batch, Alternative::Greater).statistic);
        prop_assert_eq!(larger.to_bits(), test(&reference, &batch).statistic.to_bits());
    }

    #[test]
    fn two_sided_is_between_the_smaller_side_and_twice_that((reference, batch) in continuous(60)) {
        let two_sided = test(&reference, &batch).p_value;
        let sides = [Alternative::Less, Alternative::Greater]
            .map(|alternative| test_side(&reference, &batch, alternative).p_value);
        let smaller = sides[0].min(sides[1]);
        prop_assert!(smaller <= two_sided * (1.0 + 1e-12));
        prop_assert!(two_sided <= 2.0 * smaller * (1.0 + 1e-12));
    }

    #[test]
    fn only_the_order_of_values_counts((reference, batch) in continuous(60)) {
        let outcome = test(&reference, &batch);
        // Multiplying by a power of two is exact.
        let increasing = |x: f64| 8.0 * x;
        let mapped = test(&map(&reference, increasing), &map(&batch, increasing));
        prop_assert_eq!(mapped.location.to_bits(), increasing(outcome.location).to_bits());
        prop_assert_eq!(mapped.direction, outcome.direction);
        prop_assert_eq!(mapped.statistic.to_bits(), outcome.statistic.to_bits());
        prop_assert_eq!(mapped.p_value.to_bits(), outcome.p_value.to_bits());
        let mirrored = test(&map(&reference, |x| -x), &map(&batch, |x| -x));
        prop_assert_eq!(mirrored.statistic.to_bits(), outcome.statistic.to_bits());
        prop_assert!((mirrored.p_value / outcome.p_value - 1.0).abs() < 1e-11);
    }

    #[test]
    fn the_order_of_rows_does_not_count((mut reference, mut batch) in tied(60)) {
        let outcome = test(&reference, &batch);
        reference.reverse();
        batch.rotate_left(1);
        prop_assert_eq!(test(&reference, &batch), outcome);
    }

    #[test]
    fn statistic_and_p_value_are_in_range((reference, batch) in continuous(200)) {
        let outcome = test(&reference, &batch);
        let pairs = reference.len() as f64 * batch.len() as f64;
        let expected = distance(&reference, &batch, Alternative::TwoSided) as f64 / pairs;
        prop_assert_eq!(outcome.statistic.to_bits(), expected.to_bits());
        prop_assert!(outcome.p_value > 0.0 && outcome.p_value <= 1.0);
        prop_assert!(outcome.statistic > 0.0 || outcome.p_value >= 1.0);
    }

    #[test]
    fn a_larger_shift_of_a_batch_out_of_range_never_has_a_larger_p_value(
        (reference, batch) in continuous(60),
    ) {
        // Row by row the batch moves above the reference: the statistic grows, the ties stay none.
        let mut batch = batch;
        let mut last = (0.0, f64::INFINITY);
        batch.sort_by(f64::total_cmp);
        for index in (0..batch.len()).rev() {
            batch[index] += 1e4;
            let outcome = test(&reference, &batch);
            if outcome.statistic >= last.0 {
                prop_assert!(outcome.p_value <= last.1 * (1.0 + 1e-12));
                last = (outcome.statistic, outcome.p_value);
            }
        }
        prop_assert_eq!(test(&reference, &batch).statistic.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn ties_never_raise_the_p_value_of_a_distance((reference, batch) in tied(30)) {
        // Jitter that keeps the order of different values, and puts the reference first on the side
        // on which it is ahead: the distance may only grow, so its p-value may only fall.
        let outcome = test(&reference, &batch);
        let spread = |values: &[f64], offset: f64| -> Vec<f64> {
            let rows = values.iter().enumerate();
            rows.map(|(row, value)| value + offset + row as f64 / 1e3).collect()
        };
        for (first, second) in [(0.0, 0.5), (0.5, 0.0)] {
            let untied = test(&spread(&reference, first), &spread(&batch, second));
            if untied.statistic.to_bits() == outcome.statistic.to_bits() {
                prop_assert!(outcome.p_value <= untied.p_value * (1.0 + 1e-12));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p_values_are_shares_of_all_relabellings(
        (reference, batch) in prop_oneof![tied(6), continuous(6)]
    ) {
        for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
            let (extreme, all) = count_relabellings(&reference, &batch, alternative);
            let counted = test_side(&reference, &batch, alternative).p_value * all;
            let error = (counted - extreme).abs();
            prop_assert!(error < 1e-9, "{} of {}, not {}", extreme, all, counted);
        }
    }
}

#[test]
fn one_value_is_judged_by_its_rank() {
    let reference: Vec<f64> = (0..99).map(f64::from).collect();
    for (value, expected) in [(-1.0, 0.02), (0.5, 0.04), (97.5, 0.04), (49.5, 1.0)] {
        let p_value = test(&reference, &[value]).p_value;
        assert!((p_value - expected).abs() < 1e-14, "{value}: {p_value}");
    }
}

#[test]
fn constant_samples_are_tested() {
    assert_eq!(test(&[1.0; 7], &[1.0; 4]).p_value.to_bits(), 1.0_f64.to_bits());
    // 1 of C(11, 4) relabellings is as far apart; the other end would need seven of the batch.
    assert!((test(&[1.0; 7], &[0.0; 4]).p_value - 1.0 / 330.0).abs() < 1e-16);
    assert_eq!(test(&[0.0, -0.0], &[-0.0]).statistic.to_bits(), 0.0_f64.to_bits());
    // Either value is as far from the other.
    assert_eq!(test(&[1.0], &[2.0]).p_value.to_bits(), 1.0_f64.to_bits());
}

#[test]
fn p_values_too_small_for_a_double_stay_positive() {
    let ascending = |first: u32| (first..first + 1000).map(f64::from).collect::<Vec<_>>();
    let p_value = test(&ascending(0), &ascending(1000)).p_value;
    assert_eq!(p_value.to_bits(), f64::MIN_POSITIVE.to_bits());
}

#[test]
fn samples_are_checked() {
    let checked =
        |reference: &[f64], batch: &[f64]| ks_two_sample(reference, batch, Alternative::Less);
    let empty = |sample| Err(Error::EmptySample { sample });
    assert_eq!(checked(&[], &[1.0]), empty(Sample::Reference));
    assert_eq!(checked(&[1.0], &[]), empty(Sample::Batch));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = Error::NotFinite { sample: Sample::Batch, position: 1 };
        assert_eq!(checked(&[1.0], &[1.0, value]), Err(error));
    }
    let extreme = test(&[f64::MAX, f64::MIN_POSITIVE], &[f64::MIN, 5e-324]);
    assert!((extreme.p_value - 1.0 / 3.0).abs() < 1e-15, "{extreme:?}");
}
