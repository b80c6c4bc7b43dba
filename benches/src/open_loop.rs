//! Requests at a fixed rate, whatever the service does.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
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
    let events = Events::of(&connections)?;
    let line = |connection| Line::new(connection, request.len());
    let mut lines: Vec<Line> = connections.into_iter().map(line).collect();
    let mut idle: VecDeque<usize> = (0..lines.len()).collect();
    let mut latencies = Vec::with_capacity(n_requests);
    while latencies.len() < n_requests {
        let now = Instant::now();
        while let Some(at) = idle.pop_front() {
            let Some(intended) = due.next_if(|due| *due <= now) else {
                idle.push_front(at);
                break;
            };
            let line = &mut lines[at];
            (line.intended, line.n_sent) = (intended, 0);
            line.write(request)?;
            events.wants(at, line, request)?;
        }
        let next = due.peek().filter(|_| !idle.is_empty());
        let until = next.map(|next| next.saturating_duration_since(Instant::now()));
        for at in events.wait(until)? {
            let line = &mut lines[at];
            if line.n_sent < request.len() {
                line.write(request)?;
                events.wants(at, line, request)?;
            }
            // A response may come before all of the request is sent.
            if line.n_sent == request.len()
                && let Some(response) = line.connection.try_read()?
            {
                latencies.push(line.intended.elapsed());
                check(&response)?;
                idle.push_back(at);
            }
        }
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

/// A connection and the request on it.
struct Line {
    connection: Connection,
    intended: Instant,
    /// The bytes of it that the connection took.
    n_sent: usize,
    /// Whether it is waited for until the connection takes more.
    is_full: bool,
}

impl Line {
    /// With nothing left to send of a request of `n` bytes.
    fn new(connection: Connection, n: usize) -> Self {
        Self { connection, intended: Instant::now(), n_sent: n, is_full: false }
    }

    /// Sends what is left, as far as the connection takes it.
    fn write(&mut self, request: &[u8]) -> io::Result<()> {
        self.n_sent += self.connection.try_write(&request[self.n_sent..])?;
        Ok(())
    }
}

/// News of connections, however many there are: a client that asks for all of them each time takes more from the service
/// than the requests do.
struct Events(OwnedFd);

impl Events {
    /// Connections are known by their position.
    fn of(connections: &[Connection]) -> io::Result<Self> {
        let events = epoll::create(CreateFlags::CLOEXEC)?;
        for (at, connection) in connections.iter().enumerate() {
            epoll::add(&events, connection, EventData::new_u64(at as u64), EventFlags::IN)?;
        }
        Ok(Self(events))
    }

    /// Waits for a connection to take more, too, if there is more.
    fn wants(&self, at: usize, line: &mut Line, request: &[u8]) -> io::Result<()> {
        let is_full = line.n_sent < request.len();
        if is_full != line.is_full {
            let write = if is_full { EventFlags::OUT } else { EventFlags::empty() };
            let data = EventData::new_u64(at as u64);
            epoll::modify(&self.0, &line.connection, data, EventFlags::IN | write)?;
            line.is_full = is_full;
        }
        Ok(())
    }

    /// Waits for connections, or for that long, and says which are ready.
    fn wait(&self, at_most: Option<Duration>) -> io::Result<Vec<usize>> {
        // epoll by itself counts in milliseconds.
        let timeout = Timespec::try_from(at_most.unwrap_or(PATIENCE)).map_err(io::Error::other)?;
        let mut news = [PollFd::new(&self.0, PollFlags::IN)];
        if retry_on_intr(|| poll(&mut news, Some(&timeout)))? == 0 {
            return if at_most.is_none() {
                Err(io::ErrorKind::TimedOut.into())
            } else {
                Ok(vec![])
            };
        }
        let mut ready = Vec::with_capacity(MANY);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        retry_on_intr(|| epoll::wait(&self.0, spare_capacity(&mut ready), Some(&now)))?;
        let positions = ready.iter().map(|event| usize::try_from(event.data.u64()));
        positions.collect::<Result<_, _>>().map_err(io::Error::other)
    }
}

/// So much news is taken at once.
const MANY: usize = 64;

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
