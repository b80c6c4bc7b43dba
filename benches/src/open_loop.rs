//! Requests at a fixed rate, whatever the service does.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{Connection, Response};
use crate::latency::quantile;

/// What requests at a fixed rate met with.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OpenLoop {
    /// How many were sent and answered.
    pub requests: usize,
    /// The answers that came in a second, until the last.
    pub per_second: f64,
    /// The median latency, in microseconds.
    pub p50_us: f64,
    /// The latency that 1 % exceed, in microseconds.
    pub p99_us: f64,
}

/// Sends so many requests a second, evenly spaced, on the connections that are free.
///
/// When a service stalls, the requests of that time are late; a latency counts from when its request was meant to be
/// sent, so that their waiting is not left out. `check` gets every response.
///
/// # Errors
/// If a request failed, or `check` does.
pub fn run(
    connect: impl Fn() -> io::Result<Connection> + Sync,
    request: &[u8],
    connections: usize,
    per_second: f64,
    seconds: f64,
    check: impl Fn(&Response) -> io::Result<()> + Sync,
) -> io::Result<OpenLoop> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let n_requests = (per_second * seconds).ceil().max(1.0) as u64;
    let next = AtomicU64::new(0);
    let open = (0..connections).map(|_| connect()).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let work = |mut connection: Connection| {
        let mut latencies = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= n_requests {
                return Ok(latencies);
            }
            let intended = start + Duration::from_secs_f64(at as f64 / per_second);
            thread::sleep(intended.saturating_duration_since(Instant::now()));
            check(&connection.send(request)?)?;
            latencies.push(intended.elapsed());
        }
    };
    let outcomes: Vec<io::Result<Vec<Duration>>> = thread::scope(|scope| {
        let mut threads = Vec::new();
        for connection in open {
            threads.push(scope.spawn(|| work(connection)));
        }
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        };
        threads.into_iter().map(join).collect()
    });
    let took = start.elapsed().as_secs_f64();
    let mut latencies = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    latencies.sort_unstable();
    Ok(OpenLoop {
        requests: latencies.len(),
        per_second: latencies.len() as f64 / took,
        p50_us: quantile(&latencies, 50).as_secs_f64() * 1e6,
        p99_us: quantile(&latencies, 99).as_secs_f64() * 1e6,
    })
}

/// Refuses every response that is not 200.
///
/// # Errors
/// With the status of another response.
pub fn succeeded(response: &Response) -> io::Result<()> {
    match response.status {
        200 => Ok(()),
        status => Err(io::Error::other(format!("status {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::RwLock;

    use super::*;
    use crate::http;

    const STALL: Duration = Duration::from_millis(400);

    /// Answers at once, but for one request in which all connections of the service stall.
    fn serve(mut stream: TcpStream, seen: &AtomicU64, stalled: &RwLock<()>) {
        let mut buffer = [0; 512];
        while stream.read(&mut buffer).is_ok_and(|n| n > 0) {
            if seen.fetch_add(1, Ordering::Relaxed) == 50 {
                let _all = stalled.write().unwrap();
                thread::sleep(STALL);
            }
            let _one = stalled.read().unwrap();
            let answered = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            answered.unwrap();
        }
    }

    #[test]
    fn what_waits_for_a_stalled_service_counts_from_when_it_was_due() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, stalled) = (AtomicU64::new(0), RwLock::new(()));
        let outcome = thread::scope(|scope| {
            scope.spawn(|| {
                for stream in listener.incoming().take(2) {
                    let (seen, stalled) = (&seen, &stalled);
                    let stream = stream.unwrap();
                    scope.spawn(move || serve(stream, seen, stalled));
                }
            });
            let request = http::request("GET", "/", "");
            run(|| Connection::open(port), &request, 2, 200.0, 1.0, succeeded).unwrap()
        });
        assert_eq!(outcome.requests, 200);
        // 80 requests were due during the stall. Two of them were sent; without the others, 1 % would wait.
        assert!(outcome.p99_us > 0.8 * STALL.as_secs_f64() * 1e6, "{outcome:?}");
        assert!(outcome.p50_us < 0.5 * STALL.as_secs_f64() * 1e6, "{outcome:?}");
    }
}
