//! Probabilities that the tests share.

pub(crate) mod binomial;
pub(crate) mod chi_squared;
pub(crate) mod cramer_von_mises;
pub(crate) mod hypergeometric;
pub(crate) mod kolmogorov;
