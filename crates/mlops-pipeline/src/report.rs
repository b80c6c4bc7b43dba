//! Charts of models, searches and how things went, as SVG.
//!
//! Each function returns the text of an SVG file of its own: white paper, fonts that every reader has, colours that can be
//! told apart with any kind of colour vision, and a title and a description for those who do not see it. Names are
//! escaped, and shortened to at most 40 characters; what is not a number is refused.

mod axis;
mod calibration;
mod curves;
mod error;
mod figure;
mod history;
mod importance;
mod marks;
mod over_time;
mod shap;
mod style;

pub use calibration::calibration_curve;
pub use curves::{precision_recall_curve, roc_curve};
pub use error::ReportError;
pub use history::search_history;
pub use importance::importance;
pub use over_time::over_time;
pub use shap::shap_summary;

#[cfg(test)]
mod tests;
