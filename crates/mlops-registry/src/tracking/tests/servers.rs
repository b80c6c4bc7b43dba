//! Registration on a server that fails.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use mlops_testing::{MockRequest, MockServer, Reply};
use serde_json::{Value, json};

use crate::client::{MlflowClient, Retries};
use crate::tracking::{TrackedModel, Tracking};
use crate::{Error, ModelVersion};

const MODELS: [&str; 3] = ["wine", "drift", "outlier"];
const ALIAS: &str = "challenger";

/// A registry that fails at some of its requests.
#[derive(Clone)]
struct Faulty {
    state: Arc<Mutex<State>>,
    fault: Fault,
    /// The numbers of those requests.
    fails: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Refused,
    /// The server does nothing, and says nothing.
    Lost,
    /// The server does it, and says nothing.
    Unanswered,
}

const FAULTS: [Fault; 3] = [Fault::Refused, Fault::Lost, Fault::Unanswered];

#[derive(Clone, Debug, PartialEq)]
struct State {
    /// The tags of each version, by name and number.
    versions: BTreeMap<(String, u64), Value>,
    aliases: BTreeMap<String, u64>,
    n_requests: usize,
}

impl State {
    /// Each model has a version, and all but the last an alias.
    fn new() -> Self {
        let versions = MODELS.map(|name| ((name.to_owned(), 1), json!([])));
        let aliases = [MODELS[0], MODELS[1]].map(|name| (name.to_owned(), 1));
        Self { versions: versions.into(), aliases: aliases.into(), n_requests: 0 }
    }

    fn answer(&mut self, request: &MockRequest) -> Reply {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        let number = body["version"].as_str().and_then(|number| number.parse().ok());
        let (call, query) = request.line.split_once('?').unwrap_or((&request.line, ""));
        match call.replace("/api/2.0/mlflow/", "").as_str() {
            "POST registered-models/create" => {
                return Reply::json(200, json!({"registered_model": {"name": name}}).to_string());
            }
            "POST model-versions/create" => {
                let number = self.versions.keys().filter(|(of, _)| *of == name).count() as u64 + 1;
                self.versions.insert((name.clone(), number), body["tags"].clone());
                return self.version(&name, number);
            }
            "POST registered-models/alias" => _ = self.aliases.insert(name, number.unwrap()),
            "DELETE registered-models/alias" => _ = self.aliases.remove(&name),
            "DELETE model-versions/delete" => {
                _ = self.versions.remove(&(name.clone(), number.unwrap()));
                self.aliases.retain(|of, to| (of, Some(*to)) != (&name, number));
            }
            "GET registered-models/alias" => {
                let name = MODELS.into_iter().find(|name| query.contains(name)).unwrap();
                match self.aliases.get(name) {
                    Some(number) => return self.version(name, *number),
                    None => return Reply::json(404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST"}"#),
                }
            }
            // The search for the version that a request has made.
            "GET model-versions/search" => {
                let is_asked =
                    |tags: &Value| query.contains(tags[0]["value"].as_str().unwrap_or(" "));
                let found = self.versions.iter().filter(|(_, tags)| is_asked(tags));
                let found: Vec<_> =
                    found.map(|((name, number), _)| version(name, *number)).collect();
                return Reply::json(200, json!({"model_versions": found}).to_string());
            }
            other => panic!("{other}"),
        }
        Reply::json(200, "{}")
    }

    fn version(&self, name: &str, number: u64) -> Reply {
        assert!(self.versions.contains_key(&(name.to_owned(), number)), "{name}/{number}");
        Reply::json(200, json!({"model_version": version(name, number)}).to_string())
    }
}

fn version(name: &str, number: u64) -> Value {
    json!({"name": name, "version": number.to_string(), "source": "s"})
}

impl Faulty {
    fn new(fault: Fault, fails: Range<usize>) -> Self {
        Self { state: Arc::new(Mutex::new(State::new())), fault, fails }
    }

