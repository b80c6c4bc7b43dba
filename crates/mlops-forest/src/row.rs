/// Scratch space for the features of one row; made by [`Forest::row`](crate::Forest::row), filled
/// again and again.
///
/// A new row holds missing values only.
#[derive(Clone, Debug)]
pub struct Row {
    // Feature f stands in slot 2f for splits that send missing values right, and in slot 2f + 1 for
    // the others.
    slots: Vec<[f32; 2]>,
}

/// Goes right of every threshold, and left of every one: why no threshold may be minus infinity.
const MISSING: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

impl Row {
    /// A row of missing values.
    pub fn new(n_features: usize) -> Self {
        Self { slots: vec![MISSING; n_features] }
    }

    /// Takes the values of one row, in feature order; NaN is a missing value.
    ///
    /// Values are rounded to the nearest 32-bit number, ties to even, and to infinity outside of
    /// the 32-bit range.
    ///
    /// # Panics
    /// If there is not one value per feature.
    #[track_caller]
    pub fn set<T: Copy + Into<f64>>(&mut self, values: &[T]) {
        assert_eq!(values.len(), self.slots.len(), "a row has one value per feature");
        for (slots, value) in self.slots.iter_mut().zip(values) {
            #[expect(clippy::cast_possible_truncation, reason = "trees compute in 32 bits")]
            let rounded = (*value).into() as f32;
            *slots = if rounded.is_nan() { MISSING } else { [rounded; 2] };
        }
    }

    pub(crate) fn n_features(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn slots(&self) -> &[f32] {
        self.slots.as_flattened()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_the_nearest_and_missing_ones_are_two_sided() {
        let mut row = Row::new(4);
        assert_eq!(row.slots(), MISSING.repeat(4));
        row.set(&[16_777_217.0, -1e39, f64::NAN, -0.0]);
        assert_eq!(row.slots()[..2], [16_777_216.0; 2]);
        assert_eq!(row.slots()[2..4], [f32::NEG_INFINITY; 2]);
        assert_eq!(row.slots()[4..6], MISSING);
        assert!(row.slots()[6].is_sign_negative());
    }

    #[test]
    #[should_panic(expected = "one value per feature")]
    fn a_row_of_another_length_is_refused() {
        Row::new(2).set(&[1.0]);
    }
}
