//! `serve`: good requests, bad ones, and the end.

use std::fs;
use std::path::Path;

use mlops_core::ModelDir;
use mlops_registry::LocalStore;
use serde_json::Value;

use crate::program::{Server, bundled_data, run, text};

fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["train", "--trials", "1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    folder
}

fn two_wines() -> String {
    fs::read_to_string(bundled_data().join("two_wines.json")).unwrap()
}

/// The status and the body of an answer.
fn post(server: &Server, content_type: &str, body: &str) -> (u16, Value) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let request =
        agent.post(format!("{}/predict", server.url)).header("content-type", content_type);
    let mut response = request.send(body).unwrap();
    let body = response.body_mut().read_to_vec().unwrap();
    (response.status().as_u16(), serde_json::from_slice(&body).unwrap())
}

fn post_json(server: &Server, body: &str) -> (u16, Value) {
    post(server, "application/json", body)
}

fn assert_answers(server: &Server) {
    let (status, answer) = post_json(server, &two_wines());
    assert_eq!(status, 200, "{answer}");
    let [answer] = answer.as_array().unwrap().as_slice() else { panic!("{answer}") };
    let monitoring = &answer["monitoring"];
    assert_eq!(answer["predictions"].as_array().unwrap().len(), 2);
    assert_eq!(monitoring["drift"]["threshold"], 0.05);
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&monitoring["drift"]["p_value"]).len(), 12);
    assert_eq!(keys(&monitoring["drift"]["is_drift"]), keys(&monitoring["drift"]["p_value"]));
    assert_eq!(monitoring["outliers"]["is_outlier"].as_array().unwrap().len(), 2);
    assert!(monitoring["outliers"]["instance_score"][1].as_f64().unwrap().abs() < 0.5);
}

/// Changes the body of one wine.
fn wine(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
    let wines: Value = serde_json::from_str(&two_wines()).unwrap();
    let mut wine = wines[0].as_object().unwrap().clone();
    change(&mut wine);
    Value::from(vec![Value::Object(wine)]).to_string()
}

