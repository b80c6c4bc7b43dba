use mlops_core::{ModelDirWriter, ModelError, SaveModel};
use serde_json::Value;

use super::*;
use crate::{ErrorKind, ModelVersion, Stage};

struct Constant(u8);

impl SaveModel for Constant {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file("constant", &[self.0])
    }
}

impl LoadModel for Constant {
    fn load(dir: &ModelDir, _: &LoadContext) -> Result<Self, ModelError> {
        Ok(Self(dir.read("constant")?[0]))
    }
}

/// A store with versions of `wine` and one of `drift`.
fn store(folder: &Path, versions: u8) -> LocalStore {
    let store = LocalStore::open(folder.join("mlruns")).unwrap();
    let run = store.start_run(&store.experiment("e").unwrap(), "r", None).unwrap();
    for (name, constant) in (1..=versions).map(|version| ("wine", version)).chain([("drift", 9)]) {
        let uri = run.log_model(&format!("{name}{constant}"), &Constant(constant)).unwrap();
        store.register(name).unwrap();
        store.create_model_version(name, &uri).unwrap();
    }
    store
}

fn uri(text: &str) -> ModelUri {
    text.parse().unwrap()
}

fn stages(store: &LocalStore) -> Vec<Stage> {
    store.versions("wine").unwrap().into_iter().map(|version| version.stage).collect()
}

#[test]
fn a_model_is_loaded_and_its_alias_looked_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 2);
    store.set_alias("wine", "champion", 2).unwrap();
    let registry = Registry::local(store.clone());
    let found = registry.fetch(&uri("models:/wine@champion")).unwrap();
    assert_eq!((found.uri, found.dir.path().is_dir()), (uri("models:/wine/2"), true));
    let load = |text: &str| registry.load::<Constant>(&uri(text), &LoadContext::new());
    assert_eq!(load("models:/wine/latest").unwrap().0, 2);
    let path = store.resolve(&uri("models:/wine/1")).unwrap();
    assert_eq!(load(path.to_str().unwrap()).unwrap().0, 1);
    assert!(load("models:/wine/3").is_err_and(|error| error.is_not_found()));
    assert!(
        load(folder.path().to_str().unwrap()).is_err_and(|error| error.kind() == ErrorKind::Model)
    );
    assert_eq!(registry.to_string(), format!("the store {}", store.root().display()));
}

#[test]
fn a_promotion_sets_stage_alias_and_history_and_archives() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 2);
    let registry = Registry::local(store.clone());
    let plan = registry.plan_promotion(&uri("models:/wine/1"), Stage::Production).unwrap();
    assert_eq!(stages(&store), [Stage::None, Stage::None]);
    let first = registry.promote(&uri("models:/wine/1"), Stage::Production).unwrap();
    assert_eq!((first.from, first.replaced), (plan.from, plan.replaced));
    let second = registry.promote(&uri("models:/wine/latest"), Stage::Production).unwrap();
    assert_eq!((second.version, second.archived, second.replaced), (2, vec![1], Some(1)));
    assert_eq!(stages(&store), [Stage::Archived, Stage::Production]);
    assert_eq!(store.model_version_by_alias("wine", "production").unwrap().version, 2);
    registry.promote(&uri("models:/wine/2"), Stage::Production).unwrap();
    let ModelVersion { mut tags, .. } = store.model_version("wine", 2).unwrap();
    let history = tags.remove("mlops_stage_history").unwrap();
    let moves: Vec<Value> =
        history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let froms: Vec<_> = moves.iter().map(|entry| entry["from"].as_str().unwrap()).collect();
    assert_eq!(froms, ["None", "Production"]);
    assert!(moves[0]["at"].as_i64().unwrap() > 0 && moves[0]["by"].is_string());
}

#[test]
fn all_are_promoted_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 2);
    let registry = Registry::local(store.clone());
    registry.promote(&uri("models:/wine/1"), Stage::Staging).unwrap();
    let both = [uri("models:/wine/2"), uri("models:/drift/1")];

    // What is wrong is found before anything is moved.
    let missing = [both[0].clone(), uri("models:/drift/7")];
    assert!(registry.promote_all(&missing, Stage::Staging).unwrap_err().is_not_found());
    for (wrong, stage, kind) in [
        ("/srv/model", Stage::Staging, ErrorKind::Unsupported),
        ("models:/drift/1", Stage::Archived, ErrorKind::NotArchivable),
        ("models:/drift/1", Stage::None, ErrorKind::NotArchivable),
    ] {
        let uris = [both[0].clone(), uri(wrong)];
        assert_eq!(registry.promote_all(&uris, stage).unwrap_err().kind(), kind);
    }
    assert_eq!(stages(&store), [Stage::Staging, Stage::None]);

    let twice = [both[0].clone(), uri("models:/wine/1")];
    let refused = registry.promote_all(&twice, Stage::Staging).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert_eq!(stages(&store), [Stage::Staging, Stage::None]);

    assert_eq!(registry.promote_all(&both, Stage::Staging).unwrap().len(), 2);
    assert_eq!(stages(&store), [Stage::Archived, Stage::Staging]);
}

#[cfg(feature = "client")]
mod servers;
