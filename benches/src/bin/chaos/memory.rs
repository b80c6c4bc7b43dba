//! Millions of requests: what the service has of memory must not grow.

use std::error::Error;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::{Connection, request};
use mlops_benches::wine;

use crate::Stage;
use crate::outcome::Outcome;
use crate::service::Service;

const N_CONNECTIONS: usize = 4;
/// So many requests are sent before the first of their answers is read.
const N_PIPELINED: usize = 32;
/// Memory is looked at so often, after as many requests each time.
const N_PARTS: usize = 10;
const ROOM_KB: u64 = 2 << 10;

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let n_requests = stage.size(10_000_000, 300_000);
    let service = Service::start(&stage.program, &[], Stdio::null())?;
    let connections = (0..N_CONNECTIONS).map(|_| service.connect());
    let mut connections = connections.collect::<Result<Vec<_>, _>>()?;
    let requests = request("POST", "/predict", &wine::json(2)).repeat(N_PIPELINED);
    let n_rounds = (n_requests / N_PARTS).div_ceil(N_CONNECTIONS * N_PIPELINED);
    let started = Instant::now();
    let mut resident = Vec::new();
    for _ in 0..N_PARTS {
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for connection in &mut connections {
                threads.push(scope.spawn(|| send(connection, &requests, n_rounds)));
            }
            for thread in threads {
                thread.join().map_err(|_| "a client panicked".to_owned())??;
            }
            Ok::<(), String>(())
        })?;
        while service.metric("mlops_telemetry_queue_bytes ")? > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        resident.push(service.resident_kb());
    }
    let n_sent = N_PARTS * N_CONNECTIONS * N_PIPELINED * n_rounds;
    let rate = n_sent as f64 / started.elapsed().as_secs_f64();
    let lost = service.metric("mlops_telemetry_events_total{outcome=\"dropped\"} ")?;
    let mut outcome = Outcome::default();
    outcome.promise(true, format!("{n_sent} answered, {rate:.0} a second, {lost} lines lost"));
    let (first, last) = (resident[0], resident[N_PARTS - 1]);
    let figure = format!("{first} kB after the first tenth, {last} kB after the last");
    outcome.promise(first > 0 && last <= first + ROOM_KB, figure);
    Ok(outcome)
}

fn send(connection: &mut Connection, requests: &[u8], n_rounds: usize) -> Result<(), String> {
    for _ in 0..n_rounds {
        connection.write(requests).map_err(|error| error.to_string())?;
        for _ in 0..N_PIPELINED {
            let status = connection.read().map_err(|error| error.to_string())?.status;
            if status != 200 {
                return Err(format!("status {status}"));
            }
        }
    }
    Ok(())
}