#[test]
fn bad_requests_are_refused_by_row_and_field_and_the_service_goes_on() {
    let folder = trained();
    let server = Server::start(folder.path());
    assert_answers(&server);
    let set = |field: &str, value: Value| wine(|wine| _ = wine.insert(field.to_owned(), value));
    let duplicate = two_wines().replacen('{', r#"{"pH": 3.3, "#, 1);
    let infinite = set("pH", 3.3.into()).replace("3.3", "1e400");
    let rows = format!(
        "[{}]",
        vec![set("pH", 3.3.into()).trim_matches(['[', ']']).to_owned(); 10_001].join(",")
    );
    for (body, status, code, field) in [
        ("[{\"pH\":", 400, Value::Null, Value::Null),
        ("NaN", 400, Value::Null, Value::Null),
        ("[]", 422, "empty".into(), Value::Null),
        ("{}", 422, "type".into(), Value::Null),
        ("[[1, 2]]", 422, "type".into(), Value::Null),
        (&set("colour", 1.into()), 422, "unknown".into(), "colour".into()),
        (&wine(|wine| _ = wine.remove("pH")), 422, "missing".into(), "pH".into()),
        (&duplicate, 422, "duplicate".into(), "pH".into()),
        (&set("pH", "3.3".into()), 422, "type".into(), "pH".into()),
        (&set("pH", true.into()), 422, "type".into(), "pH".into()),
        (&set("pH", 1e39.into()), 422, "non_finite".into(), "pH".into()),
        (&infinite, 422, "non_finite".into(), "pH".into()),
        (&set("is_red", 0.5.into()), 422, "not_integer".into(), "is_red".into()),
        (&rows, 413, Value::Null, Value::Null),
        (&" ".repeat(5 << 20), 413, Value::Null, Value::Null),
    ] {
        let (found, problem) = post_json(&server, body);
        let error = &problem["errors"][0];
        assert_eq!(
            (found, &error["code"], &error["field"]),
            (status, &code, &field),
            "{body:.60}: {problem}"
        );
        assert!(problem["title"].is_string() && problem["request_id"].is_string(), "{problem}");
        assert_answers(&server);
    }
    let (status, _) = post(&server, "text/csv", "pH\n3.3\n");
    assert_eq!(status, 415);
    for accepted in [set("is_red", 1.0.into()), set("pH", Value::Null)] {
        assert_eq!(post_json(&server, &accepted).0, 200, "{accepted}");
    }
    assert_answers(&server);
}

#[test]
fn a_signal_ends_the_service_after_the_log_is_written() {
    let folder = trained();
    let server = Server::start(folder.path());
    assert_answers(&server);
    let log = server.stop();
    let types: Vec<String> = log
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["service_name"], "WineQualityService");
            line["type"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(types, ["inference"]);
}

#[test]
fn what_cannot_be_served_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = |config: &str| {
        let output = run(folder.path(), &["serve", "--config", config, "--listen", "127.0.0.1:0"]);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    assert!(
        error("absent.json").starts_with("error: absent.json cannot be read or written: No such")
    );
    let write = |text: &str| fs::write(folder.path().join("configuration.json"), text).unwrap();
    write("{}");
    let found = error("configuration.json");
    assert!(found.contains("missing field `prediction_model_artifact_uri`"), "{found}");
    let uri = "models:/wine_quality/7";
    write(&format!(
        r#"{{"prediction_model_artifact_uri":"{uri}","drift_model_artifact_uri":"{uri}","outlier_model_artifact_uri":"{uri}"}}"#
    ));
    let found = error("configuration.json");
    assert!(found.starts_with("error: ") && found.contains("wine_quality"), "{found}");
    assert!(!Path::new("configuration.json").exists());
}

#[test]
fn serving_makes_no_store_and_names_the_one_it_looked_in() {
    let folder = trained();
    let config = folder.path().join("mlruns/configuration.json");
    let elsewhere = tempfile::tempdir().unwrap();
    let args = ["serve", "--config", config.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let output = run(elsewhere.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.starts_with("error: the prediction model `models:/wine_quality/1` cannot be served"),
        "{error}"
    );
    assert!(error.contains("cannot open the store ./mlruns"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    fs::create_dir(elsewhere.path().join("mlruns")).unwrap();
    let error = text(&run(elsewhere.path(), &args).stderr);
    let store = elsewhere.path().canonicalize().unwrap().join("mlruns");
    assert!(error.contains(&format!("in the store {}", store.display())), "{error}");
    assert_eq!(fs::read_dir(store).unwrap().count(), 0);
}

/// The model that answers.
fn model(server: &Server) -> Value {
    let url = format!("{}/v1/models/wine_quality/predict", server.url);
    let mut response =
        ureq::post(url).header("content-type", "application/json").send(two_wines()).unwrap();
    let body = response.body_mut().read_to_vec().unwrap();
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    answer["model"].take()
}

fn version(server: &Server) -> String {
    model(server)["version"].as_str().unwrap().to_owned()
}

/// Has the server look for new versions.
fn hang_up(server: &Server) {
    let pid = server.process.id().to_string();
    let kill = std::process::Command::new("kill").args(["-HUP", &pid]).status();
    assert!(kill.unwrap().success());
}

#[test]
fn a_configuration_that_changed_is_served_after_a_signal_and_a_broken_one_is_not() {
    let folder = trained();
    let server = Server::start(folder.path());
    assert_eq!(version(&server), "1");
    let configuration = folder.path().join("mlruns/configuration.json");
    let good = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, "{}").unwrap();
    hang_up(&server);
    let output = run(folder.path(), &["train", "--trials", "1", "--seed", "2"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_ne!(fs::read_to_string(&configuration).unwrap(), good);
    assert_eq!(version(&server), "1");
    hang_up(&server);
    let started = std::time::Instant::now();
    while version(&server) != "2" {
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }
}

#[test]
fn an_alias_has_a_version_and_files_that_were_written_anew_are_a_new_model() {
    let folder = trained();
    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    store.set_alias("wine_quality", "champion", 1).unwrap();
    let configuration = folder.path().join("mlruns/configuration.json");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, text.replace("wine_quality/1", "wine_quality@champion")).unwrap();
    let uri = "models:/wine_quality@champion".parse().unwrap();
    let dir = ModelDir::open(store.resolve(&uri).unwrap()).unwrap();
    let expected = |digest: String| serde_json::json!({"name": "wine_quality", "version": "1", "sha256": digest});

    let server = Server::start(folder.path());
    assert_eq!(model(&server), expected(dir.digest().unwrap()));
    fs::write(dir.path().join("README"), "Trained anew.").unwrap();
    hang_up(&server);
    let (expected, started) = (expected(dir.digest().unwrap()), std::time::Instant::now());
    while model(&server) != expected {
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }
}

/// What the monitors say, once they have seen so many rows.
fn snapshot(server: &Server, n_rows: usize) -> Value {
    let started = std::time::Instant::now();
    loop {
        let mut response = ureq::get(format!("{}/v1/drift", server.url)).call().unwrap();
        let body = response.body_mut().read_to_vec().unwrap();
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        let snapshot = answer["models"][0]["monitors"][0]["snapshot"].take();
        if snapshot["n_rows"] == n_rows {
            return snapshot;
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{snapshot}");
    }
}

/// Every twentieth bundled wine, with so much more citric acid, in bodies of ten.
fn every_twentieth_wine(more_acid: f64) -> Vec<String> {
    let rows = [("red", 1), ("white", 0)].map(|(color, is_red)| {
        let file = bundled_data().join(format!("winequality-{color}.csv"));
        let text = fs::read_to_string(file).unwrap().replace('"', "");
        let (header, lines) = text.split_once('\n').unwrap();
        let names: Vec<_> = header.split(';').map(|name| name.replace(' ', "_")).collect();
        let wine = |line: &str| {
            let values = line.split(';').map(|value| value.parse::<f64>().unwrap());
            let mut wine: serde_json::Map<_, _> =
                names.iter().cloned().zip(values.map(Value::from)).collect();
            wine.remove("quality");
            wine["citric_acid"] = (wine["citric_acid"].as_f64().unwrap() + more_acid).into();
            wine.insert("is_red".to_owned(), is_red.into());
            Value::from(wine)
        };
        lines.lines().step_by(20).map(wine).collect::<Vec<_>>()
    });
    rows.concat().chunks(10).map(|wines| Value::from(wines).to_string()).collect()
}

#[test]
fn drift_in_small_requests_adds_up_to_an_alarm_that_names_the_feature() {
    let folder = trained();
    for more in [&["--drift-window", "200"][..], &["--drift-window", "200", "--compat", "seed"]] {
        let server = Server::start_with(folder.path(), more);
        for body in every_twentieth_wine(0.0) {
            assert_eq!(post_json(&server, &body).0, 200);
        }
        let clean = snapshot(&server, 207);
        assert_eq!((&clean["monitor"], &clean["n_alarms"]), (&"window".into(), &0.into()));
        assert_eq!(clean["last_window"]["alpha"], 0.001);
        for body in every_twentieth_wine(0.2) {
            assert_eq!(post_json(&server, &body).0, 200);
        }
        let shifted = snapshot(&server, 414);
        assert_eq!(shifted["n_alarms"], 1, "{shifted}");
        assert_eq!(shifted["alarms"][0]["feature"], "citric_acid");
    }
    let server = Server::start_with(folder.path(), &["--drift-window", "0"]);
    let mut response = ureq::get(format!("{}/v1/drift", server.url)).call().unwrap();
    assert_eq!(response.body_mut().read_to_string().unwrap(), r#"{"models":[]}"#);
}

#[test]
fn operators_have_a_port_and_clients_a_key() {
    let folder = trained();
    // printf %s secret | sha256sum
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b  team-a\n";
    fs::write(folder.path().join("keys"), hash).unwrap();
    let args = ["--admin", "127.0.0.1:0", "--api-keys", "keys"];
    let server = Server::start_with(folder.path(), &args);
    let admin = server.remarks.iter().find_map(|line| line.strip_prefix("administration on "));
    let admin = admin.unwrap().to_owned();
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let status = |url: String| agent.get(url).call().unwrap().status().as_u16();
    assert_eq!(status(format!("{}/metrics", server.url)), 404);
    assert_eq!(status(format!("http://{admin}/metrics")), 200);
    let reload = agent.post(format!("http://{admin}/admin/reload")).send_empty().unwrap();
    assert_eq!(reload.into_body().read_to_string().unwrap(), r#"{"swapped":0}"#);
    assert_eq!(post_json(&server, &two_wines()).0, 401);
    let request = agent.post(format!("{}/predict", server.url));
    let request = request.header("content-type", "application/json").header("x-api-key", "secret");
    assert_eq!(request.send(two_wines()).unwrap().status().as_u16(), 200);
}

#[test]
fn the_flags_are_those_that_the_book_shows() {
    let folder = tempfile::tempdir().unwrap();
    let help = text(&run(folder.path(), &["serve", "--help"]).stdout);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    let shown = page.split_once("```text\n").unwrap().1.split_once("\n```").unwrap().0;
    assert_eq!(help.trim_end(), shown);
}
