//! `kill -9` under load, with an audit log: whatever was answered is in it.

use std::collections::HashSet;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use mlops_benches::http::{Connection, request};
use mlops_benches::wine;
use mlops_telemetry::{AuditLog, LogReader, Logged};

use crate::Stage;
use crate::outcome::Outcome;
use crate::service::Service;

const N_CLIENTS: usize = 16;

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let n_kills = stage.size(5, 2);
    let folder = stage.program.folder("audit-killed")?;
    let path = folder.display().to_string();
    let mut answered = Vec::new();
    for _ in 0..n_kills {
        let service = Service::start(&stage.program, &["--audit", &path], Stdio::null())?;
        let port = service.port;
        let clients: Vec<_> = (0..N_CLIENTS).map(|_| thread::spawn(move || hammer(port))).collect();
        thread::sleep(Duration::from_secs(2));
        service.signal("-KILL");
        for client in clients {
            answered.extend(client.join().map_err(|_| "a client panicked")?);
        }
    }
    let mut last = Service::start(&stage.program, &["--audit", &path], Stdio::null())?;
    let status = last.connect()?.send(&request("POST", "/predict", &wine::json(1)))?.status;
    last.signal("-TERM");
    let end = last.end(Duration::from_secs(25))?;

    let (logged, n_unreadable) = logged(&folder)?;
    let n_lost = answered.iter().filter(|id| !logged.contains(id.as_str())).count();
    let mut outcome = Outcome::default();
    outcome.promise(
        !answered.is_empty(),
        format!("{n_kills} kills, {} answered, {} in the log", answered.len(), logged.len()),
    );
    outcome.promise(n_lost == 0, format!("{n_lost} lost"));
    outcome.promise(n_unreadable == 0, format!("{n_unreadable} lines unreadable"));
    outcome.promise(status == 200, format!("status {status} after the restart"));
    outcome.success(end);
    Ok(outcome)
}

/// The names of the requests that were answered before the connection ended.
fn hammer(port: u16) -> Vec<String> {
    let request = request("POST", "/predict", &wine::json(2));
    let mut answered = Vec::new();
    let Ok(mut connection) = Connection::open(port) else { return answered };
    while let Ok(response) = connection.send(&request) {
        if response.status == 200 {
            answered.extend(response.header("x-request-id").map(str::to_owned));
        }
    }
    answered
}

/// The names of the requests in the log, and the number of lines that cannot be read.
pub(crate) fn logged(folder: &Path) -> Result<(HashSet<String>, u64), Box<dyn Error>> {
    let mut reader = LogReader::new(wine::schema());
    let mut names = HashSet::new();
    for segment in AuditLog::sealed_segments(folder)? {
        for logged in reader.read(BufReader::new(File::open(segment)?)) {
            if let Logged::Request(request) = logged? {
                names.insert(request.request_id);
            }
        }
    }
    let n_incomplete = reader.finish().len() as u64;
    Ok((names, n_incomplete + reader.counts().malformed))
}
