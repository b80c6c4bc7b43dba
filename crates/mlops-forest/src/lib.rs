#![doc = include_str!("../README.md")]

mod builder;
mod error;
mod forest;
mod group;
mod node;
mod plain;
mod rank;
mod ranked;
mod rows;
mod top;

pub use builder::ForestBuilder;
pub use error::Error;
pub use forest::Forest;
pub use node::{Node, Side, threshold_at_most};
pub use rows::{Rows, to_f32};
