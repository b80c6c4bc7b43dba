//! Five times as many requests as the service can answer.
//!
//! Load and service share the machine, so the requests are dear to answer and cheap to send: rows whose contributions
//! are to be explained, which take some twenty milliseconds of CPU time each. So the sending takes little of what is
//! measured, and what refusals take is in it: a stub that sleeps would hide that. The cheaper a request, the more a
//! refusal takes of it: on two cores, with requests of ten milliseconds, 86 % of the peak were left beside the program
//! that sends. More connections send than requests are let in (256).

use std::error::Error;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::{Response, request};
use mlops_benches::{open_loop, wine};

use crate::Stage;
use crate::client::Got;
use crate::outcome::Outcome;
use crate::service::Service;

const PATH: &str = "/v1/models/wine_quality/predict?explain=true";
const N_CLOSED: usize = 8;
const N_OPEN: usize = 400;
const FACTOR: f64 = 5.0;
/// So much of the peak is left above it.
const SHARE: f64 = 0.9;
/// Each half of a turn.
const TIME: Duration = Duration::from_secs(3);
/// The CPU time of a request.
const COST: Duration = Duration::from_millis(25);
const MAX_ROWS: usize = 200;
const HEALTHY: Duration = Duration::from_secs(1);

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let service = Service::start(&stage.program, &[], Stdio::null())?;
    let n_rows = rows(&service)?;
    let request = request("POST", PATH, &wine::json(n_rows));
    let mut total = Turn::default();
    let is_over = AtomicBool::new(false);
    let health = thread::scope(|scope| {
        let health = scope.spawn(|| watch(&service, &is_over));
        let played = (0..stage.size(6, 2)).try_for_each(|_| {
            total.add(&Turn::play(&service, &request)?);
            Ok::<_, Box<dyn Error>>(())
        });
        is_over.store(true, Ordering::Relaxed);
        let health = health.join().unwrap_or_default();
        played.map(|()| health)
    })?;

    let mut outcome = Outcome::default();
    let peak = total.peak.n_answered as f64 / total.peak.seconds;
    outcome.promise(true, format!("{n_rows} rows, peak {peak:.0} a second"));
    let offered = total.n_offered as f64 / total.load.seconds / peak;
    outcome.speed(stage, offered >= 0.9 * FACTOR, format!("offered {offered:.2} times as many"));
    let goodput = total.load.n_answered as f64 / total.load.seconds;
    let share = goodput / peak;
    let figure = format!("goodput {goodput:.0} a second, {:.1} % of the peak", 100.0 * share);
    outcome.speed(stage, share >= SHARE, figure);
    // Whatever else the machine does meanwhile.
    let cost = |phase: &Phase| phase.cpu_seconds * 1e3 / phase.n_paid as f64;
    let (now, before) = (cost(&total.load), cost(&total.peak));
    let figure = format!("an answer takes {now:.1} ms of CPU time instead of {before:.1} ms");
    outcome.speed(stage, now * SHARE <= before, figure);
    let (n_refused, n_other) = (total.n_refused, total.n_other);
    let figure = format!("{n_refused} refused with 503 and Retry-After, {n_other} otherwise");
    outcome.promise(n_refused > 0 && n_other == 0, figure);
    let Health { n_asked, n_failed, slowest } = health;
    outcome.promise(
        n_asked > 0 && n_failed == 0,
        format!("health and metrics: {n_failed} of {n_asked} failed"),
    );
    let figure = format!("the slowest took {} ms", slowest.as_millis());
    outcome.speed(stage, slowest < HEALTHY, figure);
    Ok(outcome)
}

/// What a service did for some time.
#[derive(Clone, Copy, Debug, Default)]
struct Phase {
    seconds: f64,
    /// The requests that were answered with 200 in that time.
    n_answered: usize,
    cpu_seconds: f64,
    /// The requests that the CPU time has answered: also those that were let in and answered later.
    n_paid: usize,
}

/// A short time at the peak, and a short time above it: what else the machine does meets both.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    peak: Phase,
    load: Phase,
    n_offered: usize,
    n_refused: usize,
    n_other: usize,
}

