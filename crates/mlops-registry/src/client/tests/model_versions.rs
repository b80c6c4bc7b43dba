use super::*;

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

const VERSION: &str = r#"{"model_version":{"name":"wine","version":"3","creation_timestamp":5,"current_stage":"None","source":"models:/m-0123456789abcdef0123456789abcdef","run_id":"","status":"READY","aliases":["old","champion"]}}"#;

/// The version as searches have it.
fn found() -> String {
    format!(r#"{{"model_versions":[{}]}}"#, &VERSION[17..VERSION.len() - 1])
}

#[tokio::test]
async fn a_version_is_created_with_all_that_is_known_of_it() {
    let server = serving(vec![Reply::json(200, VERSION)]);
    let client = client(&server);
    let version = NewModelVersion::of_logged_model(model_id()).run_id(run_id());
    let version = version.description("the first").tag("team", "ml");
    let made = client.create_model_version("wine", version).await.unwrap();
    assert_eq!(
        (made.version, made.run_id, made.aliases),
        (3, None, vec!["champion".to_owned(), "old".to_owned()])
    );
    let mut sent = body(&server.requests()[0]);
    let tags = sent["tags"].take();
    let expected = json!({
        "name": "wine", "source": format!("models:/{}", model_id()), "model_id": model_id().as_str(),
        "run_id": run_id().as_str(), "description": "the first", "tags": null,
    });
    assert_eq!(sent, expected);
    assert_eq!(tags.as_array().unwrap().len(), 2);
    assert_eq!(tags[1], json!({"key": "team", "value": "ml"}));
}

#[tokio::test]
async fn a_version_whose_creation_was_not_answered_is_looked_up_before_it_is_created_again() {
    let server = serving(vec![Reply::Drop, Reply::json(200, found())]);
    let new = NewModelVersion::new("s3://bucket/model");
    let version = client(&server).create_model_version("wine", new.clone()).await.unwrap();
    assert_eq!(version.version, 3);
    let asked = server.requests();
    assert_eq!(asked.len(), 2);
    let filter = request_filter(&asked[0]).replace(" = ", "+%3D+");
    let search = "GET /api/2.0/mlflow/model-versions/search?filter=";
    let expected = format!("{search}{}&max_results=1000", filter.replace('\'', "%27"));
    assert_eq!(asked[1].line, expected);

    // A page of a proxy: nobody knows whether the server did it.
    let late = Reply::text(504, "text/html", "<h1>Gateway Timeout</h1>");
    let (nothing, made) = (Reply::json(200, "{}"), Reply::json(200, VERSION));
    let server = serving(vec![late, nothing, made]);
    client(&server).create_model_version("wine", new.clone()).await.unwrap();
    assert_eq!(server.requests().len(), 3);

    let server = serving(vec![Reply::json(400, "{}")]);
    client(&server).create_model_version("wine", new).await.unwrap_err();
    assert_eq!(server.requests().len(), 1, "the server said no");
}

#[tokio::test]
async fn versions_have_the_aliases_that_the_search_leaves_out() {
    let model = r#"{"registered_model":{"name":"wine","aliases":[{"alias":"champion","version":"3"},{"alias":"best","version":"3"},{"alias":"old","version":"1"}]}}"#;
    let search =
        r#"{"model_versions":[{"name":"wine","version":"10"},{"name":"wine","version":"3"}]}"#;
    let server = serving(vec![Reply::json(200, model), Reply::json(200, search)]);
    let client = client(&server);
    let versions = client.versions("wine").await.unwrap();
    let aliases: Vec<_> = versions.iter().map(|it| (it.version, it.aliases.join(" "))).collect();
    assert_eq!(aliases, [(3, "best champion".to_owned()), (10, String::new())]);
    let error = client.versions("'\"").await.unwrap_err();
    assert!(error.is_unsupported(), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_version_is_waited_for_until_it_is_ready_or_failed_or_too_late() {
    let state =
        |status: &str| Reply::json(200, VERSION.replace("READY", status).replace("old", "new"));
    let pending = || state("PENDING_REGISTRATION");
    let server = serving(vec![pending(), pending(), state("READY")]);
    let minute = Duration::from_secs(60);
    let version = client(&server).await_ready("wine", 3, minute).await.unwrap();
    assert_eq!((version.version, server.requests().len()), (3, 3));

    let failed =
        VERSION.replace(r#""READY""#, r#""FAILED_REGISTRATION","status_message":"no signature""#);
    let server = serving(vec![Reply::json(200, failed)]);
    let error = client(&server).await_ready("wine", 3, minute).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(reason, "the registration failed: no signature");

    let server = serving(vec![pending()]);
    let started = Instant::now();
    let error =
        client(&server).await_ready("wine", 3, Duration::from_millis(150)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(started.elapsed() >= Duration::from_millis(150));
    assert_eq!(server.requests().len(), 3, "at once, after 100 ms and at the end");
}

#[tokio::test]
async fn a_version_is_changed_by_the_methods_that_mlflow_has_for_it() {
    let server = serving(vec![Reply::json(200, "{}")]);
    let client = client(&server);
    client.set_model_version_description("wine", 3, "better").await.unwrap();
    client.delete_model_version_tag("wine", 3, "team").await.unwrap();
    client.delete_model_version("wine", 3).await.unwrap();
    let asked = server.requests();
    let asked: Vec<_> = asked.iter().map(|it| (it.line.as_str(), body(it))).collect();
    let expected = [
        (
            "PATCH /api/2.0/mlflow/model-versions/update",
            json!({"name": "wine", "version": "3", "description": "better"}),
        ),
        (
            "DELETE /api/2.0/mlflow/model-versions/delete-tag",
            json!({"name": "wine", "version": "3", "key": "team"}),
        ),
        ("DELETE /api/2.0/mlflow/model-versions/delete", json!({"name": "wine", "version": "3"})),
    ];
    assert_eq!(asked, expected);
}
