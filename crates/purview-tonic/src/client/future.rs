//! A call up to the head of its answer.

use super::body::ClientBody;
use super::{Call, Sending, meaning};
use crate::map::to_status;
use http::{Request, Response};
use pin_project_lite::pin_project;
use purview::{BoxError, Done};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

pin_project! {
    /// A call on its way. Made by [`ClientService`](super::ClientService).
    ///
    /// # Cancel safety
    ///
    /// Dropping it resets the call, if it was sent.
    ///
    /// # Panics
    ///
    /// When it is polled after it was ready.
    ///
    /// # Examples
    ///
    /// See [`ClientLayer`](super::ClientLayer).
    #[must_use = "futures do nothing unless polled"]
    pub struct ClientFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        step: Step<S, S::Future>,
        #[pin]
        done: Done<'static>,
        call: Option<Call>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<S, F> {
        Waiting { channel: S, sending: Sending, request: Option<Request<Body>> },
        Calling { #[pin] answer: F },
        Over,
    }
}

impl<S: Service<Request<Body>>> ClientFuture<S> {
    pub(super) fn new(channel: S, sending: Sending, request: Request<Body>, call: Call) -> Self {
        let done = call.ctx.done().into_owned();
        let step = Step::Waiting { channel, sending, request: Some(request) };
        Self { step, done, call: Some(call) }
    }
}

impl<S, B> Future for ClientFuture<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ClientBody<B>>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_ref() else { panic!("a call polled after it was over") };
        let result = match call.ctx.error() {
            Some(error) => Err(to_status(error)),
            None => match this.step.as_mut().poll(call, cx) {
                Poll::Ready(result) => result,
                Poll::Pending => Err(to_status(ready!(this.done.poll(cx)))),
            },
        };
        // Dropped before the call is ended: the channel resets what it still holds of it.
        this.step.set(Step::Over);
        let call = this.call.take();
        Poll::Ready(result.map(|mut response| {
            let has_status = meaning::of_head(response.headers_mut(), call.as_ref().map(|call| &call.ctx));
            response.map(|body| {
                // A peer may give its status and go on, or just stay.
                let over = has_status && body.is_end_stream();
                ClientBody::new(body, call.filter(|_| !over))
            })
        }))
    }
}

impl<S, B> Step<S, S::Future>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    fn poll(
        mut self: Pin<&mut Self>,
        call: &Call,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Result<Response<B>, Status>> {
        loop {
            let answer = match self.as_mut().project() {
                StepProj::Calling { answer } => {
                    return answer
                        .poll(cx)
                        .map_err(|error| meaning::of(Status::from_error(error.into()), &call.ctx));
                }
                StepProj::Waiting { channel, sending, request } => {
                    if let Err(error) = ready!(channel.poll_ready(cx)) {
                        return Poll::Ready(Err(meaning::of(Status::from_error(error.into()), &call.ctx)));
                    }
                    let Some(mut request) = request.take() else { unreachable!("taken once, then calling") };
                    if let Err(error) = sending.inject(&call.ctx, &mut request) {
                        return Poll::Ready(Err(to_status(error)));
                    }
                    channel.call(request)
                }
                StepProj::Over => unreachable!("nobody polls what is over"),
            };
            self.set(Step::Calling { answer });
        }
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for ClientFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").field("call", &self.call).finish_non_exhaustive()
    }
}
