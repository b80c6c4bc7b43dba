use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::{fs, thread};

use mlops_testing::{MockServer, Reply};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::Filter;
use crate::Stage;

const MODEL: &str = r#"{"registered_model":{"name":"a.b.c","aliases":[{"alias":"champion","version":"3"}],"creation_timestamp":"5"}}"#;
const VERSION: &str = r#"{"model_version":{"name":"a.b.c","version":"3","creation_timestamp":"5","source":"dbfs:/x","storage_location":"s3://x","aliases":[{"alias":"champion","version":"3"}],"run_experiment_id":"1","status":"READY"}}"#;

/// Unity Catalog, as MLflow's client speaks to it.
fn catalog() -> MockServer {
    let server = MockServer::answering(|asked| {
        let (method, path) = asked.line.split_once(' ').unwrap();
        let route = path.strip_prefix("/api/2.0/mlflow/unity-catalog/").unwrap_or("elsewhere");
        match (method, route.split('?').next().unwrap()) {
            ("GET", "registered-models/get") | ("POST", "registered-models/create") => {
                Reply::json(200, MODEL)
            }
            ("GET", "registered-models/search") => {
                Reply::json(200, r#"{"registered_models":[{"name":"a.b.c"}]}"#)
            }
            ("GET", "model-versions/get" | "registered-models/alias") => Reply::json(200, VERSION),
            ("POST" | "DELETE", "registered-models/alias") => Reply::json(200, ""),
            ("POST", "model-versions/set-tag") => Reply::text(200, "text/plain", "200 OK"),
            ("GET", "model-versions/get-download-uri") => {
                Reply::json(200, r#"{"artifact_uri":"s3://x"}"#)
            }
            _ => Reply::json(404, r#"{"error_code":"ENDPOINT_NOT_FOUND","message":"none"}"#),
        }
    });
    server.unwrap()
}

#[tokio::test]
async fn unity_catalog_has_models_of_three_parts_and_aliases() {
    let server = catalog();
    let builder = MlflowClient::builder(&server.uri()).unity_catalog();
    let client = builder.databricks_workspace("7").build().unwrap();
    client.register("a.b.c").await.unwrap();
    assert_eq!(client.registered_model("a.b.c").await.unwrap().aliases["champion"], 3);
    client.set_alias("a.b.c", "champion", 3).await.unwrap();
    let found = client.model_version_by_alias("a.b.c", "champion").await.unwrap();
    assert_eq!(
        (found.version, found.stage, found.aliases),
        (3, Stage::None, vec!["champion".to_owned()])
    );
    assert_eq!(found.storage_location.as_deref(), Some("s3://x"));
    assert_eq!(client.model_version("a.b.c", 3).await.unwrap().creation_timestamp, 5);
    assert_eq!(client.download_uri("a.b.c", 3).await.unwrap(), "s3://x");
    client.set_model_version_tag("a.b.c", 3, "checked", "yes").await.unwrap();
    client.delete_alias("a.b.c", "champion").await.unwrap();
    let models = client.search_registered_models(&Filter::all()).all().await.unwrap();
    assert_eq!(models[0].name, "a.b.c");
    for asked in server.requests() {
        assert!(asked.line.contains(" /api/2.0/mlflow/unity-catalog/"), "{asked:?}");
        assert_eq!(asked.header("x-databricks-org-id"), Some("7"));
    }
}

#[tokio::test]
async fn unity_catalog_is_not_asked_about_stages_and_short_names() {
    let server = catalog();
    let client = MlflowClient::builder(&server.uri()).unity_catalog().build().unwrap();
    let moved = client.transition_stage("a.b.c", 3, Stage::Production, true).await.unwrap_err();
    let latest = client.latest_versions("a.b.c").await.unwrap_err();
    for error in [moved, latest] {
        assert!(error.is_unsupported(), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "Unity Catalog has no stages: let aliases point to versions instead");
    }
    let error = client.registered_model("wine").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn the_registry_may_be_another_server_with_its_own_words() {
    let (tracking, registry) = (catalog(), catalog());
    let auth = |token: &str| Auth::Token(token.to_owned());
    let builder = MlflowClient::builder(&tracking.uri()).auth(auth("tracking")).workspace("team");
    let there = MlflowClient::builder(&registry.uri()).auth(auth("registry"));
    let client = builder.registry(there.unity_catalog()).build().unwrap();
    client.registered_model("a.b.c").await.unwrap();
    client.experiment_by_name("wine").await.unwrap_err();
    let [asked] = &registry.requests()[..] else { panic!("{:?}", registry.requests()) };
    assert_eq!(asked.header("authorization"), Some("Bearer registry"));
    assert_eq!(asked.header("x-mlflow-workspace"), None);
    let [asked] = &tracking.requests()[..] else { panic!("{:?}", tracking.requests()) };
    assert_eq!(asked.header("authorization"), Some("Bearer tracking"));
    assert_eq!(asked.header("x-mlflow-workspace"), Some("team"));
    assert!(asked.line.starts_with("GET /api/2.0/mlflow/experiments/get-by-name"), "{asked:?}");
}

#[tokio::test]
async fn headers_say_what_was_wished_and_no_more() {
    let server = MockServer::start(vec![Reply::json(200, "{}")]).unwrap();
    let client = MlflowClient::builder(&server.uri()).host_header("mlflow.example:5000");
    client.build().unwrap().delete_alias("m", "a").await.unwrap();
    let plain = server.uri().replace("http://", "http://me:p%40ss@");
    MlflowClient::new(&plain).unwrap().delete_alias("m", "a").await.unwrap();
    let asked = server.requests();
    assert_eq!(asked[0].header("host"), Some("mlflow.example:5000"));
    assert_eq!(asked[1].header("host"), server.uri().strip_prefix("http://"));
    for name in ["x-mlflow-workspace", "x-databricks-org-id"] {
        assert_eq!(asked[0].header(name), None);
    }
    // me:p@ss
    assert_eq!(asked[1].header("authorization"), Some("Basic bWU6cEBzcw=="));
}

/// `localhost`'s certificate or its key.
fn pem(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mlops-serve/tests/data");
    fs::read(folder.join(name)).unwrap()
}

/// A server that takes those alone whose certificate is `localhost`'s too; its address.
fn tls_server() -> String {
    let (certificate, key) = (pem("localhost.pem"), pem("localhost.key.pem"));
    let chain = vec![CertificateDer::from_pem_slice(&certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // Who is refused ends the handshake.
            if stream.read(&mut [0; 4096]).is_ok() {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.flush());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn certificates_are_shown_and_believed_as_wished() {
    let uri = tls_server();
    let identity = [pem("localhost.pem"), pem("localhost.key.pem")].concat();
    let builder = || MlflowClient::builder(&uri).retries(Retries::NONE);
    let known = || builder().client_certificate(identity.clone());
    let ask = async |builder: MlflowClientBuilder| {
        builder.build().unwrap().delete_alias("m", "a").await.map_err(|error| error.kind())
    };
    assert_eq!(ask(known().certificate_authorities(pem("localhost.pem"))).await, Ok(()));
    assert_eq!(ask(known().danger_accept_invalid_certificates()).await, Ok(()));
    assert_eq!(ask(known()).await, Err(ErrorKind::Unavailable));
    let unknown = builder().certificate_authorities(pem("localhost.pem"));
    assert_eq!(ask(unknown).await, Err(ErrorKind::Unavailable));
}

#[test]
fn certificates_that_cannot_be_used_are_refused() {
    let builder = || MlflowClient::builder("https://h");
    let (certificate, key) = (pem("localhost.pem"), pem("localhost.key.pem"));
    for (builder, says) in [
        (builder().certificate_authorities("secret"), "certificates in PEM form"),
        (builder().certificate_authorities(key.clone()), "certificates in PEM form"),
        (builder().client_certificate("secret"), "certificates and a key in PEM form"),
        (builder().client_certificate(certificate.clone()), "certificates and a key in PEM form"),
        (builder().client_certificate(key), "certificates in PEM form"),
        (
            builder().certificate_authorities(certificate).danger_accept_invalid_certificates(),
            "cannot be used together with the acceptance of invalid certificates",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setting);
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(says) && !format!("{error:?}").contains("secret"), "{cause}");
    }
}
