//! Streams that end with their context.
#![cfg(feature = "futures-core")]

mod common;

use std::task::Poll;

use futures::stream::{self, StreamExt as _};
use purview::{Context, StreamExt};
use purview_test::{poll_once, task};

#[test]
fn a_stream_gives_its_items_then_the_error_and_then_ends() {
    let (ctx, cancel) = Context::background().with_cancel();
    let mut numbers = Box::pin(StreamExt::with_context(stream::iter(1..), &ctx));
    assert!(matches!(poll_once(numbers.next()), Poll::Ready(Some(Ok(1)))));
    assert!(matches!(poll_once(numbers.next()), Poll::Ready(Some(Ok(2)))));
    cancel.cancel_with("enough");
    match poll_once(numbers.next()) {
        Poll::Ready(Some(Err(error))) => assert_eq!(error.cause().to_string(), "enough"),
        _ => panic!("a stream that is always ready stops as well"),
    }
    for _ in 0..2 {
        assert!(matches!(poll_once(numbers.next()), Poll::Ready(None)));
    }
}

#[test]
fn a_stream_that_ends_by_itself_ends_without_an_error() {
    let ctx = common::child(&Context::background());
    let mut numbers = Box::pin(StreamExt::with_context(stream::iter([1]), &ctx));
    assert!(matches!(poll_once(numbers.next()), Poll::Ready(Some(Ok(1)))));
    assert!(matches!(poll_once(numbers.next()), Poll::Ready(None)));
}

#[test]
fn a_pending_stream_is_woken_by_its_context() {
    let (ctx, cancel) = Context::background().with_cancel();
    let mut never = Box::pin(StreamExt::with_context(stream::pending::<u8>(), &ctx));
    let mut next = task(never.next());
    assert!(next.poll().is_pending());
    cancel.cancel();
    assert!(next.is_woken());
    assert!(matches!(next.poll(), Poll::Ready(Some(Err(_)))));
}
