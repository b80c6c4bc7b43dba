#[cfg(feature = "s3")]
use mlops_testing::{MockServer, Reply};

use super::*;
#[cfg(feature = "s3")]
use crate::client::Transfer;
use crate::client::{MlflowClient, Retries};

fn client(options: &[(&str, &str)]) -> MlflowClient {
    let retries = Retries { count: 2, first: Duration::ZERO, longest: Duration::ZERO };
    let builder = MlflowClient::builder("http://127.0.0.1:1").retries(retries);
    let options = options.iter().map(|(name, value)| (*name, *value));
    builder.read_timeout(Duration::from_millis(500)).storage_options(options).build().unwrap()
}

#[cfg(feature = "s3")]
fn at(server: &MockServer) -> MlflowClient {
    client(&[
        ("aws_endpoint", &server.uri()),
        ("aws_access_key_id", "id"),
        ("aws_secret_access_key", "secret"),
    ])
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn what_the_storage_answers_is_told() {
    for (status, kind, n_requests) in [
        (301, ErrorKind::Refused, 1),
        (400, ErrorKind::Refused, 1),
        (401, ErrorKind::Unauthorized, 1),
        (403, ErrorKind::Forbidden, 1),
        (404, ErrorKind::NotFound, 1),
        (503, ErrorKind::Unavailable, 3),
    ] {
        let answer = "<Error><Code>Any</Code></Error>";
        let server = MockServer::start(vec![Reply::text(status, "application/xml", answer)]);
        let server = server.unwrap();
        let artifacts = at(&server).artifact_repository("s3://models/1").unwrap();
        let listed = artifacts.list().await.unwrap_err();
        assert_eq!(listed.kind(), kind, "{status}: {listed:?}");
        assert_eq!(server.requests().len(), n_requests, "{status}");
        assert_eq!(artifacts.read("a").await.unwrap_err().kind(), kind, "{status}");
        assert!(!format!("{artifacts:?} {listed:?}").contains("secret"));
    }
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn nobody_waits_for_a_storage_that_hangs() {
    let server = MockServer::start(vec![Reply::Hang(Duration::from_secs(60))]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "abc").unwrap();
    let artifacts = at(&server).artifact_repository("s3://models/1").unwrap();
    let begun = std::time::Instant::now();
    for outcome in [
        artifacts.list().await.map(drop),
        artifacts.upload(folder.path(), "", &Transfer::default()).await,
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[cfg(feature = "azure")]
#[test]
fn an_account_of_azure_that_is_not_named_gets_nothing() {
    const WINE: &str = "wasbs://models@wine.blob.core.windows.net/1";
    const CHINA: &str = "wasbs://models@wine.blob.core.chinacloudapi.cn/1";
    let key = ("azure_storage_account_key", "c2VjcmV0");
    let token = ("azure_storage_token", "secret");
    let own = ("azure_storage_account_name", "wine");
    let other = ("azure_storage_account_name", "beer");
    let china = ("azure_storage_endpoint", "https://wine.blob.core.chinacloudapi.cn");
    for (options, uri, is_open) in [
        (&[key][..], WINE, true),
        (&[own, token], WINE, true),
        (&[own, token, china], CHINA, true),
        (&[token], WINE, false),
        (&[other, token], WINE, false),
        (&[own, token], CHINA, false),
        (&[], WINE, false),
    ] {
        let opened = client(options).artifact_repository(uri);
        assert_eq!(opened.is_ok(), is_open, "{options:?} {uri}");
        if let Ok(repository) = &opened {
            assert!(!format!("{repository:?}").contains("secret"));
        }
    }
}

#[test]
fn options_matter_where_a_bucket_is_opened() {
    let client = client(&[("aws_regoin", "x"), ("azure_nothing", "x")]);
    client.artifact_repository("mlflow-artifacts:/1").unwrap();
    #[cfg(feature = "s3")]
    client.artifact_repository("s3://models/1").map(drop).unwrap_err();
}
