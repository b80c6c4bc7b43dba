//! Without drift, a p-value is at most a with probability at most a, for every a; with drift, ours are
//! small at least as often as SciPy's.

use std::sync::Arc;

use mlops_core::{Feature, PValueMethod, Records, Schema};
use mlops_drift::{
    Alternative, Scratch, TabularDrift, chi_squared_homogeneity, cramer_von_mises, fisher_exact,
    ks_two_sample,
};
use mlops_testing::{SplitMix64, n_batches};
use ndarray::Array2;
use serde_json::Value;

const LEVELS: [f64; 5] = [0.01, 0.05, 0.1, 0.25, 0.5];

const ALTERNATIVES: [Alternative; 3] =
    [Alternative::TwoSided, Alternative::Less, Alternative::Greater];

const BATCH_SIZES: [usize; 4] = [1, 2, 10, 50];

/// Asserts that events of a probability of at most `level` do not happen more often than chance
/// explains: within three standard errors.
#[expect(clippy::print_stdout, reason = "whoever calibrates wants to see the counts")]
fn assert_rare(name: &str, n_events: usize, n_batches: usize, level: f64) {
    let (count, batches) = (n_events as f64, n_batches as f64);
    let most = batches * level + 3.0 * (batches * level * (1.0 - level)).sqrt();
    println!("{name}: {n_events} of {n_batches} at {level}, at most {most:.0}");
    assert!(count <= most, "{name}: {n_events} of {n_batches} p-values are at most {level}");
}

/// Asserts that the p-values of batches without drift keep every level.
fn assert_level(name: &str, mut p_value: impl FnMut(&mut SplitMix64) -> f64) {
    let mut random = SplitMix64::new(0x5EED);
    let n_batches = n_batches();
    let p_values: Vec<f64> = (0..n_batches).map(|_| p_value(&mut random)).collect();
    for level in LEVELS {
        let count = p_values.iter().filter(|p_value| **p_value <= level).count();
        assert_rare(name, count, n_batches, level);
    }
}

/// Values with many ties: 12 different ones if nothing is added.
fn tied_sample(random: &mut SplitMix64, size: usize, shift: f64) -> Vec<f64> {
    let value = |random: &mut SplitMix64| {
        let (a, b, c) = (random.next_f64(), random.next_f64(), random.next_f64());
        (((a + b) + c) * 4.0 + shift).floor()
    };
    (0..size).map(|_| value(random)).collect()
}

/// How many of `size` values are of each kind, of which `below` are the shares up to each.
fn counts<const N: usize>(random: &mut SplitMix64, size: usize, below: [f64; N]) -> [u64; N] {
    let mut counts = [0; N];
    for _ in 0..size {
        let u = random.next_f64();
        counts[below.iter().filter(|share| u >= **share).count().min(N - 1)] += 1;
    }
    counts
}

#[test]
fn kolmogorov_smirnov_keeps_its_level_with_ties() {
    for m in BATCH_SIZES {
        for alternative in ALTERNATIVES {
            assert_level(&format!("ks, {alternative:?}, 200 and {m}"), |random| {
                let reference = tied_sample(random, 200, 0.0);
                let batch = tied_sample(random, m, 0.0);
                let outcome = ks_two_sample(&reference, &batch, alternative).unwrap();
                assert_eq!(outcome.method, PValueMethod::Exact);
                outcome.p_value
            });
        }
    }
}

#[test]
fn chi_squared_keeps_its_level_with_rare_categories() {
    for m in BATCH_SIZES {
        assert_level(&format!("chi-squared, 2 categories, 200 and {m}"), |random| {
            let reference = counts(random, 200, [0.9, 1.0]);
            let batch = counts(random, m, [0.9, 1.0]);
            let outcome = chi_squared_homogeneity(&reference, &batch).unwrap();
            assert_eq!(outcome.method, PValueMethod::Exact);
            outcome.p_value
        });
        assert_level(&format!("chi-squared, 3 categories, 200 and {m}"), |random| {
            let reference = counts(random, 200, [0.7, 0.99, 1.0]);
            let batch = counts(random, m, [0.7, 0.99, 1.0]);
            let outcome = chi_squared_homogeneity(&reference, &batch).unwrap();
            assert_eq!(outcome.method, PValueMethod::Exact);
            outcome.p_value
        });
        let shares = [0.6, 0.85, 0.95, 0.98, 1.0];
        assert_level(&format!("chi-squared, 5 categories, 200 and {m}"), |random| {
            let (reference, batch) = (counts(random, 200, shares), counts(random, m, shares));
            chi_squared_homogeneity(&reference, &batch).unwrap().p_value
        });
    }
}

