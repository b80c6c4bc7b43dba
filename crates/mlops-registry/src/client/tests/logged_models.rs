use super::*;

const MODEL: &str = r#"{"model":{"info":{"model_id":"m-0123456789abcdef0123456789abcdef","experiment_id":"1","name":"lm1","creation_timestamp_ms":1795332846942,"last_updated_timestamp_ms":1795332848151,"artifact_uri":"mlflow-artifacts:/1/models/m-0/artifacts","status":"LOGGED_MODEL_READY","model_type":"xgb","source_run_id":"0123456789abcdef0123456789abcdef","tags":[{"key":"k","value":"v"}]},"data":{"params":[{"key":"a","value":"1"}],"metrics":[{"key":"acc","value":0.9,"timestamp":5,"step":0,"dataset_name":"wine","dataset_digest":"abc123","model_id":"m-0123456789abcdef0123456789abcdef","run_id":"0123456789abcdef0123456789abcdef"},{"key":"acc","value":"NaN","timestamp":"5","step":1}]}}}"#;

#[tokio::test]
async fn a_logged_model_is_read_with_what_was_measured_on_which_data() {
    let server = serving(vec![Reply::json(200, MODEL)]);
    let model = client(&server).logged_model(&model_id()).await.unwrap();
    assert_eq!((&model.id, model.status), (&model_id(), LoggedModelStatus::Ready));
    assert_eq!((model.name.as_str(), model.model_type.as_deref()), ("lm1", Some("xgb")));
    assert_eq!(model.source_run_id, Some(run_id()));
    assert_eq!(model.creation_timestamp, 1_795_332_846_942);
    assert_eq!((model.params["a"].as_str(), model.tags["k"].as_str()), ("1", "v"));
    let [on_wine, on_nothing] = &model.metrics[..] else { panic!("{:?}", model.metrics) };
    assert_eq!((on_wine.dataset_name.as_deref(), on_wine.metric.value), (Some("wine"), 0.9));
    assert_eq!((&on_nothing.run_id, &on_nothing.dataset_name), (&None, &None));
    assert!(on_nothing.metric.value.is_nan());
    let line = format!("GET /api/2.0/mlflow/logged-models/{}", model_id());
    assert_eq!(server.requests()[0].line, line);
}

#[tokio::test]
async fn a_logged_model_whose_creation_was_not_answered_is_looked_up_before_it_is_created_again() {
    let found = format!(r#"{{"models":[{}]}}"#, &MODEL[9..MODEL.len() - 1]);
    let server = serving(vec![Reply::Drop, Reply::json(200, found)]);
    let new = NewLoggedModel::new("lm1").model_type("xgb").source_run_id(run_id());
    let model = client(&server).create_logged_model("1", new.tag("k", "v")).await.unwrap();
    assert_eq!(model.id, model_id());
    let asked = server.requests();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].line, "POST /api/2.0/mlflow/logged-models");
    let sent = body(&asked[0]);
    assert_eq!((&sent["name"], &sent["model_type"]), (&json!("lm1"), &json!("xgb")));
    assert_eq!(sent["source_run_id"], run_id().as_str());
    assert_eq!(asked[1].line, "POST /api/2.0/mlflow/logged-models/search");
    assert_eq!(body(&asked[1])["filter"], request_filter(&asked[0]));
    assert_eq!(body(&asked[1])["experiment_ids"], json!(["1"]));
}

