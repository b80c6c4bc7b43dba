use serde::{Deserialize, Serialize};
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::logged_models::{LoggedModel, Wire};
use super::pages::{Page, Pages};
use crate::{Error, Filter};

/// By what a search sorts logged models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct LoggedModelOrder {
    field_name: String,
    ascending: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_digest: Option<String>,
}

/// The largest page that Databricks gives.
const PAGE: u32 = 50;

impl LoggedModelOrder {
    /// The smallest first: of an attribute such as `creation_timestamp`, or a metric such as `metrics.loss`.
    pub fn ascending(field: impl Into<String>) -> Self {
        Self::by(field.into(), true)
    }

    /// The largest first.
    pub fn descending(field: impl Into<String>) -> Self {
        Self::by(field.into(), false)
    }

    /// By the metric as it was measured on this data set.
    pub fn dataset(self, name: impl Into<String>, digest: impl Into<String>) -> Self {
        Self { dataset_name: Some(name.into()), dataset_digest: Some(digest.into()), ..self }
    }

    fn by(field_name: String, ascending: bool) -> Self {
        Self { field_name, ascending, dataset_name: None, dataset_digest: None }
    }
}

impl MlflowClient {
    /// The logged models of some experiments for which a filter holds; the newest first by default.
    ///
    /// The pages end with an error of kind [`Unsupported`](crate::ErrorKind::Unsupported) before MLflow 3.
    pub fn search_logged_models(
        &self,
        experiment_ids: &[&str],
        filter: &Filter,
        order_by: &[LoggedModelOrder],
    ) -> Pages<LoggedModel> {
        let body = json!({
            "experiment_ids": experiment_ids,
            "filter": filter.as_str(),
            "order_by": order_by,
            "max_results": PAGE,
        });
        let call = Call::post("search", "logged-models/search", body).target("logged models");
        Pages::new::<Many>(&self.transport, call.idempotent())
    }
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    models: Vec<Wire>,
    #[serde(default)]
    next_page_token: String,
}

impl Page for Many {
    type Item = LoggedModel;

    fn split(self) -> Result<(Vec<LoggedModel>, String), Error> {
        let models = self.models.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok((models, self.next_page_token))
    }
}
