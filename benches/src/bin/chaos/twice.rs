//! A second service on the port of the first one, or with its audit log.

use std::error::Error;
use std::io;
use std::process::{Command, Output, Stdio};

use mlops_benches::http::request;
use mlops_benches::wine;

use crate::Stage;
use crate::outcome::Outcome;
use crate::service::Service;

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let folder = stage.program.folder("audit-twice")?.display().to_string();
    let first = Service::start(&stage.program, &["--audit", &folder], Stdio::null())?;
    let address = format!("127.0.0.1:{}", first.port);
    let mut outcome = Outcome::default();
    let mut arguments = stage.program.serve();
    // The first of both free ports is that of clients.
    if let Some(free) = arguments.iter_mut().find(|argument| argument.ends_with(":0")) {
        *free = address;
    }
    let same_port = second(stage, &arguments)?;
    let same_log = [&stage.program.serve()[..], &["--audit".to_owned(), folder.clone()]].concat();
    let same_log = second(stage, &same_log)?;
    for (what, output, reasons) in [
        ("port", same_port, ["cannot listen on", "in use"]),
        ("audit log", same_log, [folder.as_str(), "open already"]),
    ] {
        let said = String::from_utf8_lossy(&output.stderr);
        let is_clear = reasons.iter().all(|reason| said.contains(reason));
        let code = output.status.code();
        outcome.promise(
            code.is_some_and(|code| code != 0) && is_clear,
            format!("the same {what}: {code:?}, \"{}\"", said.trim()),
        );
    }
    // Models are only read, so services may share their store.
    let second = Service::start(&stage.program, &[], Stdio::null())?;
    let body = request("POST", "/predict", &wine::json(1));
    for (which, service) in [("first", first), ("one with the same store", second)] {
        let status = service.connect()?.send(&body)?.status;
        outcome.promise(status == 200, format!("the {which} answers {status}"));
    }
    Ok(outcome)
}

/// Runs a service that should end by itself; one that does not is ended, with another code.
fn second(stage: &Stage, arguments: &[String]) -> io::Result<Output> {
    Command::new("timeout").arg("20").arg(stage.program.executable()).args(arguments).output()
}
