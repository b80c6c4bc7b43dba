//! What runs are given and make.

use mlops_registry::client::{LoggedModelStatus, ModelOutput, NewLoggedModel, NewRun, RunInputs};
use mlops_registry::{DatasetInput, Error, ErrorKind, LogBatch, NewMetric};
use serde_json::json;

use crate::{client, unique};

#[tokio::test]
async fn inputs_and_outputs_come_back() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let experiment = client.experiment("inputs and outputs").await?;
    let run = client.create_run(&experiment, NewRun::new(unique("run"))).await?;
    let mut dataset = DatasetInput::new("wine", "abc123", "local", r#"{"uri": "wine.csv"}"#)
        .schema(r#"{"mlflow_colspec": []}"#)
        .profile(r#"{"num_rows": 1599}"#)
        .context("training")
        .tag("split", "1");
    client.log_inputs(&run.id, std::slice::from_ref(&dataset), &[]).await?;
    client.log_inputs(&run.id, std::slice::from_ref(&dataset), &[]).await?;
    let inputs = client.run(&run.id).await?.inputs;
    assert_eq!((inputs.datasets, inputs.model_ids), (vec![dataset.clone()], vec![]));
    dataset.source = "x".repeat(1 << 16);
    let long = client.log_inputs(&run.id, &[dataset], &[]).await.unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Refused, "{long:?}");

    if !client.server_info().await?.has_logged_models {
        let nobody = "m-0123456789abcdef0123456789abcdef".parse().unwrap();
        let output = [ModelOutput::new(nobody, 0)];
        let error = client.log_outputs(&run.id, &output).await.unwrap_err();
        assert!(error.is_unsupported(), "{error:?}");
        return Ok(());
    }
    let model = NewLoggedModel::new("given").source_run_id(run.id.clone());
    let model = client.create_logged_model(&experiment.id, model).await?;
    let ready = LoggedModelStatus::Ready;
    client.finalize_logged_model(&model.id, ready).await?;
    client.log_inputs(&run.id, &[], std::slice::from_ref(&model.id)).await?;
    client.log_inputs(&run.id, &[], std::slice::from_ref(&model.id)).await?;
    let output = ModelOutput::new(model.id.clone(), 3);
    client.log_outputs(&run.id, std::slice::from_ref(&output)).await?;
    let read = client.run(&run.id).await?;
    assert_eq!(read.inputs.model_ids, [model.id]);
    assert_eq!(read.outputs, [output]);
    assert_eq!(read.inputs.datasets.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_run_that_was_given_nothing_has_no_inputs() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let experiment = client.create_experiment(&unique("nothing")).await?;
    let run = client.create_run(&experiment, NewRun::default()).await?;
    assert_eq!((&run.inputs, run.outputs.len()), (&RunInputs::default(), 0));
    assert!(!run.name.is_empty(), "the server chooses one");
    Ok(())
}

#[tokio::test]
async fn a_model_below_a_run_is_recorded_as_mlflow_2_does() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let experiment = client.create_experiment(&unique("legacy")).await?;
    let run = client.create_run(&experiment, NewRun::new("legacy")).await?;
    let model = json!({
        "artifact_path": "model",
        "flavors": {"constant": {"data": "constant"}},
        "run_id": run.id.as_str(),
        "utc_time_created": "2026-01-02 03:04:05.678901",
    });
    client.log_model(&run.id, &model.to_string()).await?;
    let history = &client.run(&run.id).await?.tags["mlflow.log-model.history"];
    assert!(history.contains(r#""artifact_path": "model""#), "{history}");
    let error = client.log_model(&run.id, "{}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn histories_of_several_runs_are_sampled() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let experiment = client.create_experiment(&unique("sampled")).await?;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let run = client.create_run(&experiment, NewRun::default()).await?;
        let mut batch = LogBatch::default();
        batch.metrics = (0..100).map(|step| NewMetric::new("loss", f64::NAN, step)).collect();
        client.log_batch(&run.id, &batch).await?;
        ids.push(run.id);
    }
    let ids: Vec<_> = ids.iter().collect();
    let all = client.sample_metric_history(&ids, "loss", None, 2500).await?;
    assert_eq!(all.len(), 200);
    assert!(all.iter().all(|each| each.metric.value.is_nan()));
    let some = client.sample_metric_history(&ids, "loss", Some(10..=19), 2500).await?;
    assert_eq!(some.len(), 20);
    assert!(some.iter().all(|each| (10..=19).contains(&each.metric.step)));
    let sampled = client.sample_metric_history(&ids, "loss", None, 10).await?;
    assert!((20..=30).contains(&sampled.len()), "{}", sampled.len());
    assert_eq!(client.sample_metric_history(&ids, "never", None, 10).await?, []);
    for n in [0, 2501] {
        let error = client.sample_metric_history(&ids, "loss", None, n).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    }
    let (start, end) = (19, 10);
    let error = client.sample_metric_history(&ids, "loss", Some(start..=end), 10).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Refused);
    Ok(())
}
