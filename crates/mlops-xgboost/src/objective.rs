//! The link between margins, which trees add up, and probabilities: `binary:logistic`.
//!
//! The operations, their order and their 32 bits are XGBoost's; together with the C library's `expf` and `logf`, which
//! Rust calls on Linux with glibc too, they give its bits.

/// The margin of a probability: `-ln(1 / p - 1)`, for `p` moved into `[1e-6, 1 - 1e-6]`.
pub(crate) fn logit(probability: f32) -> f32 {
    let clamped = probability.clamp(1e-6, 1.0 - 1e-6);
    -(1.0 / clamped - 1.0).ln()
}

/// The probability of a margin: `1 / (1 + exp(-x))`, in `(0, 1]`.
pub(crate) fn sigmoid(margin: f32) -> f32 {
    // Above 88.7, the exponential of a 32-bit number is infinite.
    1.0 / ((-margin).min(88.7).exp() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_are_finite() {
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::MIN) > 0.0);
        assert!(logit(0.0).is_finite() && logit(1.0).is_finite());
        assert_eq!(logit(0.5), 0.0);
    }

    proptest::proptest! {
        #[test]
        fn probability_and_margin_invert_each_other(probability in 0.001_f32..0.999) {
            proptest::prop_assert!((sigmoid(logit(probability)) - probability).abs() < 1e-6);
        }
    }
}
