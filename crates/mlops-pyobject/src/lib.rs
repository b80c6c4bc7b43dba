#![doc = include_str!("../README.md")]

mod array;
mod budget;
mod builder;
mod dtype;
mod error;
mod graph;
mod limits;
mod npy;
mod object;
mod path;
mod pickle;
mod read;
pub mod sklearn;
mod skops;

pub use array::Array;
pub use error::Error;
pub use graph::{Graph, Name};
pub use limits::{Limit, Limits};
pub use object::{Kind, Object, Slice};
pub use pickle::read_pickle;
pub use read::read;
pub use skops::read_skops;
