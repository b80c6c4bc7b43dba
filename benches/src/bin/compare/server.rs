use std::error::Error;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::{Connection, request};
use mlops_benches::process;

/// A service in a process of its own, and in those that it starts; all end when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    port: u16,
    /// From the start of the process to the first 200 of the path that says so.
    pub(crate) ready_after: Duration,
}

/// What libraries take the number of their threads from.
const THREADS: [&str; 2] = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"];
const START: Duration = Duration::from_secs(120);
const END: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(2);

impl Server {
    /// Starts a service with the command for a free port, and waits until it answers `ready` with 200. What it says on
    /// stderr is kept in `work`, and the lines on stdout go to the null device.
    ///
    /// # Errors
    /// If it does not run here.
    pub(crate) fn start(
        name: &str,
        ready: &str,
        command: impl FnOnce(u16) -> Result<Command, Box<dyn Error>>,
        work: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let port = free_port()?;
        let mut command = command(port)?;
        let log = File::create(work.join(format!("{}.log", name.replace(' ', "-"))))?;
        command.envs(THREADS.map(|variable| (variable, "1")));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let started = Instant::now();
        let mut server = Self { process: command.spawn()?, port, ready_after: Duration::ZERO };
        while !server.is_ready(ready) {
            if let Some(status) = server.process.try_wait()? {
                return Err(format!("it ended with {status}; see its log").into());
            }
            if started.elapsed() > START {
                return Err("it did not become ready; see its log".into());
            }
            thread::sleep(PAUSE);
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    fn is_ready(&self, path: &str) -> bool {
        let response =
            self.connect().and_then(|mut connection| connection.send(&request("GET", path, "")));
        response.is_ok_and(|response| response.status == 200)
    }

    pub(crate) fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.port)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The process and its descendants.
    pub(crate) fn processes(&self) -> Vec<u32> {
        process::tree(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let processes = self.processes();
        process::signal("-TERM", &processes[..1]);
        let told = Instant::now();
        while told.elapsed() < END && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(PAUSE);
        }
        let is_left = |id: &&u32| Path::new(&format!("/proc/{id}")).exists();
        let left: Vec<u32> = processes[1..].iter().filter(is_left).copied().collect();
        process::signal("-KILL", &left);
        // What was asked of it is done; nobody waits for more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, Box<dyn Error>> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
