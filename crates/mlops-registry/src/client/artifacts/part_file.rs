use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// The beginning of a file. It grows while the next bytes are waited for, and goes to the device while it grows, so that
/// the end of a large one is not waited for long.
#[derive(Debug)]
pub(super) struct PartFile {
    file: Arc<File>,
    /// What came and was not given to be written.
    pieces: Vec<Bytes>,
    n_bytes: usize,
    /// What is being written.
    writing: Task,
    /// So many bytes were written since they were last sent to the device.
    waiting: usize,
}

/// What is worth the work of another thread, and still in its core's cache then.
const CAPACITY: usize = 512 << 10;
/// What may come while the device takes its time.
const LIMIT: usize = 16 << 20;
/// What is worth sending.
const BLOCK: usize = 8 << 20;

impl PartFile {
    /// Opens the file, which has `start` bytes then.
    pub(super) async fn open(path: &Path, start: u64) -> io::Result<Self> {
        // What lies behind is of another attempt.
        Self::begin(path, start, move |file| file.set_len(start)).await
    }

    /// Opens the file to write from the byte `start` on, whatever else is there.
    pub(super) async fn at(path: &Path, start: u64) -> io::Result<Self> {
        Self::begin(path, start, |_| Ok(())).await
    }

    async fn begin(
        path: &Path,
        start: u64,
        prepare: impl FnOnce(&File) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let path = path.to_owned();
        let open = move || {
            let mut file = File::options().create(true).write(true).truncate(false).open(path)?;
            prepare(&file)?;
            file.seek(SeekFrom::Start(start))?;
            Ok::<_, io::Error>(Arc::new(file))
        };
        let file = spawn_blocking(open).await??;
        Ok(Self { file, pieces: Vec::new(), n_bytes: 0, writing: Task::default(), waiting: 0 })
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.n_bytes += bytes.len();
        self.pieces.push(bytes);
        let is_time = self.n_bytes >= CAPACITY && self.writing.is_finished();
        if is_time || self.n_bytes >= LIMIT { self.begin_to_write().await } else { Ok(()) }
    }

    /// Leaves what was written to the system, which may have failed at what is on its way already.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.begin_to_write().await?;
        self.writing.outcome().await
    }

    /// Waits until the device has all of it.
    pub(super) async fn sync(&mut self) -> io::Result<()> {
        self.flush().await?;
        let file = Arc::clone(&self.file);
        Task::begin(move || file.sync_all()).outcome().await
    }

    async fn begin_to_write(&mut self) -> io::Result<()> {
        self.writing.outcome().await?;
        let (file, pieces) = (Arc::clone(&self.file), std::mem::take(&mut self.pieces));
        self.waiting += std::mem::take(&mut self.n_bytes);
        // On the same thread: two of them would wait for each other in the system.
        let is_due = self.waiting >= BLOCK;
        if is_due {
            self.waiting = 0;
        }
        self.writing = Task::begin(move || {
            pieces.iter().try_for_each(|piece| (&*file).write_all(piece))?;
            if is_due { file.sync_data() } else { Ok(()) }
        });
        Ok(())
    }
}

/// What another thread does, if anything.
#[derive(Debug, Default)]
struct Task(Option<JoinHandle<io::Result<()>>>);

impl Task {
    fn begin(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Self {
        Self(Some(spawn_blocking(work)))
    }

    fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What came of it; the system reports a failure to the first alone who asks.
    async fn outcome(&mut self) -> io::Result<()> {
        match self.0.take() {
            Some(task) => task.await?,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_goes_on_where_it_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        std::fs::write(&path, "abcdef").unwrap();
        let mut file = PartFile::open(&path, 3).await.unwrap();
        file.write(Bytes::from("xyz")).await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abcxyz");
    }

    #[tokio::test]
    async fn large_files_arrive_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let mut file = PartFile::open(&path, 0).await.unwrap();
        let piece: Bytes = (0..=250).cycle().take(1 << 20).collect();
        for _ in 0..40 {
            file.write(piece.clone()).await.unwrap();
            assert!(file.n_bytes < LIMIT);
        }
        file.sync().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), piece.repeat(40));
    }
}
