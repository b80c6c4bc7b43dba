//! What a route takes and answers.

use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Content, ContentBuilder, Header, HeaderBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, example::ExampleBuilder,
};

use super::examples::{self, Example};
use super::served::Served;
use super::words::{
    Schema, any_of, closed, component, list, natural, object, of, one_of_texts, text,
};
use super::{Described, answers, routes};
use crate::Limits;
use crate::routes::docs::FILES;
use crate::routes::{Operation as Kind, Route};

pub(super) fn operation(route: &Route, described: &Described<'_>) -> Operation {
    let operation = OperationBuilder::new()
        .operation_id(Some(route.id))
        .tag(tag(route.operation))
        .summary(Some(route.summary))
        .parameters(parameters(route, described))
        .request_body(request_body(route.operation, described));
    let asks_for_key = described.asks_for_key && route.statuses.contains(&401);
    let operation = if asks_for_key {
        let no_scopes: [&str; 0] = [];
        operation
            .security(SecurityRequirement::new("Bearer", no_scopes))
            .security(SecurityRequirement::new("Header", no_scopes))
    } else {
        operation
    };
    let responses = statuses(route, described).fold(operation, |operation, status| {
        let response: RefOr<Response> = if is_error(status) {
            Ref::from_response_name(error_name(route.operation, status)).into()
        } else {
            answer(route.operation, status, described).into()
        };
        operation.response(status.to_string(), response)
    });
    responses.build()
}

/// The statuses of a route's answers; nobody is refused for a key if none is asked for.
fn statuses(route: &Route, described: &Described<'_>) -> impl Iterator<Item = u16> {
    let asks_for_key = described.asks_for_key;
    route.statuses.iter().copied().filter(move |&status| asks_for_key || status != 401)
}

/// The errors of all routes, which are components.
pub(super) fn errors(described: &Described<'_>) -> impl Iterator<Item = (String, Response)> {
    let errors = routes().flat_map(|route| {
        let statuses = statuses(route, described).filter(|&status| is_error(status));
        statuses.map(|status| (route.operation, status))
    });
    let limits = described.limits;
    errors.map(|(kind, status)| (error_name(kind, status), error(kind, status, limits)))
}

/// What operations are grouped by.
fn tag(kind: Kind) -> &'static str {
    match kind {
        Kind::Predict | Kind::PredictWithModel | Kind::Feedback => "predictions",
        Kind::Invoke | Kind::Version => "MLflow",
        Kind::ServerMetadata
        | Kind::ServerLive
        | Kind::ServerReady
        | Kind::ModelMetadata
        | Kind::ModelReady
        | Kind::Infer => "Open Inference Protocol",
        Kind::Page | Kind::PageFile | Kind::Document => "documentation",
        Kind::Alive | Kind::Ready | Kind::Metrics | Kind::Drift | Kind::Reload => "operation",
    }
}

fn parameters(route: &Route, described: &Described<'_>) -> Option<Vec<Parameter>> {
    let mut parameters = vec![];
    let mut in_path = |name: &str, schema: Schema| {
        if route.path.contains(&format!("{{{name}}}")) {
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True);
            parameters.push(parameter.schema(Some(schema)).build());
        }
    };
    in_path("name", one_of_texts(described.models.iter().map(Served::name)).into());
    let mut versions: Vec<_> = described
        .models
        .iter()
        .filter_map(|model| model.scorer.version().version.as_deref())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let any_version = of(Type::String);
    let versions = if versions.is_empty() { any_version } else { one_of_texts(versions) };
    in_path("version", versions.into());
    in_path("file", one_of_texts(FILES.map(|(name, _)| name)).into());
    if route.operation == Kind::PredictWithModel {
        let parameter = ParameterBuilder::new()
            .name("explain")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some("whether to say what each feature contributes"));
        parameters.push(parameter.schema(Some(of(Type::Boolean))).build());
    }
    (!parameters.is_empty()).then_some(parameters)
}

fn request_body(kind: Kind, described: &Described<'_>) -> Option<RequestBody> {
    let Described { models, limits, .. } = described;
    let default = described.default_model();
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    let body = match kind {
        Kind::Predict => {
            let records = component(&default.component("Records"));
            body.content(JSON, content(records, [examples::records(default)]))
        }
        Kind::PredictWithModel => {
            let forms = |model: &Served| {
                let records = component(&model.component("Records"));
                [records.clone(), closed([("instances", records)], []).into()]
            };
            let examples = models
                .iter()
                .flat_map(|model| [examples::records(model), examples::instances(model)]);
            body.content(JSON, content(any_of(models.iter().flat_map(forms)), examples))
        }
        Kind::Feedback => {
            let label = component("Label");
            let labels = list(label.clone()).max_items(Some(limits.rows)).into();
            body.content(JSON, content(any_of([label, labels]), [examples::labels()]))
        }
        Kind::Invoke => {
            let invocation = component(&default.component("Invocation"));
            let csv = of(Type::String).description(Some("a header with the names, then the rows"));
            body.content(JSON, content(invocation, examples::invocations(default)))
                .content("text/csv", content(csv.into(), [examples::csv(default)]))
        }
        Kind::Infer => {
            let tensors = models.iter().map(|model| component(&model.component("Tensors")));
            let examples = models.iter().flat_map(examples::tensors);
            body.content(JSON, content(any_of(tensors), examples))
        }
        _ => return None,
    };
    Some(body.build())
}

