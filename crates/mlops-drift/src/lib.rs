#![doc = include_str!("../README.md")]

mod alibi;
mod alpha;
mod correction;
mod detector;
mod empirical;
mod error;
mod reference;
mod special;
mod test;

pub use alibi::{AlibiDrift, AlibiModel};
pub use alpha::Alpha;
pub use correction::{benjamini_hochberg, benjamini_yekutieli, bonferroni, holm};
pub use detector::{TabularDrift, TabularDriftBuilder};
pub use error::{Error, Sample};
pub use test::chi_squared::{ChiSquaredOutcome, chi_squared_homogeneity};
pub use test::ks::{KsOutcome, ks_two_sample, ks_two_sample_asymptotic};
