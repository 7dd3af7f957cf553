//! Waiting for a context that is not done yet.

use crate::bench::Bench;
use crate::measure::{ROUNDS, alternate, seeing};
use crate::peers::{TOKEN, polled};
use crate::row::Limit::{self, Ratio};
use event_listener::{Event, listener};
use purview::Context;
use std::pin::pin;
use tokio_util::sync::CancellationToken;

const FIRST: &str = "first poll of a pending done(), drop it";
const AGAIN: &str = "poll a pending done() again";
const LISTENER: &str = "event-listener, on the stack";

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos(FIRST, TOKEN, Ratio(0.60), || {
            let (ctx, _canceler) = Context::background().with_cancel();
            let token = CancellationToken::new();
            let peer = seeing(1, || u64::from(polled(pin!(token.cancelled()))));
            alternate(ROUNDS, seeing(1, || u64::from(polled(pin!(ctx.done())))), peer)
        }),
        Bench::nanos(FIRST, LISTENER, Limit::None, || {
            let (ctx, _canceler) = Context::background().with_cancel();
            let event = Event::new();
            let peer = seeing(1, || {
                listener!(event => listening);
                u64::from(polled(pin!(listening)))
            });
            alternate(ROUNDS, seeing(1, || u64::from(polled(pin!(ctx.done())))), peer)
        }),
        Bench::nanos(AGAIN, TOKEN, Ratio(0.30), || {
            let (ctx, _canceler) = Context::background().with_cancel();
            let token = CancellationToken::new();
            let (mut done, mut canceled) = (pin!(ctx.done()), pin!(token.cancelled()));
            let ours = seeing(1, || u64::from(polled(done.as_mut())));
            alternate(ROUNDS, ours, seeing(1, || u64::from(polled(canceled.as_mut()))))
        }),
        Bench::nanos(AGAIN, LISTENER, Limit::None, || {
            let (ctx, _canceler) = Context::background().with_cancel();
            let event = Event::new();
            listener!(event => listening);
            let (mut done, mut listening) = (pin!(ctx.done()), pin!(listening));
            let ours = seeing(1, || u64::from(polled(done.as_mut())));
            alternate(ROUNDS, ours, seeing(1, || u64::from(polled(listening.as_mut()))))
        }),
    ]
}
