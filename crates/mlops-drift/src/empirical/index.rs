/// Finds the rank of a number among many distinct values without walking through all of them.
///
/// The middle of the values is cut into buckets of equal width, and each knows where it begins: a
/// search touches one bucket and a few values, so that it misses the cache two or three times, not
/// once for each halving. Buckets that hold many values are halved as usual.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Index {
    least: f64,
    /// The number of buckets per unit.
    scale: f64,
    /// For each bucket the number of values in those before it, and at the end that of all.
    starts: Vec<u32>,
}

impl Index {
    /// The index of ascending values; `None` if there are too many or too few for it.
    pub(super) fn new(values: &[f64]) -> Option<Self> {
        let (n, n_buckets) = (values.len(), values.len() / PER_BUCKET);
        if n_buckets < 2 || u32::try_from(n).is_err() {
            return None;
        }
        // A few values far out must not make the buckets wide.
        let (least, largest) = (values[n / 100], values[n - 1 - n / 100]);
        let scale = (n_buckets - 1) as f64 / (largest - least);
        if !scale.is_normal() {
            return None;
        }
        let mut index = Self { least, scale, starts: Vec::with_capacity(n_buckets + 1) };
        let mut rank = 0;
        for bucket in 0..n_buckets {
            while rank < n && index.bucket(values[rank], n_buckets) < bucket {
                rank += 1;
            }
            index.starts.push(u32::try_from(rank).ok()?);
        }
        index.starts.push(u32::try_from(n).ok()?);
        Some(index)
    }

    /// The number of `values` below `x`; the values are those of the index.
    pub(super) fn rank(&self, values: &[f64], x: f64) -> usize {
        let bucket = self.bucket(x, self.starts.len() - 1);
        // A larger value is never in an earlier bucket.
        let (first, end) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        first + values[first..end].partition_point(|value| *value < x)
    }

    fn bucket(&self, x: f64, n_buckets: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is outside belongs to the first or the last bucket"
        )]
        let bucket = ((x - self.least) * self.scale) as usize;
        bucket.min(n_buckets - 1)
    }
}

const PER_BUCKET: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_that_cannot_be_cut_have_no_index() {
        assert_eq!(Index::new(&[1.0; 0]), None);
        assert_eq!(Index::new(&[1.0, 2.0, 3.0]), None);
        let wide: Vec<f64> = (-20_i8..20).map(|step| f64::from(step) * 1e307).collect();
        assert_eq!(Index::new(&wide), None);
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_a_search(
            mut values in prop::collection::vec(
                prop_oneof![-1.0..1.0_f64, -1e-3..1e-3_f64, -1e30..1e30_f64], 50..400
            ),
            others in prop::collection::vec(-2.0..2.0_f64, 20),
        ) {
            values.sort_by(f64::total_cmp);
            values.dedup();
            let index = Index::new(&values);
            for x in others.iter().chain(&values).chain(&[f64::MIN, f64::MAX]) {
                if let Some(index) = &index {
                    let rank = values.partition_point(|value| value < x);
                    prop_assert_eq!(index.rank(&values, *x), rank);
                }
            }
        }
    }
}
