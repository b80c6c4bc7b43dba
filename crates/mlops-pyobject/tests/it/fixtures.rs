use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Limits, read};

/// All files below `folder` that Python wrote with pickle, joblib or skops.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            files(&path, found);
        } else if [".pkl", ".skops"].iter().any(|part| name.contains(part)) {
            found.push(path);
        }
    }
}

#[test]
fn files_of_many_versions_are_read() {
    let Some(fixtures) = mlops_testing::fixtures("files of many Python versions") else { return };
    let mut found = Vec::new();
    for folder in ["outlier", "seed_models", "seed_era", "mlflow/samples"] {
        files(&fixtures.join(folder), &mut found);
    }
    assert!(found.len() >= 20, "{found:?}");
    for path in found {
        let mut bytes = fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let packed = bytes;
            bytes = Vec::new();
            GzDecoder::new(&*packed).read_to_end(&mut bytes).unwrap();
        }
        let graph = read(&bytes, &Limits::default());
        let graph = graph.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let pipeline = Pipeline::read(&graph.root());
        let pipeline = pipeline.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(pipeline.estimator.class().is_some(), "{}", path.display());
    }
}
