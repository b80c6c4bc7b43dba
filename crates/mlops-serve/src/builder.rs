use std::collections::HashMap;
use std::sync::Arc;

use mlops_telemetry::Telemetry;

use crate::metrics::Metrics;
use crate::routes::ROUTES;
use crate::scoring::Scorer;
use crate::service::Parts;
use crate::shadow::Shadow;
use crate::slot::{Slot, check};
use crate::{Error, Form, Limits, Model, Service};

/// Collects the parts of a [`Service`].
#[derive(Debug)]
#[must_use]
pub struct ServiceBuilder {
    name: String,
    first: Model,
    others: Vec<Model>,
    form: Form,
    limits: Limits,
    telemetry: Option<Telemetry>,
}

impl ServiceBuilder {
    pub(crate) fn new(first: Model) -> Self {
        Self {
            name: "mlops-serve".to_owned(),
            first,
            others: vec![],
            form: Form::PerRow,
            limits: Limits::default(),
            telemetry: None,
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
    pub fn telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry: Some(telemetry), ..self }
    }

    /// Checks the models and puts the parts together.
    ///
    /// # Errors
    /// * [`Error::DuplicateModel`] if two models share a name
    /// * [`Error::SchemaMismatch`] if a part of a model reads other features
    /// * [`Error::ExampleFailed`] if a model does not predict its example
    /// * [`Error::Thread`] if the operating system gives no thread
    pub fn build(self) -> Result<Service, Error> {
        let metrics = Metrics::new(&self.name, ROUTES, self.telemetry.as_ref());
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
        let shadow = Shadow::start(self.telemetry.clone())?;
        let Self { name, form, limits, telemetry, .. } = self;
        let parts = Parts { name, default_slot, slots, form, limits, metrics, telemetry, shadow };
        Ok(Service::new(parts))
    }
}
