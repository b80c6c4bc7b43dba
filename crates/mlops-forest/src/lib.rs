#![doc = include_str!("../README.md")]

mod builder;
mod error;
mod forest;
mod node;
mod ranked;
mod row;

pub use builder::ForestBuilder;
pub use error::Error;
pub use forest::Forest;
pub use node::{Node, Side, threshold_at_most};
pub use row::Row;
