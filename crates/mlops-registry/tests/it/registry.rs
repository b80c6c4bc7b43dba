//! What can be done to registered models, versions and runs after they were made, and how they are found.

use mlops_registry::{Compare, ErrorKind, Filter, LocalStore, Metric, Stage};

use crate::Constant;

/// A store with a model `wine` of two versions.
fn two_versions() -> (tempfile::TempDir, LocalStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    let run = store.start_run(&store.experiment("wine").unwrap(), "run", None).unwrap();
    let source = run.log_model("model", &Constant(1)).unwrap();
    store.register("wine").unwrap();
    for number in [1, 2] {
        let version = store.create_model_version("wine", &source).unwrap();
        assert_eq!((version.version, version.stage), (number, Stage::None));
    }
    (folder, store)
}

#[test]
fn a_registered_model_is_described_tagged_renamed_and_deleted() {
    let (_folder, store) = two_versions();
    store.set_alias("wine", "champion", 2).unwrap();
    store.set_model_version_tag("wine", 1, "checked/by", "me").unwrap();
    store.set_registered_model_tag("wine", "team", "ml").unwrap();
    let model = store.update_registered_model("wine", "tells the quality").unwrap();
    assert_eq!((model.description.as_str(), model.aliases["champion"]), ("tells the quality", 2));
    assert_eq!(model.tags["team"], "ml");
    assert_eq!(store.registered_model("wine").unwrap(), model);
    store.delete_model_version("wine", 2).unwrap();
    store.set_alias("wine", "champion", 1).unwrap();

    store.register("other").unwrap();
    let taken = store.rename_registered_model("wine", "other").unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        store.rename_registered_model("wine", "a/b").unwrap_err().kind(),
        ErrorKind::InvalidName
    );
    let renamed = store.rename_registered_model("wine", "red wine").unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.tags), ("red wine", &model.tags));
    assert_eq!(renamed.creation_timestamp, model.creation_timestamp);
    assert!(store.registered_model("wine").unwrap_err().is_not_found());
    let version = store.model_version_by_alias("red wine", "champion").unwrap();
    assert_eq!((version.name.as_str(), version.version), ("red wine", 1));
    assert_eq!(version.tags["checked/by"], "me");
    let source = "models:/red wine/1".parse().unwrap();
    assert_eq!(store.create_model_version("red wine", &source).unwrap().version, 3);

    store.delete_registered_model_tag("red wine", "team").unwrap();
    store.delete_registered_model_tag("red wine", "team").unwrap();
    assert_eq!(store.registered_model("red wine").unwrap().tags, [].into());
    store.delete_registered_model("red wine").unwrap();
    assert!(store.delete_registered_model("red wine").unwrap_err().is_not_found());
    assert!(store.versions("red wine").unwrap_err().is_not_found());
    assert!(store.set_registered_model_tag("wine", "../x", "").is_err());
}

#[test]
fn a_version_is_described_tagged_and_deleted_with_its_aliases() {
    let (_folder, store) = two_versions();
    let version = store.update_model_version("wine", 2, "better").unwrap();
    assert_eq!(version.description, "better");
    store.set_model_version_tag("wine", 2, "a", "1").unwrap();
    store.set_model_version_tag("wine", 2, "a", "2").unwrap();
    store.set_model_version_tag("wine", 2, "b", "3").unwrap();
    store.delete_model_version_tag("wine", 2, "b").unwrap();
    store.delete_model_version_tag("wine", 2, "b").unwrap();
    let tags = store.model_version("wine", 2).unwrap().tags;
    assert_eq!(tags, [("a".to_owned(), "2".to_owned())].into());

    for (alias, version) in [("old", 1), ("new", 2), ("champion", 2)] {
        store.set_alias("wine", alias, version).unwrap();
    }
    store.delete_alias("wine", "new").unwrap();
    store.delete_alias("wine", "new").unwrap();
    store.delete_model_version("wine", 2).unwrap();
    assert_eq!(store.registered_model("wine").unwrap().aliases, [("old".to_owned(), 1)].into());
    for error in [
        store.model_version("wine", 2).unwrap_err(),
        store.delete_model_version("wine", 2).unwrap_err(),
        store.set_model_version_tag("wine", 2, "a", "1").unwrap_err(),
        store.update_model_version("wine", 2, "").unwrap_err(),
        store.transition_stage("wine", 2, Stage::Staging, false).unwrap_err(),
        store.model_version_by_alias("wine", "champion").unwrap_err(),
        store.delete_alias("nobody's", "champion").unwrap_err(),
    ] {
        assert!(error.is_not_found(), "{error:?}");
    }
}

