//! Without drift, a p-value is at most a with probability at most a, for every a.

use mlops_drift::{Alternative, chi_squared_homogeneity, ks_two_sample};
use mlops_testing::SplitMix64;

const LEVELS: [f64; 5] = [0.01, 0.05, 0.1, 0.25, 0.5];
const REPETITIONS: usize = 3_000;

/// Asserts that the p-values are not smaller than chance explains: within three standard errors at
/// each level.
fn assert_level(name: &str, mut p_value: impl FnMut(&mut SplitMix64) -> f64) {
    let mut random = SplitMix64::new(0x5EED);
    let p_values: Vec<f64> = (0..REPETITIONS).map(|_| p_value(&mut random)).collect();
    for level in LEVELS {
        let count = p_values.iter().filter(|p_value| **p_value <= level).count() as f64;
        let repetitions = REPETITIONS as f64;
        let error = (repetitions * level * (1.0 - level)).sqrt();
        assert!(
            count <= repetitions * level + 3.0 * error,
            "{name}: {count} of {repetitions} p-values are at most {level}"
        );
    }
}

fn tied_sample(random: &mut SplitMix64, size: usize) -> Vec<f64> {
    (0..size).map(|_| ((random.next_f64() + random.next_f64()) * 10.0).floor()).collect()
}

#[test]
fn kolmogorov_smirnov_keeps_its_level_with_ties() {
    for (n, m) in [(100, 1), (100, 2), (100, 10), (60, 50)] {
        assert_level(&format!("n {n} m {m}"), |random| {
            let (reference, batch) = (tied_sample(random, n), tied_sample(random, m));
            ks_two_sample(&reference, &batch, Alternative::TwoSided).unwrap().p_value
        });
    }
}

#[test]
fn chi_squared_keeps_its_level_with_small_batches() {
    let shares = [0.6, 0.85, 0.95, 0.98, 1.0];
    for (n, m) in [(200, 1), (200, 2), (200, 10), (40, 12)] {
        for categories in [2, 5] {
            assert_level(&format!("n {n} m {m} categories {categories}"), |random| {
                let mut draw = |size: usize| {
                    let mut counts = vec![0; categories];
                    for _ in 0..size {
                        let u = random.next_f64();
                        let category = shares.iter().filter(|share| u >= **share).count();
                        counts[category.min(categories - 1)] += 1;
                    }
                    counts
                };
                let (reference, batch) = (draw(n), draw(m));
                chi_squared_homogeneity(&reference, &batch).unwrap().p_value
            });
        }
    }
}
