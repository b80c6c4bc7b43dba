use std::io;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::Error;

/// Threads with an event loop each; a connection stays with one of them.
///
/// In a runtime of many threads one of them asks the operating system for news of all connections, and when it is not
/// given a core for some milliseconds, all of them wait. Here only its own do, and no thread wakes another.
///
/// Without threads, connections are tasks of the runtime that they came in with.
#[derive(Debug, Default)]
pub(super) struct EventLoops(Vec<EventLoop>);

#[derive(Debug)]
struct EventLoop {
    handle: Handle,
    /// Each of its connections holds a clone.
    seat: Arc<()>,
    /// The thread ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl EventLoops {
    /// Starts `n` threads.
    ///
    /// # Errors
    /// [`Error::Thread`] if the operating system gives no thread, or no descriptors for it.
    pub(super) fn start(n: usize) -> Result<Self, Error> {
        let loops = (0..n).map(|_| EventLoop::start()).collect::<io::Result<_>>();
        loops.map(Self).map_err(|error| Error::Thread { kind: error.kind() })
    }

    /// Has the thread with the fewest connections serve `stream`.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        tasks: &mut JoinSet<()>,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) {
        let Some(each) = self.0.iter().min_by_key(|each| Arc::strong_count(&each.seat)) else {
            tasks.spawn(serve(stream));
            return;
        };
        let (stream, seat) = (stream.into_std(), Arc::clone(&each.seat));
        let task = async move {
            // A stream has to be known to the loop that waits for it; one that cannot be has gone.
            if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                serve(stream).await;
            }
            drop(seat);
        };
        tasks.spawn_on(task, &each.handle);
    }
}

impl EventLoop {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name("connections".to_owned()).spawn(move || {
            // Nothing is ever sent.
            let _ = runtime.block_on(stopped);
            // Without waiting for a model that hangs.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, seat: Arc::default(), _stop: stop })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use tokio::net::TcpListener;

    use super::*;

    /// Takes a connection; its thread, and what ends it.
    async fn connect(
        loops: &EventLoops,
        tasks: &mut JoinSet<()>,
        listener: &TcpListener,
    ) -> (ThreadId, oneshot::Sender<()>) {
        let address = listener.local_addr().unwrap();
        let (_client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (begun, thread) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        loops.spawn(tasks, server.unwrap().0, move |_stream| async move {
            begun.send(thread::current().id()).unwrap();
            let _ = ended.await;
        });
        (thread.recv().unwrap(), end)
    }

    #[tokio::test]
    async fn a_connection_goes_where_the_fewest_are() {
        let loops = EventLoops::start(2).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut tasks = JoinSet::new();
        let (first, end_first) = connect(&loops, &mut tasks, &listener).await;
        let (second, end_second) = connect(&loops, &mut tasks, &listener).await;
        assert_ne!(first, second);
        end_second.send(()).unwrap();
        tasks.join_next().await.unwrap().unwrap();
        let (third, end_third) = connect(&loops, &mut tasks, &listener).await;
        assert_eq!(third, second);
        drop((end_first, end_third));
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    }
}
