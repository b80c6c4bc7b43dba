//! The flow of one request, from its body to the body of its answer.

use std::sync::Arc;
use std::time::Instant;

use mlops_core::Records;
use mlops_telemetry::{Event, Inference, Monitoring, Part, Predictions, RequestId};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{timeout, timeout_at};

use crate::Service;
use crate::metrics::Stage;
use crate::problem::Problem;
use crate::protocol::{Answer, Protocol};
use crate::recorder::Audited;
use crate::request::Context;
use crate::scoring::Scorer;
use crate::shadow::ShadowRequest;
use crate::slot::Slot;

impl Service {
    /// Answers a body in the form of a protocol.
    ///
    /// A large body is worked on on a thread where it holds up no other request.
    pub(crate) async fn answer<P: Protocol>(
        &self,
        slot: &Arc<Slot>,
        context: Context,
        protocol: P,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Problem> {
        let deadline = (context.received + self.limits().request_time).into();
        let answer = self.answer_sometime(Arc::clone(slot), context, protocol, body);
        timeout_at(deadline, answer).await.unwrap_or(Err(Problem::Deadline))
    }

    async fn answer_sometime<P: Protocol>(
        &self,
        slot: Arc<Slot>,
        context: Context,
        mut protocol: P,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Problem> {
        self.metrics().body_bytes.observe(body.len() as f64);
        // Explanations take longer than predictions.
        let is_large = is_large(&body) || protocol.explains();
        let champion = slot.champion();
        let is_quick = champion.pace.is_quick();
        let score = move |service: &Self| {
            let answer = service.score(champion, context.id, &mut protocol, &body)?;
            Ok::<_, Problem>((answer, protocol))
        };
        let (mut answer, protocol) = self.run(is_large, score).await??;
        if is_quick && !is_large {
            let started = Instant::now();
            answer.monitoring = answer.scorer.monitor(&answer.records);
            answer.scorer.pace.observe(started.elapsed());
        } else {
            answer.monitoring = self.monitor_in_time(&answer, is_large).await;
        }
        let finish = move |service: &Self| service.finish(&slot, context, &protocol, answer);
        let (body, audited) = if is_large {
            self.run_on(&self.inner().large_answers, finish).await??
        } else {
            finish(self)?
        };
        if let Some(audited) = audited {
            audited.wait().await?;
        }
        Ok(body)
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        is_large: bool,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if !is_large {
            return Ok(work(self));
        }
        self.run_on(&self.inner().large_requests, work).await
    }

    /// Does some work on a thread where it holds up no request, as soon as there is a permit.
    async fn run_on<T: Send + 'static>(
        &self,
        threads: &Arc<Semaphore>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        // The work goes on when the client has gone, so it takes the permit along.
        let permit = Arc::clone(threads).acquire_owned().await;
        let service = self.clone();
        let work = move || {
            let _permit = permit;
            work(&service)
        };
        spawn_blocking(work).await.map_err(|_| Problem::Internal)
    }

    fn score<P: Protocol>(
        &self,
        scorer: Arc<Scorer>,
        request_id: RequestId,
        protocol: &mut P,
        body: &[u8],
    ) -> Result<Answer, Problem> {
        let started = Instant::now();
        let records = protocol.read(&scorer, body, self.limits().rows).inspect_err(|problem| {
            self.metrics().observe_violations(problem.violations());
        })?;
        scorer.metrics.observe_stage(Stage::Parse, started);
        scorer.metrics.observe_records(&records);
        let started = Instant::now();
        let Some(predictions) = scorer.predict(&records) else {
            scorer.metrics.failures.inc();
            return Err(Problem::Internal);
        };
        scorer.metrics.observe_stage(Stage::Predict, started);
        let explanation = if protocol.explains() {
            Some(scorer.explain(&records).ok_or(Problem::Internal)?)
        } else {
            None
        };
        Ok(Answer {
            request_id,
            scorer,
            records: Arc::new(records),
            predictions,
            explanation,
            monitoring: Monitoring::default(),
        })
    }

    /// Asks the detectors on another thread, and waits for them until a deadline.
    async fn monitor_in_time(&self, answer: &Answer, is_large: bool) -> Monitoring {
        let (scorer, records) = (Arc::clone(&answer.scorer), Arc::clone(&answer.records));
        let threads = Arc::clone(&self.inner().slow_detectors);
        let monitor = async {
            let permit = threads.acquire_owned().await;
            spawn_blocking(move || {
                let _permit = permit;
                let started = Instant::now();
                (scorer.monitor(&records), started.elapsed())
            })
            .await
        };
        match timeout(self.limits().monitoring_time, monitor).await {
            Ok(Ok((monitoring, duration))) => {
                if !is_large {
                    answer.scorer.pace.observe(duration);
                }
                monitoring
            }
            Ok(Err(_)) | Err(_) => answer.scorer.unmonitored(),
        }
    }

    /// Writes the answer, and tells of it; what must be on the disk first is to be waited for.
    fn finish<P: Protocol>(
        &self,
        slot: &Slot,
        context: Context,
        protocol: &P,
        answer: Answer,
    ) -> Result<(Vec<u8>, Option<Audited>), Problem> {
        let started = Instant::now();
        let body = protocol.write(&answer)?;
        let Answer { scorer, records, predictions, monitoring, .. } = answer;
        scorer.metrics.observe_stage(Stage::Encode, started);
        scorer.metrics.observe_answer(&predictions, &monitoring);
        let shadow = slot.challenger().map(|challenger| ShadowRequest {
            context: context.clone(),
            challenger,
            champion: Arc::clone(&scorer),
            records: Arc::clone(&records),
            predictions: predictions.clone(),
        });
        self.inner().monitors.push(&scorer, &records);
        let audited = self.tell(context, &scorer, records, predictions, monitoring);
        if let Some(shadow) = shadow {
            self.inner().shadow.push(shadow);
        }
        Ok((body, audited))
    }

    /// Tells of an answer.
    fn tell(
        &self,
        context: Context,
        scorer: &Scorer,
        records: Arc<Records>,
        predictions: Predictions,
        mut monitoring: Monitoring,
    ) -> Option<Audited> {
        let recorder = &self.inner().records;
        if !recorder.takes(context.id) {
            return None;
        }
        // No line has the reasons: they would only take room in the queue of the audit log.
        if let Some(Part::Available(report)) = &mut monitoring.outliers {
            report.rows.iter_mut().for_each(|row| row.reasons = Vec::new());
        }
        let version = Arc::clone(scorer.version());
        let mut inference = Inference::new(context.id, version, records, predictions);
        inference.time = context.time;
        inference.duration = context.received.elapsed();
        inference.trace_id = context.trace_id;
        inference.monitoring = monitoring;
        recorder.push(Event::Inference(Box::new(inference)))
    }
}

/// Whether a body is worked on on a thread of its own.
pub(crate) fn is_large(body: &[u8]) -> bool {
    body.len() > INLINE_BYTES
}

/// A larger body is worked on on a thread of its own: reading this much, scoring its rows and telling of them takes
/// about a millisecond.
const INLINE_BYTES: usize = 16 << 10;
