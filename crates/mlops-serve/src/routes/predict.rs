//! `POST /v1/models/{name}/predict`: everything that the service knows about the rows.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::Response;
use mlops_core::{Records, RecordsLimits};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Service;
use crate::body::require_json;
use crate::problem::Problem;
use crate::protocol::{Answer, Protocol, to_json};
use crate::request::{Context, answer, json};
use crate::scoring::Scorer;

mod response;

pub(crate) async fn predict(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let id = context.id;
    let outcome = async {
        let protocol = Native { explains: wants_explanation(query.as_deref())? };
        let Path(name) = name.map_err(|_| Problem::UnknownModel)?;
        let slot = Arc::clone(service.slot(&name)?);
        answer(&service, &slot, context, protocol, request, require_json).await
    };
    match outcome.await {
        Ok(body) => json(body),
        Err(problem) => problem.into_response(id),
    }
}

/// Whether the query asks for contributions: `explain=true`; it may hold nothing else.
fn wants_explanation(query: Option<&str>) -> Result<bool, Problem> {
    match query {
        None | Some("" | "explain=false") => Ok(false),
        Some("explain=true") => Ok(true),
        Some(_) => Err(Problem::MalformedQuery),
    }
}

/// A body may be an object that holds the records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instances<'a> {
    #[serde(borrow)]
    instances: &'a RawValue,
}

struct Native {
    explains: bool,
}

impl Protocol for Native {
    fn read(&mut self, scorer: &Scorer, body: &[u8], max_rows: usize) -> Result<Records, Problem> {
        let limits = RecordsLimits::default().max_rows(max_rows);
        // A struct could be read from an array, too.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let instances = is_object.then(|| serde_json::from_slice::<Instances<'_>>(body).ok());
        let records = instances.flatten().map_or(body, |object| object.instances.get().as_bytes());
        Ok(Records::from_json(scorer.schema(), records, limits)?)
    }

    fn explains(&self) -> bool {
        self.explains
    }

    fn write(&self, answer: &Answer) -> Result<Vec<u8>, Problem> {
        to_json(&response::Body(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_an_explanation_or_is_refused() {
        assert_eq!(wants_explanation(None), Ok(false));
        assert_eq!(wants_explanation(Some("explain=true")), Ok(true));
        assert_eq!(wants_explanation(Some("explain=false")), Ok(false));
        assert_eq!(wants_explanation(Some("explian=true")), Err(Problem::MalformedQuery));
    }
}
