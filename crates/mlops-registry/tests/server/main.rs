//! The client against the MLflow server that the environment variable `MLOPS_MLFLOW_SERVER` names; `.ci/run mlflow` starts
//! some. What is written here `tests/python/read_server.py` reads.

#[cfg(test)]
mod conformance;
