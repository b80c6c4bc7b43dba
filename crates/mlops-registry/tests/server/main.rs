//! The client against the MLflow server that the environment variable `MLOPS_MLFLOW_SERVER` names; `.ci/run mlflow` starts
//! some. What is true of directories, too, is tested of one in any case. What is written here `tests/python/read_server.py` reads, and what
//! `tests/python/write_server.py` wrote is read here.

#[cfg(test)]
mod backend;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod logged_models;
#[cfg(test)]
mod models;
#[cfg(test)]
mod names;
#[cfg(test)]
mod registry;

#[cfg(test)]
use mlops_registry::client::MlflowClient;
#[cfg(test)]
use mlops_registry::env;

#[cfg(test)]
fn client() -> Option<MlflowClient> {
    let uri = server_or_remark()?;
    // Object storage is reached as the environment says.
    Some(env::client_builder(Some(&uri)).unwrap().build().unwrap())
}

/// Without a server, a line on stderr says what is not tested.
#[cfg(test)]
fn server_or_remark() -> Option<String> {
    let uri = server();
    if uri.is_none() {
        eprintln!("left out: a server of MLflow (MLOPS_MLFLOW_SERVER names none)");
    }
    uri
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn server() -> Option<String> {
    std::env::var("MLOPS_MLFLOW_SERVER").ok()
}

/// A name that no earlier run of the tests took.
#[cfg(test)]
fn unique(name: &str) -> String {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    format!("{name} {}", since.as_nanos())
}
