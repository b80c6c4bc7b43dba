use std::time::Duration;

/// What a service takes from its clients, and how long it waits for whom.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest request body, in bytes; 4 MiB. A larger one is answered with 413.
    pub body_bytes: usize,
    /// The most rows in a request; 10,000. More are answered with 413.
    pub rows: usize,
    /// The most open connections; 512. 64 more are let in for one request each, which is answered with 503 unless it
    /// is for health or metrics.
    pub connections: usize,
    /// The most predictions that are worked on at a time; 256. More are answered with 503. Of their bodies and of
    /// those that are still arriving, no more than so many times `body_bytes` are held, in buffers of up to twice that;
    /// the first 16 KiB of each do not count.
    pub requests: usize,
    /// How long a client may take to send a request's headers; 10 seconds, then the connection is closed.
    pub header_time: Duration,
    /// How long a connection may be idle between requests; 75 seconds, then it is closed.
    pub idle_time: Duration,
    /// How long a client may take to send a request's body; 30 seconds, then the answer is 408.
    pub body_time: Duration,
    /// How long a client may take nothing of a response; 30 seconds, then the connection is closed.
    pub write_time: Duration,
    /// How long an answer may take from a request's headers on; 60 seconds, then it is 504. A model that hangs on a
    /// small body is not interrupted: predictors must be quick or fail.
    pub request_time: Duration,
    /// How long an answer waits for detectors; 1 second, then it says that they are unavailable.
    pub monitoring_time: Duration,
    /// How long connections are still accepted after a shutdown began, with readiness gone; 0. Longer where a load
    /// balancer takes its time to notice. Each answer of that time is the last of its connection.
    pub drain_delay: Duration,
    /// How long requests in flight, and then the telemetry, may take to finish after that; 10 seconds.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            rows: 10_000,
            // Half of the 1024 descriptors that a process is commonly allowed.
            connections: 512,
            requests: 256,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            request_time: Duration::from_secs(60),
            monitoring_time: Duration::from_secs(1),
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(10),
        }
    }
}
