//! Go's examples: each shows one use, and what it prints is compared.

use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, never, select};
use purview::{Context, Key, ManualClock};
use purview_conformance::{Custom, DEADLINE_EXCEEDED, settles};

const MILLI: Duration = Duration::from_millis(1);

/// Sends 1, 2, 3 and so on until its context is done; the second channel ends when the generator does.
fn generate(ctx: Context) -> (Receiver<u32>, Receiver<()>) {
    let (sender, numbers) = bounded(0);
    let (alive, ended) = bounded(0);
    std::thread::spawn(move || {
        let _alive = alive;
        let done = ctx.done_channel();
        for number in 1.. {
            select! {
                recv(done) -> _ => return,
                send(sender, number) -> _ => {}
            }
        }
    });
    (numbers, ended)
}

#[test]
fn a_generator_ends_when_its_consumer_has_had_enough() {
    let numbers = settles("a generator", || {
        let (ctx, cancel) = Context::background().with_cancel();
        let (numbers, ended) = generate(ctx);
        let first_five: Vec<u32> = numbers.iter().take(5).collect();
        // Go's example defers this call; here the drop of the canceler is that.
        drop(cancel);
        ended.recv().expect_err("nothing is sent, the generator just ends");
        first_five
    });
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

/// Waits for what never comes, or for the end of the context.
fn wait_for_nothing(ctx: &Context) -> String {
    let done = ctx.done_channel();
    select! {
        recv(never::<()>()) -> _ => "overslept".to_owned(),
        recv(done) -> _ => ctx.error().expect("it is done").to_string(),
    }
}

#[test]
fn a_deadline_ends_a_wait_for_what_never_comes() {
    let printed = settles("a wait with a deadline", || {
        let clock = ManualClock::new();
        let (ctx, _cancel) = Context::root(&clock).with_deadline(clock.now() + MILLI);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| wait_for_nothing(&ctx));
            clock.advance(MILLI);
            waiter.join().expect("the waiter does not panic")
        })
    });
    assert_eq!(printed, DEADLINE_EXCEEDED);
}

#[test]
fn a_timeout_ends_a_wait_for_what_never_comes() {
    let printed = settles("a wait with a timeout", || {
        let clock = ManualClock::new();
        let (ctx, _cancel) = Context::root(&clock).with_timeout(MILLI);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| wait_for_nothing(&ctx));
            clock.advance(MILLI);
            waiter.join().expect("the waiter does not panic")
        })
    });
    assert_eq!(printed, DEADLINE_EXCEEDED);
}

static LANGUAGE: Key<&'static str> = Key::new("language");
static COLOR: Key<&'static str> = Key::new("color");

#[test]
fn a_value_is_found_by_its_key_and_by_no_other() {
    let find = |ctx: &Context, key: &'static Key<&'static str>| match ctx.value(key) {
        Some(value) => format!("found value: {value}"),
        None => format!("key not found: {}", key.name()),
    };
    let ctx = Context::background().with_value(&LANGUAGE, "Go");
    assert_eq!(find(&ctx, &LANGUAGE), "found value: Go");
    assert_eq!(find(&ctx, &COLOR), "key not found: color");
}

#[test]
fn two_contexts_merge_into_one_that_ends_with_either() {
    let (first, _cancel_first) = Context::background().with_value(&LANGUAGE, "Go").with_cancel();
    let (second, cancel_second) = Context::background().with_value(&LANGUAGE, "Rust").with_cancel();
    let merged = Context::merge([&first, &second]);
    assert!(!merged.is_done());

    cancel_second.cancel_with("second canceled");
    assert_eq!(merged.cause().expect("it is done").to_string(), "second canceled");
    assert_eq!(merged.value(&LANGUAGE), Some(&"Go"), "values come from the first");
    assert!(!first.is_done());
}

#[test]
fn two_contexts_can_be_merged_by_hand_with_a_callback() {
    let (first, _cancel_first) = Context::background().with_value(&LANGUAGE, "Go").with_cancel();
    let second = Custom::new();
    let watched = Context::from_foreign(second.clone());

    let (merged, cancel) = first.with_cancel();
    let handle = cancel.handle();
    // The callback holds the context it waits for, so it must run or be stopped for either to be freed.
    let source = watched.clone();
    let registration = watched.after_func(move || {
        let cause = source.cause().expect("a callback runs when its context is done");
        handle.cancel_with(cause);
    });

    second.cancel_with("second canceled");
    registration.wait().expect("the callback is another's");
    assert_eq!(merged.cause().expect("it is done").to_string(), "second canceled");
    assert_eq!(merged.value(&LANGUAGE), Some(&"Go"));
    assert!(!registration.stop());
}
