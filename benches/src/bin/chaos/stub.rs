use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mlops_benches::wine;
use mlops_core::{OutlierDetector, PredictError, Prediction, Predictor, Records, Schema};

/// Model and detector that say the same number of every row, or have a fault.
#[derive(Debug)]
pub(crate) struct Stub {
    schema: Arc<Schema>,
    number: f64,
    fault: Option<Fault>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Panic,
    /// Does not come back.
    Hang,
}

impl Stub {
    pub(crate) fn of(number: f64) -> Self {
        Self { schema: wine::schema(), number, fault: None }
    }

    pub(crate) fn faulty(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::of(0.5) }
    }

    fn numbers(&self, records: &Records) -> Vec<f64> {
        match self.fault {
            Some(Fault::Panic) => panic!("a model of bad manners"),
            Some(Fault::Hang) => thread::sleep(Duration::from_secs(3600)),
            None => {}
        }
        vec![self.number; records.n_rows()]
    }
}

impl Predictor for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        Ok(Prediction::single(self.numbers(records)))
    }
}

impl OutlierDetector for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn threshold(&self) -> f64 {
        0.5
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        Ok(self.numbers(records))
    }
}
