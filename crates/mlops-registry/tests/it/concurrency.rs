use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use mlops_registry::{LocalStore, ModelUri};

use crate::Constant;

const WRITERS: usize = 4;
const VERSIONS: usize = 10;
const VARIABLE: &str = "MLOPS_REGISTRY_TEST_STORE";

/// Registers versions as one of several writers.
fn write(root: &Path) {
    let store = LocalStore::open(root).unwrap();
    let experiment = store.experiment("wine").unwrap();
    let run = store.start_run(&experiment, "writer", None).unwrap();
    let source: ModelUri = run.log_model("model", &Constant(1)).unwrap();
    store.register("wine").unwrap();
    for step in 0..VERSIONS {
        let version = store.create_version("wine", &source).unwrap();
        store.set_alias("wine", "champion", version).unwrap();
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
    assert_eq!(store.versions("wine").unwrap().len(), WRITERS * VERSIONS);
    assert!(expected.contains(&store.alias("wine", "champion").unwrap().version));
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
