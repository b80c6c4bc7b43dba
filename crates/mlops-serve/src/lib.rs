#![doc = include_str!("../README.md")]

mod body;
mod builder;
mod dialect;
mod error;
mod limits;
mod log;
mod metrics;
mod problem;
#[cfg_attr(not(test), expect(dead_code, reason = "wired to routes next"))]
mod protocol;
mod request_id;
mod response;
mod router;
mod routes;
mod scoring;
mod server;
mod service;
#[cfg(test)]
mod testing;

pub use builder::ServiceBuilder;
pub use dialect::Dialect;
pub use error::{Detector, Error};
pub use server::serve;
pub use service::Service;
