use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};
use tokio::task::{JoinHandle, spawn_blocking};

/// The beginning of a file. It goes to the device while it grows, so that the end of a large one is not waited for long.
#[derive(Debug)]
pub(super) struct PartFile {
    /// Each write of the file itself is the work of another thread.
    file: BufWriter<File>,
    /// The same file.
    device: Arc<std::fs::File>,
    /// So many bytes were written since they were last sent to the device.
    waiting: usize,
    /// What is on its way there.
    sending: Option<JoinHandle<io::Result<()>>>,
}

/// What is worth a write.
const CAPACITY: usize = 1 << 20;
/// What is worth sending.
const BLOCK: usize = 16 << 20;

impl PartFile {
    /// Opens the file, which has `start` bytes then.
    pub(super) async fn open(path: &Path, start: u64) -> io::Result<Self> {
        let mut file = File::options().create(true).write(true).truncate(false).open(path).await?;
        // What lies behind is of another attempt.
        file.set_len(start).await?;
        file.seek(SeekFrom::End(0)).await?;
        let device = Arc::new(file.try_clone().await?.into_std().await);
        let file = BufWriter::with_capacity(CAPACITY, file);
        Ok(Self { file, device, waiting: 0, sending: None })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await?;
        self.waiting += bytes.len();
        let is_sending = self.sending.as_ref().is_some_and(|sending| !sending.is_finished());
        if self.waiting >= BLOCK && !is_sending {
            self.sent().await?;
            let device = Arc::clone(&self.device);
            self.sending = Some(spawn_blocking(move || device.sync_data()));
            self.waiting = 0;
        }
        Ok(())
    }

    /// Leaves what was written to the system, which may have failed at what is on its way already.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.sent().await
    }

    /// Waits until the device has all of it.
    pub(super) async fn sync(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.file.get_ref().sync_all().await
    }

    /// What came of what was on its way: the system reports a failure to the first alone who asks.
    async fn sent(&mut self) -> io::Result<()> {
        match self.sending.take() {
            Some(sending) => sending.await?,
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
        file.write(b"xyz").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abcxyz");
    }

    #[tokio::test]
    async fn large_files_arrive_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let mut file = PartFile::open(&path, 0).await.unwrap();
        let chunk: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
        for _ in 0..40 {
            file.write(&chunk).await.unwrap();
        }
        assert!(file.sending.is_some());
        file.sync().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), chunk.repeat(40));
    }
}
