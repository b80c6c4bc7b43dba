//! Preprocessing that scikit-learn saves with a model: pipelines, column transformers and standard
//! scalers, found by name and turned into plain arithmetic; and the files in which MLflow keeps them.

mod column_transformer;
mod columns;
mod pipeline;
mod preprocessing;
mod saved_model;
mod standard_scaler;

pub use pipeline::Pipeline;
pub use preprocessing::Preprocessing;
pub use saved_model::SavedModel;

/// Inputs or outputs beyond this are refused: a file can claim any number of them.
const MAX_COLUMNS: usize = 100_000;
