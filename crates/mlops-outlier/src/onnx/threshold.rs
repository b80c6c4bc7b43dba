//! Splits of prepared values as splits of the numbers that a row has before its preparation.

use mlops_forest::Side;

/// A split of the 32-bit numbers of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RawSplit {
    /// The smallest finite number of the upper side; there is one below it.
    pub(super) threshold: f32,
    /// Where the numbers below the threshold go.
    pub(super) below: Side,
}

impl RawSplit {
    /// The split that sends a number left exactly if `prepare(number)`, rounded to 32 bits, is below
    /// `threshold`; `None` if all finite numbers go to the same side.
    ///
    /// Of `prepare` it must be known that it never falls, or never rises: then there are two sides, and
    /// halving the range of all 32-bit numbers finds where they meet. No formula would do, because each
    /// step of a preparation rounds.
    pub(super) fn new(threshold: f32, prepare: impl Fn(f64) -> f64) -> Option<Self> {
        let goes_left = |number: f32| goes_left(threshold, prepare(f64::from(number)));
        let lowest_goes_left = goes_left(f32::MIN);
        if goes_left(f32::MAX) == lowest_goes_left {
            return None;
        }
        let (mut below, mut upper) = (position(f32::MIN), position(f32::MAX));
        while below + 1 < upper {
            let middle = i32::midpoint(below, upper);
            if goes_left(number(middle)) == lowest_goes_left {
                below = middle;
            } else {
                upper = middle;
            }
        }
        let below = if lowest_goes_left { Side::Left } else { Side::Right };
        Some(Self { threshold: number(upper), below })
    }
}

/// Where a split sends a value that is prepared: trees compare in 32 bits.
fn goes_left(threshold: f32, prepared: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "the nearest number of 32 bits is meant")]
    let rounded = prepared as f32;
    rounded < threshold
}

/// The position of a finite number among all of them; minus zero stands before zero.
fn position(number: f32) -> i32 {
    reflect(number.to_bits().cast_signed())
}

fn number(position: i32) -> f32 {
    f32::from_bits(reflect(position).cast_unsigned())
}

/// Turns the order of negative numbers around, whose bits count up as they go down.
fn reflect(bits: i32) -> i32 {
    if bits < 0 { bits ^ i32::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_are_in_the_order_of_numbers() {
        let numbers = [f32::MIN, -1.0, -1e-45, -0.0, 0.0, 1e-45, f32::MIN_POSITIVE, 1.0, f32::MAX];
        assert!(numbers.is_sorted_by(|left, right| position(*left) < position(*right)));
        for value in numbers {
            assert_eq!(number(position(value)).to_bits(), value.to_bits());
        }
        assert_eq!(position(0.0) - position(-0.0), 1);
    }

    #[test]
    fn without_preparation_a_split_is_what_it_was() {
        for threshold in [-1e38, -1.0, -1e-45, 1e-45, 0.1, 1.0, f32::MAX] {
            let split = RawSplit::new(threshold, |value| value).unwrap();
            assert_eq!(split, RawSplit { threshold, below: Side::Left });
        }
        // No zero is below the other.
        for zero in [0.0, -0.0] {
            let split = RawSplit::new(zero, |value| value).unwrap();
            assert_eq!(split.threshold.to_bits(), (-0.0_f32).to_bits());
        }
    }

    #[test]
    fn a_falling_preparation_swaps_the_sides() {
        // -x < 2 for all x above -2
        let split = RawSplit::new(2.0, |value| -value).unwrap();
        assert_eq!(split, RawSplit { threshold: (-2.0_f32).next_up(), below: Side::Right });
    }

    #[test]
    fn one_side_without_numbers_is_no_split() {
        assert_eq!(RawSplit::new(f32::MIN, |value| value), None);
        assert_eq!(RawSplit::new(f32::INFINITY, |value| value), None);
        assert_eq!(RawSplit::new(1.0, |value| value / 1e300), None);
        assert_eq!(RawSplit::new(1.0, |_| 0.0), None);
    }

    proptest! {
        #[test]
        fn numbers_around_the_threshold_keep_their_sides(
            threshold in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL,
            mean in -1e9..1e9_f64,
            exponent in -40..40_i32,
            is_falling: bool,
            steps in -3..3_i32,
            any in proptest::num::f32::ANY,
        ) {
            let scale = 10_f64.powi(exponent) * if is_falling { -1.0 } else { 1.0 };
            let prepare = |value: f64| (value - mean) / scale;
            let goes_left = |x: f32| goes_left(threshold, prepare(f64::from(x)));
            if let Some(split) = RawSplit::new(threshold, prepare) {
                let ends = [f32::MIN, f32::MAX].map(position);
                let near = (position(split.threshold) + steps).clamp(ends[0], ends[1]);
                for x in [number(near), any].into_iter().filter(|x| !x.is_nan()) {
                    let is_below = x < split.threshold;
                    prop_assert_eq!(goes_left(x), is_below == (split.below == Side::Left));
                }
            } else {
                prop_assert!(!any.is_finite() || goes_left(any) == goes_left(0.0));
            }
        }
    }
}
