use mlops_core::Correction;

use crate::Error;

/// Adjusts p-values for their number by Bonferroni's inequality; they keep their places.
///
/// ```text
/// adjusted p_i = min(1, d p_i)        d p-values
/// ```
///
/// Rejecting where the adjusted p-value is below alpha, one rejects any true hypothesis with a
/// probability of at most alpha, however the tests depend on each other. [`holm`] promises the same
/// and rejects at least as much.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// assert_eq!(mlops_drift::bonferroni(&[0.01, 0.25, 0.5])?, [0.03, 0.75, 1.0]);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
pub fn bonferroni(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    adjust(Correction::Bonferroni, p_values)
}

/// Adjusts p-values for their number by Holm's step-down procedure; they keep their places.
///
/// ```text
/// adjusted p_(i) = max over k <= i of min(1, (d - k + 1) p_(k))      p_(1) <= p_(2) <= .. <= p_(d)
/// ```
///
/// Rejecting where the adjusted p-value is below alpha, one rejects any true hypothesis with a
/// probability of at most alpha, however the tests depend on each other. A batch as a whole has
/// drifted if any feature has.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// let adjusted = mlops_drift::holm(&[0.5, 0.01, 0.02])?;
/// assert_eq!(adjusted, [0.5, 0.03, 0.04]);
/// let batch_has_drifted = adjusted.iter().any(|p_value| *p_value < 0.05);
/// assert!(batch_has_drifted);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
/// Statistics 6, 65-70.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    adjust(Correction::Holm, p_values)
}

/// Adjusts p-values for their number by the step-up procedure of Benjamini and Hochberg; they keep
/// their places.
///
/// ```text
/// adjusted p_(i) = min over k >= i of min(1, d p_(k) / k)            p_(1) <= p_(2) <= .. <= p_(d)
/// ```
///
/// Rejecting where the adjusted p-value is at most alpha, the expected share of true hypotheses
/// among those rejected is at most alpha, if the tests are independent or depend on each other
/// positively. It rejects at least as much as [`holm`], and does not promise that a single false
/// alarm is rare: it is for lists of features that someone looks through, not for waking anyone.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// let adjusted = mlops_drift::benjamini_hochberg(&[0.5, 0.01, 0.02, 0.25])?;
/// assert_eq!(adjusted, [0.5, 0.04, 0.04, 1.0 / 3.0]);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Benjamini and Hochberg (1995), Controlling the false discovery rate: a practical and powerful
/// approach to multiple testing, Journal of the Royal Statistical Society B 57, 289-300.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    adjust(Correction::BenjaminiHochberg, p_values)
}

/// Adjusts p-values for their number by the step-up procedure of Benjamini and Yekutieli; they keep
/// their places.
///
/// ```text
/// adjusted p_(i) = min over k >= i of min(1, c d p_(k) / k)          c = 1 + 1/2 + .. + 1/d
/// ```
///
/// The promise of [`benjamini_hochberg`], however the tests depend on each other.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// let adjusted = mlops_drift::benjamini_yekutieli(&[0.5, 0.01])?;
/// assert_eq!(adjusted, [0.75, 0.03]);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing
/// under dependency, The Annals of Statistics 29, 1165-1188.
pub fn benjamini_yekutieli(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    adjust(Correction::BenjaminiYekutieli, p_values)
}

fn adjust(correction: Correction, p_values: &[f64]) -> Result<Vec<f64>, Error> {
    check(p_values)?;
    let mut family = Family::default();
    family.p_values.extend_from_slice(p_values);
    family.adjust(correction);
    Ok(family.adjusted)
}

/// P-values that are adjusted together, in memory that is kept.
#[derive(Debug, Default)]
pub(crate) struct Family {
    // Invariant: each is in [0, 1].
    pub(crate) p_values: Vec<f64>,
    /// What became of each at the last adjustment.
    pub(crate) adjusted: Vec<f64>,
    /// The positions of the p-values from the smallest to the largest.
    order: Vec<usize>,
}

impl Family {
    /// Takes memory for as many p-values.
    pub(crate) fn reserve(&mut self, n_p_values: usize) {
        self.p_values.clear();
        self.p_values.reserve(n_p_values);
        self.adjusted.clear();
        self.adjusted.reserve(n_p_values);
        self.order.clear();
        self.order.reserve(n_p_values);
    }

    /// Adjusts the p-values.
    pub(crate) fn adjust(&mut self, correction: Correction) {
        let Self { p_values, adjusted, order } = self;
        order.clear();
        order.extend(0..p_values.len());
        order.sort_unstable_by(|&left, &right| {
            p_values[left].total_cmp(&p_values[right]).then(left.cmp(&right))
        });
        let factors = Factors::new(correction, p_values.len());
        adjusted.clear();
        adjusted.resize(p_values.len(), 1.0);
        for (rank, &position) in order.iter().enumerate() {
            adjusted[position] = (factors.at(rank) * p_values[position]).min(1.0);
        }
        if is_step_up(correction) {
            // No more than any larger one.
            let mut smallest: f64 = 1.0;
            for &position in order.iter().rev() {
                smallest = smallest.min(adjusted[position]);
                adjusted[position] = smallest;
            }
        } else {
            // No less than any smaller one.
            let mut largest: f64 = 0.0;
            for &position in &*order {
                largest = largest.max(adjusted[position]);
                adjusted[position] = largest;
            }
        }
    }

