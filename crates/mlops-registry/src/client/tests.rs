use std::time::{Duration, Instant};

use mlops_testing::{MockServer, Reply};

use super::*;
use crate::{ErrorKind, Filter, ModelVersion, RunStatus, Stage};

const RUN: &str = r#"{"run":{"info":{"run_uuid":"a","run_id":"0123456789abcdef0123456789abcdef","experiment_id":"1","run_name":"r","status":"RUNNING","start_time":1700000000000,"artifact_uri":"mlflow-artifacts:/1/a","new":{}},"data":{"metrics":[{"key":"loss","value":"NaN","timestamp":"1700000000002","step":2}],"params":[{"key":"lr","value":"0.1"}],"tags":[{"key":"team"}]}}}"#;
const MISSING: &str =
    r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run with id=x not found"}"#;

fn serving(replies: Vec<Reply>) -> MockServer {
    MockServer::start(replies).unwrap()
}

fn client(server: &MockServer) -> MlflowClient {
    let first = Duration::from_millis(1);
    let retries = Retries { count: 3, first, longest: Duration::from_millis(50) };
    let builder = MlflowClient::builder(&server.uri()).retries(retries);
    builder.read_timeout(Duration::from_millis(300)).build().unwrap()
}

fn run_id() -> crate::RunId {
    "0123456789abcdef0123456789abcdef".parse().unwrap()
}

fn experiment() -> crate::Experiment {
    let (id, name) = ("1".to_owned(), "wine".to_owned());
    let artifact_location = "mlflow-artifacts:/1".to_owned();
    crate::Experiment { id, name, artifact_location, tags: [].into() }
}

#[tokio::test]
async fn a_run_is_read_whatever_else_the_server_says() {
    let server = serving(vec![Reply::json(200, RUN)]);
    let run = client(&server).run(&run_id()).await.unwrap();
    assert_eq!((run.id, run.status, run.end_time), (run_id(), RunStatus::Running, None));
    let loss = run.metrics["loss"];
    assert!(loss.value.is_nan());
    assert_eq!((loss.timestamp, loss.step), (1_700_000_000_002, 2));
    assert_eq!((run.params["lr"].as_str(), run.tags["team"].as_str()), ("0.1", ""));
    let asked = &server.requests()[0];
    assert_eq!(asked.line, "GET /api/2.0/mlflow/runs/get?run_id=0123456789abcdef0123456789abcdef");
    assert!(asked.header("user-agent").unwrap().starts_with("mlops-registry/"), "{asked:?}");
    assert_eq!(asked.header("origin"), None);
}

#[tokio::test]
async fn a_client_says_who_it_is_and_errors_do_not() {
    let server = serving(vec![Reply::json(404, MISSING)]);
    let uri = server.uri().replace("http://", "http://me:secret@");
    let client = MlflowClient::new(&format!("{uri}/prefix/?x=secret")).unwrap();
    let error = client.run(&run_id()).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_unsupported(), "{error:?}");
    let said = error.server().unwrap().to_string();
    let endpoint = format!("GET {}/prefix/api/2.0/mlflow/runs/get", server.uri());
    assert_eq!(
        said,
        format!("{endpoint}: status 404 RESOURCE_DOES_NOT_EXIST: Run with id=x not found")
    );
    assert!(!format!("{error:?} {client:?}").contains("secret"));
    assert_eq!(server.requests()[0].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(server.requests().len(), 1, "it will not be there in a second either");

    let builder = MlflowClient::builder(&server.uri()).auth(Auth::Token("t".to_owned()));
    builder.build().unwrap().run(&run_id()).await.unwrap_err();
    assert_eq!(server.requests()[1].header("authorization"), Some("Bearer t"));
}

