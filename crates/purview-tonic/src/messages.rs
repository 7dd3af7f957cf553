//! The messages of a stream, as long as their context lasts.

use crate::map::to_status;
use futures_core::Stream;
use purview::{Context, Done};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use tonic::{Status, Streaming};

/// The messages of a [`Streaming`], and the status of the context as the last one if that ends first. Made by
/// [`ContextExt::messages`](crate::ContextExt::messages).
///
/// It ends with `None` only when the peer ended the stream *and* the context was not done by then. So a server that commits what it
/// was sent at the `None` never commits what a client that left had not finished: a reset, a lost connection, a deadline and a
/// shutdown are all seen as an `Err`. (What no server can see is a reset that comes after the regular end of the stream.)
///
/// # Cancel safety
///
/// [`message`](Self::message) may be dropped where it waits: no message is lost.
///
/// # Examples
///
/// ```
/// use purview_tonic::{ContextExt, RequestExt};
/// use tonic::{Request, Response, Status, Streaming};
///
/// async fn import(request: Request<Streaming<String>>) -> Result<Response<usize>, Status> {
///     let ctx = request.context();
///     let mut books = ctx.messages(request.into_inner());
///     let mut batch = Vec::new();
///     while let Some(book) = books.message().await? {
///         batch.push(book);
///     }
///     Ok(Response::new(batch.len())) // all of them: now they can be stored
/// }
/// # let decoder = tonic::codec::Codec::decoder(&mut tonic_prost::ProstCodec::<String, String>::default());
/// # let none = Streaming::new_request(decoder, tonic::body::Body::empty(), None, None);
/// # assert_eq!(futures::executor::block_on(import(Request::new(none))).unwrap().into_inner(), 0);
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Messages<T> {
    ctx: Context,
    /// None once the stream is over.
    open: Option<Streaming<T>>,
    done: Pin<Box<Done<'static>>>,
}

impl<T> Messages<T> {
    pub(crate) fn new(ctx: &Context, stream: Streaming<T>) -> Self {
        Self { ctx: ctx.clone(), open: Some(stream), done: Box::pin(ctx.done().into_owned()) }
    }

    /// The next message; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// What the peer sent instead of a message, or the status of the context; after that `None`.
    ///
    /// # Examples
    ///
    /// See [`Messages`].
    pub async fn message(&mut self) -> Result<Option<T>, Status> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    fn poll_item(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<T, Status>>> {
        let Some(stream) = &mut self.open else { return Poll::Ready(None) };
        if let Some(error) = self.ctx.error() {
            return Poll::Ready(Some(Err(to_status(error))));
        }
        match Pin::new(stream).poll_next(cx) {
            Poll::Pending => self.done.as_mut().poll(cx).map(|error| Some(Err(to_status(error)))),
            // The context says best why the stream broke off.
            Poll::Ready(Some(Err(status))) => {
                Poll::Ready(Some(Err(self.ctx.error().map_or(status, to_status))))
            }
            // The end of a stream is worth a look at the clock: what follows may be a commit.
            Poll::Ready(None) => Poll::Ready(self.ctx.check_exact().err().map(|error| Err(to_status(error)))),
            message @ Poll::Ready(Some(Ok(_))) => message,
        }
    }
}

impl<T> Stream for Messages<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let item = self.poll_item(cx);
        if matches!(item, Poll::Ready(None | Some(Err(_)))) {
            self.open = None;
        }
        item
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("ctx", &self.ctx)
            .field("open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}
