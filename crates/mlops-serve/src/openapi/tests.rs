use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use hyper::body::Frame;
use mlops_core::{Classifier, Feature, Range, Schema};
use mlops_telemetry::{AuditLog, AuditOptions, Telemetry};
use serde_json::Value;

use self::validation::violation;
use super::*;
use crate::routes::{Operation, Route};
use crate::testing::{
    Alcohol, BAD, BatchMonitor, Fault, Reply, Stub, body, classifier, get, model, records, send,
    watched,
};
use crate::{Model, Service, ServiceBuilder};

mod validation;

/// A service whose answers hold everything that they can.
fn builder() -> ServiceBuilder {
    let wines = watched().version("7").digest("ab12").explainer(Alcohol::new());
    let wines = wines.monitor(BatchMonitor::new(Stub::new()));
    let telemetry = Telemetry::builder("Wine", io::sink()).start().unwrap();
    Service::builder(wines).name("Wine").telemetry(telemetry)
}

async fn document_of(service: &Service) -> Value {
    serde_json::from_str(&get(service, "/docs.json").await.body).unwrap()
}

/// What is wrong with an answer, if anything is.
fn fault(document: &Value, route: &Route, reply: &Reply) -> Option<String> {
    let method = route.method.to_lowercase();
    let status = reply.status.as_str();
    let response = &document["paths"][route.path][method]["responses"][status];
    let component = response["$ref"].as_str().map(|address| &address[1..]);
    let response = component.map_or(response, |address| document.pointer(address).unwrap());
    if !response.is_object() {
        return Some(format!("{status} is not in the document"));
    }
    for name in response["headers"].as_object().unwrap().keys() {
        if reply.header(&name.to_lowercase()).is_empty() {
            return Some(format!("{name} is missing"));
        }
    }
    let media_type = reply.header("content-type").split(';').next().unwrap();
    let Some(contents) = response.get("content") else {
        return (!reply.body.is_empty()).then(|| format!("unexpected body {}", reply.body));
    };
    let Some(content) = contents.get(media_type) else {
        return Some(format!("`{media_type}` is not in the document"));
    };
    let schema = content.get("schema")?;
    let json = if media_type.ends_with("json") {
        serde_json::from_str(&reply.body).unwrap()
    } else {
        Value::from(reply.body.as_str())
    };
    violation(document, schema, &json).map(|violation| format!("{violation}: {}", reply.body))
}

/// The requests that the document gives as examples.
fn examples(document: &Value, route: &Route) -> Vec<Request<String>> {
    let operation = &document["paths"][route.path][route.method.to_lowercase()];
    let Some(contents) = operation["requestBody"]["content"].as_object() else { return vec![] };
    let contents = contents.iter().flat_map(|(media_type, content)| {
        let examples = content["examples"].as_object().unwrap().values();
        examples.map(move |example| (media_type, &content["schema"], &example["value"]))
    });
    let requests = contents.map(|(media_type, schema, value)| {
        assert_eq!(violation(document, schema, value), None, "{}: {value}", route.path);
        let body = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let path = path_of(document, route);
        Request::post(path).header("content-type", media_type).body(body).unwrap()
    });
    requests.collect()
}

/// The path with the first of the values that the document allows.
fn path_of(document: &Value, route: &Route) -> String {
    let operation = &document["paths"][route.path][route.method.to_lowercase()];
    let mut path = route.path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let value = parameter["schema"]["enum"][0].as_str().unwrap_or("any");
        path = path.replace(&format!("{{{name}}}"), value);
    }
    path
}

#[test]
fn the_document_describes_routes_and_models() {
    let range = Range::of([8.0, 14.9]).unwrap();
    let features = vec![
        Feature::numeric("alcohol").with_range(range),
        Feature::integer("is_red"),
        Feature::categorical("region", ["Douro", "Minho"]),
    ];
    let schema = Arc::new(Schema::new(features).unwrap());
    let stub = || Stub::new().schema(Arc::clone(&schema));
    let model = Model::classifier("wines", Classifier::new(stub()))
        .version("7")
        .drift(stub())
        .outliers(stub());
    let slot = Arc::new(Slot::new(crate::testing::scorer(model)));
    let document = document("Wine", [&slot], &slot, Form::PerRow, &Limits::default(), false);
    // A line for each path and each component, in their order.
    let mut lines = vec![serde_json::to_string(&document.info).unwrap()];
    for (path, item) in &document.paths.paths {
        lines.push(format!("{path} {}", serde_json::to_string(item).unwrap()));
    }
    let components = document.components.unwrap();
    for (name, header) in &components.headers {
        lines.push(format!("{name} {}", serde_json::to_string(header).unwrap()));
    }
    for (name, response) in &components.responses {
        lines.push(format!("{name} {}", serde_json::to_string(response).unwrap()));
    }
    for (name, schema) in &components.schemas {
        lines.push(format!("{name} {}", serde_json::to_string(schema).unwrap()));
    }
    let text = lines.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!("document", text);
}

