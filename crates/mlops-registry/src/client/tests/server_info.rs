use super::*;

const INFO: &str = r#"{"store_type":"SqlStore","workspaces_enabled":false,"multipart_uploads_enabled":true,"features_enabled":{"gateway":true}}"#;

fn version(text: &str) -> Reply {
    Reply::text(200, "text/plain", text)
}

#[tokio::test]
async fn a_server_that_says_what_it_has_is_asked_once() {
    let server = serving(vec![Reply::json(200, INFO), version("3.17.2")]);
    let client = client(&server);
    let info = client.server_info().await.unwrap();
    assert_eq!(
        (info.version.as_deref(), info.store_type.as_deref()),
        (Some("3.17.2"), Some("SqlStore"))
    );
    assert!(info.has_logged_models && info.has_multipart_uploads && !info.has_multipart_downloads);
    assert_eq!(client.clone().server_info().await.unwrap(), info);
    let asked = server.requests();
    let lines: Vec<_> = asked.iter().map(|it| it.line.as_str()).collect();
    assert_eq!(lines, ["GET /api/3.0/mlflow/server-info", "GET /version"]);
}

#[tokio::test]
async fn a_server_that_does_not_say_is_asked_for_a_logged_model() {
    // MLflow 3 before it said what it has.
    let server = serving(vec![no_route(), Reply::json(404, MISSING), version("3.1.0\n")]);
    let info = client(&server).server_info().await.unwrap().clone();
    assert_eq!((info.version.as_deref(), info.has_logged_models), (Some("3.1.0"), true));
    // MLflow 2.
    let server = serving(vec![no_route(), no_route(), version("2.22.2")]);
    let info = client(&server).server_info().await.unwrap().clone();
    assert_eq!((info.version.as_deref(), info.has_logged_models), (Some("2.22.2"), false));
    // Whoever stands before it lets nothing else through.
    for reply in [no_route(), version("<!doctype html>"), Reply::text(403, "text/plain", "no")] {
        let server = serving(vec![no_route(), no_route(), reply]);
        let info = client(&server).server_info().await.unwrap().clone();
        assert_eq!(info, ServerInfo::default());
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_asked_again() {
    let busy = || Reply::text(503, "text/html", "<h1>busy</h1>");
    let replies = vec![busy(), busy(), busy(), busy(), Reply::json(200, INFO), version("3.17.2")];
    let server = serving(replies);
    let client = client(&server);
    let error = client.server_info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(client.server_info().await.unwrap().has_logged_models);
}
