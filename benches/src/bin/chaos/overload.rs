//! Five times as many requests as the service can answer.
//!
//! Load and service share the machine, so the requests are dear to answer and cheap to send: rows whose contributions
//! are to be explained, which take some ten milliseconds of CPU time each. So the sending takes little of what is
//! measured, and what refusals take is in it: a stub that sleeps would hide that. More connections send than requests
//! are let in (256).

use std::error::Error;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
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
/// The CPU time of a request.
const COST: Duration = Duration::from_millis(12);
const MAX_ROWS: usize = 100;
const HEALTHY: Duration = Duration::from_secs(1);

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let service = Service::start(&stage.program, &[], Stdio::null())?;
    let n_rows = rows(&service)?;
    let request = request("POST", PATH, &wine::json(n_rows));
    let time = stage.size(Duration::from_secs(15), Duration::from_secs(5));
    let peak = closed_loop(&service, &request, time)?;

    let (answers, n_other) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    let (load, health) = thread::scope(|scope| {
        let health = scope.spawn(|| watch(&service, &is_over));
        let check = |response: &Response| {
            let is_refusal = response.status == 503 && response.header("retry-after").is_some();
            if response.status == 200 || is_refusal {
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.push((started.elapsed(), is_refusal));
            } else {
                n_other.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let (rate, seconds) = (FACTOR * peak, time.as_secs_f64());
        let load = open_loop::run(|| service.connect(), &request, N_OPEN, rate, seconds, check);
        is_over.store(true, Ordering::Relaxed);
        (load, health.join().unwrap_or_default())
    });
    let n_offered = load?.requests;
    let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Refusals come at once, so the last of them tells when the last request was sent. What is answered later was
    // let in before, and is no part of the load.
    let refusals = answers.iter().filter(|(_, is_refusal)| *is_refusal);
    let refused = refusals.clone().count();
    let end = refusals.map(|(at, _)| *at).max().unwrap_or_default();
    let answered = answers.iter().filter(|(at, is_refusal)| !is_refusal && *at <= end).count();
    let goodput = answered as f64 / end.as_secs_f64();
    let other = n_other.into_inner();
    let mut outcome = Outcome::default();
    outcome.promise(true, format!("{n_rows} rows, peak {peak:.0} a second"));
    let offered = n_offered as f64 / end.as_secs_f64() / peak;
    outcome.promise(offered >= 0.9 * FACTOR, format!("offered {offered:.2} times as many"));
    outcome.promise(
        goodput >= 0.9 * peak,
        format!("goodput {goodput:.0} a second, {:.1} % of the peak", 100.0 * goodput / peak),
    );
    let figure = format!("{refused} refused with 503 and Retry-After, {other} otherwise");
    outcome.promise(refused > 0 && other == 0, figure);
    let Health { n_asked, n_failed, slowest } = health;
    outcome.promise(
        n_asked > 0 && n_failed == 0 && slowest < HEALTHY,
        format!(
            "health and metrics: {n_failed} of {n_asked} failed, slowest {} ms",
            slowest.as_millis()
        ),
    );
    Ok(outcome)
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

/// The answers in a second that clients get who wait for each.
fn closed_loop(service: &Service, request: &[u8], time: Duration) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    let n_answers = thread::scope(|scope| {
        let client = || {
            let connection = service.connect()?;
            Got::during(connection, request, Duration::ZERO, time)
        };
        let clients: Vec<_> = (0..N_CLOSED).map(|_| scope.spawn(client)).collect();
        let mut n_answers = 0;
        for client in clients {
            n_answers += client.join().map_err(|_| "a client panicked")??.count(200);
        }
        Ok::<_, Box<dyn Error>>(n_answers)
    })?;
    Ok(n_answers as f64 / started.elapsed().as_secs_f64())
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
