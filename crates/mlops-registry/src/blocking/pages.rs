use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::vec;

use super::worker::Worker;
use crate::{Error, client};

/// The results of a search, one by one; pages are asked for as they are needed.
///
/// After an error there are no more.
#[must_use = "nothing is asked for until there is need of a result"]
pub struct Pages<T> {
    /// Those to come.
    rest: Option<client::Pages<T>>,
    /// What is left of the one that came last.
    page: vec::IntoIter<T>,
    worker: Arc<Worker>,
}

impl<T> Pages<T> {
    pub(crate) fn new(pages: client::Pages<T>, worker: &Arc<Worker>) -> Self {
        Self { rest: Some(pages), page: Vec::new().into_iter(), worker: Arc::clone(worker) }
    }
}

impl<T: Send> Iterator for Pages<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.page.next() {
                return Some(Ok(item));
            }
            let next = self.worker.wait(self.rest.as_mut()?.next());
            match next {
                Ok(Some(page)) => self.page = page.into_iter(),
                Ok(None) => self.rest = None,
                Err(error) => {
                    self.rest = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<T: Send> FusedIterator for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("rest", &self.rest)
            .field("page", &self.page.as_slice().len())
            .finish_non_exhaustive()
    }
}
