use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::{Connection, Response, request};
use mlops_benches::process;

use crate::program::Program;

/// A service in a process of its own, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) process: Child,
    pub(crate) port: u16,
    pub(crate) admin_port: u16,
    log: PathBuf,
}

const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);
static STARTED: AtomicU32 = AtomicU32::new(0);

impl Service {
    /// Starts a service with further arguments, and waits until it listens.
    pub(crate) fn start(
        program: &Program,
        args: &[&str],
        stdout: impl Into<Stdio>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(program.executable());
        command.args(program.serve()).args(args);
        Self::spawn(program, command, stdout)
    }

    /// Runs a command that becomes a service, and waits until it listens.
    pub(crate) fn spawn(
        program: &Program,
        mut command: Command,
        stdout: impl Into<Stdio>,
    ) -> Result<Self, Box<dyn Error>> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = program.path().join(format!("service-{number}.log"));
        command.stdin(Stdio::null()).stdout(stdout).stderr(File::create(&log)?);
        let started = Instant::now();
        let mut service = Self { process: command.spawn()?, port: 0, admin_port: 0, log };
        while started.elapsed() < START {
            let log = service.log()?;
            if let Some(port) = port(&log, "listening on http://") {
                service.port = port;
                service.admin_port = port_of_admin(&log)?;
                return Ok(service);
            }
            if service.process.try_wait()?.is_some() {
                break;
            }
            thread::sleep(PAUSE);
        }
        Err(format!("the service does not listen: {}", service.log()?.trim()).into())
    }

    /// What it has said on stderr.
    pub(crate) fn log(&self) -> io::Result<String> {
        fs::read_to_string(&self.log)
    }

    pub(crate) fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.port)
    }

    /// Asks the port of administration.
    pub(crate) fn ask(&self, path: &str) -> io::Result<Response> {
        Connection::open(self.admin_port)?.send(&request("GET", path, ""))
    }

    /// A number on the page of metrics; the name is all that stands before it.
    pub(crate) fn metric(&self, name: &str) -> Result<u64, Box<dyn Error>> {
        let page = self.ask("/metrics")?.body;
        let page = String::from_utf8(page)?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.ok_or_else(|| format!("no metric {name}").into())
    }

    pub(crate) fn resident_kb(&self) -> u64 {
        process::memory(&[self.process.id()]).resident_kb
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        process::cpu_seconds(&[self.process.id()])
    }

    pub(crate) fn signal(&self, name: &str) {
        process::signal(name, &[self.process.id()]);
    }

    /// Whether the process is there.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Waits for the end of the process; `None` if it does not come in time.
    pub(crate) fn end(&mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        let started = Instant::now();
        while started.elapsed() < within {
            if let Some(status) = self.process.try_wait()? {
                return Ok(Some(status));
            }
            thread::sleep(PAUSE);
        }
        Ok(None)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // What was asked of it is done; nobody waits for more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn port_of_admin(log: &str) -> Result<u16, Box<dyn Error>> {
    port(log, "administration on ").ok_or_else(|| "no port of administration".into())
}

/// The port in the whole line that begins so.
fn port(log: &str, start: &str) -> Option<u16> {
    let (line, _) = log.split_once(start)?.1.split_once('\n')?;
    line.rsplit(':').next()?.parse().ok()
}
