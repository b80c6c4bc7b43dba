use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::Error;

/// Threads with an event loop each; a connection stays with one of them.
///
/// In a runtime of many threads one of them asks the operating system for news of all connections, and when it is not
/// given a core for some milliseconds, all of them wait. Here only its own do, and no loop wakes another.
///
/// Without threads, connections are tasks of the runtime that they came in with.
#[derive(Debug, Default)]
pub(super) struct EventLoops(Vec<EventLoop>);

#[derive(Debug)]
struct EventLoop {
    handle: Handle,
    /// Each of its connections holds a clone.
    seat: Arc<()>,
    /// Each connection that it has not yet begun with holds a clone.
    arrival: Arc<()>,
    /// The thread ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl EventLoops {
    /// Starts `n` threads.
    ///
    /// # Errors
    /// [`Error::Thread`] if the operating system gives no thread, or no descriptors for it.
    pub(super) fn start(n: usize) -> Result<Self, Error> {
        let loops = (0..n).map(EventLoop::start).collect::<io::Result<_>>();
        loops.map(Self).map_err(|error| Error::Thread { kind: error.kind() })
    }

    /// Has the thread with the fewest connections serve `stream`, of those that have begun with all that they were given:
    /// one that hangs in a model gets one more at most.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        tasks: &mut JoinSet<()>,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) {
        let Some(chosen) = self.0.iter().min_by_key(|each| each.load()) else {
            tasks.spawn(serve(stream));
            return;
        };
        let (seat, arrival) = (Arc::clone(&chosen.seat), Arc::clone(&chosen.arrival));
        let stream = stream.into_std();
        let task = async move {
            drop(arrival);
            // A stream has to be known to the loop that waits for it. One that cannot be is closed.
            if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                serve(stream).await;
            }
            drop(seat);
        };
        tasks.spawn_on(task, &chosen.handle);
    }
}

impl EventLoop {
    fn start(index: usize) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (started, handle) = mpsc::channel();
        thread::Builder::new().name(format!("connections-{index}")).spawn(move || {
            // Here, for dropping a runtime is forbidden where one is at work.
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return started.send(Err(error)).unwrap_or_default(),
            };
            started.send(Ok(runtime.handle().clone())).unwrap_or_default();
            // Nothing is ever sent.
            let _ = runtime.block_on(stopped);
            // Without waiting for a model that hangs.
            runtime.shutdown_background();
        })?;
        let handle = handle.recv().map_err(io::Error::other)??;
        Ok(Self { handle, seat: Arc::default(), arrival: Arc::default(), _stop: stop })
    }

    fn load(&self) -> (usize, usize) {
        (Arc::strong_count(&self.arrival), Arc::strong_count(&self.seat))
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

    #[tokio::test]
    async fn a_thread_that_hangs_gets_one_more_at_most() {
        let loops = EventLoops::start(2).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let (free, hang) = mpsc::channel::<()>();
        let (begun, threads) = mpsc::channel();
        let mut hang = Some(hang);
        for _ in 0..10 {
            let (_client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (begun, hang) = (begun.clone(), hang.take());
            loops.spawn(&mut tasks, server.unwrap().0, move |_stream| async move {
                begun.send(thread::current().id()).unwrap();
                if let Some(hang) = hang {
                    hang.recv().unwrap_err();
                }
                std::future::pending::<()>().await;
            });
            // The others begin in time to be told from the one that hangs.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let begun: Vec<ThreadId> = threads.try_iter().collect();
        assert!(begun.len() >= 9, "{} of 10 have begun", begun.len());
        assert!(begun[1..].iter().all(|thread| *thread != begun[0]));
        drop(free);
        tasks.shutdown().await;
    }
}
