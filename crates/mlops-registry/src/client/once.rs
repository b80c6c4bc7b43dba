//! How something is done once, although answers get lost.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::MlflowClient;
use super::call::Call;
use super::pages::Pages;
use crate::{Compare, Error, ErrorKind, Filter, random};

/// Names the request that created something.
const REQUEST_TAG: &str = "mlops_request_id";

/// A name for one request that creates something: what it created is found by it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn random() -> Self {
        Self(random::hexadecimal_id())
    }

    /// Marks what is to be created.
    pub(crate) fn mark(&self, tags: &mut BTreeMap<String, String>) {
        tags.insert(REQUEST_TAG.to_owned(), self.0.clone());
    }

    /// Whether it created what has these tags.
    pub(crate) fn is_of(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get(REQUEST_TAG) == Some(&self.0)
    }

    /// Finds what was created.
    pub(crate) fn filter(&self) -> Result<Filter, Error> {
        Filter::tag(REQUEST_TAG, Compare::Equal, &self.0).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "look up", "the request").with_source(error)
        })
    }
}

impl MlflowClient {
    /// Sends a call that creates something marked with a [`RequestId`], by which `made` searches for it.
    pub(crate) async fn create<A, T>(&self, call: Call, mut made: Pages<T>) -> Result<T, Error>
    where
        A: DeserializeOwned + TryInto<T, Error = Error>,
    {
        let find = async { Ok(made.next().await?.and_then(|page| page.into_iter().next())) };
        self.once(call, find, A::try_into).await
    }

    /// Sends a call that must not be done twice. Where the server may have done it without saying so, `find` looks for
    /// what it did before the call is repeated.
    pub(crate) async fn once<A: DeserializeOwned, T>(
        &self,
        call: Call,
        find: impl Future<Output = Result<Option<T>, Error>>,
        read: impl FnOnce(A) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let answer = match self.transport.send(call.clone()).await {
            Err(error) if error.is_ambiguous() => match find.await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => self.transport.send(call).await?,
                // Nobody knows what came of it.
                Err(_) => return Err(error),
            },
            answer => answer?,
        };
        read(answer)
    }
}
