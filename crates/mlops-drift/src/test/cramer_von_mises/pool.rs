use crate::empirical::EmpiricalDistribution;

/// Both samples together, value by value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pool {
    /// The number of values of the reference.
    pub(super) reference: usize,
    /// The number of values of the batch.
    pub(super) batch: usize,
    /// The distinct values, ascending.
    pub(super) groups: Vec<Group>,
}

/// How often a value stands in either sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) reference: usize,
    pub(super) batch: usize,
}

impl Group {
    pub(super) fn size(self) -> usize {
        self.reference + self.batch
    }
}

impl Pool {
    /// Pools two samples that are not empty.
    pub(super) fn new(reference: &EmpiricalDistribution, batch: &EmpiricalDistribution) -> Self {
        let mut left = reference.values().iter().zip(reference.counts()).peekable();
        let mut right = batch.values().iter().zip(batch.counts()).peekable();
        let mut groups = Vec::with_capacity(reference.values().len() + batch.values().len());
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some((left, _)), Some((right, _))) => left.total_cmp(right),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => break,
            };
            let count = |next: Option<(&f64, usize)>| next.map_or(0, |(_, count)| count);
            groups.push(Group {
                reference: count(left.next_if(|_| order.is_le())),
                batch: count(right.next_if(|_| order.is_ge())),
            });
        }
        Self { reference: reference.size(), batch: batch.size(), groups }
    }

    /// The number of values.
    pub(super) fn size(&self) -> usize {
        self.reference + self.batch
    }

    /// `T = sum t ((F - G)^2 up to the value + (F - G)^2 below it) n m / (2 N^2)` of the t values
    /// that are equal.
    pub(super) fn statistic(&self) -> f64 {
        let (n, m) = (self.reference as f64, self.batch as f64);
        let (mut reference, mut batch, mut below) = (0, 0, 0.0);
        let mut sum = 0.0;
        for group in &self.groups {
            reference += group.reference;
            batch += group.batch;
            // Exact, but for the last rounding.
            let pairs = [(reference, self.batch), (batch, self.reference)];
            let [left, right] = pairs.map(|(count, size)| count as u128 * size as u128);
            let distance = left.abs_diff(right) as f64;
            let up_to = distance * distance;
            sum += group.size() as f64 * (below + up_to);
            below = up_to;
        }
        sum / (2.0 * n * m * (n + m) * (n + m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_both_samples_are_one_group() {
        let distribution = |values: &[f64]| EmpiricalDistribution::new(values.to_vec());
        let pool = Pool::new(&distribution(&[2.0, 1.0, 2.0, 7.0]), &distribution(&[2.0, 3.0]));
        let groups = [(1, 0), (2, 1), (0, 1), (1, 0)];
        let groups = groups.map(|(reference, batch)| Group { reference, batch });
        assert_eq!(pool, Pool { reference: 4, batch: 2, groups: groups.to_vec() });
        // |A m - B n| of 2, 2, 2, 0, times the sizes, below and up to.
        let sum = 4.0 + 3.0 * 8.0 + 8.0 + 4.0;
        assert!((pool.statistic() - sum / (2.0 * 8.0 * 36.0)).abs() < 1e-15);
    }
}
