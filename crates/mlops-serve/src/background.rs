use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use std::{fmt, io, iter, thread};

use mlops_core::Records;

use crate::Error;

/// A thread that works on what requests leave behind, and never holds them up.
pub(crate) struct Background<T> {
    queue: Sender<Queued<T>>,
    queued_bytes: Arc<AtomicUsize>,
}

/// What waits for the thread, and the room that it takes.
struct Queued<T> {
    item: T,
    n_bytes: usize,
}

impl<T: Send + 'static> Background<T> {
    /// Starts the thread, which gives `work` what has gathered; it ends when this is dropped.
    pub(crate) fn start(
        name: &str,
        work: impl FnMut(&mut dyn Iterator<Item = T>) + Send + 'static,
    ) -> Result<Self, Error> {
        let (queue, items) = channel();
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let queued = Arc::clone(&queued_bytes);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&items, &queued, work))
            .map_err(|error: io::Error| Error::Thread { kind: error.kind() })?;
        Ok(Self { queue, queued_bytes })
    }

    /// Hands over an item about `records`, or gives it back if too many wait; never blocks.
    pub(crate) fn push(&self, item: T, records: &Records) -> Result<(), T> {
        let n_bytes = ITEM_BYTES + records.values().len() * size_of::<f64>();
        let before = self.queued_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        // Whatever its size, an item that is alone may wait.
        if before > 0 && before.saturating_add(n_bytes) > MAX_QUEUED_BYTES {
            self.queued_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
            return Err(item);
        }
        self.queue.send(Queued { item, n_bytes }).map_err(|unsent| unsent.0.item)
    }
}

impl<T> fmt::Debug for Background<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Background")
    }
}

fn run<T>(
    items: &Receiver<Queued<T>>,
    queued_bytes: &AtomicUsize,
    mut work: impl FnMut(&mut dyn Iterator<Item = T>),
) {
    while let Ok(first) = items.recv() {
        // A request wakes this thread only if it waits: under load, once in a while.
        thread::sleep(GATHER_TIME);
        let gathered = iter::once(first).chain(items.try_iter()).take(MAX_GATHERED);
        work(&mut gathered.map(|Queued { item, n_bytes }| {
            queued_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
            item
        }));
    }
}

/// So much may wait,
const MAX_QUEUED_BYTES: usize = 32 << 20;
/// in which each item counts for this much beside the values of its records.
const ITEM_BYTES: usize = 512;
/// How long items gather before they are worked on,
const GATHER_TIME: Duration = Duration::from_millis(5);
/// and how many at most.
const MAX_GATHERED: usize = 1024;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::testing::records;

    #[test]
    fn what_waits_is_bounded_and_what_is_worked_on_makes_room() {
        let (go, gate) = sync_channel::<()>(0);
        let (done, n_worked) = channel();
        let background = Background::start("test", move |items| {
            if gate.recv().is_ok() {
                done.send(items.count()).unwrap();
            }
        });
        let background = background.unwrap();
        let batch = records(&vec![9.4; 10_000]);
        let n_taken = (0..1000).take_while(|i| background.push(*i, &batch).is_ok()).count();
        // 160,512 bytes each.
        assert_eq!(n_taken, 209);
        assert_eq!(background.push(7, &records(&[9.4])), Ok(()));
        let mut n_left = 210;
        while n_left > 0 {
            go.send(()).unwrap();
            n_left -= n_worked.recv().unwrap();
        }
        assert_eq!(background.push(8, &batch), Ok(()));
    }

    #[test]
    fn what_a_thread_that_has_ended_is_handed_comes_back() {
        let background = Background::start("test", |_| panic!("a bad wine")).unwrap();
        let batch = records(&[9.4]);
        let is_refused = |_| {
            thread::sleep(Duration::from_micros(100));
            background.push(1, &batch).is_err()
        };
        // So many would find room.
        assert!((0..10_000).any(is_refused));
    }
}
