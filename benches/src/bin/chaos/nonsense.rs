//! Requests that no client should send. Each is answered with a status of 4xx and a small body that repeats nothing of
//! it, the service keeps its memory, and its log stays a log. The names of fields are no values: an unknown one is
//! named, cut after 64 characters.

mod requests;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use mlops_benches::http::{Connection, Response, request};
use mlops_benches::{process, wine};
use serde_json::Value;

use crate::Stage;
use crate::outcome::Outcome;
use crate::service::Service;

use requests::{HTTP_2, MARKER, Nonsense, forgeries, smuggled};

/// The largest body of a refusal: at most 32 places are named.
const SMALL: usize = 8 << 10;
/// What requests of up to 64 MB may add to the peak of the memory: a body of 4 MiB, which grows by doubling, and what
/// the allocator keeps.
const ROOM_KB: u64 = 24 << 10;

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let lines = stage.program.path().join("nonsense.jsonl");
    let mut service = Service::start(&stage.program, &[], File::create(&lines)?)?;
    let good = request("POST", "/predict", &wine::json(2));
    for _ in 0..1000 {
        service.connect()?.send(&good)?;
    }
    let peak = |service: &Service| process::memory(&[service.process.id()]).peak_kb;
    let before = peak(&service);
    let all = requests::all()?;
    let n_all = all.len();
    let wrong: Vec<String> = all.iter().filter_map(|each| fault(&service, each).err()).collect();
    let grown = peak(&service).saturating_sub(before);

    let mut outcome = Outcome::default();
    let figure = format!("{} of {n_all} kinds answered otherwise", wrong.len());
    outcome.promise(wrong.is_empty(), [vec![figure], wrong].concat().join("; "));
    outcome.promise(grown <= ROOM_KB, format!("peak memory grew by {grown} kB"));
    let n_smuggled = n_answers(&service, &smuggled())?;
    let figure = format!("{n_smuggled} answer to a request that hides another");
    outcome.promise(n_smuggled == 1, figure);
    let n_http_2 = n_answers(&service, HTTP_2)?;
    outcome.promise(n_http_2 == 0, format!("{n_http_2} answers to HTTP/2"));
    let forgeries = forgeries();
    let n_forgeries = forgeries.len();
    let mut n_good = 1000;
    for forgery in forgeries {
        let status = service.connect()?.send(&forgery)?.status;
        n_good += usize::from(status == 200);
    }
    let is_well = service.is_alive() && service.connect()?.send(&good)?.status == 200;
    n_good += 1;
    outcome.promise(is_well, "answers as before");
    service.signal("-TERM");
    let status = service.end(Duration::from_secs(25))?;
    outcome.success(status);
    let lines = fs::read_to_string(lines)?;
    let is_line = |line: &str| {
        let line: Result<Value, _> = serde_json::from_str(line);
        line.is_ok_and(|line| line["type"] == "inference" && line.get("forged").is_none())
    };
    let n_lines = lines.lines().filter(|line| is_line(line)).count();
    let figure = format!("{n_lines} lines of {n_good} answers, {n_forgeries} with forged headers");
    outcome.promise(n_lines == n_good && lines.lines().count() == n_good, figure);
    Ok(outcome)
}

/// Sends a request and looks at the answer.
fn fault(service: &Service, nonsense: &Nonsense) -> Result<(), String> {
    let wrong = |what: String| format!("{}: {what}", nonsense.name);
    let response = answer(service, &nonsense.bytes).map_err(|error| wrong(error.to_string()))?;
    let Response { status, body, .. } = response;
    let is_expected = match nonsense.status {
        Some(expected) => status == expected,
        None => (400..500).contains(&status),
    };
    if !is_expected {
        return Err(wrong(format!("status {status}")));
    }
    if body.len() > SMALL {
        return Err(wrong(format!("{} bytes", body.len())));
    }
    if String::from_utf8_lossy(&body).contains(MARKER) {
        return Err(wrong(format!("repeated in {}", String::from_utf8_lossy(&body))));
    }
    Ok(())
}

/// The answer, which may come before all of the request is sent.
fn answer(service: &Service, request: &[u8]) -> io::Result<Response> {
    let stream = TcpStream::connect(("127.0.0.1", service.port))?;
    let mut sender = stream.try_clone()?;
    let mut connection = Connection::new(stream)?;
    thread::scope(|scope| {
        // The service may have enough before the end.
        scope.spawn(move || sender.write_all(request).is_ok());
        connection.read()
    })
}

/// How many answers come until the service closes the connection.
fn n_answers(service: &Service, request: &[u8]) -> io::Result<usize> {
    let mut stream = TcpStream::connect(("127.0.0.1", service.port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request)?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).matches("HTTP/1.1 ").count())
}
