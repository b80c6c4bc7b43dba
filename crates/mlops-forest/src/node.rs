/// A node of a tree as its author describes it; node 0 is the root.
///
/// Children are positions in the same list of nodes. Their order is free, and nodes that no way
/// from the root leads to are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a node of a binary tree splits or ends")]
pub enum Node<V> {
    /// Sends a row left if `x < threshold`, else right, where `x` is the feature's value rounded to
    /// 32 bits.
    ///
    /// [`threshold_at_most`] expresses `x <= threshold`.
    Split {
        /// The feature that is compared.
        feature: usize,
        /// The smallest value that goes right; neither NaN nor minus infinity.
        threshold: f32,
        /// Where a row goes whose value is missing.
        missing: Side,
        /// The node that rows below the threshold go to.
        left: usize,
        /// The node that all other rows go to.
        right: usize,
    },
    /// Ends the way of a row.
    Leaf {
        /// What the tree has to say about rows that end here.
        value: V,
    },
}

/// One of the two children of a split.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a binary split has two sides")]
pub enum Side {
    /// The side of values below the threshold.
    Left,
    /// The side of all other values.
    Right,
}

/// The smallest 32-bit number above `threshold`, which makes `x <= threshold` a split.
///
/// For every 32-bit `x`, `x <= threshold` holds exactly where `x < threshold_at_most(threshold)`
/// does. This is how a split of scikit-learn, which compares a 32-bit `x` with a 64-bit threshold
/// by `<=`, becomes a [`Node::Split`]: `x <= t` equals `x <= floor(t)` for the largest 32-bit
/// number `floor(t)` that is not above `t`, and that equals `x < floor(t).next_up()`.
///
/// # Edge cases
/// * Infinity stays infinity; it is the one threshold where the two rules differ, for `x` =
///   infinity.
/// * Minus infinity becomes [`f32::MIN`]: only minus infinity itself goes left.
/// * NaN stays NaN, which no forest accepts.
///
/// # Examples
/// ```
/// use mlops_forest::threshold_at_most;
///
/// let threshold = 0.1_f64; // 0.1_f32 is above it
/// assert!(f64::from(0.1_f32) > threshold);
/// assert!(0.1_f32 >= threshold_at_most(threshold));
/// assert!(0.1_f32.next_down() < threshold_at_most(threshold));
/// ```
#[must_use]
pub fn threshold_at_most(threshold: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is corrected below")]
    let nearest = threshold as f32;
    if f64::from(nearest) > threshold { nearest } else { nearest.next_up() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same_side(x: f32, threshold: f64) {
        assert_eq!(
            x < threshold_at_most(threshold),
            f64::from(x) <= threshold,
            "x = {x:e}, threshold = {threshold:e}"
        );
    }

    #[test]
    fn the_rules_agree_around_every_boundary() {
        let subnormal = f32::from_bits(1);
        let numbers = [
            0.0,
            subnormal,
            f32::from_bits(0x007f_ffff), // the largest subnormal number
            f32::MIN_POSITIVE,
            0.1,
            1.0,
            16_777_216.0,
            f32::MAX,
        ];
        for number in numbers.into_iter().flat_map(|number| [number, -number]) {
            let exact = f64::from(number);
            for threshold in [exact.next_down(), exact, exact.next_up(), exact * 1.000_000_01] {
                for x in [number.next_down(), number, number.next_up(), -number, 0.0, -0.0] {
                    assert_same_side(x, threshold);
                }
            }
        }
    }

    #[test]
    fn thresholds_outside_of_32_bits_saturate() {
        for threshold in [1e39, -1e39, f64::MAX, f64::MIN, f64::NEG_INFINITY, 1e-60, -1e-60] {
            for x in [f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e-45] {
                assert_same_side(x, threshold);
            }
        }
        assert_eq!(threshold_at_most(f64::NEG_INFINITY), f32::MIN);
        assert_eq!(threshold_at_most(f64::INFINITY), f32::INFINITY);
        assert!(threshold_at_most(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn the_rules_agree_for_all_bit_patterns(x: u32, low: u32, exact: bool, ulps in -2_i64..=2) {
            let x = f32::from_bits(x);
            // Half of the thresholds lie within two 64-bit steps of x, where rounding matters.
            let near = f64::from(if exact { x } else { f32::from_bits(low) });
            let threshold = f64::from_bits(near.to_bits().wrapping_add_signed(ulps));
            prop_assume!(threshold != f64::INFINITY);
            assert_same_side(x, threshold);
        }
    }
}
