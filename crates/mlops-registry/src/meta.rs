//! The `meta.yaml` that makes a folder an experiment, a run, a model or a version.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use mlops_core::{durable, yaml};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::Error;

const META: &str = "meta.yaml";

/// MLflow rewrites files in place: a reader may meet half of one and only has to look again.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// When something was last changed, in the words of the model registry.
pub(crate) const UPDATED: &str = "last_updated_timestamp";

/// Whether `folder` is one of the store's, and not a foreign or unfinished one.
pub(crate) fn is_there(folder: &Path) -> bool {
    folder.join(META).is_file()
}

pub(crate) fn read<T: DeserializeOwned>(folder: &Path) -> Result<T, Error> {
    read_yaml(&folder.join(META))
}

/// Writes the `meta.yaml` of a folder that nobody sees before it is flushed.
pub(crate) fn fill(folder: &Path, meta: &impl Serialize) -> Result<(), Error> {
    let path = folder.join(META);
    fs::write(&path, yaml_text(&path, meta)?).map_err(|error| Error::io("write", &path, error))
}

/// Changes some keys of the `meta.yaml` of `folder` and keeps the others, also unknown ones.
pub(crate) fn update(
    folder: &Path,
    edit: impl FnOnce(&mut Map<String, Value>),
) -> Result<(), Error> {
    update_yaml(&folder.join(META), edit)
}

/// Writes the description of a registered model or version.
pub(crate) fn describe(folder: &Path, description: &str) -> Result<(), Error> {
    update(folder, |meta| {
        meta.insert("description".to_owned(), json!(description));
        meta.insert(UPDATED.to_owned(), json!(now()));
    })
}

/// Changes some keys of a YAML file and keeps the others.
pub(crate) fn update_yaml(
    path: &Path,
    edit: impl FnOnce(&mut Map<String, Value>),
) -> Result<(), Error> {
    let mut meta = read_yaml(path)?;
    edit(&mut meta);
    write_yaml(path, &meta)
}

/// The time as MLflow writes it: milliseconds since 1970 in UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        if let Ok(meta) = try_read_yaml(path) {
            return Ok(meta);
        }
        if !path.is_file() {
            break;
        }
        thread::sleep(PAUSE);
    }
    try_read_yaml(path)
}

fn try_read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
    yaml::from_str(&text).map_err(|error| Error::malformed(path).with_source(error))
}

fn write_yaml(path: &Path, meta: &impl Serialize) -> Result<(), Error> {
    let text = yaml_text(path, meta)?;
    durable::write(path, text.as_bytes()).map_err(|error| Error::io("write", path, error))
}

fn yaml_text(path: &Path, meta: &impl Serialize) -> Result<String, Error> {
    yaml::to_string(meta).map_err(|error| Error::malformed(path).with_source(error))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::ErrorKind;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Meta {
        experiment_id: String,
        name: String,
        end_time: Option<i64>,
    }

    #[test]
    fn an_update_keeps_what_it_does_not_know() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &json!({"known": "1", "workspace": "default", "none": null})).unwrap();
        update(folder.path(), |meta| _ = meta.insert("known".to_owned(), json!(2))).unwrap();
        let meta: Value = read(folder.path()).unwrap();
        assert_eq!(meta, json!({"known": 2, "workspace": "default", "none": null}));
    }

    #[test]
    fn plain_scalars_of_python_are_read_as_the_text_that_they_are() {
        let folder = tempfile::tempdir().unwrap();
        // Old versions wrote the id as a number, and PyYAML leaves `1e5` without quotes.
        let text = "experiment_id: 0\nname: 1e5\nend_time: null\n";
        fs::write(folder.path().join(META), text).unwrap();
        let expected = Meta { experiment_id: "0".into(), name: "1e5".into(), end_time: None };
        assert_eq!(read::<Meta>(folder.path()).unwrap(), expected);
    }

    #[test]
    fn half_a_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(META);
        fs::write(&path, "").unwrap();
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            fs::write(&path, "experiment_id: '1'\nname: late\nend_time: 3\n").unwrap();
        });
        assert_eq!(read::<Meta>(folder.path()).unwrap().end_time, Some(3));
        late.join().unwrap();
    }

    #[test]
    fn a_file_that_stays_malformed_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read::<Meta>(folder.path()).unwrap_err().is_not_found());
        fs::write(folder.path().join(META), "name: [").unwrap();
        assert_eq!(read::<Meta>(folder.path()).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