fn answer(kind: Kind, status: u16, described: &Described<'_>) -> Response {
    let description = if status == 202 { "the labels are recorded" } else { "the answer" };
    let response = contents(kind, described)
        .into_iter()
        .fold(ResponseBuilder::new(), |all, (media_type, content)| {
            all.content(media_type, content)
        });
    response.description(description).header_ref("X-Request-Id", request_id()).build()
}

/// The media types of an answer and their schemas.
fn contents(kind: Kind, described: &Described<'_>) -> Vec<(&'static str, Content)> {
    let default = described.default_model();
    let one_of_the_models = |name: &str| {
        let models = described.models.iter();
        any_of(models.map(|model| component(&model.component(name))))
    };
    let yes = |name| closed([(name, Schema::from(of(Type::Boolean)))], []).into();
    let schema = match kind {
        Kind::Predict => answers::original(default),
        Kind::PredictWithModel => one_of_the_models("Answer"),
        Kind::Invoke => answers::invocation(default),
        Kind::Infer => one_of_the_models("AnswerTensors"),
        Kind::ModelMetadata => one_of_the_models("Metadata"),
        Kind::ModelReady => any_of(described.models.iter().map(answers::readiness)),
        Kind::ServerMetadata => component("Server"),
        Kind::ServerLive => yes("live"),
        Kind::ServerReady => yes("ready"),
        Kind::Document => object([("openapi", text("3.1.0"))], []).into(),
        Kind::Drift => {
            let monitors = component("DriftMonitors");
            return vec![(JSON, content(monitors, [examples::monitors(default)]))];
        }
        Kind::Feedback | Kind::Reload => return vec![],
        Kind::Page => return vec![plain("text/html")],
        Kind::PageFile => {
            return FILES.map(|(_, media_type)| (media_type, Content::default())).into();
        }
        Kind::Version | Kind::Alive | Kind::Ready => return vec![plain(TEXT)],
        Kind::Metrics => return vec![plain("application/openmetrics-text")],
    };
    vec![(JSON, content(schema, []))]
}

fn is_error(status: u16) -> bool {
    status >= 400
}

/// Who writes the errors of an operation.
fn errors_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoke => "Mlflow",
        Kind::ServerReady | Kind::ModelMetadata | Kind::ModelReady | Kind::Infer => "OpenInference",
        _ => "Problem",
    }
}

fn error_name(kind: Kind, status: u16) -> String {
    format!("{}.{status}", errors_of(kind))
}

fn error(kind: Kind, status: u16, limits: &Limits) -> Response {
    let (media_type, content) = match (errors_of(kind), status) {
        ("Mlflow", 415 | 504) => plain(TEXT),
        ("Mlflow", _) => (JSON, content(component("MlflowError"), [])),
        ("OpenInference", _) => (JSON, content(component("OpenInferenceError"), [])),
        _ => ("application/problem+json", content(component("Problem"), [])),
    };
    let response = ResponseBuilder::new()
        .description(error_description(status, limits))
        .header_ref("X-Request-Id", request_id())
        .content(media_type, content);
    let response = match status {
        401 => {
            let scheme = HeaderBuilder::new().schema(Some(text("Bearer")));
            response.header("WWW-Authenticate", scheme.build())
        }
        503 => {
            let seconds = HeaderBuilder::new().description(Some("seconds")).schema(Some(natural()));
            response.header("Retry-After", seconds.build())
        }
        _ => response,
    };
    response.build()
}

fn error_description(status: u16, limits: &Limits) -> String {
    let Limits { body_bytes, rows, body_time, request_time, .. } = limits;
    match status {
        400 => "the request is malformed".to_owned(),
        401 => "the request shows no key that is known".to_owned(),
        404 => "there is nothing of this name".to_owned(),
        408 => format!("the body did not arrive in {body_time:?}"),
        413 => format!("more than {body_bytes} bytes or {rows} rows"),
        415 => "the media type is not one of those taken, or the body is compressed".to_owned(),
        422 => "the body does not fit the schema".to_owned(),
        501 => "the service keeps no record of its answers".to_owned(),
        503 => "too many requests are being worked on, the answer could not be recorded as it must be, or the service is shutting down".to_owned(),
        504 => format!("the answer was not ready in {request_time:?}"),
        _ => "the service failed on this request".to_owned(),
    }
}

/// The header that every response has.
pub(super) fn request_id_header() -> Header {
    let header = HeaderBuilder::new().description(Some("the name of the request"));
    header.schema(Some(component("RequestId"))).build()
}

fn request_id() -> Ref {
    Ref::new("#/components/headers/X-Request-Id")
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

fn content(schema: Schema, examples: impl IntoIterator<Item = Example>) -> Content {
    let examples = examples
        .into_iter()
        .map(|(name, value)| (name, ExampleBuilder::new().value(Some(value)).build()));
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

fn plain(media_type: &'static str) -> (&'static str, Content) {
    (media_type, content(of(Type::String).into(), []))
}
