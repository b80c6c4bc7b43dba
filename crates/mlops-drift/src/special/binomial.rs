use std::f64::consts::TAU;

/// A sequence of independent trials that succeed with the same probability, neither 0 nor 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binomial {
    success: f64,
    failure: f64,
}

impl Binomial {
    /// Trials that succeed with probability `successes / (successes + failures)`, both positive.
    pub(crate) fn with_odds(successes: f64, failures: f64) -> Self {
        let total = successes + failures;
        Self { success: successes / total, failure: failures / total }
    }

    /// The probability of a success divided by that of a failure.
    pub(crate) fn odds(self) -> f64 {
        self.success / self.failure
    }

    /// A most probable number of successes in `trials` trials.
    pub(crate) fn mode(self, trials: u64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the number of trials, and one more by rounding"
        )]
        let mode = ((trials as f64 + 1.0) * self.success) as u64;
        mode.min(trials)
    }

    /// The probability of `k` successes in `trials` trials.
    pub(crate) fn pmf(self, k: u64, trials: u64) -> f64 {
        self.ln_pmf(k, trials).exp()
    }

    /// The logarithm of the probability of `k` successes in `trials` trials.
    ///
    /// Loader's saddle-point form: `ln n!` is split into what the entropy of the expected counts
    /// explains and small rests, so that no large numbers cancel. The error of the probability is a
    /// few units in the last place where it is not small, and the logarithm's relative error
    /// elsewhere.
    ///
    /// Loader (2000), Fast and accurate computation of binomial probabilities,
    /// <http://www.herine.net/stat/papers/dbinom.pdf>.
    pub(crate) fn ln_pmf(self, k: u64, trials: u64) -> f64 {
        if k > trials {
            return f64::NEG_INFINITY;
        }
        let (x, y, n) = (k as f64, (trials - k) as f64, trials as f64);
        if k == 0 {
            return n * ln_share(self.failure, self.success);
        }
        if k == trials {
            return n * ln_share(self.success, self.failure);
        }
        stirling_error(trials)
            - stirling_error(k)
            - stirling_error(trials - k)
            - deviance(x, n * self.success, x - n * self.success)
            - deviance(y, n * self.failure, y - n * self.failure)
            + 0.5 * (n / (TAU * x * y)).ln()
    }
}

/// The logarithm of a share, from whichever of it and the rest is smaller.
fn ln_share(share: f64, rest: f64) -> f64 {
    if share < rest { share.ln() } else { (-rest).ln_1p() }
}

/// `ln n! - ln(sqrt(2 pi n) (n / e)^n)` of a positive `n`.
pub(crate) fn stirling_error(n: u64) -> f64 {
    if let Some(error) = usize::try_from(n - 1).ok().and_then(|index| STIRLING_ERRORS.get(index)) {
        return *error;
    }
    let n = n as f64;
    let square = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square)
            / square)
        / n
}

/// `x ln(x / mean) + mean - x` of two positive numbers and their difference, by a series where they
/// are close.
pub(super) fn deviance(x: f64, mean: f64, difference: f64) -> f64 {
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    let v = difference / (x + mean);
    let mut sum = difference * v;
    let mut power = 2.0 * x * v;
    // v is below 0.1: each term has at most a hundredth of the one before.
    for j in 1..=10 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// The errors of n = 1 to 15, for which the series is too short.
const STIRLING_ERRORS: [f64; 15] = [
    0.081_061_466_795_327_26,
    0.041_340_695_955_409_3,
    0.027_677_925_684_998_34,
    0.020_790_672_103_765_093,
    0.016_644_691_189_821_193,
    0.013_876_128_823_070_748,
    0.011_896_709_945_891_77,
    0.010_411_265_261_972_096,
    0.009_255_462_182_712_733,
    0.008_330_563_433_362_87,
    0.007_573_675_487_951_841,
    0.006_942_840_107_209_53,
    0.006_408_994_188_004_207,
    0.005_951_370_112_758_847_5,
    0.005_554_733_551_962_801,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `C(n, k)` of small numbers, exact.
    fn choose(n: u64, k: u64) -> u128 {
        (0..u128::from(k)).fold(1, |product, i| product * (u128::from(n) - i) / (i + 1))
    }

    #[test]
    fn small_probabilities_are_ratios_of_integers() {
        for (p, q) in [(1.0, 1.0), (1.0, 3.0), (2.0, 61.0), (100.0, 4872.0)] {
            let binomial = Binomial::with_odds(p, q);
            for trials in 1..=40 {
                for k in 0..=trials {
                    let exponents = (i32::try_from(k).unwrap(), i32::try_from(trials - k).unwrap());
                    let expected = choose(trials, k) as f64
                        * (p / (p + q)).powi(exponents.0)
                        * (q / (p + q)).powi(exponents.1);
                    let error = (binomial.pmf(k, trials) / expected - 1.0).abs();
                    assert!(error < 1e-13, "{k} of {trials} at {p}:{q}: {error:e}");
                }
            }
        }
    }

    #[test]
    fn probabilities_of_many_trials_sum_up_to_one() {
        let binomial = Binomial::with_odds(3.0, 17.0);
        let sum: f64 = (0..=100_000).map(|k| binomial.pmf(k, 100_000)).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        assert_eq!(binomial.pmf(3, 2).to_bits(), 0.0_f64.to_bits());
    }
}
