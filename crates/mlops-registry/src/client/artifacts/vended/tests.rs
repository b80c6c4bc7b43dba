use std::fs;
#[cfg(any(feature = "s3", feature = "azure"))]
use std::time::{Duration, SystemTime};

use mlops_testing::{MockServer, Reply};
use serde_json::{Value, json};

use super::*;
use crate::client::{Auth, MlflowClientBuilder, Transfer};

/// Unity Catalog with a version whose files are at `location`, which lends `credentials` for it.
fn catalog(location: &'static str, credentials: Value) -> MockServer {
    MockServer::answering(move |request| {
        let (_, target) = request.line.split_once(' ').unwrap();
        assert_eq!(request.header("authorization"), Some("Bearer workspace"), "{target}");
        let target = target.split('?').next().unwrap();
        let route = target.strip_prefix("/api/2.0/mlflow/unity-catalog/model-versions/");
        let answer = match route.unwrap() {
            "get" => json!({"model_version": {"name": "a.b.c", "version": "3"}}),
            "get-download-uri" => json!({"artifact_uri": location}),
            "generate-temporary-credentials" => {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                let operation = "MODEL_VERSION_OPERATION_READ";
                assert_eq!(body, json!({"name": "a.b.c", "version": "3", "operation": operation}));
                json!({"credentials": credentials})
            }
            other => panic!("{other}"),
        };
        Reply::json(200, answer.to_string())
    })
    .unwrap()
}

/// Who tracks runs elsewhere.
fn builder(catalog: &MockServer) -> MlflowClientBuilder {
    let registry = MlflowClient::builder(&catalog.uri()).unity_catalog();
    let registry = registry.auth(Auth::Token("workspace".to_owned()));
    MlflowClient::builder("http://127.0.0.1:1").local_artifacts(true).registry(registry)
}

/// Copies version 3, and reads one of its files.
async fn download(client: &MlflowClient) -> Result<String, Error> {
    let model = client.resolve(&"models:/a.b.c/3".parse().unwrap()).await?;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("model");
    let artifacts = client.artifacts_of(&model)?;
    assert_eq!(artifacts.uri(), "models:/a.b.c/3");
    artifacts.download("", &at, &Transfer::default()).await?;
    Ok(fs::read_to_string(at.join("data/a b")).unwrap())
}

/// How often the catalog was asked for credentials.
#[cfg(any(feature = "s3", feature = "azure"))]
fn n_lent(catalog: &MockServer) -> usize {
    let requests = catalog.requests();
    requests.iter().filter(|request| request.line.contains("temporary-credentials")).count()
}

/// S3 or Azure with one file, `1/data/a b` of the bucket `models`.
#[cfg(any(feature = "s3", feature = "azure"))]
fn bucket() -> MockServer {
    const S3: &str = "<ListBucketResult><Contents><Key>1/data/a b</Key><Size>3</Size>\
        <LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>1</ETag></Contents></ListBucketResult>";
    const AZURE: &str = "<EnumerationResults><Blobs><Blob><Name>1/data/a b</Name><Properties>\
        <Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified><Etag>1</Etag>\
        <Content-Length>3</Content-Length><Content-Type/></Properties></Blob></Blobs><NextMarker/></EnumerationResults>";
    MockServer::answering(|request| {
        let (path, query) = request.line.split_once('?').unwrap_or((&request.line, ""));
        match path {
            "GET /models" if query.contains("list-type=2") => {
                Reply::text(200, "application/xml", S3)
            }
            "GET /models" if query.contains("comp=list") => {
                Reply::text(200, "application/xml", AZURE)
            }
            "GET /models/1/data/a%20b" => Reply::text(200, "text/plain", "abc")
                .header("etag", "1")
                .header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
            other => panic!("{other}"),
        }
    })
    .unwrap()
}

