use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mlops_testing::{MockRequest, MockServer, Reply};
use serde_json::{Value, json};

use super::uri;
use crate::client::{MlflowClient, ModelCache, Retries};
use crate::{ErrorKind, Registry, Stage};

/// A registry of two models with two versions each, which does not take what `refuses` says.
#[derive(Clone)]
struct Models {
    state: Arc<Mutex<State>>,
    refuses: fn(&str, &Value) -> bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    stages: BTreeMap<String, String>,
    aliases: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

impl Models {
    fn new(refuses: fn(&str, &Value) -> bool) -> Self {
        let names = ["wine/1", "wine/2", "drift/1", "drift/2"];
        let stages = names.map(|name| (name.to_owned(), "None".to_owned()));
        let state = State { stages: stages.into(), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), refuses }
    }

    fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }

    fn registry(&self) -> Registry {
        let models = self.clone();
        let server = MockServer::answering(move |request| models.answer(request)).unwrap();
        let builder = MlflowClient::builder(&server.uri()).retries(Retries::NONE);
        Registry::server(builder.build_blocking().unwrap(), ModelCache::new("unused"))
    }

    fn answer(&self, request: &MockRequest) -> Reply {
        let (method, target) = request.line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let route = path.trim_start_matches("/api/2.0/mlflow/");
        let mut arguments: Value = serde_json::from_str(&request.body).unwrap_or_default();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            arguments[key] = value.into();
        }
        let text = |key: &str| arguments[key].as_str().unwrap_or_default().to_owned();
        if method != "GET" && (self.refuses)(route, &arguments) {
            return Reply::json(403, r#"{"error_code":"PERMISSION_DENIED"}"#);
        }
        let version = format!("{}/{}", text("name"), text("version"));
        let alias = format!("{}@{}", text("name"), text("alias"));
        let mut state = self.state.lock().unwrap();
        match (method, route) {
            ("GET", "registered-models/alias") => match state.aliases.get(&alias).cloned() {
                Some(of) => return state.one(&of),
                None => return Reply::json(404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST"}"#),
            },
            ("GET", "model-versions/get") => return state.one(&version),
            ("GET", "model-versions/get-download-uri") => {
                return Reply::json(200, r#"{"artifact_uri":"mlflow-artifacts:/1"}"#);
            }
            ("GET", "model-versions/search" | "registered-models/get-latest-versions") => {
                let is_of_wine = text("name") == "wine" || text("filter").contains("wine");
                return state.all(if is_of_wine { "wine/" } else { "drift/" });
            }
            ("GET", _) => {
                return Reply::json(200, json!({"registered_model": {"name": "x"}}).to_string());
            }
            ("DELETE", "registered-models/alias") => _ = state.aliases.remove(&alias),
            (_, "registered-models/alias") => _ = state.aliases.insert(alias, version),
            ("DELETE", _) => _ = state.tags.remove(&version),
            (_, "model-versions/set-tag") => _ = state.tags.insert(version, text("value")),
            _ => {
                let stage = text("stage");
                if arguments["archive_existing_versions"] == true {
                    let name = format!("{}/", text("name"));
                    let others = state.stages.iter_mut().filter(|(of, _)| of.starts_with(&name));
                    others
                        .filter(|(_, old)| **old == stage)
                        .for_each(|(_, old)| *old = "Archived".to_owned());
                }
                state.stages.insert(version.clone(), stage);
                return state.one(&version);
            }
        }
        Reply::json(200, "{}")
    }
}

impl State {
    fn version(&self, of: &str) -> Value {
        let (name, version) = of.split_once('/').unwrap();
        let tags =
            self.tags.get(of).map(|value| json!({"key": "mlops_stage_history", "value": value}));
        json!({
            "name": name, "version": version, "current_stage": self.stages[of], "source": "s",
            "tags": tags.into_iter().collect::<Vec<_>>(),
        })
    }

    fn one(&self, of: &str) -> Reply {
        Reply::json(200, json!({"model_version": self.version(of)}).to_string())
    }

    fn all(&self, name: &str) -> Reply {
        let of_name = self.stages.keys().filter(|of| of.starts_with(name));
        let all: Vec<_> = of_name.map(|of| self.version(of)).collect();
        Reply::json(200, json!({"model_versions": all}).to_string())
    }
}

#[test]
fn what_was_promoted_before_a_failure_is_put_back() {
    type Refuses = fn(&str, &Value) -> bool;
    let refusals: [Refuses; 3] = [
        |route, of| route.ends_with("transition-stage") && of["name"] == "drift",
        |route, of| route.ends_with("alias") && of["name"] == "drift",
        |route, of| route.ends_with("set-tag") && of["name"] == "drift",
    ];
    for refuses in refusals {
        let models = Models::new(refuses);
        let registry = models.registry();
        registry.promote(&uri("models:/wine/1"), Stage::Production).unwrap();
        let before = models.state();
        let both = [uri("models:/wine/2"), uri("models:/drift/2")];
        let error = registry.promote_all(&both, Stage::Production).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert_eq!(models.state(), before);
    }
}

#[test]
fn what_cannot_be_put_back_is_told_and_the_rest_is() {
    // The alias of wine cannot be moved back to 1, and drift is not taken at all.
    let models = Models::new(|route, of| {
        of["name"] == "drift"
            || route.ends_with("alias") && of["version"] == "1" && of["name"] == "wine"
    });
    models.state.lock().unwrap().aliases.insert("wine@staging".to_owned(), "wine/1".to_owned());
    let both = [uri("models:/wine/2"), uri("models:/drift/2")];
    let error = models.registry().promote_all(&both, Stage::Staging).unwrap_err();
    assert!(error.to_string().starts_with("cannot put back `wine/2`"), "{error}");
    let state = models.state();
    assert_eq!((state.stages["wine/2"].as_str(), state.tags.len()), ("None", 0));
    assert_eq!(state.aliases["wine@staging"], "wine/2");
}
