use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use mlops_core::Classifier;
use mlops_telemetry::{AuditLog, AuditOptions, Telemetry};
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use proptest::strategy::Strategy;
use tokio::runtime::Builder;

use crate::testing::{
    Alcohol, BAD, Fault, Reply, SharedBuffer, Stub, body, classifier, get, model, send, watched,
};
use crate::{Error, Form, Limits, Model, Service, ServiceBuilder};

fn builder() -> ServiceBuilder {
    Service::builder(watched()).name("WineQualityService")
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
    let service = Service::builder(model()).build().unwrap();
    let reply = predict(&service, body(&[9.4, 13.0])).await;
    insta::assert_snapshot!(reply.body, @r#"[{"predictions":[0,1],"monitoring":{}}]"#);
}

#[tokio::test]
async fn each_request_that_was_answered_is_told_of_under_its_name() {
    let buffer = SharedBuffer::default();
    let telemetry = Telemetry::builder("WineQualityService", buffer.clone()).start().unwrap();
    let service = builder().telemetry(telemetry).build().unwrap();
    let reply = predict(&service, body(&[9.4])).await;
    assert_eq!(predict(&service, "[]").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    service.flush_records().await.unwrap();
    let text = buffer.text();
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(line["request_id"], reply.header("x-request-id"));
    assert_eq!(line["inputs"]["data"], serde_json::json!([[9.4, 1]]));
    let answer: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(line["monitoring"], answer[0]["monitoring"]);
    assert!(
        get(&service, "/metrics")
            .await
            .body
            .contains("mlops_telemetry_events_total{outcome=\"written\"} 1\n")
    );
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
    let service =
        builder().limits(Limits { body_bytes: 400_000, ..Limits::default() }).build().unwrap();
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
    let service = Service::builder(classifier(Stub::new().fault(Fault::Panic))).build().unwrap();
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
    assert!(
        get(&service, "/metrics")
            .await
            .body
            .contains("mlops_model_failures_total{model=\"wines\",version=\"\"} 2\n")
    );
}

#[tokio::test]
async fn a_detector_that_fails_costs_its_part_of_the_answer() {
    let (drift, outliers) = (Stub::new().fault(Fault::Error), Stub::new().fault(Fault::Panic));
    let service = Service::builder(model().drift(drift).outliers(outliers)).build().unwrap();
    let reply = predict(&service, body(&[BAD])).await;
    assert_eq!(reply.status, StatusCode::OK);
    insta::assert_snapshot!(reply.body, @r#"[{"predictions":[1],"monitoring":{"drift":{"status":"unavailable"},"outliers":{"status":"unavailable"}}}]"#);
    assert!(predict(&service, body(&[9.4])).await.body.contains("instance_score"));
    let page = get(&service, "/metrics").await.body;
    assert!(
        page.contains("mlops_monitoring_failures_total{model=\"wines\",detector=\"drift\"} 1\n")
    );
    assert!(
        page.contains("mlops_monitoring_failures_total{model=\"wines\",detector=\"outliers\"} 1\n")
    );
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
async fn metrics_are_openmetrics_text() {
    let service = builder().build().unwrap();
    predict(&service, body(&[0.5, 0.7])).await;
    get(&service, "/one/of/many").await;
    let reply = get(&service, "/metrics").await;
    assert!(reply.header("content-type").starts_with("application/openmetrics-text;"));
    for line in [
        r#"http_server_request_duration_seconds_count{http_request_method="POST",http_route="/predict",http_response_status_code="200"} 1"#,
        r#"http_server_request_duration_seconds_count{http_request_method="POST",http_route="/predict",http_response_status_code="503"} 0"#,
        r#"http_server_request_duration_seconds_count{http_request_method="GET",http_route="none",http_response_status_code="404"} 1"#,
        "http_server_active_requests 1",
        r#"mlops_predictions_total{model="wines",version="",class="0"} 2"#,
        r#"mlops_drift_flags_total{model="wines",feature="alcohol"} 1"#,
        r#"mlops_requests_shed_total{reason="in_flight"} 0"#,
        r#"mlops_validation_errors_total{code="unknown_level"} 0"#,
        r#"mlops_model_info{name="wines",version="",sha256=""} 1"#,
    ] {
        assert!(reply.body.lines().any(|found| found == line), "{line} is not in\n{}", reply.body);
    }
    let (samples, end) = reply.body.rsplit_once("# EOF\n").unwrap();
    assert_eq!(end, "");
    for line in samples.lines().filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("mlops_") || series.starts_with("http_server_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

async fn predict_natively(service: &Service, query: &str, body: String) -> Reply {
    let request = Request::post(format!("/v1/models/wines/predict{query}"));
    let request = request.header("content-type", "application/json");
    send(service, request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_named_model_says_all_that_it_knows() {
    let model = watched().version("7").digest("ab12").explainer(Alcohol::new());
    let service = Service::builder(model).build().unwrap();
    let reply = predict_natively(&service, "", body(&[9.4, 13.0])).await;
    insta::assert_snapshot!(reply.masked(), @r#"{"request_id":"ID","model":{"name":"wines","version":"7","sha256":"ab12"},"predictions":[0,1],"probabilities":[0.47000000000000003,0.65],"monitoring":{"drift":{"scope":"request","n":2,"threshold":0.05,"test":{"alcohol":"kolmogorov_smirnov","is_red":"chi_squared"},"p_value":{"alcohol":0.7,"is_red":null},"is_drift":{"alcohol":0,"is_red":null}},"outliers":{"threshold":12.0,"is_outlier":[0,1],"instance_score":[9.4,13.0],"percentile":[null,null],"reasons":[{},{}]}}}"#);
    let reply = predict_natively(&service, "?explain=true", body(&[13.0])).await;
    let explanation = reply.body.split_once(r#""explanation":"#).unwrap().1;
    insta::assert_snapshot!(explanation.split_once(r#","monitoring""#).unwrap().0, @r#"{"prediction":{"base_values":[0.5],"contributions":[[{"alcohol":13.0,"is_red":0.0}]]},"outliers":[]}"#);
}

#[tokio::test]
async fn an_unknown_model_and_a_strange_query_are_problems() {
    let service = builder().build().unwrap();
    let request =
        Request::post("/v1/models/beers/predict").header("content-type", "application/json");
    let reply = send(&service, request.body(body(&[9.4]).into()).unwrap()).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert!(reply.body.contains("unknown-model"), "{}", reply.body);
    let reply = predict_natively(&service, "?explian=true", body(&[9.4])).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_original_form_names_rows_by_features() {
    let service = builder().form(Form::Original).build().unwrap();
    let reply = predict(&service, body(&[9.4, 13.0, 9.9])).await;
    assert!(reply.body.ends_with(r#""is_outlier":{"alcohol":0,"is_red":1},"instance_score":{"alcohol":9.4,"is_red":13.0}}}}]"#), "{}", reply.body);
}

#[tokio::test]
async fn a_model_that_predicts_numbers_answers_with_numbers() {
    let service = Service::builder(Model::regressor("wines", Stub::new())).build().unwrap();
    let reply = predict(&service, body(&[10.0])).await;
    assert_eq!(reply.body, r#"[{"predictions":[0.5],"monitoring":{}}]"#);
}

#[tokio::test]
async fn a_new_version_takes_the_place_or_is_refused_and_the_old_one_stays() {
    let service = Service::builder(watched().version("1")).build().unwrap();
    let version = || async {
        let reply = predict_natively(&service, "", body(&[9.4])).await;
        let answer: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        answer["model"]["version"].as_str().unwrap().to_owned()
    };
    assert_eq!(service.swap(watched().version("2")), Ok(()));
    assert_eq!(version().await, "2");
    let failing = classifier(Stub::new().fault(Fault::Error)).version("3");
    let failing = failing.example(crate::testing::records(&[BAD]));
    assert_eq!(service.swap(failing), Err(Error::ExampleFailed { model: "wines".to_owned() }));
    let other = Model::classifier("beers", Classifier::new(Stub::new()));
    assert_eq!(service.swap(other), Err(Error::UnknownModel { name: "beers".to_owned() }));
    assert_eq!(version().await, "2");
    let page = get(&service, "/metrics").await.body;
    for line in [
        r#"mlops_model_info{name="wines",version="1",sha256=""} 0"#,
        r#"mlops_model_info{name="wines",version="2",sha256=""} 1"#,
        r#"mlops_model_swaps_total{outcome="swapped"} 1"#,
        r#"mlops_model_swaps_total{outcome="refused"} 2"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}

#[tokio::test]
async fn a_challenger_is_compared_and_told_of_and_answers_nobody() {
    let buffer = SharedBuffer::default();
    let telemetry = Telemetry::builder("Wine", buffer.clone()).start().unwrap();
    let service = Service::builder(model().version("1")).telemetry(telemetry).build().unwrap();
    let strict = Classifier::new(Stub::new()).threshold(0.7);
    service.challenge(Model::classifier("wines", strict).version("2")).unwrap();
    let reply = predict(&service, body(&[9.4, 12.0, 15.0])).await;
    assert!(reply.body.starts_with(r#"[{"predictions":[0,1,1]"#), "{}", reply.body);
    let started = Instant::now();
    loop {
        let page = get(&service, "/metrics").await.body;
        if page.contains("mlops_shadow_rows_total{model=\"wines\",outcome=\"agreed\"} 2\n") {
            assert!(
                page.contains("mlops_shadow_rows_total{model=\"wines\",outcome=\"differed\"} 1\n")
            );
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{page}");
    }
    service.end_challenge("wines").unwrap();
    predict(&service, body(&[9.4])).await;
    service.flush_records().await.unwrap();
    let n_shadows = buffer.text().matches(r#""type":"shadow""#).count();
    assert_eq!((n_shadows, buffer.text().lines().count()), (1, 3));
}

#[tokio::test]
async fn a_detector_that_hangs_costs_its_part_of_the_answer_and_little_time() {
    let limits = Limits { monitoring_time: Duration::from_millis(50), ..Limits::default() };
    let slow = Stub::new().before(|| std::thread::sleep(Duration::from_millis(400)));
    let service = Service::builder(model().drift(slow)).limits(limits).build().unwrap();
    let started = Instant::now();
    let reply = predict(&service, body(&[9.4])).await;
    assert!(started.elapsed() < Duration::from_millis(350));
    assert_eq!(
        reply.body,
        r#"[{"predictions":[0],"monitoring":{"drift":{"status":"unavailable"}}}]"#
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_does_not_wait_behind_requests_that_are_still_to_be_scored() {
    let (begin, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let drift = Stub::new().before(move || {
        begin.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
    });
    let limits = Limits { monitoring_time: Duration::from_secs(60), ..Limits::default() };
    let service = Service::builder(model().drift(drift)).limits(limits).build().unwrap();
    let asked = service.clone();
    // Large enough to be scored on a thread of its own.
    let answer = tokio::spawn(async move { predict(&asked, body(&[9.4; 1000])).await });
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();

    let large_requests = &service.inner().large_requests;
    let cores = u32::try_from(large_requests.available_permits()).unwrap();
    let _others = large_requests.acquire_many(cores).await.unwrap();
    release.send(()).unwrap();
    let reply = tokio::time::timeout(Duration::from_secs(20), answer).await.unwrap().unwrap();
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_above_the_limit_are_turned_away_while_health_and_metrics_answer() {
    let limits = Limits { requests: 1, ..Limits::default() };
    let service = builder().limits(limits).build().unwrap();
    let place = service.inner().admission.enter(None);
    let reply = predict(&service, body(&[9.4])).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.header("retry-after"), "1");
    insta::assert_snapshot!(reply.masked(), @r#"{"type":"urn:mlops-serve:problem:overloaded","title":"Overloaded","status":503,"detail":"too many requests are being worked on","request_id":"ID","errors":[]}"#);
    assert_eq!(get(&service, "/livez").await.status, StatusCode::OK);
    let page = get(&service, "/metrics").await.body;
    assert!(page.contains("mlops_requests_shed_total{reason=\"in_flight\"} 1\n"));
    drop(place);
    assert_eq!(predict(&service, body(&[9.4])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_is_in_the_audit_log_before_it_is_given_or_is_not_given() {
    let folder = tempfile::tempdir().unwrap();
    let options = AuditOptions::new("Wine").capacity(4_000);
    let audit = AuditLog::open(folder.path(), options).unwrap();
    let service = Service::builder(model()).audit(audit).build().unwrap();
    let reply = predict(&service, body(&[9.4])).await;
    assert_eq!(reply.status, StatusCode::OK);
    let segment = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|e| e == "open"));
    let text = std::fs::read_to_string(segment.unwrap()).unwrap();
    assert!(text.contains(reply.header("x-request-id")), "{text}");
    service.flush_records().await.unwrap();
    assert_eq!(AuditLog::sealed_segments(folder.path()).unwrap().len(), 1);
    // A request that is larger than the queue.
    let reply = predict(&service, body(&[9.4; 500])).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(reply.body.contains("unaudited"), "{}", reply.body);
    let page = get(&service, "/metrics").await.body;
    assert!(page.contains("mlops_audit_events_total{outcome=\"refused\"} 1\n"), "{page}");
}

#[tokio::test]
async fn two_models_cannot_share_a_name() {
    let twice = Service::builder(model()).model(model()).build();
    assert_eq!(twice.unwrap_err(), Error::DuplicateModel { name: "wines".to_owned() });
}

mod monitors;
mod protocols;

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
