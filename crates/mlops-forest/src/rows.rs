/// Rows that are scored together; made by [`Forest::rows`](crate::Forest::rows), filled again and again.
#[derive(Clone, Debug)]
pub struct Rows {
    n_features: usize,
    len: usize,
    // Feature f of a row stands in slot 2f for splits that send missing values right, and in slot 2f + 1 for the
    // others.
    slots: Vec<[f32; 2]>,
}

/// Goes right of every threshold, and left of every one: why no threshold may be minus infinity.
const MISSING: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

impl Rows {
    /// No rows, and room for `capacity`.
    ///
    /// # Panics
    /// If there is no memory for so many.
    pub fn new(n_features: usize, capacity: usize) -> Self {
        Self { n_features, len: 0, slots: Vec::with_capacity(n_features.saturating_mul(capacity)) }
    }

    /// Adds the values of a row, in feature order; NaN is a missing value.
    ///
    /// Values are rounded to the nearest 32-bit number, ties to even, and to infinity outside of the 32-bit range.
    ///
    /// # Panics
    /// If there is not one value per feature.
    #[track_caller]
    pub fn push<T: Copy + Into<f64>>(&mut self, values: &[T]) {
        assert_eq!(values.len(), self.n_features, "a row has one value per feature");
        self.slots.extend(values.iter().map(|value| {
            let rounded = to_f32(*value);
            if rounded.is_nan() { MISSING } else { [rounded; 2] }
        }));
        self.len += 1;
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes all rows out and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
        self.slots.clear();
    }

    /// The number of values in a row.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The two slots of each feature of a row.
    pub(crate) fn slots(&self, row: usize) -> &[[f32; 2]] {
        &self.slots[row * self.n_features..][..self.n_features]
    }
}

/// The nearest 32-bit number, as trees compare values: ties to even, and infinity outside of the range.
#[must_use]
pub fn to_f32<T: Into<f64>>(value: T) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "trees compute in 32 bits")]
    let rounded = value.into() as f32;
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_the_nearest_and_missing_ones_are_two_sided() {
        let mut rows = Rows::new(4, 1);
        rows.push(&[f32::NAN; 4]);
        assert_eq!(rows.slots(0), [MISSING; 4]);
        rows.push(&[16_777_217.0, -1e39, f64::NAN, -0.0]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.slots(1)[..3], [[16_777_216.0; 2], [f32::NEG_INFINITY; 2], MISSING]);
        assert!(rows.slots(1)[3][0].is_sign_negative());
        rows.clear();
        assert!(rows.is_empty());
        rows.push(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(rows.slots(0)[3], [4.0; 2]);
    }

    #[test]
    #[should_panic(expected = "one value per feature")]
    fn a_row_of_another_length_is_refused() {
        Rows::new(2, 1).push(&[1.0]);
    }
}
