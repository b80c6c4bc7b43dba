use std::borrow::Cow;
use std::fmt::Display;

use reqwest::Method;
use serde_json::Value;

use super::retries::Repeat;

/// The files that Unity Catalog keeps itself.
pub(crate) const CATALOG_FILES: &str = "/api/2.0/fs/";

/// A request to a server, before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) target: String,
    pub(crate) method: Method,
    /// Below `/api/2.0/mlflow/`, or from the root of the server if it begins with `/`; encoded.
    pub(crate) path: Cow<'static, str>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) repeat: Repeat,
}

impl Call {
    pub(crate) fn new(
        operation: &'static str,
        method: Method,
        path: impl Into<Cow<'static, str>>,
    ) -> Self {
        let repeat = if method == Method::GET { Repeat::Safe } else { Repeat::Unsafe };
        let (target, query, body) = (String::new(), Vec::new(), None);
        Self { operation, target, method, path: path.into(), query, body, repeat }
    }

    pub(crate) fn get(operation: &'static str, path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(operation, Method::GET, path)
    }

    pub(crate) fn post(
        operation: &'static str,
        path: impl Into<Cow<'static, str>>,
        body: Value,
    ) -> Self {
        Self { body: Some(body), ..Self::new(operation, Method::POST, path) }
    }

    pub(crate) fn patch(
        operation: &'static str,
        path: impl Into<Cow<'static, str>>,
        body: Value,
    ) -> Self {
        Self { body: Some(body), ..Self::new(operation, Method::PATCH, path) }
    }

    /// MLflow reads the arguments of a `DELETE` from its body alone.
    pub(crate) fn delete(
        operation: &'static str,
        path: impl Into<Cow<'static, str>>,
        body: Value,
    ) -> Self {
        Self { body: Some(body), ..Self::new(operation, Method::DELETE, path) }
    }

    /// What errors say it was done to.
    pub(crate) fn target(self, name: impl Display) -> Self {
        Self { target: format!("`{name}`"), ..self }
    }

    pub(crate) fn query(mut self, key: &'static str, value: impl Display) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    /// Asks for the page with this token.
    pub(crate) fn page(mut self, token: &str) -> Self {
        match &mut self.body {
            Some(body) => body["page_token"] = token.into(),
            None => self.query.push(("page_token", token.to_owned())),
        }
        self
    }

    /// Whether it is about registered models, their versions or the files of these.
    pub(crate) fn is_of_registry(&self) -> bool {
        let begins = |route: &&str| self.path.starts_with(route);
        ["registered-models/", "model-versions/", CATALOG_FILES].iter().any(begins)
    }

    /// Twice is the same as once.
    pub(crate) fn idempotent(self) -> Self {
        Self { repeat: Repeat::Safe, ..self }
    }
}
