//! The response to come.

use super::body::ClientBody;
use super::error::ClientError;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use purview::{Context, Error, Run};
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

pin_project! {
    /// The response of a [`ClientService`](crate::ClientService) to come. If both are there, the end of the context wins, as in
    /// [`Context::run`](purview::Context::run).
    ///
    /// # Cancel safety
    ///
    /// When the context is done, the inner future is dropped at once, which ends the call: HTTP/1 closes the connection,
    /// HTTP/2 resets the stream. Dropping this does the same.
    ///
    /// # Examples
    ///
    /// See [`ClientLayer`](crate::ClientLayer).
    #[must_use = "futures do nothing unless polled"]
    pub struct ClientFuture<F> {
        #[pin]
        call: Call<F>,
        ctx: Option<Context>,
    }
}

pin_project! {
    #[project = CallProj]
    enum Call<F> {
        Within { #[pin] future: Run<F> },
        Without { #[pin] future: F },
        Over { error: Option<Error> },
    }
}

impl<F> ClientFuture<F> {
    pub(super) fn without_context(future: F) -> Self {
        Self { call: Call::Without { future }, ctx: None }
    }

    pub(super) fn failed(error: Error) -> Self {
        Self { call: Call::Over { error: Some(error) }, ctx: None }
    }
}

impl<F: Future> ClientFuture<F> {
    pub(super) fn within(ctx: Context, future: F) -> Self {
        Self { call: Call::Within { future: ctx.run(future) }, ctx: Some(ctx) }
    }
}

impl<F, B, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ClientBody<B>>, ClientError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = match this.call.as_mut().project() {
            CallProj::Within { future } => match ready!(future.poll(cx)) {
                Ok(result) => result.map_err(ClientError::Inner),
                Err(error) => Err(ClientError::Done(error)),
            },
            CallProj::Without { future } => ready!(future.poll(cx)).map_err(ClientError::Inner),
            CallProj::Over { error: Some(error) } => Err(ClientError::Done(error.clone())),
            CallProj::Over { error: None } => panic!("the response was polled after it was ready"),
        };
        this.call.set(Call::Over { error: None });
        let ctx = this.ctx.take();
        Poll::Ready(result.map(|response| response.map(|body| ClientBody::new(body, ctx))))
    }
}

impl<F> fmt::Debug for ClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}
