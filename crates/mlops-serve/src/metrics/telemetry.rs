use std::fmt;

use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::recorder::Recorder;

/// Shows what became of events.
#[derive(Debug)]
pub(super) struct Collector(pub(super) Recorder);

impl collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(telemetry) = &self.0.telemetry {
            let counts = telemetry.counts();
            let outcomes = [
                ("written", counts.written),
                ("dropped", counts.dropped),
                ("failed", counts.failed),
            ];
            outcomes_of(
                &mut encoder,
                "telemetry_events",
                "Events by what became of them",
                outcomes,
            )?;
            let help = "Length of the lines that wait to be written";
            gauge(&mut encoder, "telemetry_queue_bytes", help, counts.queued_bytes)?;
        }
        if let Some(audit) = &self.0.audit {
            let counts = audit.counts();
            let outcomes = [
                ("written", counts.written),
                ("refused", counts.refused),
                ("failed", counts.failed),
            ];
            let help = "Events of the audit log by what became of them";
            outcomes_of(&mut encoder, "audit_events", help, outcomes)?;
            let help = "Memory of the events that wait for the audit log";
            gauge(&mut encoder, "audit_queue_bytes", help, counts.queued_bytes)?;
        }
        Ok(())
    }
}

fn outcomes_of(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    outcomes: [(&'static str, u64); 3],
) -> fmt::Result {
    let mut events = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (outcome, count) in outcomes {
        let labels = [("outcome", outcome)];
        ConstCounter::new(count).encode(events.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, n: usize) -> fmt::Result {
    let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(i64::try_from(n).unwrap_or(i64::MAX)).encode(gauge)
}
