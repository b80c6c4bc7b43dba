use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::store::Sent;

/// A file as the body of a request, read piece by piece; it says how far it is.
pub(crate) struct FileBody {
    file: File,
    left: u64,
    sent: Sent,
    moved: Arc<AtomicU64>,
}

/// So much is sent at once.
const CHUNK: usize = 256 * 1024;

impl FileBody {
    /// `n_bytes` of the file; `moved` counts them.
    ///
    /// # Errors
    /// What the operating system answers.
    pub(crate) async fn open(
        path: &Path,
        n_bytes: u64,
        sent: &Sent,
        moved: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let file = File::open(path).await?;
        let (sent, moved) = (Arc::clone(sent), Arc::clone(moved));
        Ok(Self { file, left: n_bytes, sent, moved })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let capacity = CHUNK.min(usize::try_from(self.left).unwrap_or(CHUNK));
        let mut chunk = vec![0; capacity];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer))?;
        let n_bytes = buffer.filled().len();
        if n_bytes == 0 {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        chunk.truncate(n_bytes);
        self.left -= n_bytes as u64;
        let moved = self.moved.fetch_add(n_bytes as u64, Ordering::Relaxed) + n_bytes as u64;
        (self.sent)(moved);
        Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
