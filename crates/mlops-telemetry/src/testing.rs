//! An event for the tests of this crate.

use std::io::{self, Write};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use mlops_core::{
    DriftReport, DriftTest, Feature, FeatureDrift, OutlierReport, PValueMethod, Prediction,
    Records, RecordsLimits, Schema,
};
pub(crate) use mlops_testing::SharedBuffer;

use crate::{Inference, ModelVersion, Monitoring, Part, Predictions, RequestId, Role};

pub(crate) fn schema() -> Arc<Schema> {
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
    Arc::new(Schema::new(features).unwrap())
}

/// The answered request of red wines of these strengths.
pub(crate) fn inference(alcohol: &[f64]) -> Inference {
    let rows = alcohol.iter().map(|value| format!(r#"{{"alcohol":{value},"is_red":1}}"#));
    let body = format!("[{}]", rows.collect::<Vec<_>>().join(","));
    let limits = RecordsLimits::default().max_rows(1_000_000);
    let records = Records::from_json(&schema(), body.as_bytes(), limits).unwrap();
    let method = PValueMethod::Exact;
    let drift = DriftReport::new(
        0.05,
        vec![
            FeatureDrift::tested("alcohol", DriftTest::KolmogorovSmirnov, 0.5, 0.5875, method),
            FeatureDrift::tested("is_red", DriftTest::ChiSquared, 0.5, 0.25, method),
        ],
    );
    Inference {
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_642_000_000_007),
        duration: Duration::from_nanos(123_456),
        request_id: RequestId::new(255),
        trace_id: None,
        model: Arc::new(ModelVersion { name: "wines".to_owned(), version: Some("7".to_owned()) }),
        role: Role::Champion,
        records: Arc::new(records),
        predictions: Predictions {
            classes: Some(alcohol.iter().map(|&alcohol| u32::from(alcohol > 10.0)).collect()),
            outputs: Prediction::single(alcohol.iter().map(|alcohol| alcohol / 20.0).collect()),
        },
        monitoring: Monitoring {
            drift: Some(Part::Available(drift)),
            outliers: Some(Part::Available(OutlierReport::new(12.0, alcohol.to_vec()))),
        },
    }
}

/// A writer that blocks until it is released.
pub(crate) struct Blocked {
    release: mpsc::Receiver<()>,
    is_released: bool,
    buffer: SharedBuffer,
}

impl Blocked {
    pub(crate) fn new() -> (Self, mpsc::Sender<()>) {
        let (sender, release) = mpsc::channel();
        (Self { release, is_released: false, buffer: SharedBuffer::default() }, sender)
    }

    pub(crate) fn buffer(&self) -> SharedBuffer {
        self.buffer.clone()
    }
}

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_released {
            self.release.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.is_released = true;
        }
        self.buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
