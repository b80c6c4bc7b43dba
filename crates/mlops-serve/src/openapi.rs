//! The document that describes a service to people and programs: OpenAPI 3.1, made from its routes and the schemas of its models.

use std::sync::Arc;

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, Paths};

use self::served::Served;
use crate::routes::{Operation, ROUTES, Route};
use crate::slot::Slot;
use crate::{Form, Limits};

mod answers;
mod common;
mod examples;
mod monitors;
mod operations;
mod rows;
mod served;
mod words;

/// What a document is made from.
struct Described<'a> {
    models: Vec<Served>,
    default: usize,
    limits: &'a Limits,
    asks_for_key: bool,
}

impl Described<'_> {
    /// The model that answers where a path names none.
    fn default_model(&self) -> &Served {
        &self.models[self.default]
    }
}

/// The document; `default` is one of `slots`.
pub(crate) fn document<'a>(
    title: &str,
    slots: impl IntoIterator<Item = &'a Arc<Slot>>,
    default: &Slot,
    form: Form,
    limits: &Limits,
    asks_for_key: bool,
) -> OpenApi {
    let models = Served::all(slots);
    let default = default.champion();
    let is_default = |model: &Served| model.name() == default.version().name;
    let default = models.iter().position(is_default).unwrap_or_default();
    let described = Described { models, default, limits, asks_for_key };

    let mut paths = Paths::new();
    for route in routes() {
        let method = if route.method == "POST" { HttpMethod::Post } else { HttpMethod::Get };
        let operation = operations::operation(route, &described);
        paths.add_path_operation(route.path, vec![method], operation);
    }
    let of_models = described.models.iter().flat_map(|model| {
        rows::components(model, limits.rows).into_iter().chain(answers::components(model, form))
    });
    let components = ComponentsBuilder::new()
        .header("X-Request-Id", operations::request_id_header())
        .responses_from_iter(operations::errors(&described));
    let components = if asks_for_key {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let header = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        components
            .security_scheme("Bearer", SecurityScheme::Http(bearer))
            .security_scheme("Header", SecurityScheme::ApiKey(header))
    } else {
        components
    };
    let schemas = common::components().into_iter().chain(monitors::components()).chain(of_models);
    let components = schemas.fold(components, |all, (name, schema)| all.schema(name, schema));
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

/// The routes of the port that has the document: administration has another one.
fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.operation != Operation::Reload)
}

const DESCRIPTION: &str = "Every response names its request in `X-Request-Id`. Errors never repeat \
    a value of the request. `null` stands for a value that is missing; values outside of the \
    observed ranges are taken and counted.";

#[cfg(test)]
mod tests;