#[test]
fn chi_squared_keeps_small_levels_where_expected_counts_are_large_enough() {
    // The rare category is expected five times; by the chi-squared law, three times as many p-values
    // are below 1e-4.
    let (mut random, n_batches) = (SplitMix64::new(0x5EED), n_batches());
    for (n, m) in [(2000, 200), (9000, 1000)] {
        let rare = 1.0 - 6.0 / m as f64;
        let below = |level: f64, p_values: &[f64]| {
            p_values.iter().filter(|p_value| **p_value <= level).count()
        };
        let p_values: Vec<f64> = (0..n_batches)
            .map(|_| {
                let reference = counts(&mut random, n, [0.4, rare, 1.0]);
                let batch = counts(&mut random, m, [0.4, rare, 1.0]);
                chi_squared_homogeneity(&reference, &batch).unwrap().p_value
            })
            .collect();
        for level in [1e-4, 1e-3, 5e-3] {
            let name = format!("chi-squared, {n} and {m}");
            assert_rare(&name, below(level, &p_values), n_batches, level);
        }
    }
}

#[test]
fn fisher_keeps_its_level() {
    for m in BATCH_SIZES {
        for alternative in ALTERNATIVES {
            assert_level(&format!("fisher, {alternative:?}, 200 and {m}"), |random| {
                let reference = counts(random, 200, [0.1, 1.0]);
                let batch = counts(random, m, [0.1, 1.0]);
                fisher_exact(reference, batch, alternative).unwrap().p_value
            });
        }
    }
}

#[test]
fn cramer_von_mises_keeps_its_level_with_ties() {
    for (n, m) in [(200, 1), (200, 2), (60, 10), (20, 20)] {
        assert_level(&format!("cramer-von mises, {n} and {m}"), |random| {
            let (reference, batch) = (tied_sample(random, n, 0.0), tied_sample(random, m, 0.0));
            let outcome = cramer_von_mises(&reference, &batch).unwrap();
            assert_eq!(outcome.method, PValueMethod::Exact);
            outcome.p_value
        });
    }
}

/// Twelve features: eight of numbers with ties, two without, two of categories; one in twenty values
/// of every third one is missing.
fn rows(random: &mut SplitMix64, schema: &Arc<Schema>, size: usize) -> Records {
    let mut values = Array2::zeros((size, 12));
    for (column, mut values) in values.columns_mut().into_iter().enumerate() {
        let ties = tied_sample(random, size, 0.0);
        for (value, tied) in values.iter_mut().zip(ties) {
            *value = match column {
                0..8 => tied,
                8 | 9 => random.next_f64(),
                _ => f64::from(u8::from(random.next_f64() < 0.2)),
            };
            if column % 3 == 0 && random.next_f64() < 0.05 {
                *value = f64::NAN;
            }
        }
    }
    Records::new(Arc::clone(schema), values).unwrap()
}

#[test]
fn the_verdict_on_twelve_features_keeps_its_level() {
    let features = (0..12).map(|column| match column {
        0..10 => Feature::numeric(format!("x{column}")),
        _ => Feature::integer(format!("x{column}")),
    });
    let schema = Arc::new(Schema::new(features.collect()).unwrap());
    let (mut scratch, n_batches) = (Scratch::default(), n_batches());
    let mut random = SplitMix64::new(0x5EED);
    for m in BATCH_SIZES {
        let (mut n_alarms, mut n_uncorrected) = (0, 0);
        for _ in 0..n_batches {
            let reference = rows(&mut random, &schema, 200);
            let detector =
                TabularDrift::builder().categorical(["x10", "x11"]).fit(&reference).unwrap();
            let batch = rows(&mut random, &schema, m);
            let mut report = detector.test(&batch).unwrap();
            detector.test_into(&batch, &mut scratch, &mut report).unwrap();
            n_alarms += usize::from(report.is_drift == Some(true));
            n_uncorrected +=
                usize::from(report.is_below_alpha().any(|is_below| is_below == Some(true)));
        }
        assert_rare(&format!("verdict, 200 and {m}"), n_alarms, n_batches, 0.05);
        println!("without correction: {n_uncorrected} of {n_batches}");
    }
}

#[test]
fn on_tied_data_power_is_at_least_that_of_scipy() {
    let golden: Value = serde_json::from_str(include_str!("../data/golden_power.json")).unwrap();
    let rows = golden["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let count = |key: &str| usize::try_from(row[key].as_u64().unwrap()).unwrap();
        let shift = row["shift"].as_f64().unwrap();
        let mut random = SplitMix64::new(row["seed"].as_u64().unwrap());
        let (mut rejected_05, mut rejected_01) = (0, 0);
        for _ in 0..count("batches") {
            let reference = tied_sample(&mut random, count("n"), 0.0);
            let batch = tied_sample(&mut random, count("m"), shift * 4.0);
            let outcome = ks_two_sample(&reference, &batch, Alternative::TwoSided).unwrap();
            rejected_05 += usize::from(outcome.p_value < 0.05);
            rejected_01 += usize::from(outcome.p_value < 0.01);
        }
        println!("{row}: ours {rejected_05} and {rejected_01}");
        assert!(rejected_05 >= count("rejected_05"), "{rejected_05}, {row}");
        assert!(rejected_01 >= count("rejected_01"), "{rejected_01}, {row}");
    }
}
