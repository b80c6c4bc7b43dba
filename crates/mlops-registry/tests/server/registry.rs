use std::time::Duration;

use mlops_registry::client::NewModelVersion;
use mlops_registry::{Compare, Error, ErrorKind, Filter};

use crate::{client, unique};

#[tokio::test]
async fn registered_models_and_versions_are_changed_and_deleted() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let name = unique("first");
    client.register(&name).await?;
    let version = NewModelVersion::new("s3://bucket/model");
    let version = version.description("d").tag("a.b", &name).tag("k", "v");
    let first = client.create_model_version(&name, version.clone()).await?.version;
    let second = client.create_model_version(&name, version).await?.version;
    let ready = client.await_ready(&name, second, Duration::from_secs(1)).await?;
    assert_eq!((ready.version, ready.run_id, ready.aliases), (second, None, vec![]));

    // As a creation without an answer is looked up.
    let tagged = Filter::tag("a.b", Compare::Equal, &name).expect("MLflow has words for it");
    assert_eq!(client.search_model_versions(&tagged).all().await?.len(), 2);
    client.delete_model_version_tag(&name, first, "a.b").await?;
    client.delete_model_version_tag(&name, first, "a.b").await?;
    assert_eq!(client.search_model_versions(&tagged).all().await?.len(), 1);
    client.set_model_version_description(&name, second, "better").await?;
    client.set_model_version_description(&name, second, "").await?;

    for (alias, version) in [("b", second), ("a", second), ("old", first)] {
        client.set_alias(&name, alias, version).await?;
    }
    let versions = client.versions(&name).await?;
    let aliases: Vec<_> = versions.iter().map(|it| (it.version, it.aliases.join(" "))).collect();
    assert_eq!(aliases, [(first, "old".to_owned()), (second, "a b".to_owned())]);
    assert_eq!(client.model_version(&name, second).await?.aliases, ["a", "b"]);

    client.set_registered_model_description(&name, "of wine").await?;
    client.set_registered_model_tag(&name, "team", "ml").await?;
    client.set_registered_model_tag(&name, "gone", "ml").await?;
    client.delete_registered_model_tag(&name, "gone").await?;
    client.delete_registered_model_tag(&name, "gone").await?;
    let renamed = unique("second");
    client.rename_registered_model(&name, &renamed).await?;
    let model = client.registered_model(&renamed).await?;
    assert_eq!((model.description.as_str(), model.tags["team"].as_str()), ("of wine", "ml"));
    assert_eq!((model.tags.len(), model.aliases.len()), (1, 3));
    assert!(client.versions(&name).await.unwrap_err().is_not_found());
    client.register(&name).await?;
    let taken = client.rename_registered_model(&name, &renamed).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken:?}");
    assert_eq!(client.versions(&name).await?, []);

    client.delete_model_version(&renamed, first).await?;
    let again = client.delete_model_version(&renamed, first).await.unwrap_err();
    assert!(again.is_not_found(), "{again:?}");
    let left = client.versions(&renamed).await?;
    assert_eq!(left.iter().map(|it| it.version).collect::<Vec<_>>(), [second]);
    client.delete_registered_model(&renamed).await?;
    client.delete_registered_model(&name).await
}
