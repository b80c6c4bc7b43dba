use crate::{Error, Sample};

/// How many values each of two samples has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Totals {
    // Invariant: both are positive, and their sum is at most 2^53.
    pub(crate) reference: u64,
    pub(crate) batch: u64,
}

impl Totals {
    /// Sums up the counts of two samples, category by category.
    ///
    /// # Errors
    /// * [`Error::CategoryCount`] if one sample has more counts than the other
    /// * [`Error::EmptySample`] if the counts of a sample sum up to 0
    /// * [`Error::TooManyCounts`] if all counts sum up to more than 2^53
    pub(crate) fn of(reference: &[u64], batch: &[u64]) -> Result<Self, Error> {
        if reference.len() != batch.len() {
            return Err(Error::CategoryCount { reference: reference.len(), batch: batch.len() });
        }
        let (n, m) = (sum(reference, Sample::Reference)?, sum(batch, Sample::Batch)?);
        if n + m > MOST_COUNTED {
            return Err(Error::TooManyCounts);
        }
        Ok(Self { reference: n, batch: m })
    }

    /// How many values both samples have together.
    pub(crate) fn all(self) -> u64 {
        self.reference + self.batch
    }
}

fn sum(counts: &[u64], sample: Sample) -> Result<u64, Error> {
    let sum = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
    match sum {
        Some(0) => Err(Error::EmptySample { sample }),
        Some(sum) if sum <= MOST_COUNTED => Ok(sum),
        _ => Err(Error::TooManyCounts),
    }
}

/// Counts up to here are exact as `f64`, and their products fit into 128 bits.
pub(crate) const MOST_COUNTED: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_checked() {
        let totals = Totals::of;
        assert_eq!(totals(&[1, 2], &[3, 0]), Ok(Totals { reference: 3, batch: 3 }));
        assert_eq!(totals(&[1, 2], &[1]), Err(Error::CategoryCount { reference: 2, batch: 1 }));
        assert_eq!(totals(&[0, 0], &[1, 2]), Err(Error::EmptySample { sample: Sample::Reference }));
        assert_eq!(totals(&[1], &[0]), Err(Error::EmptySample { sample: Sample::Batch }));
        assert_eq!(totals(&[], &[]), Err(Error::EmptySample { sample: Sample::Reference }));
        assert_eq!(totals(&[u64::MAX, 1], &[1, 0]), Err(Error::TooManyCounts));
        assert_eq!(totals(&[1 << 53, 0], &[1, 0]), Err(Error::TooManyCounts));
    }
}
