//! Sockets that are as busy as a service and do nothing else: what no service on this machine is quicker than.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::Connection;
use mlops_benches::open_loop::{self, OpenLoop};
use rustix::time::{ClockId, clock_gettime};

/// The requests that a service was measured with, and what it did with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    pub(crate) connections: usize,
    pub(crate) request: &'a [u8],
    pub(crate) answer: &'a [u8],
    pub(crate) per_second: f64,
    pub(crate) seconds: f64,
    /// CPU time of a request.
    pub(crate) cpu: Duration,
}

/// A thread for each connection reads the request, keeps a core busy until the request has cost what it cost the service,
/// and writes the answer.
pub(crate) fn measure(work: &Work<'_>) -> io::Result<OpenLoop> {
    let (requests, alone) = run(work, Duration::ZERO)?;
    let of_sockets = alone.div_f64(requests.requests as f64);
    Ok(run(work, work.cpu.saturating_sub(of_sockets))?.0)
}

/// With the CPU time of all threads together.
fn run(work: &Work<'_>, busy: Duration) -> io::Result<(OpenLoop, Duration)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", work.answer.len());
    let response = [head.as_bytes(), work.answer].concat();
    thread::scope(|scope| {
        let (mut clients, mut threads) = (Vec::new(), Vec::new());
        for _ in 0..work.connections {
            clients.push(Connection::open(port)?);
            let (stream, _) = listener.accept()?;
            threads.push(scope.spawn(|| serve(stream, work.request.len(), busy, &response)));
        }
        let met = open_loop::run(
            clients,
            work.request,
            work.per_second,
            work.seconds,
            open_loop::succeeded,
        )?;
        let cpu = threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum();
        Ok((met, cpu))
    })
}

/// Until the client leaves; returns the CPU time of the thread.
fn serve(mut stream: TcpStream, request: usize, busy: Duration, response: &[u8]) -> Duration {
    let mut received = vec![0; request];
    while stream.read_exact(&mut received).is_ok() {
        let begun = Instant::now();
        while begun.elapsed() < busy {}
        if stream.write_all(response).is_err() {
            break;
        }
    }
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}
