use mlops_telemetry::{AuditError, AuditLog, Event, RequestId, Telemetry};
use tokio::sync::oneshot;

use crate::problem::Problem;

/// Where events go: lines that may be lost, and a log that must not lose any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) telemetry: Option<Telemetry>,
    pub(crate) audit: Option<AuditLog>,
}

/// An event on its way to the disk.
#[derive(Debug)]
pub(crate) struct Audited(oneshot::Receiver<Result<(), AuditError>>);

impl Recorder {
    /// Whether events go anywhere.
    pub(crate) fn is_there(&self) -> bool {
        self.telemetry.is_some() || self.audit.is_some()
    }

    /// Whether events of a request go anywhere.
    pub(crate) fn takes(&self, request_id: RequestId) -> bool {
        let is_sampled = |telemetry: &Telemetry| telemetry.is_sampled(request_id);
        self.audit.is_some() || self.telemetry.as_ref().is_some_and(is_sampled)
    }

    /// Tells of an event. With an audit log, its request must not be answered before the event is on the disk.
    pub(crate) fn push(&self, event: Event) -> Option<Audited> {
        if let Some(telemetry) = &self.telemetry {
            telemetry.record(&event);
        }
        self.audit.as_ref().map(|audit| {
            let (done, audited) = oneshot::channel();
            audit.append(event, move |outcome| {
                // Whoever waited may have gone.
                let _ = done.send(outcome);
            });
            Audited(audited)
        })
    }
}

impl Audited {
    /// Waits until the event is on the disk.
    pub(crate) async fn wait(self) -> Result<(), Problem> {
        match self.0.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Problem::Unaudited),
        }
    }
}
