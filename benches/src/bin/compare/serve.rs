//! Services that answer with the models of the original system (`seed_models` in the folder that `MLOPS_FIXTURES`
//! names), one after the other, on one machine with the client.
//!
//! An answer of each is held against ours before it is measured: classes are equal, or probabilities to 1e-6; scores of
//! outliers and p-values to 1e-6. `wrk` sends one request after the other on 1 and on 8 connections. Then requests come
//! at half of the rate of 8 connections, whatever the service does, and a latency counts from when a request was meant
//! to be sent. CPU time is that of the service's process and its descendants. Right after a service of ours, sockets that
//! take as much CPU time for a request get as many of them: their latency is the machine's and the client's.
//!
//! `PEERS_PYTHON` has `benches/peers/requirements-serve.txt`; `MLSERVER_PYTHON`, if it is set, has
//! `requirements-serve-mlserver.txt`, which does not go with the others. Each peer has one worker.

mod answers;
mod contestant;
mod measurements;
mod programs;
mod sockets;
mod stages;
mod wrk;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use mlops_benches::open_loop::{self, OpenLoop};
use mlops_benches::pauses::Pauses;
use mlops_benches::seed::SeedModels;
use mlops_benches::{process, wine};

use answers::Expected;
use contestant::{CONTESTANTS, Contestant, OURS};
use measurements::{Case, Load, Measurements, Service};
use programs::Programs;
use sockets::Work;
use wrk::Wrk;

use crate::server::Server;

pub(crate) const N_ROWS: [usize; 3] = [1, 2, 100];
const CONNECTIONS: [usize; 2] = [1, MANY];
const MANY: usize = 8;
/// How long the machine is watched.
const WATCH: Duration = Duration::from_secs(2);

/// Measures each case for so many seconds.
pub(crate) fn compare(work: &Path, seconds: u32) -> Result<Measurements, Box<dyn Error>> {
    fs::create_dir_all(work)?;
    wrk::check()?;
    let programs = Programs::find(work)?;
    let models = SeedModels::load(&programs.models)?;
    let expected = N_ROWS.map(|n| Expected::of(&models, &wine::records(n)));
    let mut measurements = Measurements::new(seconds, programs.versions()?);
    measurements.pauses[0] = Pauses::measure(WATCH);
    let mut answer = Vec::new();
    for contestant in &CONTESTANTS {
        let Contestant { name, ready, command, .. } = contestant;
        let server = match Server::start(name, ready, |port| command(&programs, port), work) {
            Ok(server) => server,
            Err(reason) => {
                measurements.skip(contestant.name, &*reason);
                continue;
            }
        };
        for (n, expected) in N_ROWS.into_iter().zip(&expected) {
            let expected = expected.as_ref().map_err(ToString::to_string)?;
            let got = check(contestant, &server, n, expected)?;
            measure(contestant, &server, n, work, &mut measurements)?;
            if n == stages::N_ROWS && measurements::JUDGED.contains(&contestant.name) {
                measure_sockets(contestant, &got, &mut measurements)?;
            }
            if n == stages::N_ROWS && contestant.name == OURS {
                answer = got;
            }
        }
        let memory = process::memory(&server.processes());
        measurements.services.push(Service {
            name: contestant.name,
            job: contestant.job,
            ready_ms: server.ready_after.as_secs_f64() * 1e3,
            resident_mb: memory.resident_kb as f64 / 1024.0,
            peak_mb: memory.peak_kb as f64 / 1024.0,
        });
    }
    measurements.pauses[1] = Pauses::measure(WATCH);
    let total = measurements.case(OURS, stages::N_ROWS, Load::Closed(MANY)).map(|case| case.cpu_us);
    if let Some(total) = total {
        measurements.stages = stages::measure(&programs.models, &answer, total)?;
    }
    measurements.judge(MANY);
    Ok(measurements)
}

/// Holds an answer for `n` rows against ours, and returns it.
fn check(
    contestant: &Contestant,
    server: &Server,
    n: usize,
    expected: &Expected,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let response = server.connect()?.send(&contestant.request(n))?;
    let wrong = |what: &str| format!("{} computes something else: {what}", contestant.name);
    if response.status != 200 {
        return Err(wrong(&format!("status {}", response.status)).into());
    }
    let answer = serde_json::from_slice(&response.body)?;
    contestant.compare(&answer, expected).map_err(|what| wrong(&what))?;
    Ok(response.body)
}

/// All loads of requests of `n` rows.
fn measure(
    contestant: &Contestant,
    server: &Server,
    n: usize,
    work: &Path,
    measurements: &mut Measurements,
) -> Result<(), Box<dyn Error>> {
    let seconds = measurements.seconds;
    let body = work.join("body.json");
    fs::write(&body, contestant.body(n))?;
    let url = server.url(contestant.path);
    // What starts slowly starts now.
    wrk::run(&url, &body, MANY, 1)?;
    let mut rate = 0.0;
    for connections in CONNECTIONS {
        let before = process::cpu_seconds(&server.processes());
        let Wrk { requests, p50_us, p99_us, per_second } =
            wrk::run(&url, &body, connections, seconds)?;
        let cpu = process::cpu_seconds(&server.processes()) - before;
        rate = per_second;
        measurements.cases.push(Case {
            service: contestant.name,
            n_rows: n,
            load: Load::Closed(connections),
            per_second,
            p50_us,
            p99_us,
            cpu_us: cpu * 1e6 / requests as f64,
            ratio: None,
            sockets_p99_us: None,
        });
    }
    let connections = (0..MANY).map(|_| server.connect()).collect::<Result<_, _>>()?;
    let before = process::cpu_seconds(&server.processes());
    let OpenLoop { requests, per_second, p50_us, p99_us, .. } = open_loop::run(
        connections,
        &contestant.request(n),
        rate / 2.0,
        f64::from(seconds),
        open_loop::succeeded,
    )?;
    let cpu = process::cpu_seconds(&server.processes()) - before;
    measurements.cases.push(Case {
        service: contestant.name,
        n_rows: n,
        load: Load::Open,
        per_second,
        p50_us,
        p99_us,
        cpu_us: cpu * 1e6 / requests as f64,
        ratio: None,
        sockets_p99_us: None,
    });
    Ok(())
}

/// The last case again, with sockets that are as busy.
fn measure_sockets(
    contestant: &Contestant,
    answer: &[u8],
    measurements: &mut Measurements,
) -> Result<(), Box<dyn Error>> {
    let seconds = f64::from(measurements.seconds);
    if let Some(case) = measurements.cases.last_mut() {
        let work = Work {
            connections: MANY,
            request: &contestant.request(case.n_rows),
            answer,
            per_second: case.per_second,
            seconds,
            cpu: Duration::from_secs_f64(case.cpu_us / 1e6),
        };
        case.sockets_p99_us = Some(sockets::measure(&work)?.p99_us);
    }
    Ok(())
}
