//! A writer that is killed at any moment leaves a store that can be read and gone on with.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use mlops_registry::{Compare, DatasetInput, Filter, LocalStore, Stage};
use mlops_testing::SplitMix64;

use crate::Constant;

const KILLS: u64 = 50;
/// The longest that a writer lives after its start, in seconds.
const LIFE: f64 = 0.25;
const SIGKILL: i32 = 9;
const STORE: &str = "MLOPS_REGISTRY_TEST_CRASHING_STORE";
const SEED: &str = "MLOPS_REGISTRY_TEST_SEED";

#[test]
fn a_writer_that_is_killed_leaves_a_whole_store() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("mlruns");
    let mut random = SplitMix64::new(7);
    let mut most_versions = 0;
    for kill in 0..KILLS {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crashes::the_writer", "--ignored"])
            .env(STORE, &root)
            .env(SEED, kill.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Its first sign of life, just before it writes.
        writer.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        thread::sleep(Duration::from_secs_f64(random.next_f64() * LIFE));
        writer.kill().unwrap();
        let ended = writer.wait().unwrap();
        assert_eq!(ended.signal(), Some(SIGKILL), "it stopped by itself: {ended}");
        check(&root);
        most_versions = most_versions.max(go_on(&root));
    }
    // The writers have a share of their own in them, or nothing was tested.
    assert!(most_versions > KILLS, "{most_versions} versions");
}

#[test]
#[ignore = "a process of the test above"]
fn the_writer() {
    if let (Some(root), Some(seed)) = (env::var_os(STORE), env::var_os(SEED)) {
        let seed = seed.to_str().unwrap().parse().unwrap();
        write(Path::new(&root), &mut SplitMix64::new(seed));
    }
}

/// Writes everything that a store can hold, in an order of chance and without an end.
fn write(root: &Path, random: &mut SplitMix64) {
    let store = LocalStore::open(root).unwrap();
    let experiment = store.experiment("wine").unwrap();
    let run = store.start_run(&experiment, "writer", None).unwrap();
    let source = run.log_model("model", &Constant(1)).unwrap();
    store.register("wine").unwrap();
    for step in 0.. {
        let newest = store.create_model_version("wine", &source).unwrap().version;
        for _ in 0..6 {
            let text = step.to_string();
            match random.next_u64() % 17 {
                0 => _ = store.transition_stage("wine", newest, Stage::Production, true).unwrap(),
                1 => store.set_alias("wine", "champion", newest).unwrap(),
                2 => store.delete_alias("wine", "champion").unwrap(),
                3 => store.set_model_version_tag("wine", newest, "step", &text).unwrap(),
                4 => store.delete_model_version_tag("wine", newest, "step").unwrap(),
                5 => store.set_registered_model_tag("wine", "step", &text).unwrap(),
                6 => _ = store.update_model_version("wine", newest, &text).unwrap(),
                7 => _ = store.update_registered_model("wine", &text).unwrap(),
                8 => run.log_param(&format!("step {step}"), &text).unwrap(),
                9 => run.log_metric("loss", f64::from(step), 0).unwrap(),
                10 => run.set_tag("step", &text).unwrap(),
                11 => store.set_experiment_tag(&experiment.id, "step", &text).unwrap(),
                12 => store.delete_run(run.id()).unwrap(),
                13 => store.restore_run(run.id()).unwrap(),
                14 => come_and_go(&store, random),
                15 => run.log_inputs(&[DatasetInput::new("wines", text, "local", "{}")]).unwrap(),
                _ => {
                    store.set_alias("wine", "short", newest).unwrap();
                    store.delete_model_version("wine", newest).unwrap();
                    break;
                }
            }
        }
    }
}

/// Creates, renames, deletes and restores.
fn come_and_go(store: &LocalStore, random: &mut SplitMix64) {
    let name = format!("passing {}", random.next_u64());
    let experiment = store.create_experiment(&name).unwrap();
    store.start_run(&experiment, "passing", None).unwrap();
    store.delete_experiment(&experiment.id).unwrap();
    store.restore_experiment(&experiment.id).unwrap();
    store.delete_experiment(&experiment.id).unwrap();
    store.register(&name).unwrap();
    store.set_registered_model_tag(&name, "a", "b").unwrap();
    store.rename_registered_model(&name, &format!("{name} renamed")).unwrap();
    store.delete_registered_model(&format!("{name} renamed")).unwrap();
}

/// Everything that is there can be read and fits together.
fn check(root: &Path) {
    if !root.exists() {
        return;
    }
    let store = LocalStore::open(root).unwrap();
    let experiments = store.search_experiments(&Filter::all()).unwrap();
    for experiment in &experiments {
        for run in store.runs(experiment).unwrap() {
            run.info().unwrap();
            run.tags().unwrap();
            run.params().unwrap();
            run.metrics().unwrap();
            run.inputs().unwrap();
        }
    }
    let models = store.search_registered_models(&Filter::all()).unwrap();
    for model in &models {
        let versions = store.versions(&model.name).unwrap();
        let numbers: BTreeSet<u64> = versions.iter().map(|version| version.version).collect();
        assert_eq!(numbers.len(), versions.len());
        for version in &versions {
            assert_eq!(version.name, model.name);
            let uri = format!("models:/{}/{}", model.name, version.version);
            assert!(store.resolve(&uri.parse().unwrap()).unwrap().join("constant").is_file());
        }
        for target in model.aliases.values() {
            assert!(numbers.contains(target), "an alias points to {target}: {numbers:?}");
        }
    }

    // What MLflow would take for an experiment is one.
    for entry in fs::read_dir(root).unwrap() {
        let (path, name) = entry.map(|it| (it.path(), it.file_name())).unwrap();
        let name = name.to_str().unwrap();
        let is_known = [".trash", "models", "0"].contains(&name)
            || experiments.iter().any(|experiment| experiment.id == name);
        assert!(is_known || path.is_file(), "{}", path.display());
    }
}

/// The next writer finds nothing in its way; returns the number of its version.
fn go_on(root: &Path) -> u64 {
    let store = LocalStore::open(root).unwrap();
    let experiment = store.experiment("wine").unwrap();
    let run = store.start_run(&experiment, "next", None).unwrap();
    let source = run.log_model("model", &Constant(2)).unwrap();
    store.register("wine").unwrap();
    let before = store.versions("wine").unwrap();
    let version = store.create_model_version("wine", &source).unwrap().version;
    assert!(before.iter().all(|other| other.version < version), "a number was given twice");
    store.transition_stage("wine", version, Stage::Production, true).unwrap();
    let versions = store.versions("wine").unwrap().into_iter();
    let in_use: Vec<_> = versions.filter(|it| it.stage == Stage::Production).collect();
    assert_eq!(in_use.iter().map(|it| it.version).collect::<Vec<_>>(), [version]);
    run.log_metric("loss", 0.5, 0).unwrap();
    let filter = Filter::metric("loss", Compare::Equal, 0.5).unwrap();
    let found = store.search_runs(&[&experiment.id], &filter, &[]).unwrap();
    assert!(found.iter().any(|it| it.id() == run.id()));
    version
}
