use crate::special::binomial::Binomial;

/// The probabilities of the number of successes in some trials, from `first` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel<'a> {
    pub(super) first: usize,
    pub(super) weights: &'a [f64],
}

/// Trials that succeed with probability m / total, at most m times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trials {
    pub(super) labels: Binomial,
    pub(super) m: usize,
    pub(super) total: usize,
    /// Probabilities below this are left out.
    pub(super) negligible: f64,
}

impl Trials {
    /// Appends the probabilities of `gap` trials to `weights`, and returns the first number of
    /// successes.
    ///
    /// Goes out from the mode in both directions, by the ratio of neighbours, until the rest is
    /// negligible.
    fn push_weights(&self, gap: usize, weights: &mut Vec<f64>) -> usize {
        let begin = weights.len();
        let most = gap.min(self.m);
        let mode =
            usize::try_from(self.labels.mode(gap as u64)).map_or(most, |mode| mode.min(most));
        let odds = self.labels.odds();
        let peak = self.labels.pmf(mode as u64, gap as u64);
        weights.push(peak);
        let (mut first, mut weight) = (mode, peak);
        while first > 0 && weight >= self.negligible {
            weight *= first as f64 / ((gap - first + 1) as f64 * odds);
            weights.push(weight);
            first -= 1;
        }
        weights[begin..].reverse();
        let (mut last, mut weight) = (mode, peak);
        while last < most && weight >= self.negligible {
            weight *= odds * (gap - last) as f64 / (last + 1) as f64;
            weights.push(weight);
            last += 1;
        }
        first
    }
}

/// Keeps the latest kernels: without ties, few gaps come again and again.
#[derive(Debug, Default)]
pub(super) struct Kernels {
    // Invariant: at most KEPT.
    known: Vec<Known>,
    /// The weights of all known kernels, one after the other.
    weights: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    gap: usize,
    first: usize,
    begin: usize,
    end: usize,
}

impl Kernels {
    /// Takes memory for kernels of up to `most` successes, as far as those may all be long.
    pub(super) fn reserve(&mut self, most: usize) {
        self.clear();
        self.known.reserve(KEPT);
        self.weights.reserve((KEPT * (most + 1)).min(MOST_RESERVED));
    }

    /// Forgets all kernels.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.weights.clear();
    }

    /// The kernel of `gap` trials; all that are known must be of the same trials.
    pub(super) fn of_gap(&mut self, gap: usize, trials: &Trials) -> Kernel<'_> {
        let known = self.known.iter().find(|known| known.gap == gap).copied();
        let Known { first, begin, end, .. } = known.unwrap_or_else(|| {
            if self.known.len() == KEPT {
                self.clear();
            }
            let begin = self.weights.len();
            let first = trials.push_weights(gap, &mut self.weights);
            let made = Known { gap, first, begin, end: self.weights.len() };
            self.known.push(made);
            made
        });
        Kernel { first, weights: &self.weights[begin..end] }
    }
}

const KEPT: usize = 16;

/// 8 megabytes: kernels of larger samples are far shorter than they could be.
const MOST_RESERVED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_holds_all_but_the_negligible() {
        let labels = Binomial::with_odds(100.0, 900.0);
        let trials = Trials { labels, m: 100, total: 1000, negligible: 1e-12 };
        let mut kernels = Kernels::default();
        for gap in (1..40).chain([300, 5, 300]) {
            let kernel = kernels.of_gap(gap, &trials);
            assert!((kernel.weights.iter().sum::<f64>() - 1.0).abs() < 1e-11, "{gap}");
        }
        let kernel = kernels.of_gap(300, &trials);
        assert!(kernel.first > 0 && kernel.first + kernel.weights.len() < 101);
        let weight = kernel.weights[30 - kernel.first];
        assert!((weight / Binomial::with_odds(1.0, 9.0).pmf(30, 300) - 1.0).abs() < 1e-13);
    }
}
