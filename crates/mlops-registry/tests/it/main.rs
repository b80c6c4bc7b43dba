//! The store as a whole: written and read, foreign stores, several writers.

#![expect(clippy::unwrap_used, reason = "the helpers belong to the tests")]

mod concurrency;
#[cfg(unix)]
mod crashes;
mod registry;
mod round_trip;
mod samples;

use std::path::Path;

use mlops_core::{ModelDirWriter, ModelError, SaveModel};
use serde_json::json;

/// A model whose only file holds a number.
struct Constant(u32);

impl SaveModel for Constant {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file("constant", self.0.to_string().as_bytes())?;
        dir.flavor("constant", json!({"data": "constant"}));
        Ok(())
    }
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
