use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlops_testing::{MockServer, Reply};

use super::*;
use crate::client::Retries;
use crate::{ErrorKind, Filter, RunId, RunLogger};

const VERSION: &str = r#"{"model_version":{"name":"wine","version":"3","current_stage":"None"}}"#;
const MISSING: &str = r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"not here"}"#;

fn serving(replies: Vec<Reply>) -> (MlflowClient, MockServer) {
    let server = MockServer::start(replies).unwrap();
    let builder = client::MlflowClient::builder(&server.uri()).retries(Retries::NONE);
    (builder.build_blocking().unwrap(), server)
}

fn run_id() -> RunId {
    "0123456789abcdef0123456789abcdef".parse().unwrap()
}

#[test]
fn a_method_waits_for_its_result_or_error() {
    let (client, server) = serving(vec![Reply::json(200, VERSION), Reply::json(404, MISSING)]);
    assert_eq!(client.model_version("wine", 3).unwrap().version, 3);
    let error = client.model_version("wine", 4).unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn it_works_within_a_runtime_of_one_thread() {
    let (client, _server) = serving(vec![Reply::json(200, VERSION)]);
    assert_eq!(client.model_version("wine", 3).unwrap().version, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_within_a_runtime_of_several_threads() {
    let (client, _server) = serving(vec![Reply::json(200, VERSION)]);
    let task = tokio::spawn(async move { client.model_version("wine", 3).map(|it| it.version) });
    assert_eq!(task.await.unwrap().unwrap(), 3);
}

#[test]
fn pages_are_asked_for_as_they_are_needed_and_end_with_an_error() {
    let page = |ids: &str, token: &str| {
        let experiments = ids.split_whitespace().map(|id| format!(r#"{{"experiment_id":"{id}"}}"#));
        let experiments = experiments.collect::<Vec<_>>().join(",");
        Reply::json(
            200,
            format!(r#"{{"experiments":[{experiments}],"next_page_token":"{token}"}}"#),
        )
    };
    let pages = vec![page("1 2", "a"), page("", "b"), page("3", "")];
    let (client, server) = serving(pages);
    let mut found = client.search_experiments(&Filter::all());
    assert_eq!(server.requests().len(), 0);
    assert_eq!(found.next().unwrap().unwrap().id, "1");
    assert_eq!(server.requests().len(), 1);
    let ids = found.map(|each| each.map(|it| it.id)).collect::<Result<Vec<_>, _>>();
    assert_eq!(ids.unwrap(), ["2", "3"]);
    assert_eq!(server.requests().len(), 3);

    let (client, server) = serving(vec![page("1", "a"), Reply::json(404, MISSING)]);
    let found: Vec<_> = client.search_experiments(&Filter::all()).collect();
    let ids = found.iter().map(|each| each.as_ref().map(|it| it.id.as_str()));
    let ids: Vec<_> = ids.map(|id| id.map_err(Error::kind)).collect();
    assert_eq!(ids, [Ok("1"), Err(ErrorKind::NotFound)]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_logger_logs_to_a_run_of_a_server() {
    let busy = Reply::json(429, "{}").header("Retry-After", "60");
    let (client, server) = serving(vec![busy, Reply::json(200, "{}")]);
    let logger = RunLogger::new(ServerRun::new(client, run_id())).unwrap();
    for step in 0..3 {
        logger.log_metric("loss", f64::NAN, step);
    }
    logger.log_param("lr", 0.1);
    let report = logger.finish();
    assert!(report.is_complete() && report.error.is_none(), "{report:?}");
    assert_eq!(report.logged, 4);
    let asked = server.requests();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1], "sent again as it was");
    let sent: serde_json::Value = serde_json::from_str(&asked[1].body).unwrap();
    assert_eq!(
        (&sent["run_id"], &sent["params"][0]["key"]),
        (&run_id().as_str().into(), &"lr".into())
    );
    let metrics = sent["metrics"].as_array().unwrap();
    let steps = metrics.iter().map(|metric| metric["step"].as_i64().unwrap());
    assert_eq!(steps.collect::<Vec<_>>(), [0, 1, 2]);
    assert!(metrics.iter().all(|it| it["value"] == "NaN" && it["timestamp"].is_i64()));
}

#[test]
fn a_logger_gives_up_a_server_that_hangs() {
    let (client, _server) = serving(vec![Reply::Hang(Duration::from_secs(60))]);
    let logger = RunLogger::builder(ServerRun::new(client, run_id()));
    let logger = logger.deadline(Duration::from_millis(100)).start().unwrap();
    logger.log_metric("loss", 0.5, 1);
    assert_eq!(logger.finish().pending, 1);
}

/// The asynchronous and the blocking client cannot drift apart.
#[test]
fn every_method_of_the_asynchronous_client_has_its_twin() {
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut methods = BTreeSet::new();
    for file in files(&sources.join("client")).into_iter().chain([sources.join("client.rs")]) {
        methods.extend(public_methods(&fs::read_to_string(file).unwrap()));
    }
    let text = fs::read_to_string(sources.join("blocking/methods.rs")).unwrap();
    let twins = text.lines().filter_map(|line| line.strip_prefix("    twin!("));
    let twins = twins.map(|line| line[..line.find('(').unwrap()].to_owned()).collect();
    assert_eq!(methods, twins);
    assert!(methods.len() > 30, "the methods are looked for in the wrong place");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// The names of the client's public methods, without those that make clients.
fn public_methods(source: &str) -> BTreeSet<String> {
    let blocks = source.split("\nimpl MlflowClient {\n").skip(1);
    let blocks = blocks.map(|block| &block[..block.find("\n}").unwrap()]);
    let methods = blocks.flat_map(|block| block.split("\n    pub ").skip(1));
    let methods = methods.filter_map(|method| {
        let (name, rest) =
            method.trim_start_matches("async ").strip_prefix("fn ")?.split_once('(')?;
        let name = name.split('<').next()?;
        rest.trim_start().starts_with("&self").then(|| name.to_owned())
    });
    methods.collect()
}
