use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mlops_registry::Stage;

use crate::compat::Compat;
use crate::retrain::MARGIN;
use crate::score::{Format, OnError, STANDARD};
use crate::train::Protocol;

/// The rows of a window that is tested for drift, unless an argument says otherwise.
///
/// A tenth of the distinct wines that the models of the example are trained on.
pub(crate) const DRIFT_WINDOW: u32 = 300;

/// The wine-quality system: train three models, serve them, watch drift and outliers.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train on the bundled sample or on UCI's two files, and register the models.
    Train(TrainArgs),
    /// Train on old wines and on logged ones with labels, and put the models to use if a gate lets them pass.
    Retrain(RetrainArgs),
    /// Answer HTTP requests with the models that a configuration names.
    Serve(ServeArgs),
    /// Score the rows of a CSV, JSON lines or Parquet file with the models that a configuration names.
    Score(ScoreArgs),
    /// Put the models that a configuration names to use, all or none: stage, alias and history.
    Promote(PromoteArgs),
    /// Train, serve, send traffic and show what the monitoring makes of it, within a minute.
    Demo(DemoArgs),
    /// Pass through a year in which the wines change: serve, watch, retrain and promote, month by month.
    Simulate(SimulateArgs),
}

/// What is trained on, and how parameters are looked for.
#[derive(Args, Debug)]
pub(crate) struct SearchArgs {
    /// The folder with winequality-red.csv and winequality-white.csv; the bundled sample if left out.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How many candidates a search tries.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) trials: u32,
    /// How many threads try candidates, at most 4; they do not change what is found.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub(crate) jobs: u32,
    /// Decides the split, the candidates and the models.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Args, Debug)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) search: SearchArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Where to write the names of the registered models; configuration.json in the store if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Which protocol's model to register; both are measured.
    #[arg(long, value_enum, default_value_t = Protocol::Grouped)]
    pub(crate) protocol: Protocol,
    /// The parts of the honest protocol, as `split.csv` of a run has them: row numbers and train, validation or test;
    /// drawn by the seed if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) split: Option<PathBuf>,
    /// The test rows of the original's protocol, one row number per line; drawn by the seed if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) test_rows: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RetrainArgs {
    /// The file that names the three models in use; those that take their place are written into it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Logs of the service, or folders of them: segments of an audit log, container logs, exports of Log Analytics; all of
    /// them, also those of earlier retrainings. Again for more.
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) telemetry: Vec<PathBuf>,
    /// A CSV file with the columns `request_id`, `row`, `label` (1 for a good wine, else 0) and, if known, `time`; labels
    /// that were sent to the service stand in its logs. Again for more.
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Vec<PathBuf>,
    /// Leave labels out that came more than so many days after their request.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) max_label_delay: Option<Duration>,
    #[command(flatten)]
    pub(crate) search: SearchArgs,
    /// By how much the new model's area under the ROC curve may be lower, as far as the new wines can tell.
    #[arg(long, default_value_t = MARGIN, value_parser = share)]
    pub(crate) margin: f64,
    /// Retrain only if the last windows of the requests that the model in use has answered have drifted.
    #[arg(long)]
    pub(crate) when_drift: bool,
    /// How many rows a window holds that is tested for drift, at a level of 0.001.
    #[arg(long, value_name = "ROWS", default_value_t = window(), value_parser = batch_size)]
    pub(crate) drift_window: NonZeroUsize,
    /// Train and compare, in a run of its own, and put nothing to use.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where to write what was found and decided, as Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

fn window() -> NonZeroUsize {
    NonZeroUsize::new(DRIFT_WINDOW as usize).unwrap_or(NonZeroUsize::MIN)
}

