use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mlops_telemetry::{AuditLog, Telemetry};

use crate::metrics::Metrics;
use crate::monitor::MonitorThread;
use crate::recorder::Recorder;
use crate::routes::ROUTES;
use crate::scoring::Scorer;
use crate::service::Parts;
use crate::shadow::Shadow;
use crate::slot::{Slot, check};
use crate::{Error, Form, Limits, Model, ModelSource, Service};

/// Collects the parts of a [`Service`].
#[must_use]
pub struct ServiceBuilder {
    name: String,
    first: Model,
    others: Vec<Model>,
    form: Form,
    limits: Limits,
    records: Recorder,
    sources: Vec<(Box<dyn ModelSource>, Duration)>,
    #[cfg(feature = "api-keys")]
    api_keys: Option<crate::ApiKeys>,
}

impl ServiceBuilder {
    pub(crate) fn new(first: Model) -> Self {
        Self {
            name: "mlops-serve".to_owned(),
            first,
            others: vec![],
            form: Form::PerRow,
            limits: Limits::default(),
            records: Recorder::default(),
            sources: vec![],
            #[cfg(feature = "api-keys")]
            api_keys: None,
        }
    }

    /// The name of the service in the metrics and the title of its document; `mlops-serve` by default.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// One more model. `/predict` and `/invocations` stay with the first.
    pub fn model(mut self, model: Model) -> Self {
        self.others.push(model);
        self
    }

    /// The form of the answers of `/predict`; [`Form::PerRow`] by default.
    pub fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// What is taken from clients, and how long they are waited for.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Where requests and answers are told of; nowhere by default.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.records.telemetry = Some(telemetry);
        self
    }

    /// A log that every answer and every label is in before it is given: with 503 in place of an answer that the disk
    /// does not take. None by default; with one, an answer takes as long as the disk.
    pub fn audit(mut self, audit: AuditLog) -> Self {
        self.records.audit = Some(audit);
        self
    }

    /// A source that is asked for new versions every `interval`, and whenever
    /// [`reload`](Service::reload) is called; none by default.
    pub fn source(mut self, source: impl ModelSource + 'static, interval: Duration) -> Self {
        self.sources.push((Box::new(source), interval));
        self
    }

    /// The keys of which a client must show one to get predictions or give feedback; none are asked for by default.
    #[cfg(feature = "api-keys")]
    pub fn api_keys(self, keys: crate::ApiKeys) -> Self {
        Self { api_keys: Some(keys), ..self }
    }

    /// Checks the models and puts the parts together.
    ///
    /// # Errors
    /// * [`Error::DuplicateModel`] if two models share a name
    /// * [`Error::SchemaMismatch`] if a part of a model reads other features
    /// * [`Error::ExampleFailed`] if a model does not predict its example
    /// * [`Error::Thread`] if the operating system gives no thread
    pub fn build(self) -> Result<Service, Error> {
        let metrics = Metrics::new(&self.name, ROUTES, &self.records);
        let slot = |model: Model| {
            check(&model)?;
            let name = model.name().to_owned();
            let slot = Arc::new(Slot::new(Scorer::new(metrics.of_model(&model), model)));
            slot.champion().metrics.set_active(true);
            Ok::<_, Error>((name, slot))
        };
        let (name, default_slot) = slot(self.first)?;
        let mut slots = HashMap::from([(name, Arc::clone(&default_slot))]);
        for model in self.others {
            let (name, slot) = slot(model)?;
            if slots.contains_key(&name) {
                return Err(Error::DuplicateModel { name });
            }
            slots.insert(name, slot);
        }
        let shadow = Shadow::start(self.records.clone())?;
        let monitors = MonitorThread::start()?;
        Service::new(Parts {
            name: self.name,
            default_slot,
            slots,
            form: self.form,
            limits: self.limits,
            metrics,
            records: self.records,
            shadow,
            monitors,
            sources: self.sources,
            #[cfg(feature = "api-keys")]
            api_keys: self.api_keys,
        })
    }
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("name", &self.name)
            .field("first", &self.first)
            .field("others", &self.others)
            .field("form", &self.form)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
