use crate::special::binomial::Binomial;

/// The probabilities of the number of successes in `gap` trials, from `first` on.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) gap: usize,
    pub(super) first: usize,
    pub(super) weights: Vec<f64>,
}

impl Kernel {
    /// Goes out from the mode in both directions, by the ratio of neighbours, until the rest is
    /// negligible.
    fn new(gap: usize, kernels: &Kernels) -> Self {
        let most = gap.min(kernels.m);
        let mode = ((gap + 1) * kernels.m / kernels.total).min(most);
        let odds = kernels.labels.odds();
        let peak = kernels.labels.pmf(mode as u64, gap as u64);
        let mut weights = vec![peak];
        let (mut first, mut weight) = (mode, peak);
        while first > 0 && weight >= kernels.negligible {
            weight *= first as f64 / ((gap - first + 1) as f64 * odds);
            weights.push(weight);
            first -= 1;
        }
        weights.reverse();
        let (mut last, mut weight) = (mode, peak);
        while last < most && weight >= kernels.negligible {
            weight *= odds * (gap - last) as f64 / (last + 1) as f64;
            weights.push(weight);
            last += 1;
        }
        Self { gap, first, weights }
    }
}

/// Makes kernels and keeps the latest: without ties, few gaps come again and again.
#[derive(Debug)]
pub(super) struct Kernels {
    labels: Binomial,
    m: usize,
    total: usize,
    negligible: f64,
    latest: Vec<Kernel>,
}

impl Kernels {
    /// Kernels of trials that succeed with probability m / total, at most m times.
    pub(super) fn new(labels: Binomial, m: usize, total: usize, negligible: f64) -> Self {
        Self { labels, m, total, negligible, latest: Vec::with_capacity(KEPT) }
    }

    /// The kernel of `gap` trials.
    pub(super) fn of_gap(&mut self, gap: usize) -> &Kernel {
        let known = self.latest.iter().position(|kernel| kernel.gap == gap);
        let position = known.unwrap_or_else(|| {
            let kernel = Kernel::new(gap, self);
            if self.latest.len() == KEPT {
                self.latest.remove(0);
            }
            self.latest.push(kernel);
            self.latest.len() - 1
        });
        &self.latest[position]
    }
}

const KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_holds_all_but_the_negligible() {
        let mut kernels = Kernels::new(Binomial::with_odds(100.0, 900.0), 100, 1000, 1e-12);
        for gap in [1, 5, 300] {
            let kernel = kernels.of_gap(gap);
            assert!((kernel.weights.iter().sum::<f64>() - 1.0).abs() < 1e-11, "{gap}");
        }
        let kernel = kernels.of_gap(300);
        assert!(kernel.first > 0 && kernel.first + kernel.weights.len() < 101);
        let weight = kernel.weights[30 - kernel.first];
        assert!((weight / Binomial::with_odds(1.0, 9.0).pmf(30, 300) - 1.0).abs() < 1e-13);
    }
}
