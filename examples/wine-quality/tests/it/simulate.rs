//! `simulate`: a year passes.

use std::fs;

use mlops_registry::{LocalStore, Stage};
use serde_json::Value;

use crate::program::{run, text};

#[test]
fn a_year_passes_without_anybody_who_attends() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["simulate", "--trials", "4", "--output", "year"];
    let output = run(folder.path(), &args);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.ends_with("The simulation passed.\n"), "{said}");

    let year = folder.path().join("year");
    let course = fs::read(year.join("simulation.json")).unwrap();
    let course: Value = serde_json::from_slice(&course).unwrap();
    let months = course["months"].as_array().unwrap();
    let decisions: Vec<_> =
        months.iter().map(|month| month["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions.len(), 12);
    assert!(decisions[..6].iter().all(|decision| *decision == "no_drift"), "{decisions:?}");
    assert_eq!(months[6]["drift"], serde_json::json!(["alcohol"]));
    assert_eq!(months[6]["shuffled"], "rejected");
    assert_eq!(decisions.iter().filter(|decision| **decision == "promoted").count(), 1);
    let picture = fs::read_to_string(year.join("simulation.svg")).unwrap();
    assert!(picture.contains("new models in use"), "{picture}");

    // Both trainings are in the registry, and the second is in use.
    let store = LocalStore::open(year.join("mlruns")).unwrap();
    assert_eq!(store.versions("wine_quality").unwrap().len(), 2);
    let champion = store.model_version_by_alias("wine_quality", "champion").unwrap();
    assert_eq!((champion.version, champion.stage), (2, Stage::Production));
    let configuration = fs::read_to_string(year.join("configuration.json")).unwrap();
    assert!(configuration.contains("models:/wine_quality_outlier/2"), "{configuration}");

    let output = run(folder.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert_eq!(error, "error: year holds something already; name another folder with `--output`\n");
}
