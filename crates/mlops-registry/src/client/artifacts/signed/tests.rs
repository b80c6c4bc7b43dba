use std::fs;

use mlops_testing::{MockRequest, MockServer, Reply};
use serde_json::Value;

use super::*;
use crate::client::{Auth, MlflowClient, Transfer};

const RUN: &str = "dbfs:/databricks/mlflow-tracking/1/0a/artifacts";
const MODEL: &str = "dbfs:/databricks/mlflow-tracking/1/logged_models/m-1";

/// The storage of the cloud, which has one file.
fn cloud() -> MockServer {
    MockServer::answering(|request| match request.line.split_once(' ') {
        Some(("GET", _)) => Reply::text(200, "text/plain", "abc").header("etag", "\"1\""),
        _ => Reply::text(201, "text/plain", ""),
    })
    .unwrap()
}

/// A workspace that signs addresses of `cloud` in the form of `kind`.
fn workspace(cloud: &str, kind: &'static str) -> MockServer {
    let cloud = cloud.to_owned();
    MockServer::answering(move |request| {
        let (_, target) = request.line.split_once(' ').unwrap();
        let signed = |path: &str| {
            json!({"signed_uri": format!("{cloud}/{path}?sig=secret"), "type": kind,
                "headers": [{"name": "x-key", "value": "k"}]})
        };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let answer = match target.split(['?']).next().unwrap().rsplit('/').next().unwrap() {
            "list" | "directories" | "list-artifacts" => list(target),
            "credentials-for-read" | "credentials-for-write" => {
                assert_eq!(body["run_id"], "0a");
                json!({"credential_infos": [signed(body["path"][0].as_str().unwrap())]})
            }
            "credentials-for-download" | "credentials-for-upload" => {
                let info = signed(body["paths"][0].as_str().unwrap());
                json!({"credentials": [{"credential_info": info}]})
            }
            "get-signed-download-uri" => signed("version"),
            other => panic!("{other}"),
        };
        Reply::json(200, answer.to_string())
    })
    .unwrap()
}

/// Paths count from the root of the owner, and there is a second page.
fn list(target: &str) -> Value {
    let is_second = target.contains("page_token=more");
    if target.contains("model%2Fdata") {
        return json!({"files": [{"path": "model/data/b", "is_dir": false, "file_size": 3}]});
    }
    if is_second {
        return json!({"files": [{"path": "model/data", "is_dir": true}]});
    }
    let file = json!({"path": "model/a", "is_dir": false, "file_size": "3"});
    json!({"files": [file], "next_page_token": "more"})
}

fn client(server: &MockServer) -> MlflowClient {
    MlflowClient::builder(&server.uri()).auth(Auth::Token("secret".to_owned())).build().unwrap()
}

/// What the cloud was asked, and with which bodies.
fn asked(cloud: &MockServer) -> Vec<(String, String)> {
    let of = |request: &MockRequest| {
        assert_eq!(request.header("authorization"), None, "{}", request.line);
        assert_eq!(request.header("x-key"), Some("k"), "{}", request.line);
        (request.line.clone(), request.body.clone())
    };
    let mut asked: Vec<_> = cloud.requests().iter().map(of).collect();
    asked.sort();
    asked
}

#[tokio::test]
async fn files_of_runs_and_models_come_by_signed_addresses() {
    for location in [RUN, MODEL] {
        let cloud = cloud();
        let server = workspace(&cloud.uri(), "AWS_PRESIGNED_URL");
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("model");
        let uri = format!("{location}/model");
        let artifacts = client(&server).artifact_repository(&uri).unwrap();
        artifacts.download("", &at, &Transfer::default()).await.unwrap();
        assert_eq!(fs::read_to_string(at.join("a")).unwrap(), "abc");
        assert_eq!(fs::read_to_string(at.join("data/b")).unwrap(), "abc");
        let lines: Vec<_> = asked(&cloud).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, ["GET /model/a?sig=secret", "GET /model/data/b?sig=secret"]);
    }
}

#[tokio::test]
async fn each_cloud_is_sent_files_in_its_way() {
    for (kind, expected) in [
        ("AWS_PRESIGNED_URL", &[("PUT /model/a?sig=secret", "abc")][..]),
        ("GCP_SIGNED_URL", &[("PUT /model/a?sig=secret", "abc")]),
        ("AZURE_SAS_URI", &[("PUT /model/a?sig=secret", "abc")]),
        (
            "AZURE_ADLS_GEN2_SAS_URI",
            &[
                ("PATCH /model/a?sig=secret&action=append&position=0", "abc"),
                ("PATCH /model/a?sig=secret&action=flush&position=3", ""),
                ("PUT /model/a?sig=secret&resource=file", ""),
            ],
        ),
    ] {
        let cloud = cloud();
        let server = workspace(&cloud.uri(), kind);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "abc").unwrap();
        let artifacts = client(&server).artifact_repository(RUN).unwrap();
        let source = folder.path().join("a");
        artifacts.upload(&source, "model/a", &Transfer::default()).await.unwrap();
        let asked = asked(&cloud);
        let asked: Vec<_> =
            asked.iter().map(|(line, body)| (line.as_str(), body.as_str())).collect();
        assert_eq!(asked, expected, "{kind}");
        let is_block = cloud.requests().iter().any(|it| it.header("x-ms-blob-type").is_some());
        assert_eq!(is_block, kind == "AZURE_SAS_URI");
    }
}

#[tokio::test]
async fn a_file_that_the_storage_does_not_have_is_not_there() {
    let cloud = MockServer::start(vec![Reply::text(404, "application/xml", "<Error/>")]).unwrap();
    let server = workspace(&cloud.uri(), "AWS_PRESIGNED_URL");
    let artifacts = client(&server).artifact_repository(RUN).unwrap();
    assert!(artifacts.read("model/a").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_address_that_anybody_can_read_along_is_refused() {
    let server = workspace("http://storage.example.com", "AWS_PRESIGNED_URL");
    let artifacts = client(&server).artifact_repository(RUN).unwrap();
    let error = artifacts.read("model/a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!format!("{error:?}").contains("sig=secret"), "{error:?}");
}

#[tokio::test]
async fn files_of_a_version_can_be_read_only() {
    let cloud = cloud();
    let server = workspace(&cloud.uri(), "AZURE_SAS_URI");
    let owner = Owner::Version { name: "wine".to_owned(), version: 3 };
    let transport = Arc::clone(&client(&server).transport);
    let store = Signed::new(transport, owner, String::new()).unwrap();
    assert_eq!(store.list("").await.unwrap().len(), 2);
    store.read("model/a", None).await.map(drop).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = store.write("a", folder.path(), Arc::new(|_| {})).await.unwrap_err();
    assert!(error.is_unsupported());
    let lines: Vec<_> = server.requests().into_iter().map(|request| request.line).collect();
    assert!(
        lines[0].ends_with("model-versions/list-artifacts?name=wine&version=3&path="),
        "{lines:?}"
    );
}
