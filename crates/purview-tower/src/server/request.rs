//! A request that has a context: from its begin to its one end.

use crate::answer::{Answer, Cut, HttpAnswer, Why};
use crate::cause::{CLIENT_GONE, FINISHED, HANDLER_PANICKED};
use crate::counts::{Counts, End};
use bytes::Bytes;
use http::{HeaderMap, Response};
use purview::{Canceler, Cause, Context, Error, Reason};
use purview_propagate::Policy;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What all requests of a layer share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) root: Context,
    pub(super) policy: Policy,
    pub(super) answer: Arc<dyn Answer>,
    pub(super) in_extensions: bool,
    pub(super) counts: Counts,
}

impl Shared {
    pub(super) fn new(root: &Context) -> Self {
        Self {
            root: root.clone(),
            policy: Policy::untrusted(),
            answer: Arc::new(HttpAnswer::new()),
            in_extensions: true,
            counts: Counts::default(),
        }
    }

    /// A request with these headers; or the answer to it, if there is no point in calling the handler.
    pub(super) fn begin(self: &Arc<Self>, headers: &HeaderMap) -> Result<Request, Box<Response<Bytes>>> {
        let mut reading = Reading { counts: &self.counts, over: false };
        let read = self.policy.read(headers);
        reading.over = true;
        drop(reading);
        let arrived = match read {
            Ok(arrived) => arrived,
            Err(refused) if refused.is_late() => return Err(Box::new(self.answer_late())),
            Err(refused) => {
                self.counts.end_unbegun(End::Refused);
                return Err(Box::new(self.answer.answer(&Why::Refused(&refused))));
            }
        };
        let (ctx, canceler) = arrived.begin(&self.root);
        self.counts.begin();
        let request = Request { ctx, canceler: Some(canceler), shared: Arc::clone(self) };
        match request.ctx.error() {
            Some(error) => Err(Box::new(request.answer(&error))),
            None => Ok(request),
        }
    }

    /// Too little time is as good as none.
    fn answer_late(&self) -> Response<Bytes> {
        let over = self.root.derive().timeout(Duration::ZERO).build();
        let Some(error) = over.error() else { unreachable!("no time is left at birth") };
        self.counts.end_unbegun(End::of(&error));
        self.answer.answer(&why(&error))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .field("in_extensions", &self.in_extensions)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// Counts a codec or an observer that panics: there is no request yet that would.
struct Reading<'a> {
    counts: &'a Counts,
    over: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.counts.end_unbegun(End::Panicked);
        }
    }
}

/// A request that has a context, from its begin to its one end. Dropped before that, its client is gone.
pub(super) struct Request {
    ctx: Context,
    /// None once it has ended.
    canceler: Option<Canceler>,
    shared: Arc<Shared>,
}

impl Request {
    pub(super) fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Runs `f` of the handler's; if that panics, the request ends at once, whoever catches the panic.
    pub(super) fn watch<R>(&mut self, f: impl FnOnce(&Context) -> R) -> R {
        let mut watched = Watched { request: self, over: false };
        let result = f(&watched.request.ctx);
        watched.over = true;
        result
    }

    /// All went well, if it was in time: the clock knows before the timer says so.
    pub(super) fn finish(mut self) {
        let _ = self.ctx.check_exact();
        self.end(&FINISHED);
    }

    /// The connection goes on in another protocol, and the context with it: nobody here ends it any more.
    pub(super) fn hand_over(mut self) {
        if let Some(canceler) = self.canceler.take() {
            canceler.detach();
            self.shared.counts.end(End::Upgraded);
        }
    }

    /// The answer in the handler's place.
    pub(super) fn answer(mut self, error: &Error) -> Response<Bytes> {
        self.stop(error);
        self.shared.answer.answer(&why(error))
    }

    /// The end of a body that is cut off.
    pub(super) fn cut(mut self, error: &Error) -> Cut {
        self.stop(error);
        self.shared.answer.cut(&why(error))
    }

    /// Ends it for an error that its context need not have yet.
    fn stop(&mut self, error: &Error) {
        if let Some(canceler) = self.canceler.take() {
            canceler.cancel_for(error.cause().clone());
            self.shared.counts.end(End::of(error));
        }
    }

    /// Ends it for this cause, unless it ended before; what its context says then is what counts.
    fn end(&mut self, cause: &Cause) {
        if let Some(canceler) = self.canceler.take() {
            canceler.cancel_for(cause.clone());
            self.shared.counts.end(self.ctx.error().as_ref().map_or(End::Shutdown, End::of));
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end(&HANDLER_PANICKED);
        } else if self.canceler.is_some() {
            // A client that gives up in time looks like one that hangs up: only the clock tells.
            let _ = self.ctx.check_exact();
            self.end(&CLIENT_GONE);
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}

fn why(error: &Error) -> Why<'_> {
    match error.reason() {
        Reason::DeadlineExceeded => Why::Late(error),
        Reason::Canceled => Why::Shutdown(error),
    }
}

struct Watched<'a> {
    request: &'a mut Request,
    over: bool,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.request.end(&HANDLER_PANICKED);
        }
    }
}
