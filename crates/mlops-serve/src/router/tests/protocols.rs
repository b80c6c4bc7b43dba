//! The protocols of others, and feedback.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use mlops_telemetry::Telemetry;
use serde_json::{Value, json};

use super::{builder, predict};
use crate::testing::{
    BAD, Fault, Reply, SharedBuffer, Stub, body, classifier, get, model, send, watched,
};
use crate::{Limits, Service};

async fn post(service: &Service, path: &str, media_type: &str, body: impl Into<Body>) -> Reply {
    let request = Request::post(path).header("content-type", media_type);
    send(service, request.body(body.into()).unwrap()).await
}

async fn post_json(service: &Service, path: &str, body: &Value) -> Reply {
    post(service, path, "application/json", body.to_string()).await
}

#[tokio::test]
async fn mlflow_s_shapes_and_csv_have_one_answer() {
    let service = builder().build().unwrap();
    for body in [
        json!({"dataframe_split": {"columns": ["is_red", "alcohol"], "data": [[1, 9.4], [0, 13]]}}),
        json!({"dataframe_records": [{"alcohol": 9.4, "is_red": 1}, {"alcohol": 13, "is_red": 0}]}),
        json!({"instances": [[9.4, 1], [13, 0]]}),
        json!({"inputs": {"alcohol": [9.4, 13], "is_red": [1, 0]}, "params": {}}),
    ] {
        let reply = post_json(&service, "/invocations", &body).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, r#"{"predictions":[0,1]}"#)
        );
        assert_eq!(reply.header("content-type"), "application/json");
    }
    let csv = "is_red,alcohol\n1,9.4\n0,13\n";
    assert_eq!(
        post(&service, "/invocations", "text/csv", csv).await.body,
        r#"{"predictions":[0,1]}"#
    );
}

