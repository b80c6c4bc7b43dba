//! Preprocessing that scikit-learn saves with a model: pipelines, column transformers and standard
//! scalers, found by name and turned into plain arithmetic.

mod column_transformer;
mod columns;
mod pipeline;
mod preprocessing;
mod standard_scaler;

pub use pipeline::Pipeline;
pub use preprocessing::Preprocessing;

/// Inputs or outputs beyond this are refused: a file can claim any number of them.
const MAX_COLUMNS: usize = 100_000;
