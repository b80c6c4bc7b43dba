//! No space for lines, and none for the audit log.
//!
//! Stdout is `/dev/full`, which takes nothing. The audit log is on a file system of 2 MiB that `unshare` mounts for the
//! service alone, and that ends with it; where that is not allowed, this part is left out and says so.

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mlops_benches::http::{Response, request};
use mlops_benches::wine;

use crate::Stage;
use crate::killed::logged;
use crate::outcome::Outcome;
use crate::service::Service;

/// Mounts a small file system at `$0` and becomes the service.
const MOUNT: &str = r#"mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@""#;
const BALLAST: usize = 1 << 20;
const N_ROWS: usize = 50;
const RECOVERY: Duration = Duration::from_secs(2);

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let mut outcome = Outcome::default();
    stdout(stage, &mut outcome)?;
    let may_mount = unshare().args(["true"]).output().is_ok_and(|output| output.status.success());
    if may_mount {
        audit(stage, &mut outcome)?;
    } else {
        outcome.promise(true, "audit left out: this user may not mount");
    }
    Ok(outcome)
}

fn stdout(stage: &Stage, outcome: &mut Outcome) -> Result<(), Box<dyn Error>> {
    let n_requests = stage.size(10_000, 1_000);
    let full = File::options().write(true).open("/dev/full")?;
    let mut service = Service::start(&stage.program, &[], full)?;
    let request = request("POST", "/predict", &wine::json(2));
    let mut connection = service.connect()?;
    let mut n_answered = 0;
    for _ in 0..n_requests {
        n_answered += u64::from(connection.send(&request)?.status == 200);
    }
    let waiting = "mlops_telemetry_queue_bytes ";
    while service.metric(waiting)? > 0 {
        thread::sleep(Duration::from_millis(10));
    }
    let n_failed = service.metric("mlops_telemetry_events_total{outcome=\"failed\"} ")?;
    let figure = format!("stdout: {n_answered} of {n_requests} answered, {n_failed} lines failed");
    outcome.promise(n_answered == n_requests && n_failed == n_requests, figure);
    service.signal("-TERM");
    let status = service.end(Duration::from_secs(25))?;
    outcome.success(status);
    Ok(())
}

fn audit(stage: &Stage, outcome: &mut Outcome) -> Result<(), Box<dyn Error>> {
    let folder = stage.program.folder("audit-full")?;
    let mut command = unshare();
    command.args(["sh", "-c", MOUNT]).arg(&folder).arg(stage.program.executable());
    command.args(stage.program.serve()).arg("--audit").arg(folder.join("log"));
    let mut service = Service::spawn(&stage.program, command, Stdio::null())?;
    // The folder as the service sees it; while this is open, it outlives the service.
    let seen = format!("/proc/{}/root{}", service.process.id(), folder.display());
    let mounted = File::open(&seen)?;
    let log = PathBuf::from(format!("{}/log", descriptor(&mounted)));
    let ballast = PathBuf::from(format!("{seen}/ballast"));
    fs::write(&ballast, vec![0; BALLAST])?;

    let request = request("POST", "/predict", &wine::json(N_ROWS));
    let mut connection = service.connect()?;
    let mut answered = Vec::new();
    let mut send = || {
        let response = connection.send(&request)?;
        if response.status == 200 {
            answered.extend(response.header("x-request-id").map(str::to_owned));
        }
        Ok::<_, Box<dyn Error>>(response)
    };
    let mut refusals = Vec::new();
    for _ in 0..1000 {
        let response = send()?;
        if response.status != 200 {
            refusals.push(response);
        }
    }
    let n_refused = refusals.len();
    let is_documented = !refusals.is_empty() && refusals.iter().all(is_unaudited);
    outcome.promise(
        is_documented && n_refused < 1000,
        format!("audit: {n_refused} of 1000 refused with 503 `unaudited`"),
    );
    let is_healthy = service.is_alive() && service.ask("/healthz")?.status == 200;
    outcome.promise(is_healthy, "lives on");

    fs::remove_file(&ballast)?;
    let freed = Instant::now();
    while send()?.status != 200 && freed.elapsed() < 2 * RECOVERY {}
    let recovered = freed.elapsed();
    let figure = format!("answers {} ms after there is space", recovered.as_millis());
    outcome.promise(recovered < RECOVERY, figure);
    let mut n_after = 0;
    for _ in 0..50 {
        n_after += u32::from(send()?.status == 200);
    }
    outcome.promise(n_after == 50, format!("{n_after} of 50 answered then"));
    service.signal("-TERM");
    let status = service.end(Duration::from_secs(25))?;
    outcome.success(status);
    let (logged, _) = logged(&log)?;
    let n_lost = answered.iter().filter(|id| !logged.contains(id.as_str())).count();
    outcome.promise(n_lost == 0, format!("{n_lost} of {} answered are lost", answered.len()));
    Ok(())
}

/// A command in a namespace in which it may mount.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]);
    command
}

/// A path to an open folder that works wherever the folder was.
fn descriptor(folder: &File) -> String {
    use std::os::fd::AsRawFd;

    format!("/proc/self/fd/{}", folder.as_raw_fd())
}

fn is_unaudited(response: &Response) -> bool {
    let body = String::from_utf8_lossy(&response.body);
    let is_named = body.contains("urn:mlops-serve:problem:unaudited");
    response.status == 503 && is_named && response.header("retry-after").is_some()
}
