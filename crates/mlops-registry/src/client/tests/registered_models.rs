use super::*;

#[tokio::test]
async fn a_registered_model_is_changed_by_the_methods_that_mlflow_has_for_it() {
    let server = serving(vec![Reply::json(200, "{}")]);
    let client = client(&server);
    client.rename_registered_model("wine", "red wine").await.unwrap();
    client.set_registered_model_description("wine", "of Portugal").await.unwrap();
    client.set_registered_model_tag("wine", "team", "ml").await.unwrap();
    client.delete_registered_model_tag("wine", "team").await.unwrap();
    let asked = server.requests();
    let asked: Vec<_> = asked.iter().map(|it| (it.line.as_str(), body(it))).collect();
    let expected = [
        (
            "POST /api/2.0/mlflow/registered-models/rename",
            json!({"name": "wine", "new_name": "red wine"}),
        ),
        (
            "PATCH /api/2.0/mlflow/registered-models/update",
            json!({"name": "wine", "description": "of Portugal"}),
        ),
        (
            "POST /api/2.0/mlflow/registered-models/set-tag",
            json!({"name": "wine", "key": "team", "value": "ml"}),
        ),
        (
            "DELETE /api/2.0/mlflow/registered-models/delete-tag",
            json!({"name": "wine", "key": "team"}),
        ),
    ];
    assert_eq!(asked, expected);
}
