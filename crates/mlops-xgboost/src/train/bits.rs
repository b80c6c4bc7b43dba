/// So many bits are in a word.
pub(super) const WORD: usize = 64;

/// The positions of the bits of a word that are set, ascending.
#[derive(Debug)]
pub(super) struct Bits(pub(super) u64);

impl Bits {
    /// A bit for each of some values, set where `is_set`.
    pub(super) fn of<T>(values: &[T; WORD], is_set: impl Fn(&T) -> bool) -> Self {
        let bits = values.iter().rev().map(|value| u64::from(is_set(value)));
        Self(bits.fold(0, |word, bit| word << 1 | bit))
    }

    /// Those before a position.
    pub(super) fn before(self, position: usize) -> Self {
        let n_others = WORD.saturating_sub(position);
        Self(self.0 << n_others >> n_others)
    }
}

impl Iterator for Bits {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        // The remainder is the position itself, and spares a check of bounds where it is used.
        let position = self.0.trailing_zeros() as usize % WORD;
        (self.0 != 0).then(|| {
            self.0 &= self.0 - 1;
            position
        })
    }
}

impl DoubleEndedIterator for Bits {
    #[inline]
    fn next_back(&mut self) -> Option<usize> {
        let position = self.0.checked_ilog2()? as usize % WORD;
        self.0 ^= 1 << position;
        Some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_told_from_both_ends() {
        let bits = || Bits(1 << 63 | 0b1011);
        assert_eq!(bits().collect::<Vec<_>>(), [0, 1, 3, 63]);
        assert_eq!(bits().rev().collect::<Vec<_>>(), [63, 3, 1, 0]);
        assert_eq!(bits().before(3).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(bits().before(64).count(), 4);
        assert_eq!(bits().before(100).count(), 4);
        assert_eq!((Bits(0).next(), Bits(0).next_back()), (None, None));
        let mut values = [0; WORD];
        (values[2], values[63]) = (5, 6);
        assert_eq!(Bits::of(&values, |value| *value > 0).collect::<Vec<_>>(), [2, 63]);
    }
}
