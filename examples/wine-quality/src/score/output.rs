use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};
use std::{process, thread};

use mlops_core::durable;

use crate::error::Error;
use crate::score::STANDARD;
use crate::serve::stop_signal;

/// The status of a process that was told to stop, as shells have it.
const STOPPED: i32 = 130;

/// Where rows go.
#[derive(Debug)]
pub(super) enum Output {
    Stdout(Stdout),
    /// What is there and no file, such as a pipe with a name.
    Device(File),
    File(NewFile),
}

impl Output {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if path == Path::new(STANDARD) {
            return Ok(Self::Stdout(io::stdout()));
        }
        let open = || match fs::metadata(path) {
            // What replaces a link's name would leave what it points to as it is.
            Ok(there) if there.is_file() => NewFile::create(path.canonicalize()?).map(Self::File),
            Ok(_) => File::options().write(true).open(path).map(Self::Device),
            Err(_) => NewFile::create(path.to_owned()).map(Self::File),
        };
        open().map_err(Error::io(path))
    }

    /// Whether a person reads the rows as they come.
    pub(super) fn is_terminal(&self) -> bool {
        match self {
            Self::Stdout(stdout) => stdout.is_terminal(),
            Self::Device(device) => device.is_terminal(),
            Self::File(_) => false,
        }
    }

    /// Says that all is written: only now a file is there.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match &self {
            Self::Stdout(_) | Self::Device(_) => Ok(()),
            Self::File(file) => file.put_in_place(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::Device(file) | Self::File(NewFile { file, .. }) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::Device(file) | Self::File(NewFile { file, .. }) => file.flush(),
        }
    }
}

/// A file that appears whole or not at all, also if the process is told to stop: until then it has another name.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl NewFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        // As those of `durable`, so that whoever looks for rubbish finds it.
        let mut temporary = OsString::from(".tmp-");
        temporary.push(name);
        temporary.push(format!("-{}", process::id()));
        let temporary = path.with_file_name(temporary);
        let file = File::create(&temporary)?;
        remove_when_stopped(temporary.clone());
        Ok(Self { file, temporary, path })
    }

    fn put_in_place(&self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        durable::flush_directory(folder.unwrap_or_else(|| Path::new(".")))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // It is not there any more if all went well.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Removes the file and ends the process when that is interrupted or told to terminate.
fn remove_when_stopped(temporary: PathBuf) {
    thread::spawn(move || {
        // Without a way to hear of signals, the file stays behind as after a kill.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        let stopped = runtime.block_on(async {
            stop_signal()?.await;
            io::Result::Ok(())
        });
        if stopped.is_ok() {
            let _ = fs::remove_file(&temporary);
            #[expect(clippy::exit, reason = "the process was told to stop, whatever it is at")]
            process::exit(STOPPED);
        }
    });
}