#[tokio::test]
async fn more_parameters_than_a_request_takes_are_logged_after_the_creation() {
    let server = serving(vec![Reply::json(200, MODEL)]);
    let new = (0..250).fold(NewLoggedModel::new("lm1"), |new, i| new.param(format!("p{i}"), "1"));
    client(&server).create_logged_model("1", new).await.unwrap();
    let asked = server.requests();
    let n_params = |request: &MockRequest| body(request)["params"].as_array().unwrap().len();
    assert_eq!(asked[..3].iter().map(n_params).collect::<Vec<_>>(), [100, 100, 50]);
    assert!(asked[1].line.ends_with("/params") && asked[3].line.starts_with("GET "), "{asked:?}");
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn the_identifier_is_in_the_body_too() {
    let server = serving(vec![Reply::json(200, MODEL)]);
    let client = client(&server);
    let id = model_id();
    let pair = [("k".to_owned(), "v".to_owned())];
    client.finalize_logged_model(&id, LoggedModelStatus::UploadFailed).await.unwrap();
    client.set_logged_model_tags(&id, &pair).await.unwrap();
    client.log_logged_model_params(&id, &pair).await.unwrap();
    client.delete_logged_model_tag(&id, "a b/ü%?#").await.unwrap();
    client.delete_logged_model(&id).await.unwrap();
    let asked = server.requests();
    let lines: Vec<_> = asked.iter().map(|it| it.line.as_str()).collect();
    let root = format!("/api/2.0/mlflow/logged-models/{id}");
    let expected = [
        format!("PATCH {root}"),
        format!("PATCH {root}/tags"),
        format!("POST {root}/params"),
        format!("DELETE {root}/tags/a%20b%2F%C3%BC%25%3F%23"),
        format!("DELETE {root}"),
    ];
    assert_eq!(lines, expected);
    assert!(asked.iter().all(|it| body(it)["model_id"] == id.as_str()), "{asked:?}");
    assert_eq!(body(&asked[0])["status"], "LOGGED_MODEL_UPLOAD_FAILED");
    assert_eq!(body(&asked[1])["tags"], json!([{"key": "k", "value": "v"}]));
    assert_eq!(body(&asked[2])["params"], json!([{"key": "k", "value": "v"}]));
}

#[tokio::test]
async fn orders_are_objects() {
    let server = serving(vec![Reply::json(200, "{}")]);
    let order = [
        LoggedModelOrder::descending("metrics.acc").dataset("wine", "abc123"),
        LoggedModelOrder::ascending("creation_timestamp"),
    ];
    let models = client(&server).search_logged_models(&["1", "2"], &Filter::all(), &order);
    assert_eq!(models.all().await.unwrap(), []);
    let expected = json!({
        "experiment_ids": ["1", "2"],
        "filter": "",
        "max_results": 50,
        "order_by": [
            {"field_name": "metrics.acc", "ascending": false, "dataset_name": "wine", "dataset_digest": "abc123"},
            {"field_name": "creation_timestamp", "ascending": true},
        ],
    });
    assert_eq!(body(&server.requests()[0]), expected);
}

#[tokio::test]
async fn servers_before_mlflow_3_have_no_logged_models() {
    let server = serving(vec![no_route()]);
    let client = client(&server);
    let id = model_id();
    for error in [
        client.logged_model(&id).await.unwrap_err(),
        client.create_logged_model("1", NewLoggedModel::new("lm1")).await.unwrap_err(),
        client.finalize_logged_model(&id, LoggedModelStatus::Ready).await.unwrap_err(),
        client.search_logged_models(&["1"], &Filter::all(), &[]).all().await.unwrap_err(),
        client.log_outputs(&run_id(), &[ModelOutput::new(id.clone(), 0)]).await.unwrap_err(),
    ] {
        assert!(error.is_unsupported(), "{error:?}");
    }
    assert_eq!(server.requests().len(), 5);
    let server = serving(vec![Reply::json(404, MISSING)]);
    let error = super::client(&server).logged_model(&id).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_unsupported(), "{error:?}");
}

#[tokio::test]
async fn what_mlflow_takes_once_is_looked_up_before_it_is_sent_again() {
    let done = || Reply::json(200, MODEL);
    let id = model_id();
    let param = |value: &str| [("a".to_owned(), value.to_owned())];
    let server = serving(vec![Reply::Drop, done()]);
    client(&server).log_logged_model_params(&id, &param("1")).await.unwrap();
    assert_eq!(server.requests().len(), 2, "the model has it");
    let server = serving(vec![Reply::Drop, done()]);
    client(&server).log_logged_model_params(&id, &param("2")).await.unwrap();
    assert_eq!(server.requests().len(), 3);

    let outputs = [ModelOutput::new(id.clone(), 3)];
    let server = serving(vec![Reply::Drop, Reply::json(200, RUN)]);
    client(&server).log_outputs(&run_id(), &outputs).await.unwrap();
    assert_eq!(server.requests().len(), 3);
    let output = r#""outputs":{"model_outputs":[{"model_id":"m-0123456789abcdef0123456789abcdef","step":3}]}"#;
    let run = format!("{},{output}}}}}", &RUN[..RUN.len() - 2]);
    let server = serving(vec![Reply::Drop, Reply::json(200, run)]);
    client(&server).log_outputs(&run_id(), &outputs).await.unwrap();
    assert_eq!(server.requests().len(), 2, "the run has it");
}
