use std::fmt::Write;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mlops_core::{Random, durable};
use mlops_registry::{LocalStore, Registry, Stage, Tracking};
use mlops_serve::Service;
use mlops_telemetry::{AuditLog, AuditOptions};

use super::year::Month;
use crate::background::Background;
use crate::client::{Client, Label, Watched};
use crate::data::Wines;
use crate::error::Error;
use crate::promote::promote_all;
use crate::registration::PREDICTION;
use crate::registry::NamedRegistry;
use crate::retrain::{self, Decision, Outcome, Sources};
use crate::search::SearchOptions;
use crate::served::{SERVICE_NAME, service};
use crate::source::ConfigurationSource;

/// The wines of a request.
const REQUEST: usize = 20;
/// Longer than any year: the service looks for other models when it is told to.
const RELOAD_EVERY: Duration = Duration::from_secs(86_400);
/// So long a monitor may take to see rows that were answered.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that runs: the registry, the service with its monitor, and the audit log that it writes.
#[derive(Debug)]
pub(super) struct System {
    folder: PathBuf,
    store: LocalStore,
    config: PathBuf,
    window: NonZeroUsize,
    service: Service,
    server: Background,
    client: Client,
    /// The rows that the model in use has answered.
    n_answered: usize,
}

/// What the service said of the wines of a month, and under which names.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) probabilities: Vec<f32>,
    /// The request and the row of each wine.
    places: Vec<(Arc<str>, usize)>,
}

impl System {
    /// Serves what a configuration names, with a monitor of windows of so many rows; what it tells of its requests goes into
    /// the folder.
    pub(super) fn start(
        folder: &Path,
        store: LocalStore,
        config: PathBuf,
        window: NonZeroUsize,
    ) -> Result<Self, Error> {
        let registry = NamedRegistry::from(Registry::local(store.clone()));
        let n_rows = u32::try_from(window.get()).unwrap_or(u32::MAX);
        let mut source = ConfigurationSource::of(config.clone(), registry, n_rows);
        let model = source.look()?.ok_or(Error::NoModels)?;
        let audit = AuditLog::open(folder.join(AUDIT), AuditOptions::new(SERVICE_NAME))?;
        let service = service(model, None, io::sink())?;
        let service = service.source(source, RELOAD_EVERY).audit(audit).build()?;
        let server = Background::start(service.clone())?;
        let client = Client::new(server.address());
        let folder = folder.to_owned();
        Ok(Self { folder, store, config, window, service, server, client, n_answered: 0 })
    }

    /// Asks for the wines of a month.
    pub(super) fn ask(&mut self, month: &Month) -> Result<Answered, Error> {
        let rows: Vec<usize> = (0..month.wines.n_rows()).collect();
        let (mut probabilities, mut places) = (Vec::new(), Vec::new());
        for rows in rows.chunks(REQUEST) {
            let answer = self.client.probabilities(PREDICTION, &month.wines.select(rows))?;
            let id: Arc<str> = answer.request_id.into();
            places.extend((0..rows.len()).map(|row| (Arc::clone(&id), row)));
            probabilities.extend(answer.probabilities);
        }
        self.n_answered += rows.len();
        Ok(Answered { probabilities, places })
    }

    /// What the monitor says, when it has seen all that was answered.
    pub(super) fn watched(&self) -> Result<Watched, Error> {
        let began = Instant::now();
        loop {
            let watched = self.client.watched()?;
            if watched.n_rows >= self.n_answered {
                return Ok(watched);
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::MonitorBehind {
                    seen: watched.n_rows,
                    answered: self.n_answered,
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells the service what the wines have turned out to be.
    pub(super) fn tell(&self, answered: &Answered, labels: &[bool]) -> Result<(), Error> {
        let labels = answered.places.iter().zip(labels).map(|((id, row), is_good)| Label {
            request_id: Arc::clone(id),
            row: *row,
            class: u8::from(*is_good),
        });
        self.client.feedback(&labels.collect::<Vec<_>>())
    }

    /// Retrains by labels in the wrong order, as a broken table would have them, and changes nothing.
    pub(super) fn retrain_on_shuffled_labels(
        &self,
        old: &Wines,
        search: SearchOptions,
        answered: &Answered,
        labels: &[bool],
    ) -> Result<Decision, Error> {
        let mut labels = labels.to_vec();
        let n_labels = labels.len();
        Random::stream(search.seed, 3).choose(&mut labels, n_labels);
        let mut table = "request_id,row,label\n".to_owned();
        for ((id, row), is_good) in answered.places.iter().zip(labels) {
            // Text takes whatever is written.
            let _ = writeln!(table, "{id},{row},{}", u8::from(is_good));
        }
        let path = self.folder.join("shuffled_labels.csv");
        durable::write(&path, table.as_bytes()).map_err(Error::io(&path))?;
        Ok(self.retrain(old, search, &[path], true)?.decision)
    }

    /// Retrains if the monitor's windows have drifted, and puts new models to use.
    pub(super) fn retrain_when_drift(
        &mut self,
        old: &Wines,
        search: SearchOptions,
    ) -> Result<Outcome, Error> {
        let outcome = self.retrain(old, search, &[], false)?;
        if outcome.decision == Decision::Promoted {
            let registry = Registry::local(self.store.clone());
            promote_all(&registry, &outcome.configuration, Stage::Production)?;
            self.service.reload()?;
            self.n_answered = 0;
        }
        Ok(outcome)
    }

    fn retrain(
        &self,
        old: &Wines,
        search: SearchOptions,
        labels: &[PathBuf],
        dry_run: bool,
    ) -> Result<Outcome, Error> {
        let options = retrain::Options {
            config: &self.config,
            sources: Sources {
                telemetry: &[self.folder.join(AUDIT)],
                labels,
                max_delay: None,
                window: self.window,
            },
            search,
            margin: retrain::MARGIN,
            when_drift: true,
            dry_run,
        };
        let registry = NamedRegistry::from(Registry::local(self.store.clone()));
        retrain::retrain(old, &Tracking::local(self.store.clone()), &registry, &options)
    }

    pub(super) fn stop(self) -> Result<(), Error> {
        self.server.stop()
    }
}

/// The folder of the audit log.
const AUDIT: &str = "audit";
