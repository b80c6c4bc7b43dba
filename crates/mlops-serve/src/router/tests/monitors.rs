//! What becomes of the rows that drift monitors are shown.

use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};

use mlops_core::Records;
use ndarray::Array2;

use super::*;
use crate::testing::{BatchMonitor, schema};

/// The answer about monitors, or the metrics, once they hold `text`.
async fn page_with(service: &Service, path: &str, text: &str) -> String {
    let started = Instant::now();
    loop {
        let page = get(service, path).await;
        assert_eq!(page.status, StatusCode::OK);
        if page.body.contains(text) {
            return page.body;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{text} is not in\n{}", page.body);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn rows_that_were_answered_add_up_and_an_alarm_names_the_feature() {
    let model = model().version("7").monitor(BatchMonitor::new(Stub::new()));
    let service = Service::builder(model).build().unwrap();
    assert_eq!(predict(&service, body(&[9.4, 13.0])).await.status, StatusCode::OK);
    let refused = predict(&service, "[{}]").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(predict(&service, body(&[0.5])).await.status, StatusCode::OK);
    let page = page_with(&service, "/v1/drift", r#""n_rows":3,"n_alarms":1"#).await;
    insta::assert_snapshot!(page, @r#"{"models":[{"name":"wines","version":"7","monitors":[{"name":"batch","snapshot":{"monitor":"batch","n_rows":3,"n_alarms":1,"alarms":[{"feature":"alcohol","what":"adjusted_p_value","statistic":0.03125,"threshold":0.05,"n_rows":3}],"last_window":{"alpha":0.05,"correction":"none","minimum_effect":null,"reference_id":null,"n_rows":0,"p_value":0.03125,"is_drift":true,"features":[{"feature":"alcohol","test":"kolmogorov_smirnov","status":"tested","statistic":0.5,"p_value":0.03125,"adjusted_p_value":0.03125,"threshold":0.05,"method":"exact","effects":null,"n_values":0,"n_missing":0,"n_unseen":0,"missing":null,"is_drift":true},{"feature":"is_red","test":"chi_squared","status":"empty_reference","statistic":null,"p_value":null,"adjusted_p_value":null,"threshold":0.05,"method":null,"effects":null,"n_values":0,"n_missing":0,"n_unseen":0,"missing":null,"is_drift":null}]},"features":[]}}]}]}"#);
    let drift = r#"mlops_monitor_drift{model="wines",monitor="batch",feature="alcohol"} 1"#;
    let page = page_with(&service, "/metrics", &format!("{drift}\n")).await;
    for line in [
        r#"mlops_monitor_rows_total{model="wines",monitor="batch",outcome="observed"} 3"#,
        r#"mlops_monitor_rows_total{model="wines",monitor="batch",outcome="dropped"} 0"#,
        r#"mlops_monitor_rows_total{model="wines",monitor="batch",outcome="failed"} 0"#,
        r#"mlops_monitor_alarms_total{model="wines",monitor="batch"} 1"#,
        r#"mlops_monitor_drift{model="wines",monitor="batch",feature="is_red"} 0"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}

#[tokio::test]
async fn a_service_without_monitors_says_so() {
    let service = builder().build().unwrap();
    assert_eq!(get(&service, "/v1/drift").await.body, r#"{"models":[]}"#);
}

#[tokio::test]
async fn a_monitor_that_fails_says_so_and_the_others_go_on() {
    let failing = |fault| BatchMonitor::new(Stub::new().fault(fault));
    let wines = model().monitor(failing(Fault::Panic)).monitor(failing(Fault::Error));
    let service = Service::builder(wines.monitor(BatchMonitor::new(Stub::new()))).build().unwrap();
    predict(&service, body(&[9.4])).await;
    predict(&service, body(&[BAD, BAD])).await;
    predict(&service, body(&[9.4])).await;
    let page = page_with(&service, "/v1/drift", r#""n_rows":4"#).await;
    let failed = r#"{"models":[{"name":"wines","monitors":[{"name":"batch","failure":"panic"},{"name":"batch_2","snapshot":{"#;
    assert!(page.starts_with(failed), "{page}");
    let page = get(&service, "/metrics").await.body;
    for line in [
        r#"mlops_monitor_rows_total{model="wines",monitor="batch",outcome="observed"} 1"#,
        r#"mlops_monitor_rows_total{model="wines",monitor="batch",outcome="failed"} 3"#,
        r#"mlops_monitor_rows_total{model="wines",monitor="batch_2",outcome="failed"} 2"#,
        r#"mlops_monitor_rows_total{model="wines",monitor="batch_3",outcome="observed"} 4"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}

#[tokio::test]
async fn a_monitor_that_hangs_holds_up_nobody_and_what_has_no_room_is_counted() {
    let (entered, has_entered) = channel();
    let (go, gate) = sync_channel::<()>(0);
    let gate = Mutex::new(gate);
    let stub = Stub::new().before(move || {
        let _ = entered.send(());
        let _ = gate.lock().unwrap().recv();
    });
    let service = Service::builder(model().monitor(BatchMonitor::new(stub))).build().unwrap();
    predict(&service, body(&[9.4])).await;
    has_entered.recv().unwrap();
    assert_eq!(predict(&service, body(&[9.4])).await.status, StatusCode::OK);
    assert!(get(&service, "/v1/drift").await.body.contains(r#""n_rows":0"#));
    let scorer = service.inner().default_slot.champion();
    let many = Arc::new(Records::new(schema(), Array2::ones((3_000_000, 2))).unwrap());
    service.inner().monitors.push(&scorer, &many);
    let dropped = r#"mlops_monitor_rows_total{model="wines",monitor="batch",outcome="dropped"} "#;
    assert!(get(&service, "/metrics").await.body.contains(&format!("{dropped}3000000\n")));
    drop(go);
    page_with(&service, "/v1/drift", r#""n_rows":2"#).await;
}

#[tokio::test]
async fn a_new_version_brings_monitors_of_its_own() {
    let version = |version: &str| model().version(version).monitor(BatchMonitor::new(Stub::new()));
    let service = Service::builder(version("1")).build().unwrap();
    predict(&service, body(&[0.5])).await;
    let drift = r#"mlops_monitor_drift{model="wines",monitor="batch",feature="alcohol"} "#;
    page_with(&service, "/metrics", &format!("{drift}1\n")).await;
    service.swap(version("2")).unwrap();
    let page = get(&service, "/v1/drift").await.body;
    assert!(page.contains(r#""version":"2""#) && page.contains(r#""n_rows":0"#), "{page}");
    page_with(&service, "/metrics", &format!("{drift}0\n")).await;
    // What is tried beside it shows its monitors nothing.
    service.challenge(version("3")).unwrap();
    predict(&service, body(&[9.4])).await;
    let page = page_with(&service, "/v1/drift", r#""n_rows":1"#).await;
    assert!(page.contains(r#""version":"2""#), "{page}");
}
