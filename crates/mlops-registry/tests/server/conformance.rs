use mlops_registry::client::{MlflowClient, NewModelVersion, NewRun, Run};
use mlops_registry::{
    Compare, Error, ErrorKind, Experiment, Filter, LogBatch, NewMetric, RunStatus, Stage,
};

use crate::client;

const MODEL: &str = "wine quality";

#[tokio::test]
async fn what_is_logged_is_read() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let missing = client.experiment_by_name("nobody's").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing:?}");
    let experiment = client.experiment("wine's \"quality\"").await?;
    assert_eq!(client.experiment("wine's \"quality\"").await?, experiment);
    client.set_experiment_tag(&experiment.id, "team", "ml").await?;
    let run = runs(&client, &experiment).await?;
    versions(&client, &run).await
}

async fn runs(client: &MlflowClient, experiment: &Experiment) -> Result<Run, Error> {
    let parent = client.create_run(experiment, NewRun::new("search")).await?;
    let mut new = NewRun::new("trial 1");
    new.parent = Some(parent.id.clone());
    let run = client.create_run(experiment, new).await?;
    assert_eq!((run.name.as_str(), run.status), ("trial 1", RunStatus::Running));

    let mut batch = LogBatch::default();
    batch.metrics =
        (0..2500).map(|step| NewMetric::new("loss", 1.0 / (step + 1) as f64, step)).collect();
    batch.metrics.push(NewMetric::new("val/auc", f64::NAN, 0));
    batch.params = (0..150).map(|i| (format!("p{i}"), format!("it's {i}"))).collect();
    batch.tags = vec![("note".to_owned(), "two\nlines, é".to_owned())];
    client.log_batch(&run.id, &batch).await?;
    client.log_param(&run.id, "p0", "it's 0").await?;
    let changed = client.log_param(&run.id, "p0", "other").await.unwrap_err();
    assert_eq!(changed.kind(), ErrorKind::Refused, "{changed:?}");
    client.finish_run(&run.id, RunStatus::Finished).await?;

    let read = client.run(&run.id).await?;
    assert_eq!((read.status, read.end_time.is_some()), (RunStatus::Finished, true));
    assert_eq!((read.metrics["loss"].value, read.metrics["loss"].step), (1.0 / 2500.0, 2499));
    assert!(read.metrics["val/auc"].value.is_nan());
    assert_eq!((read.params.len(), read.params["p149"].as_str()), (150, "it's 149"));
    assert_eq!(read.tags["note"], "two\nlines, é");
    assert_eq!(read.tags["mlflow.parentRunId"], parent.id.as_str());
    assert_eq!(client.metric_history(&run.id, "loss").all().await?.len(), 2500);
    assert_eq!(client.metric_history(&run.id, "never").all().await?, []);

    let filter = |text: Result<Filter, _>| text.expect("MLflow has words for it");
    let best = filter(Filter::metric("loss", Compare::Less, 0.001))
        .and(filter(Filter::param("p7", Compare::Equal, "it's 7")))
        .and(filter(Filter::attribute("status", Compare::Equal, "FINISHED")));
    let found = client.search_runs(&[&experiment.id], &best, &["metrics.loss ASC"]).all().await?;
    assert!(found.iter().any(|each| each.id == run.id), "{found:?}");
    client.finish_run(&parent.id, RunStatus::Killed).await?;
    client.delete_run(&parent.id).await?;
    let nobody = "0123456789abcdef0123456789abcdef".parse().unwrap();
    assert!(client.run(&nobody).await.unwrap_err().is_not_found());
    Ok(read)
}

async fn versions(client: &MlflowClient, run: &Run) -> Result<(), Error> {
    client.register(MODEL).await?;
    client.register(MODEL).await?;
    let source = format!("{}/model", run.artifact_uri);
    let new = NewModelVersion::new(&source).run_id(run.id.clone());
    let first = client.create_model_version(MODEL, new.clone()).await?;
    let second = client.create_model_version(MODEL, new).await?;
    assert_eq!(second.version, first.version + 1);
    assert_eq!((first.stage, first.source.as_str()), (Stage::None, source.as_str()));
    for version in [first.version, second.version] {
        client.transition_stage(MODEL, version, Stage::Production, true).await?;
    }
    assert_eq!(client.model_version(MODEL, first.version).await?.stage, Stage::Archived);
    let latest = client.latest_versions(MODEL).await?;
    assert!(latest.iter().any(|it| (it.version, it.stage) == (second.version, Stage::Production)));

    client.set_alias(MODEL, "production", second.version).await?;
    let by_alias = client.model_version_by_alias(MODEL, "production").await?;
    assert_eq!(by_alias.version, second.version);
    let missing = client.model_version_by_alias(MODEL, "nobody").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing:?}");
    assert_eq!(client.registered_model(MODEL).await?.aliases["production"], second.version);
    client.set_alias(MODEL, "old", first.version).await?;
    client.delete_alias(MODEL, "old").await?;
    client.delete_alias(MODEL, "old").await?;
    client.set_model_version_tag(MODEL, second.version, "checked", "yes").await?;
    assert_eq!(client.download_uri(MODEL, second.version).await?, source);

    let name = Filter::attribute("name", Compare::Equal, MODEL).expect("MLflow has words for it");
    let found = client.search_model_versions(&name).all().await?;
    assert!(found.iter().any(|it| it.version == second.version));
    let models = client.search_registered_models(&name).all().await?;
    assert_eq!(models.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), [MODEL]);
    assert!(client.model_version(MODEL, 999).await.unwrap_err().is_not_found());
    assert!(client.registered_model("nobody's").await.unwrap_err().is_not_found());
    Ok(())
}