    fn answer(&self, request: &MockRequest) -> Reply {
        let mut state = self.state.lock().unwrap();
        let fault = Some(self.fault).filter(|_| self.fails.contains(&state.n_requests));
        state.n_requests += 1;
        match fault {
            None => state.answer(request),
            Some(Fault::Refused) => Reply::json(403, r#"{"error_code":"PERMISSION_DENIED"}"#),
            Some(Fault::Lost) => Reply::Drop,
            Some(Fault::Unanswered) => {
                state.answer(request);
                Reply::Drop
            }
        }
    }

    /// Registers a model under each name; the state after it.
    fn register_all(&self) -> (Result<Vec<ModelVersion>, Error>, State) {
        let faulty = self.clone();
        let server = MockServer::answering(move |request| faulty.answer(request)).unwrap();
        let builder = MlflowClient::builder(&server.uri()).retries(Retries::NONE);
        let tracking = Tracking::server(builder.build_blocking().unwrap());
        let run_id = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let model = TrackedModel {
            uri: "runs:/0123456789abcdef0123456789abcdef/model".parse().unwrap(),
            run_id,
            artifact_uri: Some("mlflow-artifacts:/1/model".to_owned()),
        };
        let outcome = tracking.register_all(&MODELS.map(|name| (name, &model)), ALIAS);
        (outcome, self.state.lock().unwrap().clone())
    }
}

#[test]
fn a_server_that_fails_once_has_all_models_or_none() {
    let before = State::new();
    for fault in FAULTS {
        let (mut n_whole, mut n_failed) = (0, 0);
        for at in 0.. {
            let (outcome, after) = Faulty::new(fault, at..at + 1).register_all();
            match outcome {
                Ok(versions) => {
                    assert!(versions.iter().all(|it| it.version == 2), "{fault:?} {at}");
                    assert_eq!(after.versions.len(), 6, "{fault:?} {at}");
                    let alias = |name: &&str| after.aliases.get(*name) == Some(&2);
                    assert!(MODELS.iter().all(alias), "{fault:?} {at}");
                    n_whole += 1;
                }
                Err(error) => {
                    let after = (after.versions, after.aliases);
                    let before = (before.versions.clone(), before.aliases.clone());
                    assert_eq!(after, before, "{fault:?} {at} {error}");
                    n_failed += 1;
                }
            }
            if after.n_requests <= at {
                break;
            }
        }
        assert!(n_whole > 0 && n_failed > 2 * MODELS.len(), "{fault:?} {n_whole} {n_failed}");
    }
}

#[test]
fn what_is_left_on_a_server_that_has_died_is_named() {
    let before = State::new();
    for fault in FAULTS {
        for at in 0.. {
            let (outcome, after) = Faulty::new(fault, at..usize::MAX).register_all();
            if after.n_requests <= at {
                outcome.unwrap();
                break;
            }
            let told = outcome.unwrap_err().to_string();
            let is_told = |name: &str, number: u64| told.contains(&format!("`{name}/{number}`"));
            for (name, number) in
                after.versions.keys().filter(|it| !before.versions.contains_key(it))
            {
                let may_be = told.contains(&format!("a version of `{name}` if there is one"));
                assert!(is_told(name, *number) || may_be, "{fault:?} {at} {name}/{number}: {told}");
            }
            for (name, to) in
                after.aliases.iter().filter(|it| before.aliases.get(it.0) != Some(it.1))
            {
                let is_told = told.contains(&format!("the alias of `{name}`"));
                assert!(is_told, "{fault:?} {at} {name}@{ALIAS} -> {to}: {told}");
            }
        }
    }
    // Three requests make the first version, and the server dies of the second.
    let (outcome, _) = Faulty::new(Fault::Unanswered, 3..usize::MAX).register_all();
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "cannot take back `wine/2` and a version of `drift` if there is one, as not all models were registered (cannot \
         create a version of `drift`: the server gave no answer): the server gave no answer"
    );
}
