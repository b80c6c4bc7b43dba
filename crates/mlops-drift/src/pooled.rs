use crate::Alternative;
use crate::empirical::EmpiricalDistribution;

/// Both samples together, in ascending order.
///
/// A time `t` is a number of pooled values, the smallest ones. Ties are dealt out together, so only
/// the ends of runs of equal values count. They are not listed: the distinct batch values cut those
/// of the reference into stretches, in which the ends are the reference's own, shifted by the batch
/// values so far. A batch of a few rows costs a few binary searches, however large the reference
/// is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pooled<'a> {
    // Invariant: the sizes of both samples are positive.
    pub(crate) reference: &'a EmpiricalDistribution,
    pub(crate) batch: &'a EmpiricalDistribution,
    // Invariant: one before each distinct batch value, and one after the last.
    pub(crate) stretches: &'a [Stretch],
}

/// The ends of runs from one distinct batch value to the next: one for each rank of the reference
/// in `first..=last`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// The number of distinct reference values up to the batch value that begins the stretch.
    pub(crate) first: usize,
    /// The number of distinct reference values below the batch value that follows.
    pub(crate) last: usize,
    /// The number of batch values so far.
    pub(crate) batch: usize,
}

/// Where the two samples differ most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deviation {
    /// `|i m - j n|` of i reference and j batch values, or one of its signs.
    pub(crate) distance: u128,
    /// The number of reference values.
    pub(crate) reference: usize,
    /// The number of batch values.
    pub(crate) batch: usize,
}

impl<'a> Pooled<'a> {
    /// Pools two samples, in the memory of `stretches`.
    pub(crate) fn new(
        reference: &'a EmpiricalDistribution,
        batch: &'a EmpiricalDistribution,
        stretches: &'a mut Vec<Stretch>,
    ) -> Self {
        let values = reference.values();
        stretches.clear();
        let mut first = 0;
        for (rank, value) in batch.values().iter().enumerate() {
            let last = reference.rank(*value);
            stretches.push(Stretch { first, last, batch: batch.below(rank) });
            let is_tie = values.get(last) == Some(value);
            first = last + usize::from(is_tie);
        }
        stretches.push(Stretch { first, last: values.len(), batch: batch.size() });
        Self { reference, batch, stretches }
    }

    pub(crate) fn reference_size(&self) -> usize {
        self.reference.size()
    }

    pub(crate) fn batch_size(&self) -> usize {
        self.batch.size()
    }

    /// The largest deviation in the direction of `alternative`; within a stretch only the reference
    /// grows, so it is at either end of one.
    pub(crate) fn largest_deviation(&self, alternative: Alternative) -> Deviation {
        let (n, m) = (self.reference.size() as i128, self.batch.size() as i128);
        let mut largest = Deviation { distance: 0, reference: 0, batch: 0 };
        for stretch in self.stretches {
            for rank in [stretch.first, stretch.last] {
                let reference = self.reference.below(rank);
                let ahead = reference as i128 * m - stretch.batch as i128 * n;
                let distance = match alternative {
                    Alternative::TwoSided => ahead.abs(),
                    Alternative::Greater => ahead,
                    Alternative::Less => -ahead,
                };
                if distance > largest.distance.cast_signed() {
                    let distance = distance.cast_unsigned();
                    largest = Deviation { distance, reference, batch: stretch.batch };
                }
            }
        }
        largest
    }

    /// A cursor at time 0.
    pub(crate) fn ends(&self) -> Ends<'_> {
        Ends { pooled: self, stretch: 0 }
    }

    fn time(&self, stretch: Stretch, rank: usize) -> usize {
        self.reference.below(rank) + stretch.batch
    }

    /// The first end of a stretch at or after `time`, which is not after its last one.
    fn first_end(&self, stretch: Stretch, time: usize) -> usize {
        if self.is_untied(stretch) {
            return time.max(self.time(stretch, stretch.first));
        }
        let Stretch { first, last, batch } = stretch;
        let rank = self.reference.first_rank(first..=last, |below| below + batch >= time);
        self.time(stretch, rank)
    }

    /// The last end of a stretch at or before `time`, which is not before its first one.
    fn last_end(&self, stretch: Stretch, time: usize) -> usize {
        if self.is_untied(stretch) {
            return time.min(self.time(stretch, stretch.last));
        }
        let Stretch { first, last, batch } = stretch;
        let rank = self.reference.first_rank(first..=last, |below| below + batch > time);
        self.time(stretch, rank - 1)
    }

    /// Whether every time of a stretch is an end, so that there is nothing to search.
    fn is_untied(&self, stretch: Stretch) -> bool {
        let times = self.time(stretch, stretch.last) - self.time(stretch, stretch.first);
        times == stretch.last - stretch.first
    }
}

