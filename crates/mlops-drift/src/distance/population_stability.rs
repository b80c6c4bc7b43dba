use crate::Error;
use crate::counts::Totals;
use crate::special::chi_squared;
use crate::test::clamp_p_value;

/// How far the shares of two samples are apart: the population stability index, with the p-value that
/// its thresholds are usually taken for.
///
/// ```text
/// PSI = sum (p - q) ln(p / q)        p = (a + 1/2) / (n + B/2), q = (b + 1/2) / (m + B/2)
/// PSI / (1 / n + 1 / m) ~ chi-squared with B - 1 degrees of freedom, without drift
/// ```
///
/// Category by category, or bin by bin, `reference` and `batch` hold the counts a and b of n and m
/// values in B categories. The halves (Laplace, or Jeffreys' prior) keep the index finite where a
/// category is missing, in all samples alike. Categories that neither sample has count, too: leave
/// them out.
///
/// # Thresholds
/// It is usual to call a PSI above 0.1 a small and one above 0.2, or 0.25, a large shift, whatever
/// the sizes. Without any drift its mean is `(B - 1) (1 / n + 1 / m)`: for ten bins and a batch of 45
/// that is 0.2, and nearly every other batch raises the alarm. The p-value says whether there is drift,
/// the index how much of it.
///
/// # Validity
/// The law is a limit. Measured without drift (4000 batches each, a reference of 5000 values), it
/// raised the alarm at the level 0.05 this often:
///
/// | categories                          | batch         | false alarms     |
/// |-------------------------------------|---------------|------------------|
/// | 10 of equal shares                  | 1000, 200, 50 | 5.1, 4.7, 4.6 %  |
/// | 10 of equal shares                  | 20            | 0.1 %            |
/// | 20 of equal shares                  | 200, 100, 50  | 4.2, 3.3, 0.3 %  |
/// | shares 0.5, 0.3, 0.1, 0.05 and 0.05 | 200           | 5.5 %            |
/// | shares 0.9, 0.09, 0.009 and 0.001   | 200           | 3.3 %            |
///
/// So it holds where at least five values of the batch are expected in each category, and is cautious
/// below, as the halves draw the shares together. But they are not the same in samples of different
/// sizes: 20 categories that none of 5000 and none of 100 values has are enough for p = 0.03. Rare
/// categories belong together in one; where they matter, there is
/// [`chi_squared_homogeneity`](crate::chi_squared_homogeneity).
///
/// # Edge cases
/// * One category: `PSI = 0`, `p = 1`.
/// * A p-value below 2.2e-308 is given as that.
///
/// # Errors
/// * [`Error::CategoryCount`] if one sample has more counts than the other
/// * [`Error::EmptySample`] if the counts of a sample sum up to 0
/// * [`Error::TooManyCounts`] if all counts sum up to more than 2^53
///
/// # Examples
/// ```
/// use mlops_drift::population_stability_index;
///
/// // A batch of 30 whose index is usually called a small shift.
/// let outcome = population_stability_index(&[100, 100, 100, 100], &[8, 5, 7, 10])?;
/// assert!(outcome.index > 0.05 && outcome.p_value > 0.5);
/// // The same shares in a batch of 3000 are drift.
/// let outcome = population_stability_index(&[10_000; 4], &[800, 500, 700, 1000])?;
/// assert!(outcome.index < 0.1 && outcome.p_value < 1e-30);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// The index is Jeffreys' divergence: Jeffreys (1946), An invariant form for the prior probability in
/// estimation problems, Proceedings of the Royal Society A 186, 453-461. Its expansion to the second
/// order, `sum (p - q)^2 / p`, gives the law.
pub fn population_stability_index(
    reference: &[u64],
    batch: &[u64],
) -> Result<PopulationStabilityOutcome, Error> {
    let totals = Totals::of(reference, batch)?;
    let index = index(reference, batch);
    let degrees_of_freedom = reference.len() - 1;
    let (n, m) = (totals.reference as f64, totals.batch as f64);
    let statistic: f64 = index / (1.0 / n + 1.0 / m);
    let p_value = chi_squared::survival(statistic, degrees_of_freedom);
    Ok(PopulationStabilityOutcome { index, p_value: clamp_p_value(p_value), degrees_of_freedom })
}

/// The index of counts of as many categories, whose sums do not overflow.
pub(crate) fn index(reference: &[u64], batch: &[u64]) -> f64 {
    let categories = reference.len() as u64;
    // Twice the sizes, to have integers.
    let size = |counts: &[u64]| 2 * counts.iter().sum::<u64>() + categories;
    let sizes = (size(reference), size(batch));
    let counts = reference.iter().zip(batch);
    counts.map(|(&reference, &batch)| term(reference, batch, sizes)).sum()
}

