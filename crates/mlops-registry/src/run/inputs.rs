//! The data sets that a run was given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::dataset_input::Dataset;
use crate::{DatasetInput, Error, entries, meta};

/// The folder of an experiment with its data sets, whichever run they were given to.
const DATASETS: &str = "datasets";
/// The folder of a run that says which of them it was given.
const INPUTS: &str = "inputs";

const DATASET: &str = "DATASET";
const RUN: &str = "RUN";

impl Run {
    /// Records data sets that the run is given. One that is recorded already stays as it is.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if MLflow would refuse a name, a digest or the key of a tag; nothing
    ///   is recorded then
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the run was moved away with its experiment
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn log_inputs(&self, datasets: &[DatasetInput]) -> Result<(), Error> {
        datasets.iter().try_for_each(DatasetInput::check)?;
        let _lock = self.store.lock()?;
        self.check_is_there()?;
        for dataset in datasets {
            let (dataset, tags) = dataset.clone().into_parts();
            let dataset_id = id([&dataset.name, &dataset.digest]);
            // The data set first: MLflow warns of inputs without one.
            self.create_once(&self.datasets(), &dataset_id, &dataset)?;
            let input = Input {
                source_type: DATASET.to_owned(),
                source_id: dataset_id,
                destination_type: RUN.to_owned(),
                destination_id: self.id.to_string(),
                tags,
            };
            let input_id = id([&input.source_id, &input.destination_id]);
            self.create_once(&self.folder().join(INPUTS), &input_id, &input)?;
        }
        Ok(())
    }

    /// The data sets that the run was given, by name and digest.
    ///
    /// # Errors
    /// * [`Malformed`](crate::ErrorKind::Malformed) if a `meta.yaml` is not that of a data set or input
    /// * [`Io`](crate::ErrorKind::Io) if they cannot be read
    pub fn inputs(&self) -> Result<Vec<DatasetInput>, Error> {
        let folder = self.folder().join(INPUTS);
        let known = entries::names(&self.datasets())?;
        let mut inputs = Vec::new();
        for name in entries::names(&folder)? {
            let input = folder.join(name);
            if !meta::is_there(&input) {
                continue;
            }
            let Input { source_type, source_id, tags, .. } = meta::read(&input)?;
            // Models are inputs, too; and as MLflow does, a data set that is gone is passed over.
            if source_type == DATASET && known.contains(&source_id) {
                let dataset: Dataset = meta::read(&self.datasets().join(source_id))?;
                inputs.push(DatasetInput::from_parts(dataset, tags));
            }
        }
        inputs.sort_by(|left, right| (&left.name, &left.digest).cmp(&(&right.name, &right.digest)));
        Ok(inputs)
    }

    fn datasets(&self) -> PathBuf {
        self.store.root().join(&self.experiment_id).join(DATASETS)
    }

    /// Makes a folder with a `meta.yaml`, unless it is there. The caller holds the lock.
    fn create_once(
        &self,
        parent: &Path,
        name: &str,
        content: &impl Serialize,
    ) -> Result<(), Error> {
        let folder = parent.join(name);
        if meta::is_there(&folder) {
            return Ok(());
        }
        fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
        match self.store.create_folder(&folder, |new| meta::fill(new, content)) {
            // Python's MLflow waits for no lock, and gives it the same name.
            Err(_) if meta::is_there(&folder) => Ok(()),
            outcome => outcome,
        }
    }
}

/// What MLflow names a folder by, so that Python and this crate find what the other has made.
fn id(parts: [&str; 2]) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(parts.concat()).into()))
}

/// The `meta.yaml` of an input.
#[derive(Deserialize, Serialize)]
struct Input {
    source_type: String,
    source_id: String,
    #[serde(default)]
    destination_type: String,
    /// MLflow repeats the source here, and reads it nowhere.
    #[serde(default)]
    destination_id: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::{ErrorKind, LocalStore};

    fn run(folder: &tempfile::TempDir) -> Run {
        let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
        let experiment = store.experiment("wine").unwrap();
        store.start_run(&experiment, "train", None).unwrap()
    }

    fn wines(digest: &str) -> DatasetInput {
        DatasetInput::new("wines", digest, "local", r#"{"uri": "wines.csv"}"#)
    }

    #[test]
    fn folders_have_the_names_that_mlflow_gives_them() {
        // hashlib.md5(b"wine" + b"ba7cd68f").hexdigest()
        assert_eq!(id(["wine", "ba7cd68f"]), "5c96305feec07d70d393a2dd0adcd5ef");
    }

    #[test]
    fn inputs_come_back_as_they_were_logged() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        assert_eq!(run.inputs().unwrap(), []);
        let training = wines("1e5").context("training").schema("[]").profile("{}").tag("k", "ü\n");
        let test = wines("0123").context("evaluation");
        run.log_inputs(&[training.clone(), test.clone()]).unwrap();
        assert_eq!(run.inputs().unwrap(), [test, training]);
    }

    #[test]
    fn an_input_is_recorded_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let training = wines("1").context("training");
        let again = wines("1").context("evaluation");
        run.log_inputs(&[training.clone(), again.clone()]).unwrap();
        run.log_inputs(slice::from_ref(&again)).unwrap();
        assert_eq!(run.inputs().unwrap(), [training]);

        // Another run shares the data set, and has a context of its own.
        let experiment = run.store.experiment("wine").unwrap();
        let other = run.store.start_run(&experiment, "test", None).unwrap();
        other.log_inputs(slice::from_ref(&again)).unwrap();
        assert_eq!(other.inputs().unwrap(), [again]);
        assert_eq!(entries::names(&run.datasets()).unwrap().len(), 1);
    }

    #[test]
    fn what_mlflow_would_refuse_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let error = run.log_inputs(&[wines("1"), wines(&"f".repeat(37))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        assert_eq!(run.inputs().unwrap(), []);
    }

    #[test]
    fn a_data_set_elsewhere_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        run.log_inputs(&[wines("1")]).unwrap();
        let input = run.folder().join(INPUTS).join(id([&id(["wines", "1"]), run.id.as_str()]));
        meta::update(&input, |meta| _ = meta.insert("source_id".into(), "../../0".into())).unwrap();
        assert_eq!(run.inputs().unwrap(), []);
    }

    #[test]
    fn a_run_that_was_moved_away_is_given_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        run.store.delete_experiment(&run.experiment_id).unwrap();
        assert!(run.log_inputs(&[wines("1")]).unwrap_err().is_not_found());
    }
}
