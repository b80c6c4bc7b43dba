//! Sockets that send the half of a head or of a body, byte by byte, or take nothing of their answers, while one client
//! works as always.
//!
//! No more are open at a time than the service takes (512), so that each is accepted at once and its time is that of
//! the socket. More send bodies than requests are let in (256).

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::request;
use mlops_benches::wine;

use crate::Stage;
use crate::client::{Got, is_sane, us};
use crate::outcome::Outcome;
use crate::service::Service;

/// What a slow socket does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Head,
    Body,
    Unread,
}

/// Sockets of each kind in a round, and the limit of the service.
const KINDS: [(Kind, usize, Duration); 3] = [
    (Kind::Head, 100, Duration::from_secs(10)),
    (Kind::Body, 350, Duration::from_secs(30)),
    (Kind::Unread, 50, Duration::from_secs(30)),
];
/// Sockets are looked at so often,
const SWEEP: Duration = Duration::from_millis(20);
/// and send another byte so often.
const TRICKLE: Duration = Duration::from_millis(500);
/// What scheduling and this program's sweeps may add to a limit.
const SLACK: Duration = Duration::from_millis(1500);
/// The answers of so many requests for a large file fill the buffers of both ends.
const N_UNREAD: usize = 40;
/// The pause of the fast client.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let n_rounds = stage.size(2, 1);
    let service = Service::start(&stage.program, &[], Stdio::null())?;
    let fast = request("POST", "/predict", &wine::json(2));
    // What starts slowly starts now.
    Got::during(service.connect()?, &fast, Duration::ZERO, Duration::from_secs(1))?;
    // Before and after: the machine may have other work.
    let in_peace = || Got::during(service.connect()?, &fast, PAUSE, Duration::from_secs(5));
    let peace = in_peace()?;
    let is_over = AtomicBool::new(false);
    let (attacked, sockets, health) = thread::scope(|scope| {
        let connection = service.connect();
        let client = scope
            .spawn(|| Got::from(connection?, &fast, PAUSE, || is_over.load(Ordering::Relaxed)));
        let mut sockets = Vec::new();
        let mut health = true;
        for _ in 0..n_rounds {
            match attack(service.port) {
                Ok(round) => sockets.extend(round),
                Err(error) => {
                    is_over.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
            health &= service.ask("/healthz").is_ok_and(|response| response.status == 200);
        }
        is_over.store(true, Ordering::Relaxed);
        let attacked = client.join().unwrap_or_else(|_| Err(ErrorKind::Other.into()))?;
        Ok((attacked, sockets, health))
    })?;

    let peace = peace.and(in_peace()?);

    let mut outcome = Outcome::default();
    for (kind, n_sockets, limit) in KINDS {
        let closed = sockets.iter().filter(|socket| socket.kind == kind);
        let closed: Vec<Duration> = closed.filter_map(|socket| socket.closed).collect();
        let latest = closed.iter().max().copied().unwrap_or_default();
        let earliest = closed.iter().min().copied().unwrap_or_default();
        let n_expected = n_sockets * n_rounds;
        outcome.promise(
            closed.len() == n_expected && latest <= limit + SLACK,
            format!(
                "{kind:?}: {} of {n_expected} closed after {:.1} to {:.1} s",
                closed.len(),
                earliest.as_secs_f64(),
                latest.as_secs_f64()
            ),
        );
    }
    let bodies = sockets.iter().filter(|socket| socket.kind == Kind::Body);
    let n_strange = bodies.filter(|socket| !socket.answer.starts_with(b"HTTP/1.1 408 ")).count();
    outcome.promise(n_strange == 0, format!("{n_strange} bodies not answered with 408"));
    outcome.promise(attacked.is_ok(), format!("the fast client got {:?}", attacked.statuses));
    let (now, before) = (attacked.p99(), peace.p99());
    let figure = format!("its p99 {} instead of {}", us(now), us(before));
    outcome.speed(stage, is_sane(now, before), figure);
    outcome.promise(health, "health answers after each round");
    Ok(outcome)
}

#[derive(Debug)]
struct Slow {
    kind: Kind,
    stream: TcpStream,
    opened: Instant,
    trickled: Instant,
    /// What came back, where that is read.
    answer: Vec<u8>,
    /// How long it was open.
    closed: Option<Duration>,
}

/// Opens a round of sockets, and waits until they are closed or should be.
fn attack(port: u16) -> io::Result<Vec<Slow>> {
    let body = wine::json(2);
    let head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let half = format!("{head}content-length: {}\r\n\r\n{}", 2 * body.len(), &body[..100]);
    let files = request("GET", "/docs/swagger-ui-bundle.js", "").repeat(N_UNREAD);
    let mut sockets = Vec::new();
    for (kind, n_sockets, _) in KINDS {
        let start = match kind {
            Kind::Head => head.as_bytes(),
            Kind::Body => half.as_bytes(),
            Kind::Unread => &files,
        };
        for _ in 0..n_sockets {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_nodelay(true)?;
            let opened = Instant::now();
            stream.write_all(start)?;
            stream.set_nonblocking(true)?;
            let (answer, closed) = (Vec::new(), None);
            sockets.push(Slow { kind, stream, opened, trickled: opened, answer, closed });
        }
    }
    let longest = KINDS.map(|(_, _, limit)| limit).into_iter().max().unwrap_or_default();
    let started = Instant::now();
    while started.elapsed() < longest + 2 * SLACK && sockets.iter().any(|it| it.closed.is_none()) {
        for socket in sockets.iter_mut().filter(|socket| socket.closed.is_none()) {
            socket.look();
        }
        thread::sleep(SWEEP);
    }
    Ok(sockets)
}

impl Slow {
    /// Reads what is there, and sends another byte if it is time.
    fn look(&mut self) {
        let mut read = Ok(());
        if self.kind != Kind::Unread {
            let mut buffer = [0; 1024];
            read = match self.stream.read(&mut buffer) {
                Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.answer.extend_from_slice(&buffer[..n]);
                    Ok(())
                }
                Err(error) => Err(error),
            };
        }
        let mut sent = Ok(());
        // To a connection that the other side has given up this is an error the second time.
        if self.trickled.elapsed() >= TRICKLE && self.answer.is_empty() {
            self.trickled = Instant::now();
            sent = self.stream.write_all(b" ");
        }
        let is_end =
            |outcome: io::Result<()>| outcome.is_err_and(|it| it.kind() != ErrorKind::WouldBlock);
        if is_end(read) || is_end(sent) {
            self.closed = Some(self.opened.elapsed());
        }
    }
}
