use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::wire::{self, Pair, map, pairs};
use crate::dataset_input::Dataset;
use crate::{DatasetInput, Error, ErrorKind, LoggedModelId, RunId};

/// What a run was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunInputs {
    /// The data sets.
    pub datasets: Vec<DatasetInput>,
    /// The logged models, of MLflow 3 and newer.
    pub model_ids: Vec<LoggedModelId>,
}

/// A logged model that a run made; MLflow 3 and newer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelOutput {
    /// The model.
    pub model_id: LoggedModelId,
    /// The step of the training.
    pub step: i64,
}

impl ModelOutput {
    /// A model that was made at a step.
    pub fn new(model_id: LoggedModelId, step: i64) -> Self {
        Self { model_id, step }
    }
}

impl MlflowClient {
    /// Records what a run is given: data sets and logged models. A data set that is recorded already stays as it is.
    ///
    /// Servers before MLflow 3 know no logged models, and leave them out without saying so.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse a name, a digest or the key of a tag
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such run
    /// * [`Refused`](ErrorKind::Refused) if another text is too long
    pub async fn log_inputs(
        &self,
        run_id: &RunId,
        datasets: &[DatasetInput],
        model_ids: &[LoggedModelId],
    ) -> Result<(), Error> {
        datasets.iter().try_for_each(DatasetInput::check)?;
        let datasets: Vec<_> = datasets.iter().cloned().map(WireDatasetInput::from).collect();
        let mut body = json!({ "run_id": run_id.as_str(), "datasets": datasets });
        if !model_ids.is_empty() {
            let models = model_ids.iter().map(|id| json!({ "model_id": id.as_str() }));
            body["models"] = models.collect();
        }
        let call = Call::post("log the inputs of", "runs/log-inputs", body).target(run_id);
        self.transport.run(call.idempotent()).await
    }

    /// Records which logged models a run made, each once.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such run
    /// * [`Unsupported`](ErrorKind::Unsupported) before MLflow 3
    pub async fn log_outputs(&self, run_id: &RunId, outputs: &[ModelOutput]) -> Result<(), Error> {
        let models = outputs.iter().map(|output| {
            let ModelOutput { model_id, step } = output;
            json!({ "model_id": model_id.as_str(), "step": step })
        });
        let models: Vec<_> = models.collect();
        let body = json!({ "run_id": run_id.as_str(), "models": models });
        let call = Call::post("log the outputs of", "runs/outputs", body).target(run_id);
        // MLflow takes no output twice, and all of a request or none.
        let find = async {
            let logged = self.run(run_id).await?.outputs;
            Ok(outputs.iter().all(|output| logged.contains(output)).then_some(()))
        };
        self.once(call, find, |_: IgnoredAny| Ok(())).await
    }

    /// Records that a run logged a model below its artifacts, as MLflow did before version 3; `model_json` is its
    /// `MLmodel` as JSON.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such run
    /// * [`Refused`](ErrorKind::Refused) if the JSON lacks what an `MLmodel` has
    pub async fn log_model(&self, run_id: &RunId, model_json: &str) -> Result<(), Error> {
        let body = json!({ "run_id": run_id.as_str(), "model_json": model_json });
        let call = Call::post("log the model of", "runs/log-model", body).target(run_id);
        self.transport.run(call).await
    }
}

/// `inputs` of a run.
#[derive(Default, Deserialize)]
pub(crate) struct WireInputs {
    #[serde(default)]
    dataset_inputs: Vec<WireDatasetInput>,
    #[serde(default)]
    model_inputs: Vec<WireModel>,
}

/// `outputs` of a run.
#[derive(Default, Deserialize)]
pub(crate) struct WireOutputs {
    #[serde(default)]
    model_outputs: Vec<WireModel>,
}

#[derive(Deserialize, Serialize)]
struct WireDatasetInput {
    #[serde(default)]
    tags: Vec<Pair>,
    dataset: Dataset,
}

#[derive(Deserialize)]
struct WireModel {
    model_id: String,
    #[serde(default, with = "wire::integer")]
    step: i64,
}

impl From<DatasetInput> for WireDatasetInput {
    fn from(input: DatasetInput) -> Self {
        let (dataset, tags) = input.into_parts();
        Self { tags: pairs(tags), dataset }
    }
}

impl From<WireDatasetInput> for DatasetInput {
    fn from(WireDatasetInput { tags, dataset }: WireDatasetInput) -> Self {
        Self::from_parts(dataset, map(tags))
    }
}

impl TryFrom<WireInputs> for RunInputs {
    type Error = Error;

    fn try_from(inputs: WireInputs) -> Result<Self, Error> {
        let model_ids = inputs.model_inputs.iter().map(WireModel::id);
        Ok(Self {
            datasets: inputs.dataset_inputs.into_iter().map(DatasetInput::from).collect(),
            model_ids: model_ids.collect::<Result<_, _>>()?,
        })
    }
}

impl WireOutputs {
    pub(crate) fn models(&self) -> Result<Vec<ModelOutput>, Error> {
        let output = |model: &WireModel| Ok(ModelOutput::new(model.id()?, model.step));
        self.model_outputs.iter().map(output).collect()
    }
}

impl WireModel {
    fn id(&self) -> Result<LoggedModelId, Error> {
        self.model_id.parse().map_err(|error| {
            let target = format_args!("`{}`", self.model_id);
            Error::new(ErrorKind::Malformed, "read the logged model", target).with_source(error)
        })
    }
}
