use std::fmt;

use mlops_telemetry::{Counts, Telemetry};
use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Shows what became of the events of a telemetry.
#[derive(Debug)]
pub(super) struct Collector(pub(super) Telemetry);

impl collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Counts { written, dropped, failed, queued_bytes, .. } = self.0.counts();
        let mut events = encoder.encode_descriptor(
            "telemetry_events",
            "Events by what became of them",
            None,
            MetricType::Counter,
        )?;
        for (outcome, count) in [("written", written), ("dropped", dropped), ("failed", failed)] {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count).encode(events.encode_family(&labels)?)?;
        }
        let queue = encoder.encode_descriptor(
            "telemetry_queue_bytes",
            "Memory of the events that wait to be written",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(i64::try_from(queued_bytes).unwrap_or(i64::MAX)).encode(queue)
    }
}
