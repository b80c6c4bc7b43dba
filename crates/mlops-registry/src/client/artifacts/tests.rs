use std::collections::BTreeMap;
use std::fs;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mlops_testing::{MockRequest, MockServer, Reply};
use serde_json::json;

use super::*;
use crate::client::Retries;

/// An artifact server of one folder, `mlflow-artifacts:/1`.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<BTreeMap<String, String>>>);

const PREFIX: &str = "/api/2.0/mlflow-artifacts/artifacts";

impl Files {
    fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self(Arc::new(Mutex::new(files.collect())))
    }

    fn get(&self, path: &str) -> Option<String> {
        self.0.lock().unwrap().get(path).cloned()
    }

    fn answer(&self, request: &MockRequest) -> Reply {
        let (method, target) = request.line.split_once(' ').unwrap();
        let target = decoded(target.strip_prefix(PREFIX).unwrap());
        if let Some(folder) = target.strip_prefix("?path=") {
            return self.list(&folder.replace('+', " "));
        }
        let path = target.trim_start_matches("/1/").to_owned();
        if method == "PUT" {
            self.0.lock().unwrap().insert(path, request.body.clone());
            return Reply::json(200, "");
        }
        let Some(text) = self.get(&path) else {
            let missing = r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such file"}"#;
            return Reply::json(404, missing);
        };
        let range = request.header("range").and_then(|range| {
            let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
            let end = last.parse::<usize>().map_or(text.len(), |last| text.len().min(last + 1));
            Some(start.parse().ok()?..end)
        });
        match range.filter(|_| request.header("if-range").is_none_or(|tag| tag == "\"tag\"")) {
            None => Reply::text(200, "text/plain", text).header("etag", "\"tag\""),
            Some(range) => {
                let (start, last) = (range.start, range.end - 1);
                Reply::text(206, "text/plain", &text[range])
                    .header("content-range", &format!("bytes {start}-{last}/{}", text.len()))
                    .header("etag", "\"tag\"")
            }
        }
    }

    /// Names are relative to the folder.
    fn list(&self, folder: &str) -> Reply {
        let prefix = format!("{folder}/").split_off("1/".len());
        let mut entries = BTreeMap::new();
        for (path, text) in &*self.0.lock().unwrap() {
            let Some(rest) = path.strip_prefix(&prefix) else { continue };
            match rest.split_once('/') {
                Some((name, _)) => entries.insert(name.to_owned(), None),
                None => entries.insert(rest.to_owned(), Some(text.len())),
            };
        }
        let files: Vec<_> = entries
            .into_iter()
            .map(|(path, size)| json!({"path": path, "is_dir": size.is_none(), "file_size": size}))
            .collect();
        Reply::json(
            200,
            if files.is_empty() { "{}".to_owned() } else { json!({ "files": files }).to_string() },
        )
    }

    fn serve(&self) -> MockServer {
        let files = self.clone();
        MockServer::answering(move |request| files.answer(request)).unwrap()
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8(crate::file_uri::percent_decode(text.as_bytes()).unwrap()).unwrap()
}

fn repository(server: &MockServer) -> ArtifactRepository {
    let first = Duration::from_millis(1);
    let retries = Retries { count: 3, first, longest: Duration::from_millis(50) };
    let builder = MlflowClient::builder(&server.uri()).retries(retries);
    let client = builder.read_timeout(Duration::from_millis(300)).build().unwrap();
    client.artifact_repository("mlflow-artifacts:/1").unwrap()
}

const MODEL: &[(&str, &str)] =
    &[("model/MLmodel", "flavors: {}"), ("model/a b/é&c.txt", "text"), ("model/empty", "")];

/// A transfer, and what it told last.
fn watched(transfer: Transfer) -> (Transfer, Arc<Mutex<Progress>>) {
    let seen = Arc::new(Mutex::new(Progress::default()));
    let told = Arc::clone(&seen);
    (transfer.progress(move |progress| *told.lock().unwrap() = *progress), seen)
}

