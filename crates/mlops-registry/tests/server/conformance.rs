//! What holds for servers and directories alike.

use mlops_registry::{
    Compare, DatasetInput, Error, ErrorKind, Experiment, Filter, LogBatch, NewMetric, RunId,
    RunStatus, Stage,
};

use crate::backend::Backend;
use crate::unique;

const MODEL: &str = "wine quality";

#[test]
fn what_is_logged_is_read() -> Result<(), Error> {
    Backend::each(|backend| {
        let missing = backend.experiment_by_name("nobody's").unwrap_err();
        assert!(missing.is_not_found(), "{missing:?}");
        let experiment = backend.experiment("wine's \"quality\"")?;
        assert_eq!(backend.experiment("wine's \"quality\"")?, experiment);
        backend.set_experiment_tag(&experiment.id, "team", "ml")?;
        let run = runs(backend, &experiment)?;
        versions(backend, &run)
    })
}

fn filter(text: Result<Filter, mlops_registry::FilterError>) -> Filter {
    text.expect("MLflow has words for it")
}

fn runs(backend: &Backend, experiment: &Experiment) -> Result<RunId, Error> {
    let parent = backend.start_run(experiment, "search", None)?;
    let id = backend.start_run(experiment, "trial 1", Some(&parent))?;
    let run = backend.run(&id)?;
    assert_eq!((run.name.as_str(), run.status), ("trial 1", RunStatus::Running));
    assert!(!run.has_ended);

    let mut batch = LogBatch::default();
    batch.metrics =
        (0..2500).map(|step| NewMetric::new("loss", 1.0 / (step + 1) as f64, step)).collect();
    batch.metrics.push(NewMetric::new("val/auc", f64::NAN, 0));
    batch.params = (0..150).map(|i| (format!("p{i}"), format!("it's {i}"))).collect();
    batch.tags = vec![("note".to_owned(), "two\nlines, é".to_owned())];
    backend.log_batch(&id, &batch)?;
    backend.log_param(&id, "p0", "it's 0")?;
    let changed = backend.log_param(&id, "p0", "other").unwrap_err();
    assert!(matches!(changed.kind(), ErrorKind::Refused | ErrorKind::ParamChanged), "{changed:?}");
    backend.finish_run(&id, RunStatus::Finished)?;

    let run = backend.run(&id)?;
    assert_eq!((&run.id, run.status, run.has_ended), (&id, RunStatus::Finished, true));
    assert_eq!((run.metrics["loss"].value, run.metrics["loss"].step), (1.0 / 2500.0, 2499));
    assert!(run.metrics["val/auc"].value.is_nan());
    assert_eq!((run.params.len(), run.params["p149"].as_str()), (150, "it's 149"));
    assert_eq!(run.tags["note"], "two\nlines, é");
    assert_eq!(run.tags["mlflow.parentRunId"], parent.as_str());
    assert_eq!(backend.metric_history(&id, "loss")?.len(), 2500);
    assert_eq!(backend.metric_history(&id, "never")?, []);

    let best = filter(Filter::metric("loss", Compare::Less, 0.001))
        .and(filter(Filter::param("p7", Compare::Equal, "it's 7")))
        .and(filter(Filter::attribute("status", Compare::Equal, "FINISHED")));
    let found = backend.search_runs(experiment, &best, &["metrics.loss ASC"])?;
    assert!(found.contains(&id), "{found:?}");
    backend.finish_run(&parent, RunStatus::Killed)?;
    backend.delete_run(&parent)?;
    let killed = filter(Filter::attribute("status", Compare::Equal, "KILLED"));
    assert!(!backend.search_runs(experiment, &killed, &[])?.contains(&parent));
    let nobody = "0123456789abcdef0123456789abcdef".parse().unwrap();
    assert!(backend.run(&nobody).unwrap_err().is_not_found());
    Ok(id)
}

fn versions(backend: &Backend, run: &RunId) -> Result<(), Error> {
    backend.register(MODEL)?;
    backend.register(MODEL)?;
    let (first, source) = backend.create_version(MODEL, run)?;
    let (second, _) = backend.create_version(MODEL, run)?;
    assert_eq!(second.version, first.version + 1);
    assert_eq!((first.stage, first.source.as_str()), (Stage::None, source.as_str()));
    assert_eq!(first.run_id.as_deref(), Some(run.as_str()));
    for version in [first.version, second.version] {
        backend.put_in(MODEL, version, Stage::Production)?;
    }
    assert_eq!(backend.model_version(MODEL, first.version)?.stage, Stage::Archived);
    let latest = backend.latest_versions(MODEL)?;
    assert!(latest.iter().any(|it| (it.version, it.stage) == (second.version, Stage::Production)));

    backend.set_alias(MODEL, "production", second.version)?;
    assert_eq!(backend.by_alias(MODEL, "production")?.version, second.version);
    let missing = backend.by_alias(MODEL, "nobody").unwrap_err();
    assert!(missing.is_not_found(), "{missing:?}");
    assert_eq!(backend.registered_model(MODEL)?.aliases["production"], second.version);
    backend.set_alias(MODEL, "old", first.version)?;
    backend.delete_alias(MODEL, "old")?;
    backend.delete_alias(MODEL, "old")?;
    backend.set_version_tag(MODEL, second.version, "checked", "yes")?;
    assert_eq!(backend.location(MODEL, second.version)?, source);

    let name = filter(Filter::attribute("name", Compare::Equal, MODEL));
    let found = backend.search_model_versions(&name)?;
    assert!(found.iter().any(|it| it.version == second.version));
    let models = backend.search_registered_models(&name)?;
    assert_eq!(models.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), [MODEL]);
    assert!(backend.model_version(MODEL, 999).unwrap_err().is_not_found());
    assert!(backend.registered_model("nobody's").unwrap_err().is_not_found());
    Ok(())
}

