//! How long the machine keeps its cores from working: what no service on it can be quicker than.

use std::fmt::{self, Display, Formatter};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

/// What threads that only read the clock, one per core, missed of it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Pauses {
    /// The share of the time of the cores, in `[0, 1]`.
    pub share: f64,
    /// The longest.
    pub longest: Duration,
}

/// Nothing that a thread which reads the clock does itself takes so long.
const PAUSE: Duration = Duration::from_micros(200);

impl Pauses {
    /// Keeps all cores busy for that long.
    pub fn measure(time: Duration) -> Self {
        let n_cores = thread::available_parallelism().map_or(1, usize::from);
        let pauses: Vec<Duration> = thread::scope(|scope| {
            let mut threads = Vec::new();
            threads.resize_with(n_cores, || scope.spawn(move || missed(time)));
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        });
        let lost: Duration = pauses.iter().sum();
        Self {
            share: lost.as_secs_f64() / time.as_secs_f64() / n_cores as f64,
            longest: pauses.into_iter().max().unwrap_or_default(),
        }
    }
}

fn missed(time: Duration) -> Vec<Duration> {
    let started = Instant::now();
    let (mut last, mut pauses) = (started, Vec::new());
    while last.duration_since(started) < time {
        let now = Instant::now();
        let passed = now.duration_since(last);
        if passed > PAUSE {
            pauses.push(passed);
        }
        last = now;
    }
    pauses
}

impl Display for Pauses {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { share, longest } = self;
        write!(
            f,
            "{:.2} % of the time, at most {:.1} ms",
            share * 100.0,
            longest.as_secs_f64() * 1e3
        )
    }
}
