//! The response to come.

use super::body::ServerBody;
use super::ending::{Ending, Exchange};
use super::request::Request;
use crate::wait::poll_done;
use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use purview::{Done, Scoped};
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

pin_project! {
    /// The response of a [`ServerService`](crate::ServerService) to come.
    ///
    /// The handler is polled first, then its context. When that is done, the handler is polled once more, so that it can
    /// answer or put its things away; then it is dropped and answered for.
    ///
    /// # Cancel safety
    ///
    /// Dropping it means that the client is gone: the context ends with that cause (or as late, if its time is up), and then
    /// the handler is dropped.
    ///
    /// # Examples
    ///
    /// See [`ServerLayer`](crate::ServerLayer).
    #[must_use = "futures do nothing unless polled"]
    pub struct ServerFuture<F> {
        #[pin]
        handler: Option<Scoped<F>>,
        // Made when the handler is first found waiting: most never do.
        #[pin]
        done: Option<Done<'static>>,
        // While it is live.
        request: Option<Request>,
        // What there is to say without a handler.
        answer: Option<Box<Response<Bytes>>>,
        exchange: Exchange,
    }

    impl<F> PinnedDrop for ServerFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // First the context ends, so that what the handler drops can see why.
            this.project().request.take();
        }
    }
}

impl<F> ServerFuture<F> {
    pub(super) fn answered(answer: Box<Response<Bytes>>, exchange: Exchange) -> Self {
        Self { handler: None, done: None, request: None, answer: Some(answer), exchange }
    }

    pub(super) fn running(handler: Scoped<F>, request: Request, exchange: Exchange) -> Self {
        Self { handler: Some(handler), done: None, request: Some(request), answer: None, exchange }
    }
}

impl<F, B, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ServerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(answer) = this.answer.take() {
            return Poll::Ready(Ok(in_place(*answer, *this.exchange)));
        }
        let Some(request) = this.request.as_mut() else {
            panic!("the response was polled after it was ready")
        };
        let mut polled = poll_handler(this.handler.as_mut(), request, cx);
        if polled.is_pending() {
            let error = ready!(poll_done(this.done.as_mut(), request.ctx(), cx));
            polled = poll_handler(this.handler.as_mut(), request, cx);
            if polled.is_pending() {
                this.handler.set(None);
                let answer = this.request.take().map(|request| request.answer(&error));
                return Poll::Ready(Ok(in_place(answer.unwrap_or_default(), *this.exchange)));
            }
        }
        let result = ready!(polled);
        this.handler.set(None);
        this.done.set(None);
        let Some(request) = this.request.take() else { unreachable!("it was there above") };
        Poll::Ready(match result {
            Ok(response) => Ok(hand_on(response, request, *this.exchange)),
            Err(error) => {
                request.finish();
                Err(error)
            }
        })
    }
}

fn poll_handler<F: Future>(
    handler: Pin<&mut Option<Scoped<F>>>,
    request: &mut Request,
    cx: &mut TaskContext<'_>,
) -> Poll<F::Output> {
    let Some(handler) = handler.as_pin_mut() else { unreachable!("a live request has its handler") };
    request.watch(|_| handler.poll(cx))
}

/// What is said in the handler's place.
fn in_place<B>(answer: Response<Bytes>, exchange: Exchange) -> Response<ServerBody<B>> {
    let withheld = exchange.withholds(answer.status());
    answer.map(|text| if withheld { ServerBody::withheld_text(&text) } else { ServerBody::text(text) })
}

/// Whoever ends the request from here on gets it.
fn hand_on<B: Body>(response: Response<B>, request: Request, exchange: Exchange) -> Response<ServerBody<B>> {
    let ctx = request.ctx().clone();
    match exchange.ending(&response) {
        Ending::AtOnce => request.finish(),
        Ending::HandedOver => request.hand_over(),
        Ending::Body { left } => return response.map(|body| ServerBody::live(body, request, left)),
    }
    ctx.scope(|| response.map(ServerBody::withheld))
}

impl<F> fmt::Debug for ServerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerFuture").field("request", &self.request).finish_non_exhaustive()
    }
}
