use std::sync::{Arc, Mutex};

use mlops_core::{ModelDir, ModelDirWriter, ModelError, SaveModel};

use super::*;

struct Constant;

impl SaveModel for Constant {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file("constant.bin", b"0.2")?;
        dir.flavor("constant", json!({"data": "constant.bin"}));
        Ok(())
    }
}

const LOGGED: &str = r#"{"model":{"info":{"model_id":"m-0123456789abcdef0123456789abcdef","experiment_id":"1","name":"wine","status":"LOGGED_MODEL_PENDING","artifact_uri":"mlflow-artifacts:/1/models/m/artifacts"},"data":{}}}"#;
const VERSION: &str =
    r#"{"model_version":{"name":"wine","version":"1","current_stage":"None","source":"s"}}"#;
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A server that takes files.
fn taken() -> Reply {
    Reply::json(200, "")
}

/// A server that has logged models or not, and does so with the file `constant.bin`.
fn mlflow(has_logged_models: bool, does: Reply) -> MockServer {
    let files: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
    let answer = move |request: &MockRequest| {
        let (method, target) = request.line.split_once(' ').unwrap();
        if let Some(path) = target.strip_prefix(ARTIFACTS) {
            let mut files = files.lock().unwrap();
            if method == "GET" {
                let listed = files
                    .iter()
                    .map(|(name, size)| json!({"path": name, "is_dir": false, "file_size": size}));
                return Reply::json(200, json!({"files": listed.collect::<Vec<_>>()}).to_string());
            }
            files.push((path.rsplit('/').next().unwrap().to_owned(), request.body.len()));
            return if path.ends_with("constant.bin") { does.clone() } else { taken() };
        }
        match target.split('?').next().unwrap().rsplit('/').next().unwrap() {
            "get" => Reply::json(200, RUN),
            "server-info" if has_logged_models => Reply::json(200, r#"{"store_type":"SqlStore"}"#),
            "version" => Reply::text(200, "text/plain", "2.22.2"),
            "outputs" | "log-model" => Reply::json(200, "{}"),
            "create" if target.contains("registered-models") => Reply::json(200, "{}"),
            "create" => Reply::json(200, VERSION),
            _ if target.contains("logged-models") && has_logged_models => Reply::json(200, LOGGED),
            _ => no_route(),
        }
    };
    MockServer::answering(answer).unwrap()
}

async fn publish(server: &MockServer) -> Result<Published, Error> {
    let folder = tempfile::tempdir().unwrap();
    let dir = ModelDir::create(folder.path().join("model"), &Constant).unwrap();
    let publication = Publication::new(run_id(), "wine").registered_name("wine");
    client(server).publish(&dir, &publication, &Transfer::default()).await
}

/// Method and last part of the address of what changes something.
fn changes(server: &MockServer) -> Vec<String> {
    let requests = server.requests();
    let changes = requests.iter().filter(|request| !request.line.starts_with("GET"));
    let short = |request: &MockRequest| {
        let (method, target) = request.line.split_once(' ').unwrap();
        format!("{method} {}", target.rsplit('/').next().unwrap())
    };
    changes.map(short).collect()
}

#[tokio::test]
async fn a_logged_model_is_ready_when_all_of_it_is_there() {
    let server = mlflow(true, taken());
    let published = publish(&server).await.unwrap();
    assert_eq!(published.model_id, Some(model_id()));
    assert_eq!(published.version.unwrap().version, 1);
    let mut changes = changes(&server);
    // Files go at once, in any order, but for the last.
    changes[1..3].sort();
    let id = model_id();
    assert_eq!(
        changes,
        [
            "POST logged-models",
            "PUT SHA256SUMS",
            "PUT constant.bin",
            "PUT MLmodel",
            "POST outputs",
            &format!("PATCH {id}"),
            "POST create",
            "POST create"
        ]
    );
    let requests = server.requests();
    let sent = |end: &str| requests.iter().find(|request| request.line.ends_with(end)).unwrap();
    assert!(
        sent("MLmodel").body.contains(&format!("model_id: '{id}'")),
        "{}",
        sent("MLmodel").body
    );
    assert_eq!(body(sent(id.as_str()))["status"], "LOGGED_MODEL_READY");
    let version = body(sent("model-versions/create"));
    assert_eq!(
        (&version["source"], &version["model_id"]),
        (&json!(format!("models:/{id}")), &json!(id.as_str()))
    );
}

#[tokio::test]
async fn a_logged_model_that_does_not_arrive_is_marked_and_not_registered() {
    let server = mlflow(true, Reply::json(403, "{}"));
    assert_eq!(publish(&server).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let changes = changes(&server);
    assert!(
        !changes.iter().any(|change| change == "PUT MLmodel" || change == "POST create"),
        "{changes:?}"
    );
    let requests = server.requests();
    let last = requests.iter().rfind(|request| request.line.starts_with("PATCH")).unwrap();
    assert_eq!(body(last)["status"], "LOGGED_MODEL_UPLOAD_FAILED");
}

/// As if the program had died: nothing comes after what has come.
#[tokio::test]
async fn what_dies_in_mid_upload_leaves_no_model() {
    for has_logged_models in [true, false] {
        let server = mlflow(has_logged_models, Reply::Hang(Duration::from_secs(60)));
        let dying = tokio::time::timeout(Duration::from_millis(250), publish(&server)).await;
        dying.unwrap_err();
        let changes = changes(&server);
        assert!(changes.iter().any(|change| change == "PUT constant.bin"), "{changes:?}");
        // Without its description it is no model, and no version leads to it.
        let of_a_model = ["PUT MLmodel", "POST log-model", "POST create"];
        assert!(!changes.iter().any(|change| of_a_model.contains(&&**change)), "{changes:?}");
        assert!(!changes.iter().any(|change| change.starts_with("PATCH")), "{changes:?}");
    }
}

#[tokio::test]
async fn before_mlflow_3_a_model_is_an_artifact_of_its_run() {
    let server = mlflow(false, taken());
    let published = publish(&server).await.unwrap();
    assert_eq!(
        (published.model_id, published.artifact_uri.as_str()),
        (None, "mlflow-artifacts:/1/a/wine")
    );
    let changes = changes(&server);
    assert_eq!(changes[2..], ["PUT MLmodel", "POST log-model", "POST create", "POST create"]);
    let requests = server.requests();
    let logged = requests.iter().find(|request| request.line.ends_with("log-model")).unwrap();
    let description: Value =
        serde_json::from_str(body(logged)["model_json"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&description["artifact_path"], &description["run_id"]),
        (&json!("wine"), &json!(run_id().as_str()))
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused_before_anything_is_sent() {
    let server = mlflow(true, taken());
    let folder = tempfile::tempdir().unwrap();
    let dir = ModelDir::create(folder.path().join("model"), &Constant).unwrap();
    let publication = Publication::new(run_id(), "../wine");
    let outcome = client(&server).publish(&dir, &publication, &Transfer::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidName);
    assert_eq!(server.requests().len(), 0);
}