/// Finds the ends of runs of equal values, forward from a time to the next ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends<'a> {
    pooled: &'a Pooled<'a>,
    // Invariant: the stretch holds an end at or after the time of the last `advance_to`.
    stretch: usize,
}

impl Ends<'_> {
    /// Moves to the first end at or after `time`, which is at most the last one, and returns it.
    pub(crate) fn advance_to(&mut self, time: usize) -> usize {
        let (stretch, end) = self.search(time);
        self.stretch = stretch;
        end
    }

    /// The first end at or after `time`, which lies between the cursor and the last end.
    pub(crate) fn first_from(&self, time: usize) -> usize {
        self.search(time).1
    }

    /// The last end at or before `time`, which is at or after the cursor.
    pub(crate) fn last_to(&self, time: usize) -> usize {
        let stretches = &self.pooled.stretches[self.stretch..];
        let begun = stretches
            .iter()
            .take_while(|stretch| self.pooled.time(**stretch, stretch.first) <= time)
            .last();
        let stretch = *begun.unwrap_or(&stretches[0]);
        self.pooled.last_end(stretch, time)
    }

    /// The first end at or after `time`, and the stretch that it is in.
    fn search(&self, time: usize) -> (usize, usize) {
        let mut index = self.stretch;
        while self.pooled.time(self.pooled.stretches[index], self.pooled.stretches[index].last)
            < time
        {
            index += 1;
        }
        let stretch = self.pooled.stretches[index];
        (index, self.pooled.first_end(stretch, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(values: &[f64]) -> EmpiricalDistribution {
        EmpiricalDistribution::new(values.to_vec())
    }

    #[test]
    fn ends_are_those_of_the_sorted_pool() {
        let reference = distribution(&[1.0, 1.0, 2.0, 4.0, 5.0, 5.0, 7.0]);
        for (batch, expected) in [
            (&[3.0][..], &[2, 3, 4, 5, 7, 8][..]),
            (&[0.0, 0.0, 8.0], &[2, 4, 5, 6, 8, 9, 10]),
            (&[1.0, 5.0, 6.0, 6.0], &[3, 4, 5, 8, 10, 11]),
        ] {
            let batch = distribution(batch);
            let mut stretches = vec![];
            let pooled = Pooled::new(&reference, &batch, &mut stretches);
            let mut ends = pooled.ends();
            let mut found = vec![];
            let mut time = 0;
            while time < reference.size() + batch.size() {
                let before = ends;
                time = ends.advance_to(time + 1);
                found.push(time);
                assert_eq!(before.first_from(time), time);
                assert_eq!(ends.last_to(time), time);
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_last_end_is_sought_beyond_the_stretch() {
        let (reference, batch) = (distribution(&[1.0, 3.0, 3.0, 5.0]), distribution(&[2.0, 4.0]));
        let mut stretches = vec![];
        let pooled = Pooled::new(&reference, &batch, &mut stretches);
        let mut ends = pooled.ends();
        assert_eq!(ends.advance_to(1), 1);
        assert_eq!([1, 2, 3, 4, 5, 6].map(|time| ends.last_to(time)), [1, 2, 2, 4, 5, 6]);
        assert_eq!([1, 2, 3, 4, 5, 6].map(|time| ends.first_from(time)), [1, 2, 4, 4, 5, 6]);
    }

    #[test]
    fn the_deviation_is_an_integer() {
        let (reference, batch) = (distribution(&[1.0, 2.0, 3.0]), distribution(&[2.0, 9.0]));
        let mut stretches = vec![];
        let pooled = Pooled::new(&reference, &batch, &mut stretches);
        for (alternative, expected) in [
            (Alternative::TwoSided, (3, 3, 1)),
            (Alternative::Greater, (3, 3, 1)),
            (Alternative::Less, (0, 0, 0)),
        ] {
            let deviation = pooled.largest_deviation(alternative);
            let Deviation { distance, reference, batch } = deviation;
            assert_eq!((distance, reference, batch), expected, "{alternative:?}");
        }
    }
}
