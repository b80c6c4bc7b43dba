//! A pipe at stdout that nobody reads.

use std::error::Error;
use std::io;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::request;
use mlops_benches::wine;

use crate::Stage;
use crate::client::{Got, is_sane, us};
use crate::outcome::Outcome;
use crate::service::Service;

/// So many rows fill the queue of 32 MiB soon.
const N_ROWS: usize = 50;
/// After the signal, telemetry has 10 seconds to be written; the rest is for scheduling.
const END: Duration = Duration::from_secs(12);
const DROPPED: &str = "mlops_telemetry_events_total{outcome=\"dropped\"} ";

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let time = stage.size(Duration::from_secs(20), Duration::from_secs(4));
    let request = request("POST", "/predict", &wine::json(N_ROWS));
    let during =
        |service: &Service, time| Got::during(service.connect()?, &request, Duration::ZERO, time);
    let mut read = Service::start(&stage.program, &[], Stdio::piped())?;
    let mut stdout = read.process.stdout.take().ok_or("no stdout")?;
    let reader = thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
    during(&read, Duration::from_secs(1))?;
    let peace = during(&read, time)?;
    drop(read);
    let _ = reader.join();

    let mut unread = Service::start(&stage.program, &[], Stdio::piped())?;
    let mut n_filling = 0;
    while unread.metric(DROPPED)? == 0 {
        n_filling += during(&unread, Duration::from_secs(1))?.count(200);
    }
    let attacked = during(&unread, time)?;
    let n_dropped = unread.metric(DROPPED)?;
    unread.signal("-TERM");
    let told = Instant::now();
    let status = unread.end(2 * END)?;
    let end = told.elapsed();

    let mut outcome = Outcome::default();
    outcome.promise(attacked.is_ok(), format!("answers {:?}", attacked.statuses));
    let (now, before) = (attacked.p99(), peace.p99());
    let figure = format!("p99 {} instead of {}", us(now), us(before));
    outcome.speed(stage, is_sane(now, before), figure);
    let n_answered = attacked.count(200) as u64;
    // Whatever was answered since the queue is full has no line.
    let figure = format!("{n_dropped} dropped of {} answered", n_filling as u64 + n_answered);
    outcome.promise(n_dropped >= n_answered, figure);
    let figure = format!("ended {:.1} s after the signal", end.as_secs_f64());
    outcome.promise(status.is_some() && end <= END, figure);
    let log = unread.log()?;
    // Lost lines are an error of the program, which says so.
    let has_said =
        status.is_some_and(|status| status.code() == Some(1)) && log.contains("not written out");
    outcome.promise(has_said, format!("said \"{}\"", log.lines().last().unwrap_or_default()));
    Ok(outcome)
}
