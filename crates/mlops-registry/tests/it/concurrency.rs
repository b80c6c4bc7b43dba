use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use mlops_registry::{LocalStore, ModelUri, Stage};

use crate::Constant;

const WRITERS: usize = 8;
const VERSIONS: usize = 5;
const VARIABLE: &str = "MLOPS_REGISTRY_TEST_STORE";

/// Registers versions as one of several writers.
fn write(root: &Path) {
    let store = LocalStore::open(root).unwrap();
    let experiment = store.experiment("wine").unwrap();
    let run = store.start_run(&experiment, "writer", None).unwrap();
    let source: ModelUri = run.log_model("model", &Constant(1)).unwrap();
    store.register("wine").unwrap();
    for step in 0..VERSIONS {
        let version = store.create_model_version("wine", &source).unwrap().version;
        store.set_alias("wine", "champion", version).unwrap();
        store.transition_stage("wine", version, Stage::Production, true).unwrap();
        store.set_model_version_tag("wine", version, "writer", run.id().as_str()).unwrap();
        run.log_param(&format!("step {step}"), version).unwrap();
        run.log_metric("step", step as f64, 0).unwrap();
    }
}

/// Each version was given to one writer, and nothing is missing.
fn check(root: &Path) {
    let store = LocalStore::open(root).unwrap();
    let experiment = store.experiment("wine").unwrap();
    assert_eq!(store.experiments().unwrap().len(), 2);
    let runs = store.runs(&experiment).unwrap();
    let params = runs.iter().flat_map(|run| run.params().unwrap().into_values());
    let given: Vec<u64> = params.map(|version| version.parse().unwrap()).collect();
    let expected: BTreeSet<u64> = (1..=(WRITERS * VERSIONS) as u64).collect();
    assert_eq!(given.len(), WRITERS * VERSIONS);
    assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(runs.iter().all(|run| run.metric_history("step").unwrap().len() == VERSIONS));
    let versions = store.versions("wine").unwrap();
    assert_eq!(versions.len(), WRITERS * VERSIONS);
    let in_use = versions.iter().filter(|version| version.stage == Stage::Production);
    assert_eq!(in_use.count(), 1);
    assert!(versions.iter().all(|version| version.tags.contains_key("writer")));
    assert!(expected.contains(&store.model_version_by_alias("wine", "champion").unwrap().version));
}

#[test]
fn threads_with_stores_of_their_own_get_different_versions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("mlruns");
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| write(&root));
        }
    });
    check(&root);
}

#[test]
fn processes_get_different_versions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("mlruns");
    let spawn = |_| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "concurrency::one_of_the_processes", "--ignored"])
            .env(VARIABLE, &root)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..WRITERS).map(spawn).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    check(&root);
}

#[test]
#[ignore = "a process of the test above"]
fn one_of_the_processes() {
    if let Some(root) = env::var_os(VARIABLE) {
        write(Path::new(&root));
    }
}