#[test]
fn each_stage_has_a_newest_version() {
    let (_folder, store) = two_versions();
    let source = "models:/wine/1".parse().unwrap();
    store.create_model_version("wine", &source).unwrap();
    let moved = store.transition_stage("wine", 1, Stage::Production, true).unwrap();
    assert_eq!((moved.version, moved.stage), (1, Stage::Production));
    let latest = store.latest_versions("wine").unwrap();
    let latest: Vec<_> = latest.iter().map(|it| (it.version, it.stage)).collect();
    assert_eq!(latest, [(3, Stage::None), (1, Stage::Production)]);
    assert!(store.latest_versions("nobody's").unwrap_err().is_not_found());
}

#[test]
fn models_and_versions_are_found_by_filters() -> Result<(), Box<dyn std::error::Error>> {
    let (_folder, store) = two_versions();
    store.register("beer")?;
    store.set_registered_model_tag("wine", "team", "ml")?;
    store.set_model_version_tag("wine", 1, "checked", "yes")?;
    let models = |filter: &Filter| -> Result<Vec<String>, mlops_registry::Error> {
        let found = store.search_registered_models(filter)?.into_iter();
        Ok(found.map(|model| model.name).collect())
    };
    assert_eq!(models(&Filter::all())?, ["beer", "wine"]);
    assert_eq!(models(&Filter::attribute("name", Compare::Like, "_ine")?)?, ["wine"]);
    assert_eq!(models(&Filter::tag("team", Compare::NotEqual, "x")?)?, ["wine"]);
    let refused = models(&Filter::param("a", Compare::Equal, "b")?).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);

    let versions = |filter: &Filter| -> Result<Vec<u64>, mlops_registry::Error> {
        let found = store.search_model_versions(filter)?.into_iter();
        Ok(found.map(|version| version.version).collect())
    };
    let run = store.runs(&store.experiment("wine")?)?.remove(0);
    let name = Filter::attribute("name", Compare::Equal, "wine")?;
    assert_eq!(versions(&name)?, [2, 1]);
    let of_run = Filter::one_of("run_id", &["0", run.id().as_str()])?;
    assert_eq!(versions(&of_run.and(name.clone()))?.len(), 2);
    assert_eq!(versions(&Filter::one_of("run_id", &["0"])?)?, [0; 0]);
    assert_eq!(versions(&Filter::tag("checked", Compare::LikeAnyCase, "Y%")?)?, [1]);
    assert_eq!(versions(&Filter::time("version_number", Compare::Greater, 1)?)?, [2]);
    let source = Filter::attribute("source_path", Compare::Like, "file:%/artifacts/model")?;
    assert_eq!(versions(&source)?.len(), 2);
    store.update_model_version("wine", 1, "changed last")?;
    assert_eq!(versions(&name)?[0], 1);
    store.delete_model_version("wine", 2)?;
    assert_eq!(versions(&Filter::all())?, [1]);
    let refused = versions(&Filter::attribute("stage", Compare::Equal, "None")?).unwrap_err();
    insta::assert_snapshot!(refused, @"cannot search model versions by `stage`: it is refused");
    Ok(())
}