/// The population stability index with its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct PopulationStabilityOutcome {
    /// The index, at least 0.
    pub index: f64,
    /// The probability of an index at least as large without drift, above 0 and at most 1.
    pub p_value: f64,
    /// The number of categories, less one.
    pub degrees_of_freedom: usize,
}

impl PopulationStabilityOutcome {
    /// The decimal logarithm of the p-value, from -307.7 to 0.
    pub fn log10_p_value(&self) -> f64 {
        self.p_value.log10()
    }
}

/// `(p - q) ln(p / q)`, of exact products: the greater of both first, so that nothing cancels.
fn term(reference: u64, batch: u64, sizes: (u64, u64)) -> f64 {
    let product = |count: u64, size: u64| (2 * count + 1).checked_mul(size);
    let products = product(reference, sizes.1).zip(product(batch, sizes.0));
    let (difference, lesser) = if let Some((left, right)) = products {
        (left.abs_diff(right) as f64, left.min(right) as f64)
    } else {
        let product = |count: u64, size: u64| u128::from(2 * count + 1) * u128::from(size);
        let (left, right) = (product(reference, sizes.1), product(batch, sizes.0));
        (left.abs_diff(right) as f64, left.min(right) as f64)
    };
    let excess = difference / lesser;
    // Far from 1, the logarithm itself is as exact, and quicker.
    let is_far = excess > 0.1;
    let ln_ratio = if is_far { ((lesser + difference) / lesser).ln() } else { excess.ln_1p() };
    difference / (sizes.0 as f64 * sizes.1 as f64) * ln_ratio
}

#[cfg(test)]
mod tests {
    use mlops_core::Random;

    use super::*;

    /// The share of batches without drift with a p-value of at most each level.
    fn levels(n: u32, m: u32, categories: usize, levels: [f64; 2]) -> ([f64; 2], f64) {
        let mut random = Random::new(11);
        let mut counts = |size: u32| {
            let mut counts = vec![0; categories];
            (0..size).for_each(|_| counts[random.below(categories)] += 1);
            counts
        };
        let rounds = 4_000;
        let mut reached = [0.0; 2];
        let mut sum = 0.0;
        for _ in 0..rounds {
            let outcome = population_stability_index(&counts(n), &counts(m)).unwrap();
            sum += outcome.index;
            for (reached, level) in reached.iter_mut().zip(levels) {
                *reached += f64::from(outcome.p_value <= level) / f64::from(rounds);
            }
        }
        (reached, sum / f64::from(rounds))
    }

    #[test]
    fn the_level_is_kept_by_batches_of_enough_values_in_each_category() {
        let ([five, one], mean) = levels(5_000, 200, 10, [0.05, 0.01]);
        // Standard errors are 0.0034 and 0.0016.
        assert!((five - 0.05).abs() < 0.012 && (one - 0.01).abs() < 0.006, "{five} {one}");
        let expected = 9.0 * (1.0 / 5_000.0 + 1.0 / 200.0);
        assert!((mean / expected - 1.0).abs() < 0.05, "{mean} {expected}");
        // With fewer of them it is not exceeded.
        let ([five, one], _) = levels(5_000, 20, 10, [0.05, 0.01]);
        assert!(five < 0.01 && one < 0.002, "{five} {one}");
    }

    #[test]
    fn categories_of_no_values_are_not_left_out() {
        // The halves alone tell samples of different sizes apart.
        let reference: Vec<u64> = [vec![5_000], vec![0; 20]].concat();
        let batch: Vec<u64> = [vec![100], vec![0; 20]].concat();
        let outcome = population_stability_index(&reference, &batch).unwrap();
        assert!((0.02..0.05).contains(&outcome.p_value), "{outcome:?}");
        let outcome = population_stability_index(&reference[..1], &batch[..1]).unwrap();
        assert_eq!(outcome.p_value.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn one_category_is_no_drift() {
        let outcome = population_stability_index(&[7], &[3]).unwrap();
        let expected =
            PopulationStabilityOutcome { index: 0.0, p_value: 1.0, degrees_of_freedom: 0 };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn shares_that_differ_by_orders_of_magnitude_are_compared() {
        let huge = 1 << 50;
        let outcome = population_stability_index(&[huge, 0], &[0, huge]).unwrap();
        // Twice ln(2^51 + 1) of shares that are nearly one apart.
        let expected = 2.0 * 51.0 * 2.0_f64.ln();
        assert!((outcome.index / expected - 1.0).abs() < 1e-13, "{outcome:?}");
        assert_eq!(outcome.p_value, f64::MIN_POSITIVE);
        assert!((outcome.log10_p_value() + 307.65).abs() < 0.01);
    }

    #[test]
    fn what_is_no_pair_of_samples_is_refused() {
        let outcome = population_stability_index(&[1, 2], &[1]);
        assert_eq!(outcome, Err(Error::CategoryCount { reference: 2, batch: 1 }));
    }
}