#[test]
fn a_run_has_each_data_set_once() -> Result<(), Error> {
    Backend::each(|backend| {
        let experiment = backend.experiment("data sets")?;
        let id = backend.start_run(&experiment, "fit", None)?;
        assert_eq!(backend.run(&id)?.inputs, []);
        let wines = |digest: &str| DatasetInput::new("wines", digest, "local", "{}");
        let training = wines("1e5").context("training").tag("part", "1").profile("{}");
        let test = wines("0123").context("evaluation").schema("[]");
        backend.log_inputs(&id, &[training.clone(), test.clone()])?;
        let again = training.clone().context("evaluation").profile("[]");
        backend.log_inputs(&id, std::slice::from_ref(&again))?;
        let mut inputs = backend.run(&id)?.inputs;
        inputs.sort_by(|left, right| left.digest.cmp(&right.digest));
        assert_eq!(inputs, [test, training.clone()]);

        // Another run has the data set as the first one described it, for a purpose of its own.
        let other = backend.start_run(&experiment, "test", None)?;
        backend.log_inputs(&other, &[again])?;
        assert_eq!(backend.run(&other)?.inputs, [training.context("evaluation")]);
        let long = backend.log_inputs(&id, &[wines(&"f".repeat(37))]).unwrap_err();
        assert_eq!(long.kind(), ErrorKind::InvalidName, "{long:?}");
        Ok(())
    })
}

#[test]
fn registered_models_and_versions_are_changed_and_deleted() -> Result<(), Error> {
    Backend::each(|backend| {
        let name = unique("first");
        backend.register(&name)?;
        let run = backend.start_run(&backend.experiment("models")?, "fit", None)?;
        let versions = [backend.create_version(&name, &run)?, backend.create_version(&name, &run)?];
        let [first, second] = versions.map(|(version, _)| version.version);

        for version in [first, second] {
            backend.set_version_tag(&name, version, "a.b", &name)?;
        }
        let tagged = filter(Filter::tag("a.b", Compare::Equal, &name));
        assert_eq!(backend.search_model_versions(&tagged)?.len(), 2);
        backend.delete_version_tag(&name, first, "a.b")?;
        backend.delete_version_tag(&name, first, "a.b")?;
        assert_eq!(backend.search_model_versions(&tagged)?.len(), 1);
        backend.describe_version(&name, second, "better")?;
        assert_eq!(backend.model_version(&name, second)?.description, "better");

        for (alias, version) in [("b", second), ("a", second), ("old", first)] {
            backend.set_alias(&name, alias, version)?;
        }
        let models = backend.registered_model(&name)?.aliases;
        let models: Vec<_> = models.iter().map(|(alias, to)| (alias.as_str(), *to)).collect();
        assert_eq!(models, [("a", second), ("b", second), ("old", first)]);

        backend.describe_model(&name, "of wine")?;
        backend.set_model_tag(&name, "team", "ml")?;
        backend.set_model_tag(&name, "gone", "ml")?;
        backend.delete_model_tag(&name, "gone")?;
        backend.delete_model_tag(&name, "gone")?;
        let renamed = unique("second");
        backend.rename_registered_model(&name, &renamed)?;
        let model = backend.registered_model(&renamed)?;
        assert_eq!((model.description.as_str(), model.tags["team"].as_str()), ("of wine", "ml"));
        assert_eq!((model.tags.len(), model.aliases.len()), (1, 3));
        assert!(backend.versions(&name).unwrap_err().is_not_found());
        backend.register(&name)?;
        let taken = backend.rename_registered_model(&name, &renamed).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken:?}");
        assert_eq!(backend.versions(&name)?, []);

        backend.delete_version(&renamed, first)?;
        let again = backend.delete_version(&renamed, first).unwrap_err();
        assert!(again.is_not_found(), "{again:?}");
        let left = backend.versions(&renamed)?;
        assert_eq!(left.iter().map(|it| it.version).collect::<Vec<_>>(), [second]);
        backend.delete_registered_model(&renamed)?;
        backend.delete_registered_model(&name)
    })
}
