use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many threads wait for the device at once.
const TOGETHER: usize = 16;

/// Flushes the entries of a directory; on systems without such a thing, renaming is durable on its own.
///
/// # Errors
/// What the operating system answers.
pub fn flush_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Flushes a directory with all that is in it.
pub(super) fn flush_tree(root: &Path) -> io::Result<()> {
    let (mut directories, mut files) = (vec![root.to_owned()], Vec::new());
    let mut n_listed = 0;
    while let Some(directory) = directories.get(n_listed) {
        let entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
        for path in entries.collect::<io::Result<Vec<PathBuf>>>()? {
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
        n_listed += 1;
    }
    let file = |path: &PathBuf| File::open(path)?.sync_all();
    together(&files, file)?;
    together(&directories, |path| flush_directory(path))
}

/// Flushes each thing, several at once: a file system writes its journal once for all that wait for it, so that this takes
/// about as long as for one of them.
pub(super) fn together<T: Sync>(
    things: &[T],
    flush: impl Fn(&T) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let (next, failure) = (AtomicUsize::new(0), OnceLock::new());
    let work = || {
        while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = flush(thing) {
                // The first error is the one to report.
                let _ = failure.set(error);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..things.len().min(TOGETHER) {
            // Where no more threads are to be had, those that are there do all.
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    failure.into_inner().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn each_thing_is_flushed_once() {
        for n_things in [0, 1, 5, 100] {
            let things: Vec<usize> = (0..n_things).collect();
            let flushed = Mutex::new(Vec::new());
            let flush = |thing: &usize| {
                flushed.lock().unwrap().push(*thing);
                Ok(())
            };
            together(&things, flush).unwrap();
            let mut flushed = flushed.into_inner().unwrap();
            flushed.sort_unstable();
            assert_eq!(flushed, things);
        }
    }

    #[test]
    fn a_failure_of_any_is_told() {
        let things: Vec<usize> = (0..20).collect();
        for failing in [0, 7, 19] {
            let flush = |thing: &usize| {
                if *thing == failing { Err(io::Error::other("full")) } else { Ok(()) }
            };
            assert_eq!(together(&things, flush).unwrap_err().to_string(), "full");
        }
    }
}