#[tokio::test]
async fn what_passes_is_tried_again_and_the_tries_are_told() {
    let busy = || Reply::text(503, "text/html", "<h1>busy</h1>");
    let server = serving(vec![busy(), Reply::Drop, Reply::json(200, RUN)]);
    client(&server).run(&run_id()).await.unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = serving(vec![busy()]);
    let error = client(&server).run(&run_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let said = error.server().unwrap();
    assert_eq!((said.attempts, said.message.as_str()), (4, "busy"));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn cut_and_late_answers_are_no_answers() {
    for reply in [Reply::Cut { body: RUN.to_owned() }, Reply::Hang(Duration::from_secs(60))] {
        let server = serving(vec![reply]);
        let started = Instant::now();
        let error = client(&server).run(&run_id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert_eq!(server.requests().len(), 4);
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    let error = MlflowClient::builder("http://127.0.0.1:1").retries(Retries::NONE).build().unwrap();
    let error = error.run(&run_id()).await.unwrap_err();
    assert!(
        error
            .server()
            .unwrap()
            .to_string()
            .ends_with("see that the server runs and can be reached from here")
    );
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_malformed() {
    let server = serving(vec![Reply::text(200, "text/html", "<h1>Welcome</h1>")]);
    let error = client(&server).run(&run_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let said = error.server().unwrap().to_string();
    assert!(said.ends_with("status 200: the answer is not what MLflow answers"), "{said}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let later = |seconds| Reply::json(429, "{}").header("Retry-After", seconds);
    let server = serving(vec![later("0"), Reply::json(200, RUN)]);
    client(&server).run(&run_id()).await.unwrap();
    let server = serving(vec![later("3600")]);
    client(&server).run(&run_id()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nobody_is_followed_to_another_place() {
    let moved = Reply::text(301, "text/html", "").header("Location", "https://elsewhere/x");
    let server = serving(vec![moved]);
    let error = client(&server).run(&run_id()).await.unwrap_err();
    let said = error.server().unwrap().to_string();
    assert!(said.contains("moved to https://elsewhere/x; the server has moved"), "{said}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_run_whose_creation_was_not_answered_is_looked_up_before_it_is_created_again() {
    let found = format!(r#"{{"runs":[{}]}}"#, &RUN[7..RUN.len() - 1]);
    let server = serving(vec![Reply::Drop, Reply::json(200, found)]);
    let run = client(&server).create_run(&experiment(), NewRun::new("r")).await.unwrap();
    assert_eq!(run.id, run_id());
    let asked = server.requests();
    assert_eq!(asked.iter().filter(|asked| asked.line.ends_with("runs/create")).count(), 1);
    let sent: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    let tags = sent["tags"].as_array().unwrap();
    let tag = tags.iter().find(|tag| tag["key"] == "mlops.request_id").unwrap();
    let filter = format!("tags.`mlops.request_id` = '{}'", tag["value"].as_str().unwrap());
    let search: serde_json::Value = serde_json::from_str(&asked[1].body).unwrap();
    assert_eq!(search["filter"], filter.as_str());

    let (nothing, made) = (Reply::json(200, "{}"), Reply::json(200, RUN));
    let server = serving(vec![Reply::Drop, nothing, made]);
    client(&server).create_run(&experiment(), NewRun::new("r")).await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn pages_are_asked_for_until_there_is_no_token() {
    let page = |name: &str, token: &str| {
        Reply::json(
            200,
            format!(
                r#"{{"experiments":[{{"experiment_id":"{name}"}}],"next_page_token":"{token}"}}"#
            ),
        )
    };
    let server = serving(vec![page("1", "x=="), page("2", "y"), Reply::json(200, "{}")]);
    let all = client(&server).search_experiments(&Filter::all()).all().await.unwrap();
    assert_eq!(all.iter().map(|each| each.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let asked = server.requests();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].body.contains(r#""page_token":"x==""#), "{}", asked[1].body);
    assert_eq!(asked[1].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn an_experiment_that_somebody_else_creates_meanwhile_is_taken() {
    let missing = || Reply::json(404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST"}"#);
    let taken = Reply::json(400, r#"{"error_code":"RESOURCE_ALREADY_EXISTS"}"#);
    let there = |stage: &str| {
        Reply::json(
            200,
            format!(
                r#"{{"experiment":{{"experiment_id":"7","name":"wine","lifecycle_stage":"{stage}"}}}}"#
            ),
        )
    };
    let server = serving(vec![missing(), Reply::Drop, taken, there("active")]);
    assert_eq!(client(&server).experiment("wine").await.unwrap().id, "7");
    let server = serving(vec![there("deleted")]);
    let error = client(&server).experiment("wine").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot get the experiment `wine`, which was deleted: it is there already"
    );
}

#[tokio::test]
async fn versions_stages_and_aliases_are_sent_as_mlflow_wants_them() {
    let version = r#"{"model_version":{"name":"wine","version":"3","creation_timestamp":5,"current_stage":"Production","source":"runs:/a/model","run_id":""}}"#;
    let server = serving(vec![Reply::json(200, version)]);
    let client = client(&server);
    let got = client.transition_stage("wine", 3, Stage::Production, true).await.unwrap();
    let ModelVersion { version, stage, run_id, .. } = &got;
    assert_eq!((*version, *stage, run_id), (3, Stage::Production, &None));
    client.delete_alias("wine", "champion").await.unwrap();
    let error = client.transition_stage("wine", 3, Stage::Archived, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotArchivable);
    let asked = server.requests();
    assert_eq!(
        asked[0].body,
        r#"{"archive_existing_versions":true,"name":"wine","stage":"Production","version":"3"}"#
    );
    assert_eq!(asked[1].line, "DELETE /api/2.0/mlflow/registered-models/alias");
    assert_eq!(asked[1].body, r#"{"alias":"champion","name":"wine"}"#);
    assert_eq!(asked.len(), 2, "what would be an internal error is not asked for");
}

#[test]
fn only_servers_are_tracked_over_http() {
    for uri in ["file:///x", "databricks", "", "mlruns", "ftp://u:secret@h"] {
        let builder = MlflowClient::builder(uri);
        assert!(!format!("{builder:?}").contains("secret"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