#[tokio::test]
async fn every_example_is_answered_as_the_document_says() {
    let beers = Model::regressor("beers", Stub::new()).version("7").example(records(&[5.5]));
    for service in [
        builder().build().unwrap(),
        builder().form(Form::Original).model(beers).build().unwrap(),
        Service::builder(model().version("7")).build().unwrap(),
    ] {
        let document = document_of(&service).await;
        for route in routes() {
            for request in examples(&document, route) {
                let reply = send(&service, request.map(Body::from)).await;
                let is_silent = !service.inner().records.is_there();
                let expected = match route.operation {
                    Operation::Feedback if is_silent => 501,
                    Operation::Feedback => 202,
                    _ => 200,
                };
                assert_eq!(reply.status.as_u16(), expected, "{}: {}", route.path, reply.body);
                assert_eq!(fault(&document, route, &reply), None, "{}", route.path);
            }
        }
    }
}

/// A body that breaks off, or never comes.
struct Nothing {
    breaks_off: bool,
}

impl HttpBody for Nothing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.breaks_off {
            Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
        } else {
            Poll::Pending
        }
    }
}

/// A service that answers with a status, and the request that it does so to.
async fn provoke(route: &Route, status: u16, folder: &Path) -> (Service, Request<Body>) {
    let mut limits = Limits::default();
    match status {
        408 => limits.body_time = Duration::from_millis(1),
        413 => limits.body_bytes = 1,
        503 => limits.requests = 0,
        504 => limits.request_time = Duration::ZERO,
        _ => {}
    }
    let builder = match status {
        500 => {
            Service::builder(classifier(Stub::new().before(|| panic!("a bad wine"))).version("7"))
        }
        501 => Service::builder(model()),
        503 if route.operation == Operation::Feedback => {
            let options = AuditOptions::new("Wine").capacity(0);
            builder().audit(AuditLog::open(folder, options).unwrap())
        }
        504 if route.operation != Operation::Feedback => {
            let slow = Stub::new().before(|| std::thread::sleep(Duration::from_millis(100)));
            Service::builder(model().version("7").drift(slow))
        }
        _ => builder(),
    };
    #[cfg(feature = "api-keys")]
    let builder =
        if status == 401 { builder.api_keys(crate::ApiKeys::parse("").unwrap()) } else { builder };
    let service = builder.limits(limits).build().unwrap();
    if status == 503 && route.method == "GET" {
        service.stop();
    }
    let document = document_of(&service).await;
    let (mut head, body) = match examples(&document, route).into_iter().next() {
        Some(request) => request.into_parts(),
        None => Request::get(path_of(&document, route)).body(String::new()).unwrap().into_parts(),
    };
    let body = match status {
        400 => Body::new(Nothing { breaks_off: true }),
        408 => Body::new(Nothing { breaks_off: false }),
        504 if route.operation == Operation::Feedback => Body::new(Nothing { breaks_off: false }),
        422 => Body::from("{}"),
        _ => Body::from(body),
    };
    match status {
        404 => {
            let path = head.uri.path();
            let others = [("wines", "beers"), ("favicon", "favourite")];
            let path = others.iter().fold(path.to_owned(), |path, (a, b)| path.replace(a, b));
            head.uri = path.parse().unwrap();
        }
        415 => {
            head.headers.clear();
        }
        _ => {}
    }
    (service, Request::from_parts(head, body))
}

