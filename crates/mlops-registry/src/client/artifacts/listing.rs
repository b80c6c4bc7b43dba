use serde::Deserialize;

use super::Artifact;
use crate::client::wire;

/// What a server says is in a folder, or a page of it.
#[derive(Deserialize)]
pub(crate) struct Listing {
    #[serde(default, alias = "contents")]
    files: Vec<Listed>,
    #[serde(default, rename = "next_page_token")]
    pub(crate) next: String,
}

#[derive(Deserialize)]
struct Listed {
    /// From where the server counts.
    path: String,
    #[serde(default, alias = "is_directory")]
    is_dir: bool,
    #[serde(default, with = "wire::integer::option")]
    file_size: Option<i64>,
}

impl Listing {
    /// The artifacts, whose paths are what `place` makes of the server's.
    pub(crate) fn artifacts(self, place: impl Fn(&str) -> String) -> Vec<Artifact> {
        let artifact = |file: Listed| Artifact {
            path: place(&file.path),
            size: file.file_size.and_then(|size| u64::try_from(size).ok()).filter(|_| !file.is_dir),
            is_folder: file.is_dir,
            tag: None,
        };
        self.files.into_iter().map(artifact).collect()
    }
}