/// What lies in a folder, beside directories.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_folder_comes_whole_and_goes_whole() {
    let target = tempfile::tempdir().unwrap();
    let source = target.path().join("source");
    for (path, text) in MODEL {
        let file = source.join(path.strip_prefix("model/").unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let files = Files::default();
    let server = files.serve();
    let repository = repository(&server);
    let (transfer, seen) = watched(Transfer::default());
    repository.upload(&source, "model", &transfer).await.unwrap();
    let sent: Vec<_> =
        server.requests().into_iter().filter(|it| it.line.starts_with("PUT")).collect();
    assert_eq!(sent.len(), 3);
    assert!(sent[2].line.ends_with("/1/model/MLmodel"), "{}", sent[2].line);
    assert_eq!(files.get("model/MLmodel").as_deref(), Some("flavors: {}"));
    assert_eq!(
        *seen.lock().unwrap(),
        Progress { files_done: 3, files: 3, bytes_done: 15, bytes: 15 }
    );
}

#[tokio::test]
async fn a_download_appears_at_once_and_only_where_nothing_is() {
    let files = Files::of(MODEL_ENCODED);
    let server = files.serve();
    let repository = repository(&server);
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("copy");
    repository.download("model", &destination, &Transfer::default()).await.unwrap();
    assert_eq!(names(folder.path()), ["copy"]);
    assert_eq!(names(&destination), ["MLmodel", "empty", "folder"]);
    assert_eq!(fs::read_to_string(destination.join("folder/c.txt")).unwrap(), "text");
    let again = repository.download("model", &destination, &Transfer::default()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(names(folder.path()), ["copy"]);
    let nothing = folder.path().join("nothing");
    let missing = repository.download("nobody", &nothing, &Transfer::default()).await;
    assert!(missing.unwrap_err().is_not_found());
    assert_eq!(names(folder.path()), ["copy"]);
    assert_eq!(repository.read("model/folder/c.txt").await.unwrap(), b"text");
    assert!(repository.read("model/folder/d.txt").await.unwrap_err().is_not_found());
}

const MODEL_ENCODED: &[(&str, &str)] =
    &[("model/MLmodel", "flavors: {}"), ("model/folder/c.txt", "text"), ("model/empty", "")];

#[tokio::test]
async fn what_was_cut_off_is_gone_on_with_and_what_changed_is_fetched_anew() {
    for tag in ["\"tag\"", "\"older\""] {
        let files = Files::of(&[("model/data", "0123456789")]);
        let cut = Mutex::new(false);
        let server = MockServer::answering(move |request| {
            let was_cut =
                !request.line.ends_with("data") || mem::replace(&mut cut.lock().unwrap(), true);
            if was_cut { files.answer(request) } else { Reply::cut("abcdef").header("etag", tag) }
        });
        let server = server.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("copy");
        repository(&server).download("model", &destination, &Transfer::default()).await.unwrap();
        let expected = if tag == "\"tag\"" { "abcdef6789" } else { "0123456789" };
        assert_eq!(fs::read_to_string(destination.join("data")).unwrap(), expected);
        let requests = server.requests();
        let asked = requests.iter().filter(|it| it.header("range") == Some("bytes=6-")).count();
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn the_next_attempt_goes_on_where_this_one_was_given_up() {
    let files = Files::of(&[("model/data", "0123456789"), ("model/small", "x")]);
    let broken = files.clone();
    let server = MockServer::answering(move |request| {
        let cut = || Reply::cut("abcdef").header("etag", "\"tag\"");
        if request.line.ends_with("data") { cut() } else { broken.answer(request) }
    });
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("copy");
    let transfer = Transfer::default();
    let outcome = repository(&server.unwrap()).download("model", &destination, &transfer).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(names(folder.path()), [".copy.partial"]);
    let server = files.serve();
    repository(&server).download("model", &destination, &transfer).await.unwrap();
    assert_eq!(fs::read_to_string(destination.join("data")).unwrap(), "abcdef6789");
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|it| it.line.contains("small")).count(), 0);
    assert_eq!(names(folder.path()), ["copy"]);
}

/// What was asked for of `data`, in order of the first byte.
fn ranges(server: &MockServer) -> Vec<String> {
    let requests = server.requests();
    let asked = requests.iter().filter(|request| request.line.ends_with("data"));
    let mut ranges: Vec<_> =
        asked.map(|request| request.header("range").unwrap_or("all").to_owned()).collect();
    ranges.sort();
    ranges
}

#[tokio::test]
async fn a_large_file_comes_in_segments() {
    let files = Files::of(&[("model/data", "0123456789"), ("model/small", "01234567")]);
    let server = files.serve();
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("copy");
    let (transfer, seen) = watched(Transfer::default().segment_size(4));
    repository(&server).download("model", &destination, &transfer).await.unwrap();
    assert_eq!(fs::read_to_string(destination.join("data")).unwrap(), "0123456789");
    assert_eq!(ranges(&server), ["bytes=0-3", "bytes=4-7", "bytes=8-9"]);
    let requests = server.requests();
    let small = requests.iter().find(|request| request.line.ends_with("small")).unwrap();
    assert_eq!(small.header("range"), None);
    let whole = Progress { files_done: 2, files: 2, bytes_done: 18, bytes: 18 };
    assert_eq!(*seen.lock().unwrap(), whole);
}

#[tokio::test]
async fn only_segments_that_are_not_there_are_fetched_again() {
    let files = Files::of(&[("model/data", "0123456789")]);
    let broken = files.clone();
    let server = MockServer::answering(move |request| match request.header("range") {
        Some("bytes=4-7") => {
            let cut = Reply::cut("ab").with_status(206).header("etag", "\"tag\"");
            cut.header("content-range", "bytes 4-7/10")
        }
        Some("bytes=6-7") => Reply::Drop,
        _ => broken.answer(request),
    });
    let server = server.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("copy");
    let transfer = Transfer::default().segment_size(4).parallel(1);
    let outcome = repository(&server).download("model", &destination, &transfer).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(ranges(&server).contains(&"bytes=6-7".to_owned()), "{:?}", ranges(&server));
    let server = files.serve();
    repository(&server).download("model", &destination, &transfer).await.unwrap();
    assert_eq!(fs::read_to_string(destination.join("data")).unwrap(), "0123456789");
    assert_eq!(ranges(&server), ["bytes=4-7"]);
    assert_eq!(names(folder.path()), ["copy"]);
}

#[tokio::test]
async fn a_large_file_that_changes_is_fetched_anew() {
    let files = Files::of(&[("model/data", "0123456789")]);
    let before = Mutex::new(true);
    let server = MockServer::answering(move |request| {
        let is_first = request.line.ends_with("data") && mem::take(&mut *before.lock().unwrap());
        if !is_first {
            return files.answer(request);
        }
        let first = Reply::text(206, "text/plain", "abcd").header("etag", "\"older\"");
        first.header("content-range", "bytes 0-3/10")
    });
    let server = server.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("copy");
    let (transfer, seen) = watched(Transfer::default().segment_size(4));
    repository(&server).download("model", &destination, &transfer).await.unwrap();
    assert_eq!(fs::read_to_string(destination.join("data")).unwrap(), "0123456789");
    let whole = Progress { files_done: 1, files: 1, bytes_done: 10, bytes: 10 };
    assert_eq!(*seen.lock().unwrap(), whole);
}

#[tokio::test]
async fn a_large_file_comes_whole_where_ranges_or_tags_are_unknown() {
    for status in [200, 206] {
        let files = Files::of(&[("model/data", "0123456789")]);
        let server = MockServer::answering(move |request| match request.header("range") {
            Some(_) if status == 206 => {
                let untagged = Reply::text(206, "text/plain", "0123");
                untagged.header("content-range", "bytes 0-3/10")
            }
            Some(_) => Reply::text(200, "text/plain", "0123456789"),
            None => files.answer(request),
        });
        let server = server.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("copy");
        let transfer = Transfer::default().segment_size(4);
        repository(&server).download("model", &destination, &transfer).await.unwrap();
        assert_eq!(fs::read_to_string(destination.join("data")).unwrap(), "0123456789");
        assert_eq!(ranges(&server).len(), if status == 200 { 1 } else { 2 });
    }
}

#[tokio::test]
async fn nothing_half_written_is_seen_and_time_is_bounded() {
    type Fault = fn() -> Reply;
    let faults: [(Fault, ErrorKind); 5] = [
        (|| Reply::Drop, ErrorKind::Unavailable),
        (|| Reply::Hang(Duration::from_secs(5)), ErrorKind::Unavailable),
        (|| Reply::cut("01"), ErrorKind::Unavailable),
        (|| Reply::text(502, "text/html", "<h1>Bad Gateway</h1>"), ErrorKind::Unavailable),
        (|| Reply::text(200, "text/plain", "shorter"), ErrorKind::Malformed),
    ];
    for (fault, kind) in faults {
        let files = Files::of(&[("model/data", "0123456789"), ("model/other", "x")]);
        let server = MockServer::answering(move |request| {
            if request.line.ends_with("data") { fault() } else { files.answer(request) }
        });
        let server = server.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("copy");
        let begun = Instant::now();
        let outcome =
            repository(&server).download("model", &destination, &Transfer::default()).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert!(!destination.exists());
    }
}

#[tokio::test]
async fn checksums_are_held_against_what_came() {
    let wrong = format!("{:064}  ./data\n", 0);
    let right = "938db8c9f82c8cb58d3f3ef4fd250036a48d26a712753d2fde5abd03a85cabf4  data\n";
    for (sums, is_right) in [(wrong.as_str(), false), (right, true), ("of another form", true)] {
        let files = Files::of(&[("model/data", "01"), ("model/SHA256SUMS", sums)]);
        let server = files.serve();
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("copy");
        let outcome =
            repository(&server).download("model", &destination, &Transfer::default()).await;
        assert_eq!(outcome.is_ok(), is_right, "{outcome:?}");
        assert_eq!(destination.exists(), is_right);
    }
}

#[tokio::test]
async fn names_that_lead_out_of_the_folder_are_refused() {
    for name in ["../evil", "/etc/passwd", "a/../../b", "a//b", ""] {
        let listing =
            json!({"files": [{"path": name, "is_dir": false, "file_size": 1}]}).to_string();
        let server = MockServer::start(vec![Reply::json(200, listing)]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let outcome = repository(&server)
            .download("", &folder.path().join("copy"), &Transfer::default())
            .await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Malformed, "{name}");
        assert!(names(folder.path()).iter().all(|name| name != "copy"));
    }
}

#[tokio::test]
async fn a_folder_without_end_is_refused() {
    let listing = json!({"files": [{"path": "again", "is_dir": true}]}).to_string();
    let server = MockServer::start(vec![Reply::json(200, listing)]).unwrap();
    assert_eq!(repository(&server).list().await.unwrap_err().kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn an_upload_that_did_not_arrive_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), "0123").unwrap();
    let listing = json!({"files": [{"path": "data", "is_dir": false, "file_size": 3}]}).to_string();
    let server = MockServer::start(vec![Reply::json(200, ""), Reply::json(200, listing)]).unwrap();
    let outcome = repository(&server).upload(folder.path(), "", &Transfer::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Malformed);
    let server = MockServer::start(vec![Reply::json(403, "{}")]).unwrap();
    let outcome = repository(&server).upload(folder.path(), "", &Transfer::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_directory_of_the_servers_machine_is_left_alone_unless_it_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let uri = folder.path().to_str().unwrap();
    let client = MlflowClient::new("http://127.0.0.1:1").unwrap();
    assert!(client.artifact_repository(uri).unwrap_err().is_unsupported());
    let shared = MlflowClient::builder("http://127.0.0.1:1").local_artifacts(true).build().unwrap();
    let repository = shared.artifact_repository(uri).unwrap();
    let source = folder.path().join("source");
    fs::write(&source, "text").unwrap();
    repository.upload(&source, "model/a", &Transfer::default()).await.unwrap();
    assert_eq!(repository.read("model/a").await.unwrap(), b"text");
    let copy = folder.path().join("copy");
    repository.download("model", &copy, &Transfer::default()).await.unwrap();
    assert_eq!(names(&copy), ["a"]);
}

#[tokio::test]
async fn secrets_do_not_go_to_another_host() {
    let files = Files::of(&[("data", "x")]);
    let (server, other) = (files.serve(), files.serve());
    let auth = crate::client::Auth::Token("secret".to_owned());
    let client = MlflowClient::builder(&server.uri()).auth(auth).build().unwrap();
    let elsewhere = other.uri().replace("http:", "mlflow-artifacts:");
    let repository = client.artifact_repository(&format!("{elsewhere}/1")).unwrap();
    assert_eq!(repository.read("data").await.unwrap(), b"x");
    assert!(other.requests().iter().all(|request| request.header("authorization").is_none()));
    client.artifact_repository("mlflow-artifacts:/1").unwrap().read("data").await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer secret"));
}
