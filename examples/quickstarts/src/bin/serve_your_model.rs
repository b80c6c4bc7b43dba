//! Serves a model of your own behind a socket: whatever predicts.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Classifier, Feature, PredictError, Prediction, Predictor, Records, Schema};
use mlops_serve::{Model, Service, serve};
use tokio::{net::TcpListener, task::spawn_blocking};

/// The stronger a wine, the better.
#[derive(Debug)]
struct StrongIsGood(Arc<Schema>);

impl Predictor for StrongIsGood {
    fn schema(&self) -> &Arc<Schema> {
        &self.0
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        Ok(Prediction::single(records.column(0).iter().map(|alcohol| alcohol / 20.0).collect()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")])?);
    let model = Model::classifier("wines", Classifier::new(StrongIsGood(schema)));
    let service = Service::builder(model).build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let post = ureq::post(format!("http://{}/predict", listener.local_addr()?));

    let client = spawn_blocking(|| post.send_json([serde_json::json!({"alcohol": 12.8})]));
    let mut response = None;
    // It serves until the future is ready: here after one answer, elsewhere at a signal.
    serve(listener, service, async { response = client.await.ok() }).await?;
    let body = response.ok_or("no client")??.into_body().read_to_string()?;
    Ok(writeln!(io::stdout(), "{body}")?)
}
