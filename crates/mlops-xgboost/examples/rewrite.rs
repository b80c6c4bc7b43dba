//! Reads boosters and writes them again, for other implementations to check.
//!
//! `cargo run --release -p mlops-xgboost --example rewrite -- FOLDER FILE...`

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use mlops_xgboost::Booster;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let folder = paths.next().ok_or("usage: rewrite FOLDER FILE...")?;
    fs::create_dir_all(&folder)?;
    for path in paths {
        let booster = Booster::from_bytes(&fs::read(&path)?)?;
        let name = path.file_name().ok_or("a path without a name")?;
        fs::write(folder.join(name).with_extension("json"), booster.to_json())?;
        fs::write(folder.join(name).with_extension("ubj"), booster.to_ubjson())?;
    }
    Ok(())
}
