use super::*;

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
    for reply in [Reply::cut(RUN), Reply::Hang(Duration::from_secs(60))] {
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

#[test]
fn only_servers_are_tracked_over_http() {
    for uri in ["file:///x", "databricks", "", "mlruns", "ftp://u:secret@h"] {
        let builder = MlflowClient::builder(uri);
        assert!(!format!("{builder:?}").contains("secret"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
