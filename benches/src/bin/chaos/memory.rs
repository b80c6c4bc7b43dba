//! Millions of requests: what the service has of memory must not grow.
//!
//! Lines wait in a queue that may take 32 MiB, and does so under more load than a machine has time for; what it once took
//! the allocator keeps. That is no growth, so the load pauses until the queue is empty before much can wait there, even
//! when the thread that writes them gets no time at all: 256 requests have two thirds of a megabyte of lines.

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
/// The queue is waited for after so many of these on each connection.
const N_BETWEEN: usize = 2;
/// Memory is looked at so often, after as many requests each time.
const N_PARTS: usize = 10;
const ROOM_KB: u64 = 2 << 10;

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let n_requests = stage.size(10_000_000, 300_000);
    let service = Service::start(&stage.program, &[], Stdio::null())?;
    let connections = (0..N_CONNECTIONS).map(|_| service.connect());
    let mut connections = connections.collect::<Result<Vec<_>, _>>()?;
    let requests = request("POST", "/predict", &wine::json(2)).repeat(N_PIPELINED);
    let n_bouts = (n_requests / N_PARTS).div_ceil(N_CONNECTIONS * N_PIPELINED * N_BETWEEN);
    let started = Instant::now();
    let mut resident = Vec::new();
    for _ in 0..N_PARTS {
        for _ in 0..n_bouts {
            bout(&mut connections, &requests)?;
            while service.metric("mlops_telemetry_queue_bytes ")? > 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        resident.push(service.resident_kb());
    }
    let n_sent = N_PARTS * n_bouts * N_BETWEEN * N_CONNECTIONS * N_PIPELINED;
    let rate = n_sent as f64 / started.elapsed().as_secs_f64();
    let lost = service.metric("mlops_telemetry_events_total{outcome=\"dropped\"} ")?;
    let mut outcome = Outcome::default();
    outcome.promise(true, format!("{n_sent} answered, {rate:.0} a second, {lost} lines lost"));
    let (first, last) = (resident[0], resident[N_PARTS - 1]);
    let figure = format!("kB after each tenth: {resident:?}");
    outcome.promise(first > 0 && last <= first + ROOM_KB, figure);
    Ok(outcome)
}

/// Sends requests on all connections at once.
fn bout(connections: &mut [Connection], requests: &[u8]) -> Result<(), String> {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for connection in connections {
            threads.push(scope.spawn(|| send(connection, requests)));
        }
        let join = |thread: thread::ScopedJoinHandle<'_, Result<(), String>>| {
            thread.join().unwrap_or_else(|_| Err("a client panicked".to_owned()))
        };
        threads.into_iter().try_for_each(join)
    })
}

fn send(connection: &mut Connection, requests: &[u8]) -> Result<(), String> {
    for _ in 0..N_BETWEEN {
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
