pub(crate) mod chi_squared;
pub(crate) mod ks;

/// A probability that is too small for a double is given as the smallest normal one, so that its
/// logarithm is finite.
pub(crate) fn clamp_p_value(p_value: f64) -> f64 {
    p_value.clamp(f64::MIN_POSITIVE, 1.0)
}
