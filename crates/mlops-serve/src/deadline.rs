use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is put off at every request and hardly ever reached.
///
/// Setting a timer takes a lock and a place in a queue. This one's stays as it is when the deadline moves away, and is
/// set again only when it goes off too early.
#[derive(Debug)]
pub(crate) struct Deadline {
    due: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// A deadline `time` from now.
    pub(crate) fn after(time: Duration) -> Self {
        let due = from_now(time);
        Self { due, timer: Box::pin(sleep_until(due)) }
    }

    /// Moves it to `time` from now.
    pub(crate) fn put_off(&mut self, time: Duration) {
        self.due = from_now(time);
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Whether it is over; whoever asks is woken when it is.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.deadline() > self.due {
            self.timer.as_mut().reset(self.due);
        }
        loop {
            ready!(self.timer.as_mut().poll(context));
            if self.is_over() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.due);
        }
    }
}

/// As good as never, if the time is longer than clocks go.
fn from_now(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + A_YEAR)
}

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_time_without_end_is_no_fault() {
        assert!(!Deadline::after(Duration::MAX).is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_reached_where_it_was_put_last() {
        for times in [[100, 300], [300, 100], [100, 100]] {
            let began = Instant::now();
            let mut deadline = Deadline::after(times[0] * MS);
            let poll = async |deadline: &mut Deadline| {
                poll_fn(|context| deadline.poll(context)).await;
            };
            tokio::time::timeout(50 * MS, poll(&mut deadline)).await.unwrap_err();
            deadline.put_off(times[1] * MS);
            assert!(!deadline.is_over());
            poll(&mut deadline).await;
            let expected = (50 + times[1]) * MS;
            assert!((expected..=expected + MS).contains(&began.elapsed()), "{times:?}");
            assert!(deadline.is_over());
        }
    }
}
