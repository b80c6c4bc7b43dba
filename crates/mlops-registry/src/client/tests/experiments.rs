use super::*;

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
async fn an_experiment_is_renamed_restored_and_loses_tags_where_the_server_can() {
    let done = || Reply::json(200, "{}");
    let server = serving(vec![done(), done(), done(), no_route()]);
    let client = client(&server);
    client.rename_experiment("7", "red wine").await.unwrap();
    client.restore_experiment("7").await.unwrap();
    client.delete_experiment_tag("7", "team").await.unwrap();
    // MLflow 2 has no such route.
    let error = client.delete_experiment_tag("7", "team").await.unwrap_err();
    assert!(error.is_unsupported() && !error.is_not_found(), "{error:?}");
    let asked = server.requests();
    assert_eq!(asked[0].line, "POST /api/2.0/mlflow/experiments/update");
    assert_eq!(body(&asked[0]), json!({"experiment_id": "7", "new_name": "red wine"}));
    assert_eq!(asked[1].line, "POST /api/2.0/mlflow/experiments/restore");
    assert_eq!(asked[2].line, "POST /api/2.0/mlflow/experiments/delete-experiment-tag");
    assert_eq!(body(&asked[2]), json!({"experiment_id": "7", "key": "team"}));
}

#[tokio::test]
async fn a_renaming_that_was_not_answered_is_looked_up_before_it_is_sent_again() {
    let named = |name: &str| {
        let experiment = json!({ "experiment_id": "7", "name": name });
        Reply::json(200, json!({ "experiment": experiment }).to_string())
    };
    for (name, n_requests) in [("red wine", 2), ("wine", 3)] {
        let server = serving(vec![Reply::Drop, named(name)]);
        client(&server).rename_experiment("7", "red wine").await.unwrap();
        assert_eq!(server.requests().len(), n_requests, "{name}");
    }
}
