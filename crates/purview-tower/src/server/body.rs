//! The body of a response, which ends the request at its own end.

use super::request::Request;
use crate::answer::Cut;
use crate::wait::poll_done;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use purview::{BoxError, Done, Error};
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

pin_project! {
    /// The body of a response of a [`ServerService`](crate::ServerService).
    ///
    /// The request ends as finished with the first of these: the end of the inner body, its error, its last frame (it says so,
    /// or the frame has trailers), and over HTTP/1 the last byte of the announced length. Dropped before that, the client is
    /// gone.
    ///
    /// When the context is done first, the inner body is polled once more, for a last word of one frame. Then it is dropped,
    /// and the [`Answer`](crate::Answer) says how the response ends. A server that holds back because the client does not read
    /// does not poll the body: then the context is done in time, and the response is cut when the client reads on.
    ///
    /// # Examples
    ///
    /// See [`ServerLayer`](crate::ServerLayer).
    #[must_use = "the request lives until its body is at its end"]
    pub struct ServerBody<B> {
        #[pin]
        content: Content<B>,
        // Made when the body is first found waiting.
        #[pin]
        done: Option<Done<'static>>,
        // While it is live.
        request: Option<Request>,
        // What is missing of the announced length, where the server stops there.
        left: Option<u64>,
        // The inner body was polled after the end of the context.
        had_last_word: bool,
    }

    impl<B> PinnedDrop for ServerBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(request) = this.request.take() {
                let ctx = request.ctx().clone();
                drop(request);
                ctx.scope(|| this.content.set(Content::Gone));
            }
        }
    }
}

pin_project! {
    #[project = ContentProj]
    enum Content<B> {
        Inner {
            #[pin]
            body: B,
        },
        Text { text: Bytes },
        // One that must not be sent; of its length the servers make a header.
        Withheld { length: Option<u64>, empty: bool },
        Gone,
    }
}

impl<B> ServerBody<B> {
    fn new(content: Content<B>, request: Option<Request>, left: Option<u64>) -> Self {
        Self { content, done: None, request, left, had_last_word: false }
    }

    /// One of ours.
    pub(super) fn text(text: Bytes) -> Self {
        Self::new(Content::Text { text }, None, None)
    }

    /// One of ours that HTTP does not allow in its response.
    pub(super) fn withheld_text(text: &Bytes) -> Self {
        let content = Content::Withheld { length: Some(text.len() as u64), empty: text.is_empty() };
        Self::new(content, None, None)
    }

    /// One that HTTP does not allow in its response. It is dropped here: hyper sends it over HTTP/2, for `HEAD` too, for as long as it goes
    /// on, and the request that would end it is over.
    pub(super) fn withheld(body: B) -> Self
    where
        B: Body,
    {
        let content = Content::Withheld { length: body.size_hint().exact(), empty: body.is_end_stream() };
        drop(body);
        Self::new(content, None, None)
    }

    /// One that ends its request.
    pub(super) fn live(body: B, request: Request, left: Option<u64>) -> Self {
        Self::new(Content::Inner { body }, Some(request), left)
    }
}

type Polled<D> = Poll<Option<Result<Frame<D>, BoxError>>>;

impl<B> Body for ServerBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Polled<B::Data> {
        let this = self.as_mut().project();
        match this.content.project() {
            ContentProj::Inner { body } if this.request.is_none() => {
                body.poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            ContentProj::Inner { .. } => self.poll_live(cx),
            ContentProj::Text { text } => Poll::Ready(match std::mem::take(text) {
                empty if empty.is_empty() => None,
                text => Some(Ok(Frame::data(text.into()))),
            }),
            ContentProj::Withheld { .. } | ContentProj::Gone => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Text { text } => text.is_empty(),
            Content::Withheld { empty, .. } => *empty,
            Content::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Text { text } => SizeHint::with_exact(text.len() as u64),
            Content::Withheld { length, .. } => length.map(SizeHint::with_exact).unwrap_or_default(),
            Content::Gone => SizeHint::with_exact(0),
        }
    }
}

impl<B> ServerBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    fn poll_live(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Polled<B::Data> {
        if let Some(error) = self.as_mut().last_word_was_said() {
            return Poll::Ready(Some(self.cut(&error)));
        }
        if let Poll::Ready(frame) = self.as_mut().poll_inner(cx) {
            return Poll::Ready(frame);
        }
        let this = self.as_mut().project();
        let Some(request) = this.request else { unreachable!("only a live body waits") };
        let error = ready!(poll_done(this.done, request.ctx(), cx));
        *this.had_last_word = true;
        match self.as_mut().poll_inner(cx) {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => Poll::Ready(Some(self.cut(&error))),
        }
    }

    /// Before a poll: the error to be cut off with, if the poll before this one was the last. A body that always has something to
    /// say does not get to the end of its context otherwise.
    fn last_word_was_said(self: Pin<&mut Self>) -> Option<Error> {
        let this = self.project();
        let error = this.request.as_ref().and_then(|request| request.ctx().error())?;
        std::mem::replace(this.had_last_word, true).then_some(error)
    }

    /// Polls the inner body, and ends the request if that was its end.
    fn poll_inner(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Polled<B::Data> {
        let mut this = self.project();
        let (ContentProj::Inner { mut body }, Some(request)) =
            (this.content.as_mut().project(), this.request.as_mut())
        else {
            return Poll::Ready(None);
        };
        let (frame, at_end) = ready!(request.watch(|ctx| {
            ctx.scope(|| body.as_mut().poll_frame(cx).map(|frame| (frame, body.is_end_stream())))
        }));
        let over = match &frame {
            None | Some(Err(_)) => true,
            Some(Ok(frame)) => at_end || frame.is_trailers() || delivered(frame, this.left),
        };
        if over {
            this.done.set(None);
            if let Some(request) = this.request.take() {
                request.finish();
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn cut(self: Pin<&mut Self>, error: &Error) -> Result<Frame<B::Data>, BoxError> {
        let mut this = self.project();
        this.done.set(None);
        let Some(request) = this.request.take() else { unreachable!("only a live body is cut") };
        request.ctx().scope(|| this.content.set(Content::Gone));
        match request.cut(error) {
            Cut::Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Cut::Error(error) => Err(error),
        }
    }
}

/// Whether this was the last of the announced length.
fn delivered<D: Buf>(frame: &Frame<D>, left: &mut Option<u64>) -> bool {
    let (Some(left), Some(data)) = (left, frame.data_ref()) else { return false };
    *left = left.saturating_sub(data.remaining() as u64);
    *left == 0
}

impl<B> fmt::Debug for ServerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBody").field("request", &self.request).finish_non_exhaustive()
    }
}