#[test]
fn runs_are_found_and_ordered() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = LocalStore::open(folder.path().join("mlruns"))?;
    let (wine, beer) = (store.experiment("wine")?, store.experiment("beer")?);
    for (name, loss, kind) in
        [("a", 0.5, "x"), ("b", f64::NAN, "y"), ("c", 0.25, "x"), ("d", 1.0, "x y")]
    {
        let run = store.start_run(&wine, name, None)?;
        run.log_metric("val loss", 9.0, 0)?;
        run.log_metric("val loss", loss, 1)?;
        run.log_param("kind", kind)?;
    }
    let unmeasured = store.start_run(&beer, "e", None)?;
    unmeasured.set_tag("team", "ml")?;
    let search = |filter: &Filter, order_by: &[&str]| {
        let runs = store.search_runs(&[&wine.id, &beer.id], filter, order_by)?;
        let names = runs.iter().map(|run| Ok(run.info()?.name));
        names.collect::<Result<String, mlops_registry::Error>>()
    };
    let all = Filter::all();
    assert_eq!(search(&all, &["metrics.`val loss` ASC"])?, "cadbe");
    assert_eq!(search(&all, &["metrics.`val loss` DESC"])?, "dacbe");
    assert_eq!(search(&all, &["params.kind DESC", "run_name"])?, "bdace");
    assert_eq!(search(&all, &["attributes.run_name DESC"])?, "edcba");
    assert_eq!(search(&all, &["start_time ASC", "run_name ASC"])?.len(), 5);
    let less = Filter::metric("val loss", Compare::Less, 0.6)?;
    assert_eq!(search(&less, &["run_name"])?, "ac");
    let differs = Filter::metric("val loss", Compare::NotEqual, 0.5)?;
    assert_eq!(search(&differs, &["run_name"])?, "bcd", "latest values, and none is not another");
    let kind = Filter::param("kind", Compare::Like, "x%")?;
    assert_eq!(search(&kind.and(less), &["metrics.`val loss`"])?, "ca");
    assert_eq!(search(&Filter::tag("team", Compare::Equal, "ml")?, &[])?, "e");
    assert_eq!(search(&Filter::tag("../params/kind", Compare::Equal, "x")?, &[])?, "");
    assert_eq!(search(&Filter::attribute("status", Compare::Equal, "RUNNING")?, &[])?.len(), 5);
    assert_eq!(search(&Filter::time("end_time", Compare::AtLeast, 0)?, &[])?, "");
    assert_eq!(search(&Filter::time("created", Compare::AtLeast, 0)?, &[])?.len(), 5);
    let one = Filter::one_of("run_id", &[unmeasured.id().as_str()])?;
    assert_eq!(search(&one, &[])?, "e");
    assert_eq!(store.search_runs(&[&wine.id], &one, &[])?.len(), 0);
    for (filter, order_by) in [
        (Filter::attribute("start_time", Compare::Equal, "1")?, "run_name"),
        (Filter::time("run_name", Compare::Equal, 1)?, "run_name"),
        (Filter::attribute("alcohol", Compare::Equal, "1")?, "run_name"),
        (Filter::all(), "alcohol"),
        (Filter::all(), "run_name upward"),
    ] {
        assert_eq!(
            store.search_runs(&[], &filter, &[order_by]).unwrap_err().kind(),
            ErrorKind::Refused
        );
    }
    Ok(())
}

#[test]
fn a_deleted_run_is_found_by_its_id_alone_until_it_is_restored() {
    let (_folder, store) = two_versions();
    let experiment = store.experiment("wine").unwrap();
    let run = store.runs(&experiment).unwrap().remove(0);
    run.log_metric("loss", 0.5, 0).unwrap();
    run.set_tag("team", "ml").unwrap();
    run.delete_tag("team").unwrap();
    assert!(run.delete_tag("team").unwrap_err().is_not_found());
    store.delete_run(run.id()).unwrap();
    assert_eq!(store.runs(&experiment).unwrap().len(), 0);
    assert_eq!(store.search_runs(&[&experiment.id], &Filter::all(), &[]).unwrap().len(), 0);
    let found: Metric = store.run(run.id()).unwrap().metrics().unwrap()["loss"];
    assert_eq!(found.value, 0.5);
    store.restore_run(run.id()).unwrap();
    assert_eq!(store.runs(&experiment).unwrap()[0].id(), run.id());
    let nobody = "0123456789abcdef0123456789abcdef".parse().unwrap();
    assert!(store.delete_run(&nobody).unwrap_err().is_not_found());
}