#[tokio::test]
async fn every_status_of_the_document_is_answered_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    for route in routes() {
        // That metrics cannot be written does not happen.
        let happens = |status| match status {
            401 => cfg!(feature = "api-keys"),
            500 => route.id != "metrics",
            _ => true,
        };
        let provoked = route.statuses.iter().filter(|&&status| happens(status));
        for &status in provoked {
            let (service, request) = provoke(route, status, folder.path()).await;
            let document = document_of(&service).await;
            let reply = send(&service, request).await;
            assert_eq!(reply.status.as_u16(), status, "{}: {}", route.path, reply.body);
            assert_eq!(fault(&document, route, &reply), None, "{} {status}", route.path);
        }
    }
}

#[tokio::test]
async fn names_that_are_no_text_are_unknown() {
    let service = builder().build().unwrap();
    let document = document_of(&service).await;
    for route in routes().filter(|route| route.path.contains('{')) {
        let path = route.path.replace("{name}", "%ff").replace("{version}", "%ff");
        let path = path.replace("{file}", "%ff");
        let request = Request::builder().method(route.method).uri(path);
        let reply = send(&service, request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status.as_u16(), 404, "{}", route.path);
        assert_eq!(fault(&document, route, &reply), None, "{}", route.path);
    }
}

#[tokio::test]
async fn answers_fit_whatever_they_hold() {
    let drift = Stub::new().before(|| panic!("a bad wine"));
    let failing = Service::builder(model().drift(drift).outliers(Stub::new())).build().unwrap();
    for (service, query) in [
        (builder().build().unwrap(), "?explain=true"),
        (builder().form(Form::Original).build().unwrap(), "?explain=false"),
        (failing, ""),
    ] {
        let document = document_of(&service).await;
        for id in ["predict", "predict_with_model"] {
            let route = ROUTES.iter().find(|route| route.id == id).unwrap();
            let query = if id == "predict" { "" } else { query };
            let path = format!("{}{query}", path_of(&document, route));
            let request = Request::post(path).header("content-type", "application/json");
            let request = request.body(Body::from(body(&[9.4, 13.0, 9.9]))).unwrap();
            let reply = send(&service, request).await;
            assert_eq!(reply.status.as_u16(), 200);
            assert_eq!(fault(&document, route, &reply), None, "{}", route.path);
        }
    }
}

#[tokio::test]
async fn what_monitors_say_fits_and_so_does_the_example() {
    let failing = |fault| BatchMonitor::new(Stub::new().fault(fault));
    let wines = model().monitor(failing(Fault::Error)).monitor(failing(Fault::Panic));
    let wines = wines.monitor(BatchMonitor::new(Stub::new()));
    let service = Service::builder(wines).build().unwrap();
    let document = document_of(&service).await;
    let route = ROUTES.iter().find(|route| route.id == "drift").unwrap();
    let content = &document["paths"][route.path]["get"]["responses"]["200"]["content"];
    let content = &content["application/json"];
    let example = &content["examples"]["an alarm"]["value"];
    assert!(example.is_object());
    assert_eq!(violation(&document, &content["schema"], example), None);
    let started = Instant::now();
    for (alcohol, expected) in [(0.5, r#""n_alarms":1"#), (BAD, r#""failure":"panic""#)] {
        let request = Request::post("/predict").header("content-type", "application/json");
        let request = request.body(Body::from(body(&[alcohol]))).unwrap();
        assert_eq!(send(&service, request).await.status.as_u16(), 200);
        loop {
            let reply = get(&service, route.path).await;
            assert_eq!(fault(&document, route, &reply), None);
            if reply.body.contains(expected) {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "{}", reply.body);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn the_document_follows_a_swap() {
    let service = builder().build().unwrap();
    service.swap(model().version("8")).unwrap();
    let json = document_of(&service).await.to_string();
    assert!(json.contains(r#""enum":["8"]"#) && !json.contains(r#""enum":["7"]"#), "{json}");
}

#[tokio::test]
async fn the_page_refers_to_files_that_are_there() {
    let service = builder().build().unwrap();
    let page = get(&service, "/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    let addresses = page.body.split(['"', '\'']).filter(|text| text.starts_with("docs"));
    let addresses: Vec<_> = addresses.collect();
    assert_eq!(addresses.len(), 4, "{addresses:?}");
    for address in addresses {
        let reply = get(&service, &format!("/{address}")).await;
        assert_eq!(reply.status.as_u16(), 200, "{address}");
        assert!(!reply.body.is_empty());
    }
}

#[test]
fn identifiers_differ() {
    let mut ids: Vec<_> = ROUTES.iter().map(|route| route.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ROUTES.len());
}
