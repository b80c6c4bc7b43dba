//! Probabilities that the tests share.

pub(crate) mod binomial;
pub(crate) mod hypergeometric;
pub(crate) mod kolmogorov;
