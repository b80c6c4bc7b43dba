use std::path::Path;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::fetch::fetch;
use super::listing::Listing;
use super::send::{SentFile, send};
use super::store::{Answer, Content, LIST, READ, Sent, Span, Store, WRITE};
use super::{Artifact, join};
use crate::client::call::Call;
use crate::client::transport::Transport;

/// Artifacts behind the MLflow server.
#[derive(Debug)]
pub(crate) struct Proxy {
    transport: Arc<Transport>,
    /// `.../api/2.0/mlflow-artifacts/artifacts`
    address: Url,
    root: String,
}

const API: &str = "/api/2.0/mlflow-artifacts/artifacts";

impl Proxy {
    pub(crate) fn new(transport: Arc<Transport>, server: &Url, root: String) -> Self {
        let mut address = server.clone();
        address.set_path(&format!("{}{API}", server.path().trim_end_matches('/')));
        Self { transport, address, root }
    }

    /// The address of a file, each part of its path percent-encoded.
    fn file(&self, path: &str) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.extend(join(&self.root, path).split('/'));
        }
        url
    }
}

impl Store for Proxy {
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>> {
        Box::pin(async move {
            let path = join(&self.root, folder);
            let call = Call::get(LIST, "").target(&path);
            let mut url = self.address.clone();
            url.query_pairs_mut().append_pair("path", &path);
            let listing: Listing = self.transport.send_to(&call, &url).await?;
            Ok(listing.artifacts(|name| join(folder, name)))
        })
    }

    fn read<'a>(&'a self, path: &'a str, span: Option<&'a Span>) -> Answer<'a, Content> {
        Box::pin(async move {
            let call = Call::get(READ, "").target(path);
            fetch(&self.transport, call, self.file(path), HeaderMap::new(), span).await
        })
    }

    /// The first byte comes with the size of the file.
    fn find<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Artifact>> {
        Box::pin(async move {
            let first = Span { start: 0, end: Some(1), tag: None };
            let (size, tag) = match self.read(path, Some(&first)).await {
                Ok(content) => (content.size, content.tag),
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            };
            Ok(Some(Artifact { path: path.to_owned(), size, is_folder: false, tag }))
        })
    }

    fn write<'a>(&'a self, path: &'a str, source: &'a Path, sent: Sent) -> Answer<'a, ()> {
        Box::pin(async move {
            let call = Call::new(WRITE, Method::PUT, "").target(path).idempotent();
            let file = SentFile::new(source, &sent).await?;
            send(&self.transport, &call, &self.file(path), &HeaderMap::new(), Some(file)).await
        })
    }
}
