#![doc = include_str!("../README.md")]

mod admission;
#[cfg(feature = "api-keys")]
mod api_keys;
mod background;
mod body;
mod builder;
mod deadline;
mod error;
mod flow;
mod limits;
mod metrics;
mod model;
mod monitor;
mod openapi;
mod pace;
mod problem;
mod protocol;
mod recorder;
mod request;
mod router;
mod routes;
mod scoring;
mod server;
mod service;
mod shadow;
mod slot;
mod source;
#[cfg(test)]
mod testing;
mod timed_stream;
mod trace_context;

#[cfg(feature = "api-keys")]
pub use api_keys::{ApiKeys, ApiKeysError};
pub use builder::ServiceBuilder;
pub use error::{Component, Error};
pub use limits::Limits;
pub use mlops_telemetry::Form;
pub use model::Model;
pub use server::{Server, serve};
#[cfg(feature = "tls")]
pub use server::{TlsConfig, TlsError};
pub use service::Service;
pub use source::{ModelSource, ReloadError};
