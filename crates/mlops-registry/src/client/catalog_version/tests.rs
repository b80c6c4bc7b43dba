use std::error::Error as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mlops_testing::{MockRequest, MockServer, Reply};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::client::{Auth, Retries};

/// What the catalog does with the calls that it may fail at.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// Creates without an answer, the first time.
    loses_create: bool,
    /// Finalizes without an answer, and refuses to do it twice.
    loses_finalize: bool,
    /// Does not finalize.
    refuses_finalize: bool,
}

/// Storage that takes files, or does not.
fn storage(status: u16) -> MockServer {
    MockServer::answering(move |request| {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("x-key"), Some("k"));
        Reply::text(status, "text/plain", "")
    })
    .unwrap()
}

/// Unity Catalog, which keeps files itself.
fn catalog(storage: &MockServer, faults: Faults) -> MockServer {
    let storage = storage.uri();
    let (created, finalized) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let tags = std::sync::Mutex::new(Value::Null);
    MockServer::answering(move |request| {
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
        let (method, target) = request.line.split_once(' ').unwrap();
        let route = target.strip_prefix("/api/2.0/").unwrap().split('?').next().unwrap();
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let version = |status| {
            let tags = tags.lock().unwrap().clone();
            json!({"name": "a.b.c", "version": "3", "status": status, "tags": tags})
        };
        let refused = || Reply::json(400, r#"{"error_code": "INVALID_STATE", "message": "no"}"#);
        let answer = match (method, route.trim_start_matches("mlflow/unity-catalog/")) {
            ("POST", "model-versions/create") => {
                assert_eq!(body["name"], "a.b.c");
                *tags.lock().unwrap() = body["tags"].clone();
                for tag in body["tags"].as_array().unwrap() {
                    let key = tag["key"].as_str().unwrap();
                    assert!(!key.contains(['.', ',', '-', '=', '/', ':']), "{key}");
                }
                if created.fetch_add(1, Ordering::Relaxed) == 0 && faults.loses_create {
                    return Reply::Drop;
                }
                json!({"model_version": version("PENDING_REGISTRATION")})
            }
            ("GET", "model-versions/search") => {
                assert!(target.contains("filter=name+%3D+%27a.b.c%27"), "{target}");
                json!({"model_versions": [{"name": "a.b.c", "version": "3"}]})
            }
            ("GET", "model-versions/get") if finalized.load(Ordering::Relaxed) > 0 => {
                json!({"model_version": version("READY")})
            }
            ("GET", "model-versions/get") => {
                json!({"model_version": version("PENDING_REGISTRATION")})
            }
            ("POST", "model-versions/finalize") => {
                assert_eq!(body, json!({"name": "a.b.c", "version": "3"}));
                if faults.refuses_finalize {
                    return refused();
                }
                match finalized.fetch_add(1, Ordering::Relaxed) {
                    0 if faults.loses_finalize => return Reply::Drop,
                    0 => json!({"model_version": version("READY")}),
                    _ => return refused(),
                }
            }
            ("DELETE", "model-versions/delete") => {
                assert_eq!(body, json!({"name": "a.b.c", "version": "3"}));
                json!({})
            }
            ("POST", "model-versions/generate-temporary-credentials") => {
                assert_eq!(body["operation"], "MODEL_VERSION_OPERATION_READ_WRITE");
                json!({"credentials": {"storage_mode": "DEFAULT_STORAGE"}})
            }
            ("POST", "fs/create-upload-url") => {
                let address = format!("{storage}{}?sig=secret", body["path"].as_str().unwrap());
                json!({"url": address, "headers": [{"name": "x-key", "value": "k"}]})
            }
            other => panic!("{other:?}"),
        };
        Reply::json(200, answer.to_string())
    })
    .unwrap()
}

/// A model, with a signature if that is wanted.
fn model(has_signature: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let signature =
        if has_signature { "signature:\n  inputs: '[]'\n  outputs: '[]'\n" } else { "" };
    let text = format!("flavors:\n  python_function:\n    loader_module: wine\n{signature}");
    fs::write(folder.path().join("MLmodel"), text).unwrap();
    fs::write(folder.path().join("weights"), "abc").unwrap();
    folder
}

async fn create(catalog: &MockServer, model: &TempDir) -> Result<ModelVersion, Error> {
    let builder = MlflowClient::builder(&catalog.uri()).unity_catalog().local_artifacts(true);
    let retries = Retries { count: 2, first: Duration::ZERO, longest: Duration::ZERO };
    let builder = builder.auth(Auth::Token("secret".to_owned())).retries(retries);
    let source = model.path().to_str().unwrap();
    builder.build().unwrap().create_model_version("a.b.c", NewModelVersion::new(source)).await
}

/// The last words of the routes that were asked.
fn asked(server: &MockServer) -> Vec<String> {
    let last = |request: &MockRequest| {
        request.line.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    server.requests().iter().map(last).collect()
}

fn n_asked(server: &MockServer, route: &str) -> usize {
    asked(server).iter().filter(|asked| *asked == route).count()
}

#[tokio::test]
async fn a_version_gets_files_of_its_own() {
    let storage = storage(200);
    let catalog = catalog(&storage, Faults::default());
    let version = create(&catalog, &model(true)).await.unwrap();
    assert_eq!((version.name.as_str(), version.version), ("a.b.c", 3));
    let routes = asked(&catalog);
    assert_eq!(routes.first().map(String::as_str), Some("create"));
    assert_eq!(routes.last().map(String::as_str), Some("finalize"));
    let put = storage.requests();
    let put: Vec<_> = put.iter().map(|each| (each.line.as_str(), each.body.len())).collect();
    let at = "PUT /Models/a/b/c/3";
    let model = put.last().unwrap();
    assert_eq!((put.len(), put[0]), (2, (&*format!("{at}/weights?sig=secret"), 3)));
    assert_eq!(model.0, format!("{at}/MLmodel?sig=secret"), "goes last");
}

#[tokio::test]
async fn a_version_whose_files_do_not_arrive_is_deleted() {
    let storage = storage(403);
    let catalog = catalog(&storage, Faults::default());
    let error = create(&catalog, &model(true)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let routes = asked(&catalog);
    assert_eq!(routes.last().map(String::as_str), Some("delete"));
    assert_eq!(n_asked(&catalog, "finalize"), 0);
}

#[tokio::test]
async fn a_version_is_created_once_although_the_answer_was_lost() {
    let storage = storage(200);
    let catalog = catalog(&storage, Faults { loses_create: true, ..Faults::default() });
    assert_eq!(create(&catalog, &model(true)).await.unwrap().version, 3);
    assert_eq!(n_asked(&catalog, "create"), 1);
}

#[tokio::test]
async fn a_version_that_is_ready_is_kept() {
    let storage = storage(200);
    let catalog = catalog(&storage, Faults { loses_finalize: true, ..Faults::default() });
    assert_eq!(create(&catalog, &model(true)).await.unwrap().version, 3);
    assert_eq!((n_asked(&catalog, "finalize"), n_asked(&catalog, "delete")), (2, 0));
}

#[tokio::test]
async fn a_version_that_cannot_be_finalized_is_deleted() {
    let storage = storage(200);
    let catalog = catalog(&storage, Faults { refuses_finalize: true, ..Faults::default() });
    assert_eq!(create(&catalog, &model(true)).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(n_asked(&catalog, "delete"), 1);
}

#[tokio::test]
async fn a_model_without_signature_does_not_get_that_far() {
    let storage = storage(200);
    let catalog = catalog(&storage, Faults::default());
    let error = create(&catalog, &model(false)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Model);
    assert!(error.to_string().contains("`a.b.c` from"), "{error}");
    assert!(error.source().unwrap().to_string().contains("inputs and outputs"));
    assert_eq!(catalog.requests(), []);
}