impl Turn {
    fn play(service: &Service, request: &[u8]) -> Result<Self, Box<dyn Error>> {
        let peak = closed_loop(service, request)?;
        let rate = FACTOR * peak.n_answered as f64 / peak.seconds;
        // Sockets that come all at once wait for a second now and then, which is no part of the load.
        let connections = (0..N_OPEN).map(|_| service.connect()).collect::<Result<Vec<_>, _>>()?;
        let (mut answers, mut n_other) = (Vec::new(), 0);
        let (started, cpu) = (Instant::now(), service.cpu_seconds());
        let check = |response: &Response| {
            let is_refusal = response.status == 503 && response.header("retry-after").is_some();
            if response.status == 200 || is_refusal {
                answers.push((started.elapsed(), is_refusal));
            } else {
                n_other += 1;
            }
            Ok(())
        };
        let seconds = TIME.as_secs_f64();
        let n_offered = open_loop::run(connections, request, rate, seconds, check)?.requests;
        let cpu_seconds = service.cpu_seconds() - cpu;
        // Refusals come at once, so the last of them tells when the last request was sent. What is answered later was
        // let in before, and is no part of the load.
        let (refused, answered): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(_, is_refusal)| *is_refusal);
        let end = refused.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let load = Phase {
            seconds: end.as_secs_f64(),
            n_answered: answered.iter().filter(|(at, _)| *at <= end).count(),
            cpu_seconds,
            n_paid: answered.len(),
        };
        Ok(Self { peak, load, n_offered, n_refused: refused.len(), n_other })
    }

    fn add(&mut self, other: &Self) {
        self.peak.add(&other.peak);
        self.load.add(&other.load);
        self.n_offered += other.n_offered;
        self.n_refused += other.n_refused;
        self.n_other += other.n_other;
    }
}

impl Phase {
    fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.n_answered += other.n_answered;
        self.cpu_seconds += other.cpu_seconds;
        self.n_paid += other.n_paid;
    }
}

/// How many rows a request must have to take its cost.
fn rows(service: &Service) -> Result<usize, Box<dyn Error>> {
    let (n_rows, n_turns) = (20, 10);
    let request = request("POST", PATH, &wine::json(n_rows));
    let mut connection = service.connect()?;
    let mut fastest = COST;
    for _ in 0..n_turns {
        let started = Instant::now();
        open_loop::succeeded(&connection.send(&request)?)?;
        fastest = fastest.min(started.elapsed());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let wanted = (n_rows as f64 * COST.as_secs_f64() / fastest.as_secs_f64()) as usize;
    Ok(wanted.clamp(1, MAX_ROWS))
}

/// Clients that wait for each answer.
fn closed_loop(service: &Service, request: &[u8]) -> Result<Phase, Box<dyn Error>> {
    let (started, cpu) = (Instant::now(), service.cpu_seconds());
    let n_answered = thread::scope(|scope| {
        let client = || {
            let connection = service.connect()?;
            Got::during(connection, request, Duration::ZERO, TIME)
        };
        let clients: Vec<_> = (0..N_CLOSED).map(|_| scope.spawn(client)).collect();
        let mut n_answered = 0;
        for client in clients {
            n_answered += client.join().map_err(|_| "a client panicked")??.count(200);
        }
        Ok::<_, Box<dyn Error>>(n_answered)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = service.cpu_seconds() - cpu;
    Ok(Phase { seconds, n_answered, cpu_seconds, n_paid: n_answered })
}

/// What an operator and a load balancer met with.
#[derive(Debug, Default)]
struct Health {
    n_asked: u64,
    n_failed: u64,
    slowest: Duration,
}

fn watch(service: &Service, is_over: &AtomicBool) -> Health {
    let mut health = Health::default();
    while !is_over.load(Ordering::Relaxed) {
        for path in ["/healthz", "/metrics"] {
            let started = Instant::now();
            let is_ok = service.ask(path).is_ok_and(|response| response.status == 200);
            health.n_asked += 1;
            health.n_failed += u64::from(!is_ok);
            health.slowest = health.slowest.max(started.elapsed());
        }
        thread::sleep(Duration::from_millis(50));
    }
    health
}
