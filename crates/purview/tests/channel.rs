//! The channel that disconnects when the context is done, for `select!` over channels.
#![cfg(feature = "crossbeam-channel")]

mod common;

use std::thread;

use common::{SECOND, child};
use crossbeam_channel::{RecvError, TryRecvError, select, unbounded};
use purview::Context;
use purview_test::{HANG_LIMIT, assert_drained, manual_root, within};

#[test]
fn a_channel_is_empty_while_the_context_lives_and_disconnected_when_it_is_done() {
    let (ctx, cancel) = Context::background().with_cancel();
    let below = child(&ctx);
    let channels = [ctx.done_channel(), below.done_channel(), ctx.done_channel()];
    for channel in &channels {
        assert_eq!(channel.try_recv(), Err(TryRecvError::Empty));
    }
    cancel.cancel();
    for channel in &channels {
        assert_eq!(channel.try_recv(), Err(TryRecvError::Disconnected));
    }
    assert_eq!(ctx.done_channel().try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(Context::background().done_channel().try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_select_ends_with_the_context() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let (sender, receiver) = unbounded();
        let worker = thread::spawn(move || {
            let done = ctx.done_channel();
            let mut sum = 0;
            loop {
                select! {
                    recv(receiver) -> number => sum += number.unwrap_or(0),
                    recv(done) -> gone => {
                        assert_eq!(gone, Err(RecvError));
                        return (sum, ctx.err());
                    }
                }
            }
        });
        for number in 1..=10 {
            sender.send(number).unwrap();
        }
        while !sender.is_empty() {
            thread::yield_now();
        }
        cancel.cancel();
        let (sum, reason) = worker.join().unwrap();
        assert_eq!(sum, 55);
        assert!(reason.is_some());
    });
}

#[test]
fn a_deadline_disconnects_the_channel_and_a_dropped_one_leaves_nothing() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(SECOND);
    let kept = ctx.done_channel();
    for _ in 0..1000 {
        drop(child(&ctx).done_channel());
    }
    assert_drained(&ctx);
    clock.advance(SECOND);
    assert_eq!(kept.recv(), Err(RecvError));
}

#[test]
fn whoever_is_let_go_by_the_channel_sees_every_descendant_done() {
    within(HANG_LIMIT, || {
        for _ in 0..300 {
            let (ctx, cancel) = Context::background().with_cancel();
            let below = (0..20).map(|_| child(&ctx)).collect::<Vec<_>>();
            let worker = thread::spawn({
                let ctx = ctx.clone();
                move || {
                    assert_eq!(ctx.done_channel().recv(), Err(RecvError));
                    assert!(below.iter().all(Context::is_done));
                }
            });
            cancel.cancel();
            worker.join().unwrap();
        }
    });
}
