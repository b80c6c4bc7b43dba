use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use mlops_core::Classifier;
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use proptest::strategy::Strategy;
use tokio::runtime::Builder;
use tower::ServiceExt;

use crate::testing::{BAD, Fault, SharedBuffer, Stub, body};
use crate::{Service, ServiceBuilder};

fn builder() -> ServiceBuilder {
    Service::builder(Classifier::new(Stub::new()))
        .name("WineQualityService")
        .drift(Stub::new())
        .outliers(Stub::new())
        .without_log()
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    /// The text with the request's name, which differs from run to run, replaced.
    fn masked(&self) -> String {
        self.body.replace(self.header("x-request-id"), "ID")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(service: &Service, request: Request<Body>) -> Reply {
    let response = service.router().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Reply { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(service: &Service, path: &str) -> Reply {
    send(service, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn predict(service: &Service, body: impl Into<Body>) -> Reply {
    let request = Request::post("/predict").header("content-type", "application/json");
    send(service, request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn an_answer_holds_predictions_drift_and_outliers() {
    let reply = predict(&builder().build().unwrap(), body(&[9.4, 13.0])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("x-request-id").len(), 32);
    insta::assert_snapshot!(reply.body, @r#"[{"predictions":[0,1],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.7,"is_red":null}},"outliers":{"is_outlier":[0,1],"instance_score":[9.4,13.0]}}}]"#);
}

#[tokio::test]
async fn a_service_without_detectors_answers_without_them() {
    let service = Service::builder(Classifier::new(Stub::new())).without_log().build().unwrap();
    let reply = predict(&service, body(&[9.4, 13.0])).await;
    insta::assert_snapshot!(reply.body, @r#"[{"predictions":[0,1],"monitoring":{}}]"#);
}

#[tokio::test]
async fn each_request_is_logged_in_three_lines_under_its_name() {
    let buffer = SharedBuffer::default();
    let service = builder().log(buffer.clone()).build().unwrap();
    let reply = predict(&service, body(&[9.4])).await;
    assert_eq!(predict(&service, "[]").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    service.flush_log().await;
    let lines = buffer.text().replace(reply.header("x-request-id"), "ID");
    insta::assert_snapshot!(lines, @r#"
    {"service_name":"WineQualityService","type":"input_data","value":"[{\"alcohol\":9.4,\"is_red\":1}]","request_id":"ID"}
    {"service_name":"WineQualityService","type":"monitoring_metrics","monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.5875,"is_red":null}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}},"request_id":"ID"}
    {"service_name":"WineQualityService","type":"output_data","predictions":[0],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.5875,"is_red":null}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}},"request_id":"ID"}
    "#);
}

#[tokio::test]
async fn records_that_do_not_fit_are_named_and_not_repeated() {
    let service = builder().build().unwrap();
    let body = r#"[{"alcohol":9.4,"is_red":1},{"alcohol":"secret","is_red":0.25,"pH":3}]"#;
    let reply = predict(&service, body).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:invalid-records","title":"Invalid records","status":422,"detail":"the records do not fit the schema of the model","request_id":"ID","errors":[{"row":1,"field":"alcohol","code":"type","message":"the value has the wrong type"},{"row":1,"field":"is_red","code":"not_integer","message":"expected a whole number"},{"row":1,"field":"pH","code":"unknown","message":"the field is not in the schema"}]}"#);
    let reply = predict(&service, "[{}]".replace("{}", &["{}"; 100].join(","))).await;
    assert_eq!(reply.body.matches(r#""code":"missing""#).count(), 32);
}

#[tokio::test]
async fn json_that_is_malformed_is_a_bad_request() {
    let reply = predict(&builder().build().unwrap(), "[{\"alcohol\":\nsecret}]").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:malformed-json","title":"Malformed JSON","status":400,"detail":"the body is not JSON: malformed JSON at line 2, column 1","request_id":"ID","errors":[]}"#);
}

#[tokio::test]
async fn bodies_and_batches_above_the_limits_are_too_large() {
    let service = builder().max_body_bytes(400_000).build().unwrap();
    let reply = predict(&service, body(&vec![9.5; 10_000])).await;
    assert_eq!(reply.status, StatusCode::OK);

    let reply = predict(&service, body(&vec![9.5; 10_001])).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:too-many-rows","title":"Too many rows","status":413,"detail":"the body holds more than 10000 rows","request_id":"ID","errors":[]}"#);

    let reply = predict(&service, " ".repeat(400_001)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:body-too-large","title":"Body too large","status":413,"detail":"the body is larger than 400000 bytes","request_id":"ID","errors":[]}"#);
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_not_read() {
    let request = Request::post("/predict").header("content-type", "text/csv");
    let request = request.body(Body::from(body(&[9.4]))).unwrap();
    let reply = send(&builder().build().unwrap(), request).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:unsupported-media-type","title":"Unsupported media type","status":415,"detail":"expected the content type `application/json`","request_id":"ID","errors":[]}"#);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let service = builder().build().unwrap();
    let reply = get(&service, "/secret").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:not-found","title":"Not found","status":404,"detail":"there is nothing at this path","request_id":"ID","errors":[]}"#);
    let reply = get(&service, "/predict").await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.header("allow"), "POST");
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:method-not-allowed","title":"Method not allowed","status":405,"detail":"the path does not take this method; the `Allow` header names those that it takes","request_id":"ID","errors":[]}"#);
}

#[tokio::test]
async fn a_model_that_panics_costs_one_request() {
    let model = Stub::new().fault(Fault::Panic);
    let service = Service::builder(Classifier::new(model)).without_log().build().unwrap();
    // The second batch is large enough to be scored on a thread of its own.
    for bad in [vec![BAD], vec![BAD; 1000]] {
        let (reply, other) =
            tokio::join!(predict(&service, body(&bad)), predict(&service, body(&[9.4])));
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:internal","title":"Internal server error","status":500,"detail":"the model failed on this request","request_id":"ID","errors":[]}"#);
        }
        assert_eq!(other.status, StatusCode::OK);
    }
    assert!(get(&service, "/metrics").await.body.contains("mlops_model_failures_total 2\n"));
}

#[tokio::test]
async fn a_detector_that_fails_costs_its_part_of_the_answer() {
    let service = builder()
        .drift(Stub::new().fault(Fault::Error))
        .outliers(Stub::new().fault(Fault::Panic))
        .build()
        .unwrap();
    let reply = predict(&service, body(&[BAD])).await;
    assert_eq!(reply.status, StatusCode::OK);
    insta::assert_snapshot!(reply.body, @r#"[{"predictions":[1],"monitoring":{"drift":{"status":"unavailable"},"outliers":{"status":"unavailable"}}}]"#);
    assert!(predict(&service, body(&[9.4])).await.body.contains("instance_score"));
    let page = get(&service, "/metrics").await.body;
    assert!(page.contains("mlops_monitoring_failures_total{detector=\"drift\"} 1\n"));
    assert!(page.contains("mlops_monitoring_failures_total{detector=\"outliers\"} 1\n"));
}

#[tokio::test]
async fn health_is_a_line_and_readiness_ends_with_the_shutdown() {
    let service = builder().build().unwrap();
    for path in ["/healthz", "/livez", "/readyz"] {
        let reply = get(&service, path).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "\n"), "{path}");
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    }
    service.stop();
    assert_eq!(get(&service, "/livez").await.status, StatusCode::OK);
    let reply = get(&service, "/readyz").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:shutting-down","title":"Shutting down","status":503,"detail":"the service is shutting down","request_id":"ID","errors":[]}"#);
}

#[tokio::test]
async fn every_path_of_the_list_is_there() {
    let service = builder().build().unwrap();
    let list = get(&service, "/").await.body;
    assert_eq!(list.lines().count(), 5);
    for line in list.lines() {
        let path = line.split_whitespace().nth(1).unwrap();
        assert_ne!(get(&service, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let service = builder().build().unwrap();
    predict(&service, body(&[0.5, 0.7])).await;
    get(&service, "/one/of/many").await;
    let reply = get(&service, "/metrics").await;
    assert!(reply.header("content-type").starts_with("application/openmetrics-text;"));
    for line in [
        r#"mlops_requests_total{endpoint="/predict",status="200"} 1"#,
        r#"mlops_requests_total{endpoint="none",status="404"} 1"#,
        "mlops_rows_total 2",
        r#"mlops_drift_flags_total{feature="alcohol"} 1"#,
    ] {
        assert!(reply.body.lines().any(|found| found == line), "{line} is not in\n{}", reply.body);
    }
    let (samples, end) = reply.body.rsplit_once("# EOF\n").unwrap();
    assert_eq!(end, "");
    for line in samples.lines().filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("mlops_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

fn strengths() -> impl Strategy<Value = Vec<f64>> {
    // Up to where batches are scored on threads of their own.
    prop::collection::vec(any::<u8>().prop_map(|tenths| f64::from(tenths) / 10.0), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_answer_depends_on_its_own_request_only(one in strengths(), other in strengths()) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let alone = |alcohol: Vec<f64>| async move {
                predict(&builder().build().unwrap(), body(&alcohol)).await.body
            };
            let expected = [alone(one.clone()).await, alone(other.clone()).await];
            let service = builder().build().unwrap();
            let tasks = [&one, &other, &one, &other].map(|alcohol| {
                let (service, body) = (service.clone(), body(alcohol));
                tokio::spawn(async move { predict(&service, body).await.body })
            });
            for (task, expected) in tasks.into_iter().zip(expected.iter().cycle()) {
                assert_eq!(&task.await.unwrap(), expected);
            }
        });
    }
}
