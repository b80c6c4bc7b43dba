use std::fs;
use std::path::Path;

use mlops_core::ModelDir;
use mlops_registry::client::{MlflowClient, ModelCache, NewRun, Publication, Published, Transfer};
use mlops_registry::{Error, ErrorKind, ModelUri, Registry, RunStatus, Stage};

use crate::{client, unique};

const MODEL: &str = "wine booster";
/// As Python's MLflow finds a booster.
const DESCRIPTION: &str = "flavors:
  xgboost: {data: model.ubj}
  python_function: {data: model.ubj, loader_module: mlflow.xgboost}
";

/// A directory as a booster's is.
fn model(folder: &Path) -> ModelDir {
    let path = folder.join("model");
    fs::create_dir_all(path.join("a b")).unwrap();
    let booster =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../mlops-xgboost/tests/data/booster.ubj");
    fs::copy(booster, path.join("model.ubj")).unwrap();
    fs::write(path.join("a b/é & %.txt"), "odd name").unwrap();
    fs::write(path.join("empty"), "").unwrap();
    fs::write(path.join("MLmodel"), DESCRIPTION).unwrap();
    ModelDir::open(path).unwrap()
}

fn uri(text: &str) -> ModelUri {
    text.parse().unwrap()
}

async fn publish(client: &MlflowClient, folder: &Path) -> Result<(String, Published), Error> {
    let experiment = client.experiment("models").await?;
    let run = client.create_run(&experiment, NewRun::new("fit")).await?;
    let publication = Publication::new(run.id.clone(), "booster")
        .registered_name(MODEL)
        .description("of the tests")
        .tag("checked", "yes");
    let published = client.publish(&model(folder), &publication, &Transfer::default()).await?;
    client.finish_run(&run.id, RunStatus::Finished).await?;
    Ok((run.id.to_string(), published))
}

