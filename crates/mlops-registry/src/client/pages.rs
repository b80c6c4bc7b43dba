use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::call::Call;
use super::transport::Transport;
use crate::Error;

/// The results of a search, which come page by page.
#[must_use]
pub struct Pages<T> {
    transport: Arc<Transport>,
    call: Call,
    fetch: Fetch<T>,
    next: Next,
}

#[derive(Clone, Debug)]
enum Next {
    First,
    Token(String),
    Nothing,
}

type Fetched<T> = Result<(Vec<T>, String), Error>;
type Fetch<T> = fn(Arc<Transport>, Call) -> Pin<Box<dyn Future<Output = Fetched<T>> + Send>>;

/// The body of an answer that is a page.
pub(crate) trait Page: DeserializeOwned {
    type Item;

    /// The results, and the token of the next page; empty after the last.
    fn split(self) -> Fetched<Self::Item>;
}

impl<T> Pages<T> {
    pub(crate) fn new<P: Page<Item = T> + 'static>(transport: &Arc<Transport>, call: Call) -> Self {
        let fetch: Fetch<T> =
            |transport, call| Box::pin(async move { transport.send::<P>(call).await?.split() });
        Self { transport: Arc::clone(transport), call, fetch, next: Next::First }
    }

    /// The next page, which may be empty; `None` after the last.
    ///
    /// # Errors
    /// What goes wrong with the server; asked again, the same page is tried again.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let call = match &self.next {
            Next::Nothing => return Ok(None),
            Next::First => self.call.clone(),
            Next::Token(token) => self.call.clone().page(token),
        };
        let (items, token) = (self.fetch)(Arc::clone(&self.transport), call).await?;
        self.next = if token.is_empty() { Next::Nothing } else { Next::Token(token) };
        Ok(Some(items))
    }

    /// All results that are left.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("next", &self.next).finish_non_exhaustive()
    }
}
