//! What is renamed, deleted and restored.

use mlops_registry::client::{NewRun, RunUpdate};
use mlops_registry::{Compare, Error, ErrorKind, Filter, RunStatus};

use crate::{client, unique};

#[tokio::test]
async fn experiments_are_renamed_deleted_and_restored() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let experiment = client.create_experiment(&unique("red")).await?;
    let id = &experiment.id;
    let name = unique("white");
    client.rename_experiment(id, &name).await?;
    assert_eq!(client.experiment_by_name(&name).await?.id, *id);
    let taken = client.rename_experiment(id, "Default").await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Refused, "{taken:?}");

    client.set_experiment_tag(id, "team", "ml").await?;
    let tag = Filter::tag("team", Compare::Equal, "ml").expect("MLflow has words for it");
    let named = Filter::attribute("name", Compare::Equal, &name).expect("MLflow has words for it");
    let tagged = tag.and(named);
    assert_eq!(client.search_experiments(&tagged).all().await?.len(), 1);
    match client.delete_experiment_tag(id, "team").await {
        Ok(()) => {
            assert_eq!(client.search_experiments(&tagged).all().await?, []);
            let again = client.delete_experiment_tag(id, "team").await.unwrap_err();
            assert!(again.is_not_found(), "{again:?}");
        }
        // MLflow 2.
        Err(error) => assert!(error.is_unsupported(), "{error:?}"),
    }

    client.delete_experiment(id).await?;
    let deleted = client.experiment(&name).await.unwrap_err();
    assert_eq!(deleted.kind(), ErrorKind::AlreadyExists, "{deleted:?}");
    client.restore_experiment(id).await?;
    assert_eq!(client.experiment(&name).await?.id, *id);
    let again = client.restore_experiment(id).await.unwrap_err();
    assert!(again.is_not_found(), "{again:?}");
    client.delete_experiment(id).await
}

#[tokio::test]
async fn runs_are_renamed_deleted_and_restored() -> Result<(), Error> {
    let Some(client) = client() else { return Ok(()) };
    let experiment = client.create_experiment(&unique("runs")).await?;
    let run = client.create_run(&experiment, NewRun::new("first")).await?;
    client.finish_run(&run.id, RunStatus::Failed).await?;
    client.rename_run(&run.id, "second").await?;
    let read = client.run(&run.id).await?;
    assert_eq!((read.name.as_str(), read.status), ("second", RunStatus::Failed));
    assert!(read.end_time.is_some());
    let mut resumed = RunUpdate::default();
    resumed.status = Some(RunStatus::Running);
    client.update_run(&run.id, &resumed).await?;
    let read = client.run(&run.id).await?;
    assert_eq!((read.name.as_str(), read.status), ("second", RunStatus::Running));

    client.set_tag(&run.id, "note", "x").await?;
    client.delete_tag(&run.id, "note").await?;
    assert!(!client.run(&run.id).await?.tags.contains_key("note"));
    let again = client.delete_tag(&run.id, "note").await.unwrap_err();
    assert!(again.is_not_found(), "{again:?}");

    let count = async || {
        let found = client.search_runs(&[&experiment.id], &Filter::all(), &[]).all().await;
        found.map(|runs| runs.len())
    };
    client.delete_run(&run.id).await?;
    client.delete_run(&run.id).await?;
    assert_eq!(count().await?, 0);
    client.restore_run(&run.id).await?;
    client.restore_run(&run.id).await?;
    assert_eq!(count().await?, 1);
    Ok(())
}
