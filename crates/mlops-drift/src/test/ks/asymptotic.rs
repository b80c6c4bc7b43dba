use mlops_core::PValueMethod;

use super::statistic;
use crate::Alternative;
use crate::pooled::{Deviation, Pooled};
use crate::special::kolmogorov;
use crate::test::{Comparison, clamp_p_value};

/// What the limit of large samples says.
pub(super) fn asymptotic(
    pooled: &Pooled<'_>,
    deviation: Deviation,
    alternative: Alternative,
) -> Comparison {
    let statistic = statistic(pooled, deviation);
    let (n, m) = (pooled.reference_size(), pooled.batch_size());
    let p_value = match (alternative, effective_size(n, m)) {
        // One value in each sample: however they are relabelled, they differ as much.
        (Alternative::TwoSided, 0) => 1.0,
        (Alternative::TwoSided, size) => kolmogorov::survival(size, statistic),
        (Alternative::Less | Alternative::Greater, _) => one_sided_survival(n, m, statistic),
    };
    let p_value = clamp_p_value(p_value);
    let (log10_p_value, method) = (p_value.log10(), PValueMethod::Asymptotic);
    Comparison { statistic, p_value, log10_p_value, method }
}

/// The limit of the one-sided law with its second term, in Hodges' formula 5.3.
fn one_sided_survival(n: usize, m: usize, statistic: f64) -> f64 {
    let (larger, smaller) = (n.max(m) as f64, n.min(m) as f64);
    let total = larger + smaller;
    let z = (larger * smaller / total).sqrt() * statistic;
    let second = 2.0 * z * (larger + 2.0 * smaller) / (larger * smaller * total).sqrt() / 3.0;
    (-2.0 * z * z - second).exp()
}

/// `n m / (n + m)`, rounded half to even: the size of the one sample whose distance from its
/// distribution has the variance of that of two samples.
fn effective_size(n: usize, m: usize) -> usize {
    let (n, m) = (n as f64, m as f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number, at most the smaller size"
    )]
    let size = (n * m / (n + m)).round_ties_even() as usize;
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ks_two_sample_asymptotic;

    #[test]
    fn sizes_are_rounded_half_to_even() {
        // 0.5, 2/3, 1.5, 2.5 and 3.5.
        let sizes = [(1, 1), (1, 2), (3, 3), (5, 5), (7, 7)].map(|(n, m)| effective_size(n, m));
        assert_eq!(sizes, [0, 1, 2, 2, 4]);
        let one_each = ks_two_sample_asymptotic(&[1.0], &[2.0], Alternative::TwoSided).unwrap();
        assert_eq!(one_each.p_value.to_bits(), 1.0_f64.to_bits());
    }
}
