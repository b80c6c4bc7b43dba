use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::Connection;

/// What requests at a fixed rate met with.
#[derive(Debug)]
pub(crate) struct OpenLoop {
    pub(crate) requests: usize,
    /// The answers that came in a second, until the last.
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Sends so many requests a second, evenly spaced, on the connections that are free.
///
/// When a service stalls, the requests of that time are late; a latency counts from when its request was meant to be
/// sent, so that their waiting is not left out.
///
/// # Errors
/// If a request failed.
pub(crate) fn run(
    connect: impl Fn() -> io::Result<Connection> + Sync,
    request: &[u8],
    connections: usize,
    per_second: f64,
    seconds: f64,
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
            let response = connection.send(request)?;
            if response.status != 200 {
                return Err(io::Error::other(format!("status {}", response.status)));
            }
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
    let quantile = |percent: usize| {
        let at = (latencies.len() * percent).div_ceil(100).max(1) - 1;
        latencies[at].as_secs_f64() * 1e6
    };
    Ok(OpenLoop {
        requests: latencies.len(),
        per_second: latencies.len() as f64 / took,
        p50_us: quantile(50),
        p99_us: quantile(99),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::RwLock;

    use super::*;
    use crate::serve::connection;

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
            let request = connection::request("GET", "/", "");
            run(|| Connection::open(port), &request, 2, 200.0, 1.0).unwrap()
        });
        assert_eq!(outcome.requests, 200);
        // 80 requests were due during the stall. Two of them were sent; without the others, 1 % would wait.
        assert!(outcome.p99_us > 0.8 * STALL.as_secs_f64() * 1e6, "{outcome:?}");
        assert!(outcome.p50_us < 0.5 * STALL.as_secs_f64() * 1e6, "{outcome:?}");
    }
}
