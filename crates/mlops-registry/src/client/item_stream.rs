use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;

use super::pages::Pages;
use crate::Error;

/// The results of a search one by one, from [`Pages::into_stream`]; pages are asked for as they are needed.
///
/// It ends after the last result, or the first error.
#[must_use]
pub struct ItemStream<T> {
    page: vec::IntoIter<T>,
    rest: Rest<T>,
}

enum Rest<T> {
    Asked(Pin<Box<dyn Future<Output = Asked<T>> + Send>>),
    Nothing,
}

/// A page, and the pages after it.
type Asked<T> = (Result<Option<Vec<T>>, Error>, Pages<T>);

impl<T: 'static> Pages<T> {
    /// All results that are left, one by one. The stream is a value of its own because a stream has a `next` too, which
    /// would not be that of pages.
    pub fn into_stream(self) -> ItemStream<T> {
        ItemStream { page: Vec::new().into_iter(), rest: Rest::after(self) }
    }
}

impl<T: 'static> Rest<T> {
    /// Nothing is sent before the stream is asked.
    fn after(mut pages: Pages<T>) -> Self {
        Self::Asked(Box::pin(async move {
            let page = pages.next().await;
            (page, pages)
        }))
    }
}

/// Results are moved out, and never pinned.
impl<T> Unpin for ItemStream<T> {}

impl<T: 'static> Stream for ItemStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            let Rest::Asked(asked) = &mut self.rest else { return Poll::Ready(None) };
            let (page, pages) = ready!(asked.as_mut().poll(context));
            self.rest = Rest::Nothing;
            match page {
                Ok(Some(page)) => {
                    self.page = page.into_iter();
                    self.rest = Rest::after(pages);
                }
                Ok(None) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<T> fmt::Debug for ItemStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemStream").field("n_ready", &self.page.len()).finish_non_exhaustive()
    }
}
