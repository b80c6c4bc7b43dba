use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::Connection;
use mlops_benches::latency::quantile;

/// What a client got that sends one request after the other on one connection.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) statuses: BTreeMap<u16, usize>,
    latencies: Vec<Duration>,
}

impl Got {
    /// Sends requests, with a pause behind each answer, until it is over.
    ///
    /// # Errors
    /// If the connection ends.
    pub(crate) fn from(
        mut connection: Connection,
        request: &[u8],
        pause: Duration,
        is_over: impl Fn() -> bool,
    ) -> io::Result<Self> {
        let mut got = Self::default();
        while !is_over() {
            let started = Instant::now();
            let status = connection.send(request)?.status;
            got.latencies.push(started.elapsed());
            *got.statuses.entry(status).or_default() += 1;
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
        got.latencies.sort_unstable();
        Ok(got)
    }

    /// The same for so long.
    pub(crate) fn during(
        connection: Connection,
        request: &[u8],
        pause: Duration,
        time: Duration,
    ) -> io::Result<Self> {
        let started = Instant::now();
        Self::from(connection, request, pause, || started.elapsed() >= time)
    }

    /// What two clients got.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        for (status, n) in other.statuses {
            *self.statuses.entry(status).or_default() += n;
        }
        self
    }

    pub(crate) fn p99(&self) -> Duration {
        quantile(&self.latencies, 99)
    }

    /// How many answers were of a status.
    pub(crate) fn count(&self, status: u16) -> usize {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Whether all answers, of which there are some, were 200.
    pub(crate) fn is_ok(&self) -> bool {
        self.statuses.keys().eq([&200])
    }
}

/// What a latency may become under an attack: twice as long and a millisecond, which is for the scheduler.
pub(crate) fn is_sane(attacked: Duration, in_peace: Duration) -> bool {
    attacked <= 2 * in_peace + Duration::from_millis(1)
}

/// Microseconds, for figures.
pub(crate) fn us(time: Duration) -> String {
    format!("{} us", time.as_micros())
}
