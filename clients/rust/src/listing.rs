//! Lists that come a page at a time.
//!
//! Owns [`Listing`]: it asks for the next page when the one in hand is used up, so a list of any length costs
//! the memory of one page. Each page is retried while the server is unavailable.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use tokio_stream::Stream;

use crate::Error;

/// The most entries in a page.
pub(crate) const PAGE_SIZE: u32 = 1_000;

/// One page, and what to ask for the next one with, if there is one.
type Page<T> = (Vec<T>, Option<String>);

type Asking<T> = Pin<Box<dyn Future<Output = Result<Page<T>, Error>> + Send>>;

enum State<T> {
    Asking(Asking<T>),
    Page(vec::IntoIter<T>, Option<String>),
    Ended,
}

/// A list in progress, in order, over all its pages.
pub struct Listing<T> {
    ask: Box<dyn Fn(String) -> Asking<T> + Send>,
    state: State<T>,
}

impl<T> Listing<T> {
    /// A list whose page after a token is asked for by `ask`; the first one has the empty token.
    pub(crate) fn new<Fut>(ask: impl Fn(String) -> Fut + Send + 'static) -> Self
    where
        Fut: Future<Output = Result<Page<T>, Error>> + Send + 'static,
    {
        let ask = Box::new(move |token| -> Asking<T> { Box::pin(ask(token)) });
        Self { state: State::Asking(ask(String::new())), ask }
    }

    /// The next entry, none after the last and after an error. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// All entries that are left, or the first error.
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(entry) = self.next().await {
            all.push(entry?);
        }
        Ok(all)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            match &mut self.state {
                State::Asking(asking) => match ready!(asking.as_mut().poll(cx)) {
                    Ok((page, next)) => self.state = State::Page(page.into_iter(), next),
                    Err(error) => {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                State::Page(page, next) => {
                    if let Some(entry) = page.next() {
                        return Poll::Ready(Some(Ok(entry)));
                    }
                    self.state = next.take().map_or(State::Ended, |token| State::Asking((self.ask)(token)));
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl<T: Unpin> Stream for Listing<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}

/// Entries as the program has them.
pub(crate) fn entries<W, T: TryFrom<W, Error = Error>>(wire: Vec<W>) -> Result<Vec<T>, Error> {
    wire.into_iter().map(T::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_come_one_after_the_other_until_one_names_no_next() {
        let listing = Listing::new(|token| async move {
            Ok(match token.as_str() {
                "" => (vec![1, 2], Some("a".to_owned())),
                "a" => (vec![], Some("b".to_owned())),
                _ => (vec![3], None),
            })
        });
        assert_eq!(listing.collect().await.expect("all pages"), [1, 2, 3]);
    }

    #[tokio::test]
    async fn an_error_is_the_end() {
        let mut listing = Listing::<u8>::new(|_| async { Err(Error::GroupNotFound) });
        assert!(matches!(listing.next().await, Some(Err(Error::GroupNotFound))));
        assert!(listing.next().await.is_none());
    }
}
