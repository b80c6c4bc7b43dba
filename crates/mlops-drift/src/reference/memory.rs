use super::Scale;
use super::profile::Profile;
use crate::empirical::EmpiricalDistribution;
use crate::pooled::Stretch;
use crate::test::chi_squared;
use crate::test::ks::Walk;

/// What a batch is tested in, kept so that it is allocated once.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(super) batch: EmpiricalDistribution,
    pub(super) reference_counts: Vec<u64>,
    pub(super) batch_counts: Vec<u64>,
    pub(super) stretches: Vec<Stretch>,
    pub(super) walk: Walk,
    pub(super) chi_squared: chi_squared::Memory,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            batch: EmpiricalDistribution::new(vec![]),
            reference_counts: vec![],
            batch_counts: vec![],
            stretches: vec![],
            walk: Walk::default(),
            chi_squared: chi_squared::Memory::default(),
        }
    }
}

impl Memory {
    /// Takes what any batch of as many rows may need of a feature with as many distinct values.
    pub(super) fn reserve(&mut self, n_rows: usize, n_known: usize, scale: Scale) {
        let Self { batch, stretches, reference_counts, batch_counts, walk, chi_squared } = self;
        batch.reserve(n_rows);
        match scale {
            Scale::Numeric => {
                stretches.clear();
                stretches.reserve(n_rows + 1);
                batch_counts.clear();
                batch_counts.reserve(Profile::MOST_CELLS);
                walk.reserve(n_rows);
            }
            Scale::Categorical => {
                // Each row may have a new category.
                let n_categories = n_known + n_rows;
                for counts in [reference_counts, batch_counts] {
                    counts.clear();
                    counts.reserve(n_categories);
                }
                chi_squared.reserve(n_categories, n_rows);
            }
        }
    }
}
