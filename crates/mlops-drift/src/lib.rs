#![doc = include_str!("../README.md")]

mod alibi;
mod alpha;
mod alternative;
mod correction;
mod counts;
mod detector;
mod distance;
mod effect;
mod empirical;
mod error;
pub mod law;
mod pooled;
mod reference;
mod special;
mod table;
mod test;
mod window;

pub use alibi::{AlibiDrift, AlibiModel};
pub use alpha::Alpha;
pub use alternative::Alternative;
pub use correction::{benjamini_hochberg, benjamini_yekutieli, bonferroni, holm};
pub use detector::{Scratch, TabularDrift, TabularDriftBuilder};
pub use distance::hellinger::hellinger_distance;
pub use distance::jensen_shannon::jensen_shannon_distance;
pub use distance::population_stability::{PopulationStabilityOutcome, population_stability_index};
pub use distance::total_variation::total_variation_distance;
pub use distance::wasserstein::{wasserstein_distance, wasserstein_distance_weighted};
pub use effect::Effect;
pub use error::{Error, Sample};
pub use table::DriftTable;
pub use test::chi_squared::{ChiSquaredOutcome, chi_squared_contingency, chi_squared_homogeneity};
pub use test::cramer_von_mises::{
    CramerVonMisesOutcome, cramer_von_mises, cramer_von_mises_asymptotic,
};
pub use test::fisher::{FisherOutcome, fisher_exact};
pub use test::ks::{KsOutcome, ks_two_sample, ks_two_sample_asymptotic};
pub use window::WindowMonitor;