#[tokio::test]
async fn what_mlflow_refuses_is_refused_in_its_words() {
    let service = builder().limits(Limits { rows: 2, ..Limits::default() }).build().unwrap();
    let reply = post_json(&service, "/invocations", &json!([[9.4, 1]])).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let error: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(error["error_code"], "BAD_REQUEST");
    assert!(error["message"].as_str().unwrap().ends_with("Received a list."), "{error}");
    let reply = post(&service, "/invocations", "application/xml", "<wine/>").await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(reply.body.starts_with("This predictor only supports the following content types"));
    let rows = json!({"instances": [[9.4, 1], [9.4, 1], [9.4, 1]]});
    let reply = post_json(&service, "/invocations", &rows).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let failing = Service::builder(classifier(Stub::new().fault(Fault::Panic))).build().unwrap();
    let reply = post_json(&failing, "/invocations", &json!({"instances": [[BAD, 1]]})).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    insta::assert_snapshot!(reply.body, @r#"{"error_code":"INTERNAL_ERROR","message":"the model failed on this request"}"#);
}

#[tokio::test]
async fn a_model_is_described_as_tensors() {
    let service = Service::builder(watched().version("7")).build().unwrap();
    let reply = get(&service, "/v2/models/wines").await;
    insta::assert_snapshot!(reply.body, @r#"{"name":"wines","versions":["7"],"platform":"mlops","inputs":[{"name":"alcohol","datatype":"FP64","shape":[-1]},{"name":"is_red","datatype":"INT64","shape":[-1]}],"outputs":[{"name":"predict","datatype":"INT64","shape":[-1]},{"name":"predict_proba","datatype":"FP64","shape":[-1]},{"name":"is_outlier","datatype":"BOOL","shape":[-1]},{"name":"outlier_score","datatype":"FP64","shape":[-1]},{"name":"drift_p_value","datatype":"FP64","shape":[-1]}]}"#);
    assert_eq!(get(&service, "/v2/models/wines/versions/7").await.body, reply.body);
    assert_eq!(get(&service, "/v2/models/wines/versions/6").await.status, StatusCode::NOT_FOUND);
    insta::assert_snapshot!(get(&service, "/v2/models/beers/ready").await.body, @r#"{"error":"no model has this name"}"#);
    insta::assert_snapshot!(get(&service, "/v2/models/wines/ready").await.body, @r#"{"name":"wines","ready":true}"#);
    insta::assert_snapshot!(get(&service, "/v2/health/ready").await.body, @r#"{"ready":true}"#);
    assert!(get(&service, "/v2").await.body.starts_with(r#"{"name":"mlops-serve","version":"#));
    service.stop();
    let reply = get(&service, "/v2/health/ready").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&service, "/v2/health/live").await.body, r#"{"live":true}"#);
}

#[tokio::test]
async fn tensors_are_answered_with_tensors() {
    let service = Service::builder(watched().version("7")).build().unwrap();
    let one = json!({"id": "42", "inputs": [
        {"name": "input-0", "shape": [2, 2], "datatype": "FP32", "data": [9.4, 1, 13, 0]}]});
    let reply = post_json(&service, "/v2/models/wines/infer", &one).await;
    insta::assert_snapshot!(reply.body, @r#"{"model_name":"wines","model_version":"7","id":"42","outputs":[{"name":"predict","shape":[2],"datatype":"INT64","data":[0,1]},{"name":"predict_proba","shape":[2],"datatype":"FP64","data":[0.47000000000000003,0.65]},{"name":"is_outlier","shape":[2],"datatype":"BOOL","data":[false,true]},{"name":"outlier_score","shape":[2],"datatype":"FP64","data":[9.4,13.0]},{"name":"drift_p_value","shape":[2],"datatype":"FP64","data":[0.7,null]}]}"#);
    let by_column = json!({"id": "42", "inputs": [
        {"name": "is_red", "shape": [2, 1], "datatype": "INT64", "data": [[1], [0]]},
        {"name": "alcohol", "shape": [2], "datatype": "FP64", "data": [9.4, 13]}]});
    let again = post_json(&service, "/v2/models/wines/versions/7/infer", &by_column).await;
    assert_eq!(again.body, reply.body);
    let mut selected = one.clone();
    selected["outputs"] = json!([{"name": "is_outlier"}]);
    let reply = post_json(&service, "/v2/models/wines/infer", &selected).await;
    insta::assert_snapshot!(reply.body, @r#"{"model_name":"wines","model_version":"7","id":"42","outputs":[{"name":"is_outlier","shape":[2],"datatype":"BOOL","data":[false,true]}]}"#);
    selected["outputs"] = json!([{"name": "secret"}]);
    let reply = post_json(&service, "/v2/models/wines/infer", &selected).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    insta::assert_snapshot!(reply.body, @r#"{"error":"output 0 is not one of the model's, or stands twice"}"#);
}

#[tokio::test]
async fn a_detector_that_failed_is_said_to_be_unavailable_in_parameters() {
    let outliers = Stub::new().fault(Fault::Panic);
    let service = Service::builder(model().outliers(outliers)).build().unwrap();
    let tensors = json!({"inputs": [
        {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [BAD, 1]}]});
    let reply = post_json(&service, "/v2/models/wines/infer", &tensors).await;
    insta::assert_snapshot!(reply.body, @r#"{"model_name":"wines","parameters":{"outliers":"unavailable"},"outputs":[{"name":"predict","shape":[1],"datatype":"INT64","data":[1]},{"name":"predict_proba","shape":[1],"datatype":"FP64","data":[4.95]}]}"#);
}

#[tokio::test]
async fn feedback_is_recorded_whole_or_refused() {
    let buffer = SharedBuffer::default();
    let telemetry = Telemetry::builder("Wine", buffer.clone()).start().unwrap();
    let service = Service::builder(model()).telemetry(telemetry).build().unwrap();
    let id = predict(&service, body(&[9.4])).await.header("x-request-id").to_owned();
    let label = json!({"request_id": id, "row": 0, "label": 1});
    assert_eq!(post_json(&service, "/v1/feedback", &label).await.status, StatusCode::ACCEPTED);
    let labels = json!([label, label]);
    assert_eq!(post_json(&service, "/v1/feedback", &labels).await.status, StatusCode::ACCEPTED);
    for nonsense in [
        json!([label, {"request_id": "ff", "row": 0, "label": 1}]),
        json!([[id, 0, 1]]),
        json!({"request_id": id, "row": -1, "label": 1}),
        json!({"request_id": id, "row": 0, "label": "good"}),
        json!({"request_id": id, "row": 0, "label": 1, "user": "x"}),
    ] {
        let reply = post_json(&service, "/v1/feedback", &nonsense).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{nonsense}");
    }
    service.flush_records().await.unwrap();
    assert_eq!(buffer.text().matches(r#""type":"feedback""#).count(), 3);
    let silent = Service::builder(model()).build().unwrap();
    let reply = post_json(&silent, "/v1/feedback", &label).await;
    assert_eq!(reply.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn records_may_stand_in_an_object() {
    let service = builder().build().unwrap();
    let path = "/v1/models/wines/predict";
    let instances = json!({"instances": [{"alcohol": 13, "is_red": 1}]});
    let reply = post_json(&service, path, &instances).await;
    assert_eq!(reply.status, StatusCode::OK);
    let bare = post_json(&service, path, &instances["instances"]).await;
    assert_eq!(bare.masked(), reply.masked());
    let other = json!({"rows": []});
    let reply = post_json(&service, path, &other).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
}
