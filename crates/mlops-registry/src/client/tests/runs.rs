use super::*;

#[tokio::test]
async fn a_run_is_read_whatever_else_the_server_says() {
    let server = serving(vec![Reply::json(200, RUN)]);
    let run = client(&server).run(&run_id()).await.unwrap();
    assert_eq!((run.id, run.status, run.end_time), (run_id(), RunStatus::Running, None));
    let loss = run.metrics["loss"];
    assert!(loss.value.is_nan());
    assert_eq!((loss.timestamp, loss.step), (1_700_000_000_002, 2));
    assert_eq!((run.params["lr"].as_str(), run.tags["team"].as_str()), ("0.1", ""));
    assert_eq!((run.inputs, run.outputs), (RunInputs::default(), Vec::new()));
    let asked = &server.requests()[0];
    assert_eq!(asked.line, "GET /api/2.0/mlflow/runs/get?run_id=0123456789abcdef0123456789abcdef");
    assert!(asked.header("user-agent").unwrap().starts_with("mlops-registry/"), "{asked:?}");
    assert_eq!(asked.header("origin"), None);
}

#[tokio::test]
async fn a_run_whose_creation_was_not_answered_is_looked_up_before_it_is_created_again() {
    let found = format!(r#"{{"runs":[{}]}}"#, &RUN[7..RUN.len() - 1]);
    let server = serving(vec![Reply::Drop, Reply::json(200, found)]);
    let run = client(&server).create_run(&experiment(), NewRun::new("r")).await.unwrap();
    assert_eq!(run.id, run_id());
    let asked = server.requests();
    assert_eq!(asked.iter().filter(|asked| asked.line.ends_with("runs/create")).count(), 1);
    assert_eq!(body(&asked[1])["filter"], request_filter(&asked[0]));

    let (nothing, made) = (Reply::json(200, "{}"), Reply::json(200, RUN));
    let server = serving(vec![Reply::Drop, nothing, made]);
    client(&server).create_run(&experiment(), NewRun::new("r")).await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn inputs_and_outputs_are_written_and_read() {
    let inputs = r#""inputs":{"dataset_inputs":[{"tags":[{"key":"mlflow.data.context","value":"training"},{"key":"k","value":"v"}],"dataset":{"name":"wine","digest":"abc123","source_type":"http","source":"{}","schema":"[]","profile":"{\"num_rows\":1}"}},{"dataset":{"name":"bare","digest":"0"}}],"model_inputs":[{"model_id":"m-0123456789abcdef0123456789abcdef"}]},"outputs":{"model_outputs":[{"model_id":"m-0123456789abcdef0123456789abcdef","step":"3"}]}}}"#;
    let run = format!("{},{inputs}", &RUN[..RUN.len() - 2]);
    let server = serving(vec![Reply::json(200, run)]);
    let client = client(&server);
    let run = client.run(&run_id()).await.unwrap();
    let [wine, bare] = &run.inputs.datasets[..] else { panic!("{:?}", run.inputs) };
    assert_eq!((wine.context.as_deref(), wine.tags.len()), (Some("training"), 1));
    assert_eq!(wine.profile.as_deref(), Some(r#"{"num_rows":1}"#));
    assert_eq!(*bare, DatasetInput::new("bare", "0", "", ""));
    assert_eq!(run.inputs.model_ids, [model_id()]);
    assert_eq!(run.outputs, [ModelOutput::new(model_id(), 3)]);

    let RunInputs { datasets, model_ids } = &run.inputs;
    client.log_inputs(&run.id, datasets, model_ids).await.unwrap();
    client.log_inputs(&run.id, &datasets[1..], &[]).await.unwrap();
    client.log_outputs(&run.id, &run.outputs).await.unwrap();
    client.log_model(&run.id, r#"{"flavors":{}}"#).await.unwrap();
    let asked = server.requests();
    let sent = body(&asked[1]);
    let dataset = json!({
        "tags": [{"key": "k", "value": "v"}, {"key": "mlflow.data.context", "value": "training"}],
        "dataset": {
            "name": "wine", "digest": "abc123", "source_type": "http", "source": "{}", "schema": "[]",
            "profile": "{\"num_rows\":1}",
        },
    });
    assert_eq!(sent["datasets"][0], dataset);
    assert_eq!(sent["models"], json!([{"model_id": model_id().as_str()}]));
    let bare = json!({"name": "bare", "digest": "0", "source_type": "", "source": ""});
    let bare = json!({"run_id": run_id().as_str(), "datasets": [{"tags": [], "dataset": bare}]});
    assert_eq!(body(&asked[2]), bare, "servers before MLflow 3 need not see the word");
    assert_eq!(asked[3].line, "POST /api/2.0/mlflow/runs/outputs");
    assert_eq!(body(&asked[3])["models"], json!([{"model_id": model_id().as_str(), "step": 3}]));
    assert_eq!(body(&asked[4])["model_json"], r#"{"flavors":{}}"#);

    let long = DatasetInput::new("wine", "f".repeat(37), "local", "{}");
    let error = client.log_inputs(&run.id, &[long], &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    assert_eq!(server.requests().len(), 5, "nobody was asked");
}

#[tokio::test]
async fn an_update_says_what_changes_and_nothing_else() {
    let server = serving(vec![Reply::json(200, "{}")]);
    let client = client(&server);
    client.rename_run(&run_id(), "best").await.unwrap();
    client.finish_run(&run_id(), RunStatus::Killed).await.unwrap();
    client.delete_tag(&run_id(), "note").await.unwrap();
    client.restore_run(&run_id()).await.unwrap();
    let asked = server.requests();
    assert_eq!(body(&asked[0]), json!({"run_id": run_id().as_str(), "run_name": "best"}));
    let end = body(&asked[1]);
    assert_eq!((&end["status"], end.get("run_name")), (&json!("KILLED"), None));
    assert!(end["end_time"].as_i64().unwrap() > 1_700_000_000_000, "{end}");
    assert_eq!(asked[2].line, "POST /api/2.0/mlflow/runs/delete-tag");
    assert_eq!(body(&asked[2]), json!({"run_id": run_id().as_str(), "key": "note"}));
    assert_eq!(asked[3].line, "POST /api/2.0/mlflow/runs/restore");
}

#[tokio::test]
async fn a_metric_says_of_which_model_and_data_it_is() {
    let server = serving(vec![Reply::json(200, "{}")]);
    let mut batch = LogBatch::default();
    let mut metric = NewMetric::new("auc", f64::INFINITY, 0);
    metric.timestamp = 5;
    batch.metrics.push(metric.clone());
    metric.model_id = Some(model_id());
    metric.dataset_name = Some("wine".to_owned());
    metric.dataset_digest = Some("abc123".to_owned());
    batch.metrics.push(metric);
    client(&server).log_batch(&run_id(), &batch).await.unwrap();
    let plain = json!({"key": "auc", "value": "Infinity", "timestamp": 5, "step": 0});
    let mut full = plain.clone();
    full["model_id"] = model_id().as_str().into();
    full["dataset_name"] = "wine".into();
    full["dataset_digest"] = "abc123".into();
    assert_eq!(body(&server.requests()[0])["metrics"], json!([plain, full]));
}

#[tokio::test]
async fn many_runs_are_sampled_a_hundred_at_a_time() {
    let sample = r#"{"metrics":[{"key":"loss","value":"NaN","timestamp":5,"step":7,"run_id":"0123456789abcdef0123456789abcdef"}]}"#;
    let server = serving(vec![Reply::json(200, sample)]);
    let client = client(&server);
    let id = run_id();
    let sample = client.sample_metric_history(&[&id; 101], "loss", Some(-1..=9), 10).await.unwrap();
    assert_eq!((sample.len(), &sample[0].run_id, sample[0].metric.step), (2, &id, 7));
    let asked = server.requests();
    let n_runs: Vec<_> = asked.iter().map(|it| it.line.matches("run_ids=").count()).collect();
    assert_eq!(n_runs, [100, 1]);
    let query = format!("metric_key=loss&max_results=10&start_step=-1&end_step=9&run_ids={id}");
    assert!(asked[1].line.ends_with(&query), "{}", asked[1].line);
}