#[tokio::test]
async fn a_published_model_is_found_by_every_uri_and_fetched_once() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let folder = tempfile::tempdir().unwrap();
    let (run_id, published) = publish(&client, folder.path()).await?;
    let version = published.version.expect("it is registered");
    assert_eq!(
        (version.description.as_str(), version.tags["checked"].as_str()),
        ("of the tests", "yes")
    );
    assert_eq!(version.run_id.as_deref(), Some(run_id.as_str()));
    assert_eq!(published.model_id.is_some(), client.server_info().await?.has_logged_models);
    client.transition_stage(MODEL, version.version, Stage::Production, true).await?;
    client.set_alias(MODEL, "champion", version.version).await?;

    let cache = ModelCache::new(folder.path().join("cache"));
    let transfer = Transfer::default();
    let number = format!("models:/{MODEL}/{}", version.version);
    let mut uris = vec![
        number.clone(),
        format!("models:/{MODEL}/latest"),
        format!("models:/{MODEL}/Production"),
        format!("models:/{MODEL}@champion"),
        format!("runs:/{run_id}/booster"),
    ];
    uris.extend(published.model_id.map(|id| format!("models:/{id}")));
    let first = cache.fetch(&client, &uri(&number), &transfer).await?;
    assert_eq!(first.uri, uri(&number));
    for text in &uris {
        let found = cache.fetch(&client, &uri(text), &transfer).await?;
        assert_eq!((&found.digest, found.dir.path()), (&first.digest, first.dir.path()), "{text}");
        let offline = cache.fetch_offline(&client, &uri(text)).await?;
        assert_eq!(offline.digest, first.digest, "{text}");
    }
    let read = |name: &str| first.dir.read(name).unwrap();
    assert_eq!(read("model.ubj"), fs::read(folder.path().join("model/model.ubj")).unwrap());
    assert_eq!((read("a b/é & %.txt").as_slice(), read("empty").len()), (&b"odd name"[..], 0));
    assert_eq!(String::from_utf8_lossy(&read("SHA256SUMS")).lines().count(), 4);
    assert_eq!(first.dir.run_id(), Some(run_id.as_str()));

    // What was changed on the disk is fetched again.
    fs::write(first.dir.path().join("model.ubj"), "changed").unwrap();
    assert!(cache.fetch_offline(&client, &uri(&number)).await.unwrap_err().is_not_found());
    assert_eq!(cache.fetch(&client, &uri(&number), &transfer).await?.digest, first.digest);

    for missing in
        ["models:/nobody/1", "models:/wine booster@nobody", "models:/wine booster/Staging"]
    {
        let error = cache.fetch(&client, &uri(missing), &transfer).await.unwrap_err();
        assert!(error.is_not_found(), "{missing}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_version_is_promoted_by_stage_and_alias() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let name = unique("promoted");
    client.register(&name).await?;
    for _ in 0..2 {
        let version = mlops_registry::client::NewModelVersion::new("s3://bucket/model");
        client.create_model_version(&name, version).await?;
    }
    let blocking = MlflowClient::builder(&crate::server().unwrap_or_default()).build_blocking()?;
    let registry = Registry::server(blocking, ModelCache::new("unused"));
    for version in [1, 2] {
        let uri = uri(&format!("models:/{name}/{version}"));
        let archived: Vec<u64> = (1..version).collect();
        let replaced = archived.last().copied();
        for promotion in [
            registry.plan_promotion(&uri, Stage::Production)?,
            registry.promote(&uri, Stage::Production)?,
        ] {
            assert_eq!((&promotion.archived, promotion.replaced), (&archived, replaced));
        }
    }
    assert_eq!(client.model_version(&name, 1).await?.stage, Stage::Archived);
    let promoted = client.model_version_by_alias(&name, "production").await?;
    assert_eq!((promoted.version, promoted.stage), (2, Stage::Production));
    assert!(promoted.tags["mlops_stage_history"].contains("\"from\":\"None\""));
    let both = [uri(&format!("models:/{name}/1")), uri("models:/nobody/1")];
    assert!(registry.promote_all(&both, Stage::Production).unwrap_err().is_not_found());
    assert_eq!(client.model_version(&name, 2).await?.stage, Stage::Production);
    Ok(())
}

#[tokio::test]
async fn artifacts_go_and_come() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("plots/deep")).unwrap();
    // Larger than what is sent at once.
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    fs::write(source.join("plots/deep/large.bin"), &large).unwrap();
    fs::write(source.join("note?.txt"), "a: b").unwrap();
    let experiment = client.experiment("artifacts").await?;
    let run = client.create_run(&experiment, NewRun::new("plots")).await?;
    let artifacts = client.artifact_repository(&run.artifact_uri)?;
    assert_eq!(artifacts.list().await?, []);
    artifacts.upload(&source, "out", &Transfer::default()).await?;
    let listed = artifacts.list().await?;
    let listed: Vec<_> = listed.iter().map(|it| (it.path.as_str(), it.size)).collect();
    assert_eq!(listed, [("out/note?.txt", Some(4)), ("out/plots/deep/large.bin", Some(3_000_000))]);
    assert_eq!(artifacts.read("out/note?.txt").await?, b"a: b");
    let copy = folder.path().join("copy");
    artifacts.download("out", &copy, &Transfer::default().parallel(1)).await?;
    assert_eq!(fs::read(copy.join("plots/deep/large.bin")).unwrap(), large);
    let missing = artifacts.read("out/nobody").await.unwrap_err();
    // MLflow 2 fails where there is no such file.
    assert!(matches!(missing.kind(), ErrorKind::NotFound | ErrorKind::Unavailable), "{missing:?}");
    Ok(())
}

/// What `write_server.py` wrote.
#[tokio::test]
async fn what_python_wrote_is_fetched() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let folder = tempfile::tempdir().unwrap();
    let cache = ModelCache::new(folder.path());
    let version = match client.model_version_by_alias("python booster", "champion").await {
        Err(error) if error.is_not_found() => {
            eprintln!("left out: a model that Python wrote (write_server.py has not run)");
            return Ok(());
        }
        version => version?,
    };
    let run_id = version.run_id.expect("Python says which run it was");
    for text in [
        "models:/python booster/1".to_owned(),
        "models:/python booster/Production".to_owned(),
        "models:/python booster@champion".to_owned(),
        format!("runs:/{run_id}/booster"),
    ] {
        let found = cache.fetch(&client, &uri(&text), &Transfer::default()).await?;
        assert!(found.dir.flavors().any(|flavor| flavor == "xgboost"), "{text}");
        assert!(found.dir.signature().is_some(), "{text}");
    }
    Ok(())
}