#[cfg(feature = "s3")]
fn lent_for_s3(expires: u64) -> Value {
    json!({
        "aws_temp_credentials":
            {"access_key_id": "lent", "secret_access_key": "secret", "session_token": "session"},
        "expiration_time": expires,
        "storage_mode": "CUSTOMER_HOSTED",
    })
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn s3_is_read_by_credentials_that_were_lent() {
    let (catalog, bucket) = (catalog("s3://models/1", lent_for_s3(4_102_444_800_000)), bucket());
    let own = [("aws_access_key_id", "own"), ("aws_secret_access_key", "own")];
    let client = builder(&catalog).storage_options(own);
    let client = client.storage_options([("aws_endpoint", bucket.uri())]).build().unwrap();
    assert_eq!(download(&client).await.unwrap(), "abc");
    assert_eq!(n_lent(&catalog), 1);
    assert!(bucket.requests().len() >= 2);
    for request in bucket.requests() {
        assert_eq!(request.header("x-amz-security-token"), Some("session"));
        let authorization = request.header("authorization").unwrap();
        assert!(authorization.contains("Credential=lent/"), "{authorization}");
    }
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn azure_is_read_by_a_signature_that_was_lent() {
    let lent = json!({
        "azure_user_delegation_sas": {"sas_token": "sv=1&sig=lent"},
        "expiration_time": "4102444800000",
    });
    let location = "abfss://models@wine.dfs.core.windows.net/1";
    let (catalog, bucket) = (catalog(location, lent), bucket());
    let own = [("azure_storage_account_name", "wine"), ("azure_storage_account_key", "b3du")];
    let client = builder(&catalog).storage_options(own);
    let client = client.storage_options([("azure_storage_endpoint", bucket.uri())]);
    assert_eq!(download(&client.build().unwrap()).await.unwrap(), "abc");
    assert_eq!(n_lent(&catalog), 1);
    assert!(bucket.requests().len() >= 2);
    for request in bucket.requests() {
        assert!(request.line.contains("sig=lent"), "{}", request.line);
        assert_eq!(request.header("authorization"), None);
    }
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn a_signature_is_not_sent_to_the_address_of_another_account() {
    let lent = json!({"azure_user_delegation_sas": {"sas_token": "sv=1&sig=lent"}});
    let location = "abfss://models@wine.dfs.core.usgovcloudapi.net/1";
    for own in [&[][..], &[("azure_storage_account_name", "beer")]] {
        let (catalog, bucket) = (catalog(location, lent.clone()), bucket());
        let client = builder(&catalog).storage_options(own.iter().copied());
        let client = client.storage_options([("azure_storage_endpoint", bucket.uri())]);
        let error = download(&client.build().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setting, "{error}");
        assert_eq!(bucket.requests(), []);
    }
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn credentials_are_asked_for_again_before_they_expire() {
    let soon = SystemTime::now() + Duration::from_secs(30);
    let soon = soon.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let (catalog, bucket) =
        (catalog("s3://models/1", lent_for_s3(soon.try_into().unwrap())), bucket());
    let client = builder(&catalog).storage_options([("aws_endpoint", bucket.uri())]);
    download(&client.build().unwrap()).await.unwrap();
    assert!(n_lent(&catalog) > bucket.requests().len(), "each request asks");
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn what_is_lent_for_another_kind_of_storage_is_not_used() {
    let lent = json!({"azure_user_delegation_sas": {"sas_token": "sig=lent"}});
    let catalog = catalog("s3://models/1", lent);
    let own = [("aws_access_key_id", "own"), ("aws_secret_access_key", "own")];
    let client = builder(&catalog).storage_options(own).build().unwrap();
    let error = download(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(!format!("{error:?}").contains("sig=lent"));
}

#[tokio::test]
async fn places_that_take_no_such_credentials_are_named() {
    let lent = json!({"gcp_oauth_token": {"oauth_token": "secret"}});
    for location in ["gs://models/1", "/tmp/models", "mlflow-artifacts:/1"] {
        let catalog = catalog(location, lent.clone());
        let error = download(&builder(&catalog).build().unwrap()).await.unwrap_err();
        assert!(error.is_unsupported(), "{error}");
        assert!(error.to_string().contains(location), "{error}");
    }
}

/// The catalog, which keeps the files itself; its folders have two pages.
fn filesystem(storage: String) -> MockServer {
    MockServer::answering(move |request| {
        let (_, target) = request.line.split_once(' ').unwrap();
        assert_eq!(request.header("authorization"), Some("Bearer workspace"), "{target}");
        let target = target.strip_prefix("/api/2.0/").unwrap();
        let (route, query) = target.split_once('?').unwrap_or((target, ""));
        let entry = |path: &str, is_directory: bool| {
            let slash = if is_directory { "/" } else { "" };
            json!({"path": format!("/Models/a/b/c/3/{path}{slash}"), "file_size": 3,
                "is_directory": is_directory})
        };
        let answer = match route.trim_start_matches("mlflow/unity-catalog/model-versions/") {
            "get" => json!({"model_version": {"name": "a.b.c", "version": "3"}}),
            "get-download-uri" => json!({}),
            "generate-temporary-credentials" => {
                json!({"credentials": {"storage_mode": "DEFAULT_STORAGE"}})
            }
            "fs/directories/Models/a/b/c/3" if query.is_empty() => {
                json!({"contents": [entry("MLmodel", false)], "next_page_token": "more"})
            }
            "fs/directories/Models/a/b/c/3" => {
                assert_eq!(query, "page_token=more");
                json!({"contents": [entry("data", true)]})
            }
            "fs/directories/Models/a/b/c/3/data" => json!({"contents": [entry("data/a b", false)]}),
            "fs/create-download-url" => {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                let path = body["path"].as_str().unwrap().replace(' ', "%20");
                json!({"url": format!("{storage}{path}?sig=secret"),
                    "headers": [{"name": "x-key", "value": "k"}]})
            }
            _ => return Reply::json(404, r#"{"error_code": "NOT_FOUND", "message": "none"}"#),
        };
        Reply::json(200, answer.to_string())
    })
    .unwrap()
}

#[tokio::test]
async fn files_that_the_catalog_keeps_come_by_signed_addresses() {
    let storage = MockServer::start(vec![Reply::text(200, "text/plain", "abc")]).unwrap();
    let catalog = filesystem(storage.uri());
    let client = builder(&catalog).build().unwrap();
    assert_eq!(download(&client).await.unwrap(), "abc");
    let mut lines: Vec<_> = storage
        .requests()
        .iter()
        .map(|request| {
            assert_eq!(request.header("x-key"), Some("k"));
            assert_eq!(request.header("authorization"), None);
            request.line.clone()
        })
        .collect();
    lines.sort();
    let file = |path: &str| format!("GET /Models/a/b/c/3/{path}?sig=secret");
    assert_eq!(lines, [file("MLmodel"), file("data/a%20b")]);
    // A folder that is not there has nothing in it.
    let model = client.resolve(&"models:/a.b.c/3".parse().unwrap()).await.unwrap();
    let artifacts = client.artifacts_of(&model).unwrap();
    assert_eq!(artifacts.list_below("elsewhere").await.unwrap(), []);
}
