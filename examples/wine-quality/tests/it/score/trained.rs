//! A store with models, and what they say.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Weak};

use mlops_core::{Classifier, LoadContext, LoadModel, ModelDir, OutlierDetector, Records, Schema};
use mlops_outlier::IsolationForest;
use mlops_registry::LocalStore;
use mlops_xgboost::XgboostModel;
use tempfile::TempDir;

use crate::program::{program, run, text};

/// A store with models, trained once for all tests that run at the same time.
pub(crate) struct Trained {
    folder: TempDir,
    classifier: Classifier,
    outliers: IsolationForest,
}

impl Trained {
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Trained>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        if let Some(trained) = shared.upgrade() {
            return trained;
        }
        let trained = Arc::new(Self::train());
        *shared = Arc::downgrade(&trained);
        trained
    }

    fn train() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), &["train", "--trials", "1"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
        let dir =
            |uri: &str| ModelDir::open(store.resolve(&uri.parse().unwrap()).unwrap()).unwrap();
        let context = LoadContext::new();
        let model = XgboostModel::load(&dir("models:/wine_quality/1"), &context).unwrap();
        let outliers = IsolationForest::load(&dir("models:/wine_quality_outlier/1"), &context);
        Self { folder, classifier: Classifier::new(model), outliers: outliers.unwrap() }
    }

    pub(crate) fn schema(&self) -> &Arc<Schema> {
        self.classifier.schema()
    }

    /// What the models say of records: class, probability, outlier score and whether it is one.
    pub(crate) fn scores(&self, records: &Records) -> Vec<(u32, u64, u64, bool)> {
        let classified = self.classifier.classify(records).unwrap();
        let scores = self.outliers.score(records).unwrap();
        let rows = classified.classes.iter().zip(classified.probabilities.first()).zip(scores);
        rows.map(|((class, probability), score)| {
            (*class, probability.to_bits(), score.to_bits(), score > self.outliers.threshold())
        })
        .collect()
    }

    /// `score` with more arguments, in a folder of its own.
    pub(crate) fn command(&self, folder: &Path, args: &[&str]) -> Command {
        let store = self.folder.path().join("mlruns");
        let config = store.join("configuration.json");
        let mut command = program(&[
            "score",
            "--config",
            config.to_str().unwrap(),
            "--store",
            store.to_str().unwrap(),
        ]);
        command.args(args).current_dir(folder);
        command
    }

    pub(crate) fn score(&self, folder: &Path, args: &[&str]) -> Output {
        self.command(folder, args).output().unwrap()
    }

    /// What `score` says of its failure; it must leave nothing behind but what was there.
    pub(crate) fn failure(&self, folder: &Path, args: &[&str]) -> String {
        let before = names(folder);
        let output = self.score(folder, args);
        assert!(!output.status.success(), "{}", text(&output.stderr));
        assert_eq!(names(folder), before);
        text(&output.stderr)
    }
}

/// The files in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
