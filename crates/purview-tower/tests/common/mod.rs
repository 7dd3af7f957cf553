//! What the tests share: bodies that follow a script, and a server layer on a clock that is moved by hand.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

pub mod frames;
pub mod server;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use purview::{BoxError, Context, ManualClock};
use purview_test::manual_root;
use purview_tower::{Counts, End, ServerLayer, ServerService};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tower::Layer;

pub const SECOND: Duration = Duration::from_secs(1);

/// One thing that a body does.
#[derive(Clone, Debug)]
pub enum Step {
    Data(&'static str),
    Text(String),
    Trailers,
    Fail,
    /// Waits for ever: nobody wakes it.
    Wait,
    Panic,
    End,
}

/// A body that follows a script, and ends after it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: VecDeque<Step>,
    exact: Option<u64>,
    tells_end: bool,
    floods: bool,
}

impl Script {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// Always has something.
    pub fn flood() -> Self {
        Self { floods: true, ..Self::default() }
    }

    /// Says how long it is.
    pub fn exact(mut self, length: u64) -> Self {
        self.exact = Some(length);
        self
    }

    /// Says that it is at its end when it is.
    pub fn telling(mut self) -> Self {
        self.tells_end = true;
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.floods {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16 * 1024])))));
        }
        if let Some(Step::Wait) = self.steps.front() {
            return Poll::Pending;
        }
        Poll::Ready(match self.steps.pop_front().unwrap_or(Step::End) {
            Step::Data(text) => Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
            Step::Text(text) => Some(Ok(Frame::data(text.into()))),
            Step::Trailers => Some(Ok(Frame::trailers(trailers()))),
            Step::Fail => Some(Err("the body fails".into())),
            Step::Panic => panic!("the body panics on purpose"),
            Step::End => None,
            Step::Wait => unreachable!("handled above"),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.tells_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("checksum"), http::HeaderValue::from_static("7"))])
}

/// A layer on a clock of its own, its root and its counts.
pub struct Bench {
    pub clock: ManualClock,
    pub root: Context,
    pub layer: ServerLayer,
    pub counts: Counts,
}

impl Bench {
    pub fn new() -> Self {
        let (root, clock) = manual_root();
        let layer = ServerLayer::new(&root);
        let counts = layer.counts();
        Self { clock, root, layer, counts }
    }

    pub fn around<S>(&self, service: S) -> ServerService<S> {
        self.layer.layer(service)
    }

    /// Nothing is live, and there was one request, which came to this end.
    #[track_caller]
    pub fn assert_one(&self, end: End) {
        for each in End::ALL {
            assert_eq!(self.counts.ended(each), u64::from(each == end), "{each} in {:?}", self.counts);
        }
        assert_eq!(self.counts.live(), 0, "{:?}", self.counts);
    }

    /// Nobody holds a context of a request any more, and no timer is armed.
    #[track_caller]
    pub fn assert_gone(&self) {
        purview_test::assert_drained(&self.root);
        assert_eq!(self.clock.armed(), 0);
    }
}

/// A request with one second left.
pub fn request() -> Request<()> {
    Request::builder().uri("/").header("x-request-timeout-ms", "1000").body(()).expect("a request")
}

pub fn response(body: Script) -> Response<Script> {
    Response::new(body)
}

pub type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

/// One poll of a body, with a waker that does nothing.
pub fn poll_frame<B: Body + Unpin>(body: &mut B) -> Polled<B> {
    Pin::new(body).poll_frame(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
