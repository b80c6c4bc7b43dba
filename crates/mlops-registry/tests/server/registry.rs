use std::time::Duration;

use mlops_registry::client::NewModelVersion;
use mlops_registry::{Compare, Error, Filter};

use crate::{client, unique};

#[tokio::test]
async fn a_version_is_created_with_all_that_is_said_of_it() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let name = unique("said");
    client.register(&name).await?;
    let version = NewModelVersion::new("s3://bucket/model");
    let version = version.description("d").tag("a.b", &name).tag("k", "v");
    let version = client.create_model_version(&name, version).await?.version;
    let ready = client.await_ready(&name, version, Duration::from_secs(1)).await?;
    assert_eq!((ready.version, ready.run_id, ready.aliases), (version, None, vec![]));
    assert_eq!((ready.description.as_str(), ready.tags["k"].as_str()), ("d", "v"));
    // As a creation without an answer is looked up.
    let tagged = Filter::tag("a.b", Compare::Equal, &name).expect("MLflow has words for it");
    assert_eq!(client.search_model_versions(&tagged).all().await?.len(), 1);
    client.set_model_version_description(&name, version, "").await?;

    for alias in ["b", "a"] {
        client.set_alias(&name, alias, version).await?;
    }
    assert_eq!(client.versions(&name).await?[0].aliases, ["a", "b"]);
    assert_eq!(client.model_version(&name, version).await?.aliases, ["a", "b"]);
    Ok(())
}
