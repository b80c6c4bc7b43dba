#![doc = include_str!("../README.md")]

mod admission;
mod body;
mod builder;
mod error;
mod limits;
mod metrics;
mod model;
mod openapi;
mod problem;
mod protocol;
mod request;
mod router;
mod routes;
mod scoring;
mod server;
mod service;
mod shadow;
mod slot;
#[cfg(test)]
mod testing;
mod timed_stream;

pub use builder::ServiceBuilder;
pub use error::{Component, Error};
pub use limits::Limits;
pub use mlops_telemetry::Form;
pub use model::Model;
pub use server::serve;
pub use service::Service;
