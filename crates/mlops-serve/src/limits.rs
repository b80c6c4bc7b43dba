use std::time::Duration;

/// What a service takes from its clients, and how long it waits for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest request body, in bytes.
    pub(crate) body_bytes: usize,
    /// The most rows in a request.
    pub(crate) rows: usize,
    /// The most open connections; more wait in the operating system's queue.
    pub(crate) connections: usize,
    /// How long a client may take to send a request's headers, the wait on an idle connection
    /// included.
    pub(crate) header_time: Duration,
    /// How long a client may take to send a request's body.
    pub(crate) body_time: Duration,
    /// How long requests in flight, and then the log, may take to finish after a shutdown began.
    pub(crate) grace: Duration,
    /// How much memory events may hold that wait to be logged, in bytes.
    pub(crate) log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            rows: 10_000,
            // Half of the 1024 descriptors that a process is commonly allowed.
            connections: 512,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            log_bytes: 32 << 20,
        }
    }
}
