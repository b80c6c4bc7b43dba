use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use mlops_registry::blocking::{MlflowClient, ServerRun};
use mlops_registry::client::{NewRun, Transfer};
use mlops_registry::{Experiment, RunId, RunLogger};
use rustix::time::{ClockId, clock_gettime};

/// More than both sides of a copy keep in memory.
const SCRATCH: usize = 1 << 30;

/// Our client, and a run to ask for.
#[derive(Debug)]
pub(super) struct Ours {
    client: MlflowClient,
    experiment: Experiment,
    run_id: RunId,
}

impl Ours {
    pub(super) fn connect(url: &str) -> Result<Self, Box<dyn Error>> {
        let client = MlflowClient::new(url)?;
        let experiment = client.experiment("ours")?;
        let run_id = client.create_run(&experiment, NewRun::new("asked for"))?.id;
        Ok(Self { client, experiment, run_id })
    }

    /// Microseconds of CPU and of time that asking for a run takes.
    pub(super) fn get(&self, n_calls: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        let (cpu, began) = (cpu_time(), Instant::now());
        for _ in 0..n_calls {
            assert_eq!(self.client.run(&self.run_id)?.id, self.run_id);
        }
        let times = [cpu_time().saturating_sub(cpu), began.elapsed()];
        Ok(times.map(|time| time.as_secs_f64() * 1e6 / n_calls as f64).to_vec())
    }

    /// Milliseconds until a loop has logged its metrics, and until the server has them.
    pub(super) fn log(&self, n_metrics: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        let run_id = self.create_run()?;
        let began = Instant::now();
        let logger = RunLogger::new(ServerRun::new(self.client.clone(), run_id.clone()))?;
        for step in 0..n_metrics {
            logger.log_metric("loss", 1.0 / (step + 1) as f64, i64::try_from(step)?);
        }
        let in_loop = began.elapsed();
        let report = logger.finish();
        let all = began.elapsed();
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(self.client.metric_history(&run_id, "loss").count(), n_metrics);
        Ok(vec![milliseconds(in_loop), milliseconds(all)])
    }

    /// Milliseconds that a folder takes to the server, and from there, each in a quiet machine.
    pub(super) fn copy(&self, folder: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
        let run = self.client.run(&self.create_run()?)?;
        let artifacts = self.client.artifact_repository(&run.artifact_uri)?;
        settle()?;
        let began = Instant::now();
        artifacts.upload(folder, "", &Transfer::default())?;
        let upload = began.elapsed();
        let copies = tempfile::tempdir()?;
        settle()?;
        let began = Instant::now();
        artifacts.download("", &copies.path().join("copy"), &Transfer::default())?;
        let download = began.elapsed();
        assert_eq!(n_bytes(&copies.path().join("copy"))?, n_bytes(folder)?);
        Ok(vec![milliseconds(upload), milliseconds(download)])
    }

    fn create_run(&self) -> Result<RunId, Box<dyn Error>> {
        Ok(self.client.create_run(&self.experiment, NewRun::new("measured"))?.id)
    }
}

/// Waits until the device has what was written before, of which the server, which shares it, writes most, and frees memory
/// that the machine has: a virtual one fetches what it frees late from its host, at four times the cost of a copy.
fn settle() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("scratch"), vec![1; SCRATCH])?;
    drop(folder);
    rustix::fs::sync();
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Of all threads of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), 0) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

fn n_bytes(folder: &Path) -> Result<u64, Box<dyn Error>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}
