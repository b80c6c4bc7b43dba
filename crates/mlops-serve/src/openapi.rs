//! The document that describes a service to people and programs: OpenAPI 3.1, made from its routes and the schemas of its models.

use std::sync::Arc;

use utoipa::openapi::{ComponentsBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, Paths};

use self::served::Served;
use crate::routes::ROUTES;
use crate::slot::Slot;
use crate::{Form, Limits};

mod answers;
mod common;
mod examples;
mod operations;
mod rows;
mod served;
mod words;

/// What a document is made from.
struct Described<'a> {
    models: Vec<Served>,
    default: usize,
    limits: &'a Limits,
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
) -> OpenApi {
    let models = Served::all(slots);
    let default = default.champion();
    let is_default = |model: &Served| model.name() == default.version().name;
    let default = models.iter().position(is_default).unwrap_or_default();
    let described = Described { models, default, limits };

    let mut paths = Paths::new();
    for route in ROUTES {
        let method = if route.method == "POST" { HttpMethod::Post } else { HttpMethod::Get };
        let operation = operations::operation(route, &described);
        paths.add_path_operation(route.path, vec![method], operation);
    }
    let of_models = described.models.iter().flat_map(|model| {
        rows::components(model, limits.rows).into_iter().chain(answers::components(model, form))
    });
    let components = ComponentsBuilder::new()
        .header("X-Request-Id", operations::request_id_header())
        .responses_from_iter(operations::errors(limits));
    let schemas = common::components().into_iter().chain(of_models);
    let components = schemas.fold(components, |all, (name, schema)| all.schema(name, schema));
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

const DESCRIPTION: &str = "Every response names its request in `X-Request-Id`. Errors never repeat \
    a value of the request. `null` stands for a value that is missing; values outside of the \
    observed ranges are taken and counted.";

#[cfg(test)]
mod tests;
