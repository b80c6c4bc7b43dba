//! Programs of this workspace.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Has Cargo compile the program of a package, in release, beside the one that runs.
///
/// # Errors
/// If it cannot be compiled; Cargo has then said why.
pub fn build(package: &str) -> Result<PathBuf, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(2).ok_or("a program outside of Cargo's folder")?;
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--package", package])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !status.success() {
        return Err(format!("Cargo does not compile {package}").into());
    }
    Ok(target.join("release").join(package).with_extension(std::env::consts::EXE_EXTENSION))
}
