//! The laws that test statistics follow without drift: survival functions, precise where they are
//! small.

pub use crate::special::chi_squared::survival as chi_squared_survival;
pub use crate::special::kolmogorov::survival as kolmogorov_survival;
pub use crate::test::ks::law::two_sample_survival;
