//! SIGTERM while clients that keep their connections open send one request after the other.

use std::collections::HashSet;
use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::{Connection, request};
use mlops_benches::wine;

use crate::Stage;
use crate::outcome::Outcome;
use crate::service::Service;

const N_CLIENTS: usize = 32;
const DELAY: Duration = Duration::from_secs(2);
/// A client whose connection is ended has another instance to go to; here it comes back after this long.
const PAUSE: Duration = Duration::from_millis(5);
/// Readiness is gone this soon after the signal.
const AT_ONCE: Duration = Duration::from_millis(250);

/// What a client met with.
#[derive(Debug, Default)]
struct Met {
    /// The names of the requests that were answered with 200.
    answered: Vec<String>,
    failures: Vec<String>,
    /// Connections that the port no longer took, after the drain delay.
    n_turned_away: usize,
}

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let delay = DELAY.as_secs().to_string();
    let mut service = Service::start(&stage.program, &["--drain-delay", &delay], Stdio::piped())?;
    let stdout = service.process.stdout.take().ok_or("no stdout")?;
    let told = thread::spawn(|| request_ids(stdout));
    let told_to_stop = OnceLock::new();
    let mut outcome = Outcome::default();
    let (met, ready_for) = thread::scope(|scope| {
        let mut clients = Vec::new();
        for _ in 0..N_CLIENTS {
            clients.push(scope.spawn(|| hammer(service.port, &told_to_stop)));
        }
        thread::sleep(stage.size(Duration::from_secs(5), Duration::from_secs(1)));
        let signalled = *told_to_stop.get_or_init(Instant::now);
        service.signal("-TERM");
        while service.ask("/readyz").is_ok_and(|response| response.status == 200) {}
        let ready_for = signalled.elapsed();
        let join = |client: thread::ScopedJoinHandle<'_, Met>| client.join().unwrap_or_default();
        (clients.into_iter().map(join).collect::<Vec<_>>(), ready_for)
    });
    let status = service.end(Duration::from_secs(25))?;
    let told = told.join().map_err(|_| "the reader of stdout panicked")?;

    let answered: Vec<&String> = met.iter().flat_map(|met| &met.answered).collect();
    let failures: Vec<&String> = met.iter().flat_map(|met| &met.failures).collect();
    let n_turned_away: usize = met.iter().map(|met| met.n_turned_away).sum();
    let n_untold = answered.iter().filter(|id| !told.contains(id.as_str())).count();
    outcome.promise(!answered.is_empty(), format!("{} answered", answered.len()));
    let first = failures.first().map_or(String::new(), |first| format!(" ({first})"));
    outcome.promise(failures.is_empty(), format!("{} failed{first}", failures.len()));
    outcome.promise(
        n_turned_away >= N_CLIENTS,
        format!("{n_turned_away} turned away after the delay"),
    );
    outcome.promise(ready_for < AT_ONCE, format!("ready for {} ms more", ready_for.as_millis()));
    outcome.success(status);
    outcome.promise(n_untold == 0, format!("{n_untold} without a line"));
    Ok(outcome)
}

/// Sends requests until the port is closed after the drain delay.
fn hammer(port: u16, told_to_stop: &OnceLock<Instant>) -> Met {
    let request = request("POST", "/predict", &wine::json(2));
    let mut met = Met::default();
    let is_over = || told_to_stop.get().is_some_and(|at| at.elapsed() >= DELAY);
    loop {
        let mut connection = match Connection::open(port) {
            Ok(connection) => connection,
            Err(_) if is_over() => {
                met.n_turned_away += 1;
                return met;
            }
            Err(error) => {
                met.failures.push(format!("connect: {error}"));
                return met;
            }
        };
        let mut n_answers = 0;
        loop {
            match connection.send(&request) {
                Ok(response) if response.status == 200 => {
                    n_answers += 1;
                    met.answered.extend(response.header("x-request-id").map(str::to_owned));
                    if response.is_last() {
                        break;
                    }
                }
                Ok(response) => met.failures.push(format!("status {}", response.status)),
                // The port was closed before the service took the connection.
                Err(_) if n_answers == 0 && is_over() => break,
                Err(error) => {
                    met.failures.push(format!("after {n_answers} answers: {error}"));
                    break;
                }
            }
        }
        thread::sleep(PAUSE);
    }
}

/// The names of all requests that are told of.
fn request_ids(stdout: impl Read) -> HashSet<String> {
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let id = |line: String| {
        let (id, _) = line.split_once(r#""request_id":""#)?.1.split_once('"')?;
        Some(id.to_owned())
    };
    lines.filter_map(id).collect()
}
