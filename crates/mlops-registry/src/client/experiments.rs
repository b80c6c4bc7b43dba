use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire::{Pair, map};
use crate::{Error, ErrorKind, Experiment, Filter};

#[derive(Deserialize)]
struct Wire {
    experiment_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    artifact_location: String,
    #[serde(default)]
    lifecycle_stage: String,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
struct One {
    experiment: Wire,
}

#[derive(Deserialize)]
struct Created {
    experiment_id: String,
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    experiments: Vec<Wire>,
    #[serde(default)]
    next_page_token: String,
}

/// MLflow wants to be told how many results a page may have.
const PAGE: u32 = 1000;
const DELETED: &str = "deleted";

impl MlflowClient {
    /// Creates an experiment; the server chooses where its artifacts are.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one of this name, be it deleted.
    pub async fn create_experiment(&self, name: &str) -> Result<Experiment, Error> {
        let Created { experiment_id } = self.transport.send(creation(name)).await?;
        self.experiment_by_id(&experiment_id).await
    }

    /// The experiment called `name`; it is created if it is not there. Programs that do this at once get the same.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the experiment was deleted.
    pub async fn experiment(&self, name: &str) -> Result<Experiment, Error> {
        match self.experiment_by_name(name).await {
            Err(error) if error.is_not_found() => {}
            found => return found,
        }
        // Where an attempt was not answered, the next one finds what it made, or what somebody else did.
        match self.transport.send(creation(name).idempotent()).await {
            Ok(Created { experiment_id }) => self.experiment_by_id(&experiment_id).await,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.experiment_by_name(name).await
            }
            Err(error) => Err(error),
        }
    }

    /// The experiment with this identifier.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn experiment_by_id(&self, id: &str) -> Result<Experiment, Error> {
        let call = Call::get("get the experiment", "experiments/get").query("experiment_id", id);
        let One { experiment } = self.transport.send(call.target(id)).await?;
        Ok(experiment.into())
    }

    /// The experiment called `name`.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if it was deleted: the name is taken
    pub async fn experiment_by_name(&self, name: &str) -> Result<Experiment, Error> {
        let get = "get the experiment";
        let call = Call::get(get, "experiments/get-by-name").query("experiment_name", name);
        let One { experiment } = self.transport.send(call.target(name)).await?;
        if experiment.lifecycle_stage == DELETED {
            let name = format_args!("`{name}`, which was deleted");
            return Err(Error::new(ErrorKind::AlreadyExists, get, name));
        }
        Ok(experiment.into())
    }

    /// The experiments that are not deleted and for which a filter holds.
    pub fn search_experiments(&self, filter: &Filter) -> Pages<Experiment> {
        let body = json!({ "filter": filter.as_str(), "max_results": PAGE });
        let call = Call::post("search", "experiments/search", body).target("experiments");
        Pages::new::<Many>(&self.transport, call.idempotent())
    }

    /// Deletes an experiment; MLflow keeps its name and can restore it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn delete_experiment(&self, id: &str) -> Result<(), Error> {
        let body = json!({ "experiment_id": id });
        let call = Call::post("delete the experiment", "experiments/delete", body).target(id);
        self.transport.run(call).await
    }

    /// Brings a deleted experiment back, with the runs that were deleted with it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, or it is not deleted.
    pub async fn restore_experiment(&self, id: &str) -> Result<(), Error> {
        let body = json!({ "experiment_id": id });
        let call = Call::post("restore the experiment", "experiments/restore", body).target(id);
        self.transport.run(call).await
    }

    /// Gives an experiment another name.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * [`Refused`](ErrorKind::Refused), or [`AlreadyExists`](ErrorKind::AlreadyExists) where the server keeps
    ///   files, if the name is taken, be it by a deleted one
    pub async fn rename_experiment(&self, id: &str, name: &str) -> Result<(), Error> {
        let body = json!({ "experiment_id": id, "new_name": name });
        let call = Call::post("rename the experiment", "experiments/update", body).target(id);
        // A server that keeps files says of its own name that it is taken.
        let find = async { Ok((self.experiment_by_id(id).await?.name == name).then_some(())) };
        self.once(call, find, |_: IgnoredAny| Ok(())).await
    }

    /// Sets a tag of an experiment.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such experiment.
    pub async fn set_experiment_tag(&self, id: &str, key: &str, value: &str) -> Result<(), Error> {
        let body = json!({ "experiment_id": id, "key": key, "value": value });
        let call = Call::post("tag the experiment", "experiments/set-experiment-tag", body);
        self.transport.run(call.target(id).idempotent()).await
    }

    /// Removes a tag of an experiment.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such experiment, or it has no such tag
    /// * [`Unsupported`](ErrorKind::Unsupported) before MLflow 3
    pub async fn delete_experiment_tag(&self, id: &str, key: &str) -> Result<(), Error> {
        let body = json!({ "experiment_id": id, "key": key });
        let delete = "delete the tag of the experiment";
        let call = Call::post(delete, "experiments/delete-experiment-tag", body).target(id);
        self.transport.run(call).await
    }
}

fn creation(name: &str) -> Call {
    Call::post("create the experiment", "experiments/create", json!({ "name": name })).target(name)
}

impl From<Wire> for Experiment {
    fn from(wire: Wire) -> Self {
        Self {
            id: wire.experiment_id,
            name: wire.name,
            artifact_location: wire.artifact_location,
            tags: map(wire.tags),
        }
    }
}

impl Page for Many {
    type Item = Experiment;

    fn split(self) -> Result<(Vec<Experiment>, String), Error> {
        Ok((self.experiments.into_iter().map(Into::into).collect(), self.next_page_token))
    }
}
