use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mlops_benches::program;
use tempfile::TempDir;

/// `wine-quality` with models to serve.
#[derive(Debug)]
pub(crate) struct Program {
    executable: PathBuf,
    folder: TempDir,
}

impl Program {
    /// Compiles the program and has it train models.
    pub(crate) fn prepare() -> Result<Self, Box<dyn Error>> {
        let executable = program::build("wine-quality")?;
        let program = Self { executable, folder: tempfile::tempdir()? };
        let mut train = Command::new(&program.executable);
        train.args(["train", "--trials", "1", "--store"]).arg(program.store());
        let output = train.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(program)
    }

    /// A folder of that name, which is new and empty.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Box<dyn Error>> {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Where whatever ends is kept until the end of the program.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn executable(&self) -> &Path {
        &self.executable
    }

    /// What comes behind the executable to serve on a port of each kind that is free.
    pub(crate) fn serve(&self) -> [String; 9] {
        let store = self.store();
        let configuration = store.join("configuration.json");
        let [store, configuration] = [store, configuration].map(|path| path.display().to_string());
        let [serve, listen, admin, config, into] =
            ["serve", "--listen", "--admin", "--config", "--store"].map(str::to_owned);
        let free = "127.0.0.1:0".to_owned();
        [serve, listen, free.clone(), admin, free, config, configuration, into, store]
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }
}