    /// What p-values are below whose adjusted ones are below `alpha`.
    pub(crate) fn threshold(&self, correction: Correction, alpha: f64) -> f64 {
        let n_rejected = self.adjusted.iter().filter(|p_value| **p_value < alpha).count();
        let last = self.p_values.len().saturating_sub(1);
        // That of the last p-value that is rejected, or of the first that is not.
        let rank =
            if is_step_up(correction) { n_rejected.max(1) - 1 } else { n_rejected.min(last) };
        alpha / Factors::new(correction, self.p_values.len()).at(rank)
    }
}

/// Whether p-values are judged from the largest on, and not from the smallest on.
fn is_step_up(correction: Correction) -> bool {
    matches!(correction, Correction::BenjaminiHochberg | Correction::BenjaminiYekutieli)
}

/// What the p-value of each rank is multiplied with.
#[derive(Clone, Copy, Debug)]
struct Factors {
    correction: Correction,
    count: f64,
    /// `1 + 1/2 + .. + 1/count` for Benjamini and Yekutieli.
    scale: f64,
}

impl Factors {
    fn new(correction: Correction, count: usize) -> Self {
        let scale = match correction {
            Correction::BenjaminiYekutieli => (1..=count).map(|rank| 1.0 / rank as f64).sum(),
            _ => 1.0,
        };
        Self { correction, count: count as f64, scale }
    }

    fn at(self, rank: usize) -> f64 {
        match self.correction {
            Correction::None => 1.0,
            Correction::Holm => (self.count - rank as f64).max(1.0),
            Correction::BenjaminiHochberg | Correction::BenjaminiYekutieli => {
                self.scale.max(1.0) * self.count.max(1.0) / (rank + 1) as f64
            }
            // Of what is not known here, the strictest.
            _ => self.count.max(1.0),
        }
    }
}

fn check(p_values: &[f64]) -> Result<(), Error> {
    match p_values.iter().position(|p_value| !(0.0..=1.0).contains(p_value)) {
        Some(position) => Err(Error::NotAProbability { position, got: p_values[position] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_probability_is_refused() {
        for adjust in [holm, benjamini_hochberg, benjamini_yekutieli] {
            assert_eq!(adjust(&[0.5, 1.1]), Err(Error::NotAProbability { position: 1, got: 1.1 }));
        }
        for wrong in [f64::NAN, -0.1, f64::INFINITY] {
            assert!(matches!(
                bonferroni(&[0.5, wrong]),
                Err(Error::NotAProbability { position: 1, .. })
            ));
        }
    }

    #[test]
    fn nothing_is_adjusted_to_nothing() {
        for adjust in [bonferroni, holm, benjamini_hochberg, benjamini_yekutieli] {
            assert_eq!(adjust(&[]), Ok(vec![]));
        }
    }

    proptest! {
        #[test]
        fn what_is_below_the_threshold_is_what_is_rejected(
            p_values in prop::collection::vec(prop_oneof![0.0..=1.0_f64, 0.0..=0.02_f64], 1..20)
        ) {
            for correction in [
                Correction::None,
                Correction::Bonferroni,
                Correction::Holm,
                Correction::BenjaminiHochberg,
                Correction::BenjaminiYekutieli,
            ] {
                let mut family = Family { p_values: p_values.clone(), ..Family::default() };
                family.adjust(correction);
                let threshold = family.threshold(correction, 0.05);
                for (p_value, adjusted) in p_values.iter().zip(&family.adjusted) {
                    prop_assert_eq!(*p_value < threshold, *adjusted < 0.05, "{:?}", correction);
                }
            }
        }

        #[test]
        fn what_promises_more_adjusts_more(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)
        ) {
            let (holm, bonferroni) = (holm(&p_values)?, bonferroni(&p_values)?);
            let hochberg = benjamini_hochberg(&p_values)?;
            let yekutieli = benjamini_yekutieli(&p_values)?;
            // Ties of the definition may be a rounding apart.
            let at_most = |left: f64, right: f64| left <= right * (1.0 + 1e-12);
            for (position, p_value) in p_values.iter().enumerate() {
                prop_assert!(at_most(*p_value, hochberg[position]));
                prop_assert!(at_most(hochberg[position], holm[position]));
                prop_assert!(holm[position] <= bonferroni[position]);
                prop_assert!(hochberg[position] <= yekutieli[position]);
            }
        }

        #[test]
        fn adjusting_keeps_the_order(p_values in prop::collection::vec(0.0..=1.0_f64, 2..20)) {
            for adjust in [holm, benjamini_hochberg, benjamini_yekutieli] {
                let adjusted = adjust(&p_values)?;
                for left in 0..p_values.len() {
                    for right in 0..p_values.len() {
                        if p_values[left] <= p_values[right] {
                            prop_assert!(adjusted[left] <= adjusted[right]);
                        }
                    }
                }
            }
        }
    }
}
