use std::error::Error;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::program::peers;

/// What `wrk` measured.
#[derive(Debug)]
pub(crate) struct Wrk {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// The line that `post.lua` prints; times are microseconds.
#[derive(Deserialize)]
struct Summary {
    requests: u64,
    duration: u64,
    p50: u64,
    p99: u64,
    failed: u64,
}

/// Whether there is `wrk`.
pub(crate) fn check() -> Result<(), Box<dyn Error>> {
    // It says its version with status 1.
    let found = Command::new("wrk").arg("--version").output();
    found.map_err(|error| format!("wrk does not run ({error}); Debian has it as `wrk`"))?;
    Ok(())
}

/// Posts a body on so many connections, one request after the other on each.
///
/// # Errors
/// If a request failed.
pub(crate) fn run(
    url: &str,
    body: &Path,
    connections: usize,
    seconds: u32,
) -> Result<Wrk, Box<dyn Error>> {
    let output = Command::new("wrk")
        .args(["-t1", "--timeout", "60s", "-c", &connections.to_string()])
        .args(["-d", &format!("{seconds}s"), "-s"])
        .arg(peers().join("serve/post.lua"))
        .arg(url)
        .env("BODY", body)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with('{'));
    let line = line.ok_or_else(|| {
        format!("wrk said nothing: {text}{}", String::from_utf8_lossy(&output.stderr))
    })?;
    let Summary { requests, duration, p50, p99, failed } = serde_json::from_str(line)?;
    if failed > 0 || requests == 0 {
        return Err(format!("{failed} requests to {url} failed, {requests} were answered").into());
    }
    Ok(Wrk {
        requests,
        per_second: requests as f64 * 1e6 / duration as f64,
        p50_us: p50 as f64,
        p99_us: p99 as f64,
    })
}
