use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use mlops_telemetry::{RequestId, RequestIds};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::admission::Admission;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::monitor::MonitorThread;
use crate::problem::Problem;
use crate::recorder::Recorder;
use crate::router::{Paths, router};
use crate::scoring::Scorer;
use crate::shadow::Shadow;
use crate::slot::Slot;
use crate::source::Watcher;
use crate::{Error, Form, Limits, ModelSource, ReloadError, ServiceBuilder, openapi};

/// Models with their detectors, limits, metrics and telemetry; a clone is the same service.
#[derive(Clone, Debug)]
pub struct Service {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    name: String,
    pub(crate) default_slot: Arc<Slot>,
    pub(crate) slots: HashMap<String, Arc<Slot>>,
    pub(crate) form: Form,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) records: Recorder,
    pub(crate) shadow: Shadow,
    pub(crate) monitors: MonitorThread,
    pub(crate) admission: Admission,
    request_ids: RequestIds,
    // One permit for each core: so many large requests are worked on at a time.
    pub(crate) large_requests: Arc<Semaphore>,
    // The same for those that only have to be written out: they do not wait behind all that are still to be scored.
    pub(crate) large_answers: Arc<Semaphore>,
    // The same for detectors that are not known to be quick.
    pub(crate) slow_detectors: Arc<Semaphore>,
    is_stopping: AtomicBool,
    document: ArcSwap<Bytes>,
    // Set once, when the service is there.
    watchers: OnceLock<Vec<Watcher>>,
    #[cfg(feature = "api-keys")]
    api_keys: Option<crate::ApiKeys>,
}

/// A service that may be gone.
#[derive(Clone, Debug)]
pub(crate) struct WeakService(Weak<Inner>);

impl WeakService {
    pub(crate) fn upgrade(&self) -> Option<Service> {
        self.0.upgrade().map(|inner| Service { inner })
    }
}

impl Service {
    /// A builder of a service that answers with the predictions of `model`.
    ///
    /// # Examples
    /// The page of this crate shows a whole service.
    pub fn builder(model: Model) -> ServiceBuilder {
        ServiceBuilder::new(model)
    }

