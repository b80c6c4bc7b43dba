pub(crate) mod chi_squared;
pub(crate) mod ks;

/// How a p-value was computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// Given what both samples hold together, each way to deal it out to them counts the same: no
    /// approximation.
    Exact,
    /// From the distribution that the statistic approaches in large samples.
    Asymptotic,
}

/// A probability that is too small for a double is given as the smallest normal one, so that its
/// logarithm is finite.
pub(crate) fn clamp_p_value(p_value: f64) -> f64 {
    p_value.clamp(f64::MIN_POSITIVE, 1.0)
}
