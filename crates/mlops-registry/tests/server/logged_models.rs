use mlops_registry::client::{
    LoggedModelOrder, LoggedModelStatus, MlflowClient, NewLoggedModel, NewModelVersion, NewRun,
};
use mlops_registry::{Compare, Error, ErrorKind, Filter, LogBatch, NewMetric};

use crate::{client, unique};

#[tokio::test]
async fn logged_models_come_back_where_the_server_has_them() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let info = client.server_info().await?.clone();
    assert!(info.version.is_some(), "{info:?}");
    let experiment = client.create_experiment(&unique("models")).await?;
    let new = NewLoggedModel::new("lm 1").model_type("xgb").tag("team.a", "ml");
    if !info.has_logged_models {
        let error = client.create_logged_model(&experiment.id, new).await.unwrap_err();
        assert!(error.is_unsupported(), "{error:?}");
        let models = client.search_logged_models(&[&experiment.id], &Filter::all(), &[]);
        assert!(models.all().await.unwrap_err().is_unsupported());
        return Ok(());
    }
    let run = client.create_run(&experiment, NewRun::new("r")).await?;
    let new = (0..150).fold(new, |new, i| new.param(format!("p{i}"), "1"));
    let model =
        client.create_logged_model(&experiment.id, new.source_run_id(run.id.clone())).await?;
    assert_eq!((model.name.as_str(), model.status), ("lm 1", LoggedModelStatus::Pending));
    assert_eq!((model.params.len(), model.source_run_id), (150, Some(run.id.clone())));
    let id = &model.id;

    client.log_logged_model_params(id, &[("eta".to_owned(), "0.1".to_owned())]).await?;
    let tags = [("k".to_owned(), "v".to_owned()), ("a b ü%?#".to_owned(), "1".to_owned())];
    client.set_logged_model_tags(id, &tags).await?;
    client.delete_logged_model_tag(id, "a b ü%?#").await?;
    let again = client.delete_logged_model_tag(id, "a b ü%?#").await.unwrap_err();
    assert!(again.is_not_found(), "{again:?}");
    client.set_logged_model_tags(id, &[("a/b".to_owned(), "1".to_owned())]).await?;
    let slash = client.delete_logged_model_tag(id, "a/b").await.unwrap_err();
    assert!(slash.is_unsupported(), "{slash:?}");

    let mut batch = LogBatch::default();
    for (step, digest, value) in [(0, "abc123", 0.9), (1, "def456", f64::NAN)] {
        let mut metric = NewMetric::new("acc", value, step);
        metric.model_id = Some(id.clone());
        metric.dataset_name = Some("wine".to_owned());
        metric.dataset_digest = Some(digest.to_owned());
        batch.metrics.push(metric);
    }
    client.log_batch(&run.id, &batch).await?;
    let status = LoggedModelStatus::UploadFailed;
    assert_eq!(client.finalize_logged_model(id, status).await?.status, status);
    client.finalize_logged_model(id, LoggedModelStatus::Ready).await?;
    let read = client.logged_model(id).await?;
    assert_eq!((read.status, read.params["eta"].as_str()), (LoggedModelStatus::Ready, "0.1"));
    assert_eq!((read.tags["k"].as_str(), read.tags["team.a"].as_str()), ("v", "ml"));
    assert!(!read.tags.contains_key("a b ü%?#"));
    let of = |digest| {
        read.metrics.iter().find(|it| it.dataset_digest.as_deref() == Some(digest)).unwrap()
    };
    assert_eq!((of("abc123").metric.value, of("abc123").run_id.as_ref()), (0.9, Some(&run.id)));
    assert_eq!(of("def456").metric.value, 0.0, "as MLflow keeps here what is not a number");

    found(&client, &experiment.id, &read.artifact_uri).await?;
    let nobody = "m-0123456789abcdef0123456789abcdef".parse().unwrap();
    assert!(client.logged_model(&nobody).await.unwrap_err().is_not_found());
    registered(&client, id).await?;
    client.delete_logged_model(id).await?;
    assert!(client.logged_model(id).await.unwrap_err().is_not_found());
    Ok(())
}

/// Searches for the model, and a second one.
async fn found(client: &MlflowClient, experiment: &str, artifact_uri: &str) -> Result<(), Error> {
    client.create_logged_model(experiment, NewLoggedModel::new("lm 2")).await?;
    let filter = |text: Result<Filter, _>| text.expect("MLflow has words for it");
    let tagged = filter(Filter::tag("team.a", Compare::Equal, "ml"))
        .and(filter(Filter::param("p7", Compare::Equal, "1")))
        .and(filter(Filter::metric("acc", Compare::Greater, 0.8)))
        .and(filter(Filter::attribute("name", Compare::Equal, "lm 1")));
    let models = client.search_logged_models(&[experiment], &tagged, &[]).all().await?;
    let uris: Vec<_> = models.iter().map(|it| it.artifact_uri.as_str()).collect();
    assert_eq!(uris, [artifact_uri]);
    for (order, names) in [
        (LoggedModelOrder::ascending("name"), ["lm 1", "lm 2"]),
        (LoggedModelOrder::descending("name"), ["lm 2", "lm 1"]),
        (LoggedModelOrder::descending("metrics.acc").dataset("wine", "abc123"), ["lm 1", "lm 2"]),
    ] {
        let models = client.search_logged_models(&[experiment], &Filter::all(), &[order]);
        let models = models.all().await?;
        assert_eq!(models.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), names);
    }
    Ok(())
}

/// Makes the model a version.
async fn registered(
    client: &MlflowClient,
    id: &mlops_registry::LoggedModelId,
) -> Result<(), Error> {
    let name = unique("of a logged model");
    client.register(&name).await?;
    let alone = NewModelVersion::new(format!("models:/{id}"));
    let error = client.create_model_version(&name, alone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    let version = NewModelVersion::of_logged_model(id.clone());
    let version = client.create_model_version(&name, version).await?;
    assert_eq!(version.source, format!("models:/{id}"));
    client.delete_registered_model(&name).await
}