    pub(crate) fn new(parts: Parts) -> Result<Self, Error> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let Parts { name, default_slot, slots, form, limits, metrics, records, .. } = parts;
        let service = Self {
            inner: Arc::new(Inner {
                name,
                default_slot,
                slots,
                form,
                metrics,
                records,
                shadow: parts.shadow,
                monitors: parts.monitors,
                admission: Admission::new(&limits),
                limits,
                request_ids: RequestIds::new(),
                large_requests: Arc::new(Semaphore::new(cores)),
                large_answers: Arc::new(Semaphore::new(cores)),
                slow_detectors: Arc::new(Semaphore::new(cores)),
                is_stopping: AtomicBool::new(false),
                document: ArcSwap::default(),
                watchers: OnceLock::new(),
                #[cfg(feature = "api-keys")]
                api_keys: parts.api_keys,
            }),
        };
        service.describe();
        let watch = |(source, interval)| {
            Watcher::start(source, interval, WeakService(Arc::downgrade(&service.inner)))
        };
        let watchers = parts.sources.into_iter().map(watch).collect::<Result<_, _>>()?;
        // It was empty so far.
        let _ = service.inner.watchers.set(watchers);
        Ok(service)
    }

    /// Whether clients must show a key.
    #[cfg_attr(not(feature = "api-keys"), expect(clippy::unused_self, reason = "none must"))]
    fn asks_for_key(&self) -> bool {
        #[cfg(feature = "api-keys")]
        return self.inner.api_keys.is_some();
        #[cfg(not(feature = "api-keys"))]
        false
    }

    /// Whether a request shows a key, if keys are asked for.
    #[cfg_attr(
        not(feature = "api-keys"),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "no keys are asked for")
    )]
    pub(crate) fn authorize(&self, headers: &HeaderMap) -> Result<(), Problem> {
        #[cfg(feature = "api-keys")]
        if self.inner.api_keys.as_ref().is_some_and(|keys| !keys.admit(headers)) {
            return Err(Problem::Unauthorized);
        }
        let _ = headers;
        Ok(())
    }

    /// Asks the sources of new versions now, and waits for them; the number of versions that were put in place.
    ///
    /// # Errors
    /// [`ReloadError`] of the first source that fails; the others are asked all the same.
    pub fn reload(&self) -> Result<usize, ReloadError> {
        let watchers = self.inner.watchers.get().map_or(&[][..], Vec::as_slice);
        if watchers.is_empty() {
            return Err(ReloadError::NoSource);
        }
        let (mut n_swapped, mut failure) = (0, None);
        for watcher in watchers {
            match watcher.reload() {
                Ok(is_swapped) => n_swapped += usize::from(is_swapped),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(n_swapped), Err)
    }

    /// Makes the document that describes the models as they are now.
    fn describe(&self) {
        // Of several at once, the last one has seen all models.
        self.inner.document.rcu(|_| {
            let Inner { name, slots, default_slot, form, limits, .. } = &*self.inner;
            let slots = slots.values();
            let asks_for_key = self.asks_for_key();
            let document =
                openapi::document(name, slots, default_slot, *form, limits, asks_for_key);
            // What consists of texts, numbers and lists can be written.
            Bytes::from(serde_json::to_vec(&document).unwrap_or_default())
        });
    }

    /// The document that describes the models, as JSON.
    pub(crate) fn document(&self) -> Bytes {
        Bytes::clone(&self.inner.document.load())
    }

    /// The routes of the service, for a server of your own or for tests without a socket.
    ///
    /// Deadlines of connections and their limit are not theirs: [`Server`](crate::Server) adds them.
    pub fn router(&self) -> Router {
        router(self.clone(), Paths::All)
    }

    /// Puts `model` in the place of the model of the same name. Requests that are being answered keep the version
    /// they began with; if the new one is refused, the old one stays.
    ///
    /// # Errors
    /// * [`Error::UnknownModel`] if no model has the name
    /// * [`Error::SchemaMismatch`] if the model or one of its parts reads other features
    /// * [`Error::OtherKind`] if one of both is a classifier and the other is not
    /// * [`Error::ExampleFailed`] if the model does not predict its example
    pub fn swap(&self, model: Model) -> Result<(), Error> {
        let swapped = self.checked_slot(&model).map(|slot| {
            let scorer = Scorer::new(self.inner.metrics.of_model(&model), model);
            slot.put_champion(scorer);
            self.describe();
        });
        self.inner.metrics.count_swap(swapped.is_ok());
        swapped
    }

    /// Has `model` score the requests of the model of the same name, too. Its answers are logged and compared, and
    /// nobody gets them. [`end_challenge`](Self::end_challenge) ends that.
    ///
    /// # Errors
    /// Those of [`swap`](Self::swap).
    pub fn challenge(&self, model: Model) -> Result<(), Error> {
        let slot = self.checked_slot(&model)?;
        slot.put_challenger(Some(Scorer::new(self.inner.metrics.of_model(&model), model)));
        Ok(())
    }

    /// Ends the trial of a challenger of the model called `name`, if there is one.
    ///
    /// # Errors
    /// [`Error::UnknownModel`] if no model has the name.
    pub fn end_challenge(&self, name: &str) -> Result<(), Error> {
        let slot = self.inner.slots.get(name);
        slot.ok_or_else(|| Error::UnknownModel { name: name.to_owned() })?.put_challenger(None);
        Ok(())
    }

    fn checked_slot(&self, model: &Model) -> Result<&Arc<Slot>, Error> {
        let unknown = || Error::UnknownModel { name: model.name().to_owned() };
        let slot = self.inner.slots.get(model.name()).ok_or_else(unknown)?;
        slot.check(model)?;
        Ok(slot)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The slot of the model called `name`.
    pub(crate) fn slot(&self, name: &str) -> Result<&Arc<Slot>, Problem> {
        self.inner.slots.get(name).ok_or(Problem::UnknownModel)
    }

    pub(crate) fn next_request_id(&self) -> RequestId {
        self.inner.request_ids.next()
    }

    /// From now on the service says that it is not ready.
    pub(crate) fn stop(&self) {
        self.inner.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.inner.is_stopping.load(Ordering::Relaxed)
    }

    /// Waits until every request that was answered is written, and the audit log sealed.
    pub(crate) async fn flush_records(&self) -> Result<(), Error> {
        let (records, grace) = (self.inner.records.clone(), self.limits().grace);
        let flush = move || {
            let flushed = records.telemetry.map_or(Ok(()), |telemetry| telemetry.flush(grace));
            let sealed = records.audit.map_or(Ok(()), |audit| audit.seal(grace));
            flushed?;
            Ok(sealed?)
        };
        // A flush does not panic; if it did, there would be nothing to wait for.
        spawn_blocking(flush).await.unwrap_or(Ok(()))
    }
}

/// What a service is made of.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) default_slot: Arc<Slot>,
    pub(crate) slots: HashMap<String, Arc<Slot>>,
    pub(crate) form: Form,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) records: Recorder,
    pub(crate) shadow: Shadow,
    pub(crate) monitors: MonitorThread,
    pub(crate) sources: Vec<(Box<dyn ModelSource>, Duration)>,
    #[cfg(feature = "api-keys")]
    pub(crate) api_keys: Option<crate::ApiKeys>,
}
