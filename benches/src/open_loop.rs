//! Requests at a fixed rate, whatever the service does.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use crate::http::{Connection, PATIENCE, Response};
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

/// Sends so many requests a second, evenly spaced, on the connections that are free; `check` gets every response.
///
/// When a service stalls, the requests of that time are late; a latency counts from when its request was meant to be
/// sent, so that their waiting is not left out. One thread does it all, as a client on the machine of the service takes
/// from it what it uses itself.
///
/// # Errors
/// If a request failed, or `check` does, or the rate is no positive number.
pub fn run(
    connections: Vec<Connection>,
    request: &[u8],
    per_second: f64,
    seconds: f64,
    mut check: impl FnMut(&Response) -> io::Result<()>,
) -> io::Result<OpenLoop> {
    if !(per_second.is_finite() && per_second > 0.0) {
        return Err(io::Error::other(format!("{per_second} requests a second")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let n_requests = (per_second * seconds).ceil().max(1.0) as usize;
    let start = Instant::now();
    let mut due = (0..n_requests)
        .map(|at| start + Duration::from_secs_f64(at as f64 / per_second))
        .peekable();
    let mut idle = VecDeque::from(connections);
    let mut busy: Vec<Busy> = Vec::new();
    let mut latencies = Vec::with_capacity(n_requests);
    while latencies.len() < n_requests {
        let now = Instant::now();
        while let Some(connection) = idle.pop_front() {
            let Some(intended) = due.next_if(|due| *due <= now) else {
                idle.push_front(connection);
                break;
            };
            busy.push(Busy { connection, intended, n_sent: 0 }.write(request)?);
        }
        let next = due.peek().filter(|_| !idle.is_empty());
        let until = next.map(|next| next.saturating_duration_since(Instant::now()));
        let ready = wait(&busy, request, until)?;
        let mut waiting = Vec::with_capacity(busy.len());
        for (mut each, is_ready) in busy.into_iter().zip(ready) {
            if is_ready {
                each = each.write(request)?;
            }
            // A response may come before all of the request is sent.
            if is_ready
                && each.n_sent == request.len()
                && let Some(response) = each.connection.try_read()?
            {
                latencies.push(each.intended.elapsed());
                check(&response)?;
                idle.push_back(each.connection);
            } else {
                waiting.push(each);
            }
        }
        busy = waiting;
    }
    let took = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(OpenLoop {
        requests: latencies.len(),
        per_second: latencies.len() as f64 / took,
        p50_us: quantile(&latencies, 50).as_secs_f64() * 1e6,
        p99_us: quantile(&latencies, 99).as_secs_f64() * 1e6,
    })
}

/// A request on its way.
struct Busy {
    connection: Connection,
    intended: Instant,
    /// The bytes of it that the connection took.
    n_sent: usize,
}

impl Busy {
    /// Sends what is left, as far as the connection takes it.
    fn write(mut self, request: &[u8]) -> io::Result<Self> {
        if let Some(left) = request.get(self.n_sent..).filter(|left| !left.is_empty()) {
            self.n_sent += self.connection.try_write(left)?;
        }
        Ok(self)
    }
}

/// Waits for a connection, or for that long, and says which are ready.
fn wait(busy: &[Busy], request: &[u8], at_most: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut each = Vec::with_capacity(busy.len());
    for Busy { connection, n_sent, .. } in busy {
        let write = if *n_sent < request.len() { PollFlags::OUT } else { PollFlags::empty() };
        each.push(PollFd::new(connection, PollFlags::IN | write));
    }
    let timeout = Timespec::try_from(at_most.unwrap_or(PATIENCE)).map_err(io::Error::other)?;
    if retry_on_intr(|| poll(&mut each, Some(&timeout)))? == 0 && at_most.is_none() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(each.iter().map(|each| !each.revents().is_empty()).collect())
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
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

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
            let connections = (0..2).map(|_| Connection::open(port).unwrap()).collect();
            run(connections, &request, 200.0, 1.0, succeeded).unwrap()
        });
        assert_eq!(outcome.requests, 200);
        // 80 requests were due during the stall. Two of them were sent; without the others, 1 % would wait.
        assert!(outcome.p99_us > 0.8 * STALL.as_secs_f64() * 1e6, "{outcome:?}");
        assert!(outcome.p50_us < 0.5 * STALL.as_secs_f64() * 1e6, "{outcome:?}");
    }
}