/// A number of days, up to a hundred years.
fn days(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(days @ 0..=36_500) => Ok(Duration::from_secs(86_400 * days)),
        _ => Err("expected a number of days, at most 36500".to_owned()),
    }
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// The file that names the three models.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The address to listen on, such as 127.0.0.1:5000; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: String,
    /// Answer, log and flag as the original Python service does, for clients that were made for it.
    #[arg(long, value_enum)]
    pub(crate) compat: Option<Compat>,
    /// A second address for metrics, health and administration, which should not be open to clients; metrics are on
    /// the first one if left out.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<String>,
    /// How often to look whether the configuration names other models, in seconds; SIGHUP looks at once.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = interval)]
    pub(crate) reload_every: Duration,
    /// How long to accept connections after the signal to stop, with readiness gone, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) drain_delay: Duration,
    /// How many rows a window holds that is tested for drift, at a level of 0.001; alarms are on /v1/drift and in the
    /// metrics. 0 turns it off.
    #[arg(long, value_name = "ROWS", default_value_t = DRIFT_WINDOW, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) drift_window: u32,
    /// A folder for an audit log: every answer is on the disk there before it is given, or is not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) audit: Option<PathBuf>,
    /// A file of SHA-256 hashes, one a line, of the keys that clients must show; none are asked for if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) api_keys: Option<PathBuf>,
    /// The certificate chain in PEM form; with it and the key, clients must speak TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of the certificate in PEM form.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// A number of seconds, from one up to a day.
fn interval(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|time| match time {
        Duration::ZERO => Err("expected a second or more".to_owned()),
        time => Ok(time),
    })
}

/// A number of seconds, up to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a number of seconds, at most 86400".to_owned()),
    }
}

#[derive(Args, Debug)]
pub(crate) struct PromoteArgs {
    /// The file that names the three models.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The stage to move them to; versions that are there are archived, and the alias of its name points to the models.
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) stage: PromotionStage,
    /// Say what would be moved, and move nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ScoreArgs {
    /// The file that names the three models.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The rows to score; stdin for `-`.
    #[arg(long, value_name = "FILE", default_value = STANDARD)]
    pub(crate) input: PathBuf,
    /// Where the rows go with their scores; a file appears when all of it is written. stdout for `-`.
    #[arg(long, value_name = "FILE", default_value = STANDARD)]
    pub(crate) output: PathBuf,
    /// How the rows are written, before and after; what the names of the files end in if left out.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// What happens to a row that cannot be scored, such as one with a text where a number should be.
    #[arg(long, value_enum, default_value_t = OnError::Stop)]
    pub(crate) on_error: OnError,
    /// What stands before the names of the columns that are added.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) prefix: String,
    /// The most rows that are scored together; they do not change the scores.
    #[arg(long, value_name = "ROWS", default_value = "8192", value_parser = batch_size)]
    pub(crate) batch_size: NonZeroUsize,
    /// How many threads score, at most 256; the number of cores if left out. They do not change the scores.
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// A number of rows, up to a million.
fn batch_size(text: &str) -> Result<NonZeroUsize, String> {
    count(text, 1_000_000)
}

/// A number of threads.
fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    count(text, 256)
}

fn count(text: &str, most: usize) -> Result<NonZeroUsize, String> {
    let number: Option<NonZeroUsize> = text.parse().ok();
    let number = number.filter(|number| number.get() <= most);
    number.ok_or_else(|| format!("expected a number from 1 to {most}"))
}

/// The stages of models in use.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum PromotionStage {
    Staging,
    Production,
}

impl From<PromotionStage> for Stage {
    fn from(stage: PromotionStage) -> Self {
        match stage {
            PromotionStage::Staging => Self::Staging,
            PromotionStage::Production => Self::Production,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Decides the split, the models, the shifted feature and the batches.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where to write what was measured.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) search: SearchArgs,
    /// A folder that does not exist or holds nothing: for runs, models, logs, the table and the picture.
    #[arg(long, value_name = "DIR", default_value = "simulation")]
    pub(crate) output: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// The directory of runs and models; the directory or server of `MLFLOW_TRACKING_URI`, or ./mlruns, if left out.
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
}
