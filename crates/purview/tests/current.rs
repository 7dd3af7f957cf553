//! The current context: scopes that nest, panic, move between threads and are left in the middle.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use purview::{Context, Key};
use purview_test::{HANG_LIMIT, PanicOnDrop, RunOnDrop, poll_once, within_stack};

/// The name of the current context, or nothing.
fn current() -> String {
    Context::current().map_or_else(String::new, |ctx| ctx.to_string())
}

fn named(name: &'static str) -> Context {
    Context::background().named(name)
}

/// What [`current`] gives inside of `named(name)`.
fn inside(name: &str) -> String {
    format!("background.named({name})")
}

#[test]
fn a_thread_is_in_no_context_until_it_enters_one() {
    assert_eq!(current(), "");
    assert_eq!(thread::spawn(current).join().unwrap(), "");
}

#[test]
fn a_scope_gives_its_context_to_what_runs_in_it_and_then_the_one_before_back() {
    let (outer, inner) = (named("outer"), named("inner"));
    let seen = outer.scope(|| {
        let first = current();
        let nested = inner.scope(current);
        [first, nested, current()]
    });
    assert_eq!(seen, [inside("outer"), inside("inner"), inside("outer")]);
    assert_eq!(current(), "");
}

#[test]
fn the_same_context_may_be_entered_again_inside_of_itself() {
    let ctx = named("a");
    ctx.scope(|| {
        ctx.scope(|| assert!(Context::current().unwrap().ptr_eq(&ctx)));
        assert!(Context::current().unwrap().ptr_eq(&ctx));
    });
    assert_eq!(current(), "");
}

#[test]
fn a_panic_leaves_the_scope() {
    let (outer, inner) = (named("outer"), named("inner"));
    outer.scope(|| {
        catch_unwind(AssertUnwindSafe(|| inner.scope(|| panic!("on purpose")))).unwrap_err();
        assert_eq!(current(), inside("outer"));
    });
    catch_unwind(AssertUnwindSafe(|| outer.scope(|| inner.scope(|| panic!("on purpose"))))).unwrap_err();
    assert_eq!(current(), "");
}

#[test]
fn a_scope_does_not_follow_into_a_thread() {
    let seen = named("a").scope(|| thread::spawn(current).join().unwrap());
    assert_eq!(seen, "");
}

#[test]
fn a_done_context_can_be_entered_and_says_that_it_is_done() {
    let (ctx, canceler) = Context::background().with_cancel();
    canceler.cancel();
    assert!(ctx.scope(|| Context::current().unwrap().is_done()));
}

#[test]
fn a_scoped_future_is_in_its_context_at_each_poll_and_only_then() {
    let mut polls = 0;
    let mut future = Box::pin(named("a").scoped(poll_fn(|_| {
        polls += 1;
        assert_eq!(current(), inside("a"));
        if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
    })));
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(current(), "");
    let elsewhere = named("b").scope(|| {
        let answer = poll_once(future.as_mut());
        assert_eq!(current(), inside("b"));
        answer
    });
    assert!(elsewhere.is_pending());
    assert_eq!(poll_once(future.as_mut()), Poll::Ready(3));
    assert_eq!(current(), "");
}

#[test]
fn futures_that_are_polled_in_any_order_each_find_their_own_context() {
    let future = |name: &'static str| {
        Box::pin(named(name).scoped(poll_fn(move |_| {
            assert_eq!(current(), inside(name));
            Poll::<()>::Pending
        })))
    };
    let (mut a, mut b, mut c) = (future("a"), future("b"), future("c"));
    for turn in 0..30 {
        let which = [&mut a, &mut b, &mut c].into_iter().nth(turn * 7 % 3).unwrap();
        assert!(poll_once(which.as_mut()).is_pending());
        assert_eq!(current(), "");
    }
    // Begun first, gone first, in the middle of the others.
    drop(a);
    assert!(poll_once(c.as_mut()).is_pending());
    drop(c);
    assert!(poll_once(b.as_mut()).is_pending());
    assert_eq!(current(), "");
}

#[test]
fn a_future_takes_its_context_along_when_it_moves_to_another_thread() {
    let mut future = Box::pin(named("a").scoped(async {
        let first = current();
        yield_once().await;
        (first, current())
    }));
    assert!(poll_once(future.as_mut()).is_pending());
    let seen = thread::spawn(move || (poll_once(future.as_mut()), current())).join().unwrap();
    assert_eq!(seen, (Poll::Ready((inside("a"), inside("a"))), String::new()));
    assert_eq!(current(), "");
}

fn yield_once() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending })
}

#[test]
fn a_poll_that_panics_leaves_the_scope_and_the_future_keeps_its_context() {
    let mut first = true;
    let mut future = Box::pin(named("a").scoped(poll_fn(move |_| {
        assert!(!std::mem::replace(&mut first, false), "on purpose");
        Poll::Ready(current())
    })));
    catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()))).unwrap_err();
    assert_eq!(current(), "");
    assert_eq!(poll_once(future.as_mut()), Poll::Ready(inside("a")));
}

#[test]
fn what_a_future_holds_is_dropped_in_its_context() {
    let seen = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&seen);
    let held = RunOnDrop::new(move || *log.lock().unwrap() = current());
    let mut future = Box::pin(named("a").scoped(async move {
        let _held = held;
        pending::<()>().await;
    }));
    assert!(poll_once(future.as_mut()).is_pending());
    drop(future);
    assert_eq!(*seen.lock().unwrap(), inside("a"));
    assert_eq!(current(), "");
}

#[test]
fn a_future_whose_drop_panics_leaves_the_scope() {
    let future = named("a").scoped(async move {
        let _held = PanicOnDrop;
        pending::<()>().await;
    });
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).is_pending());
    catch_unwind(AssertUnwindSafe(move || drop(future))).unwrap_err();
    assert_eq!(current(), "");
}

static HELD: Key<RunOnDrop> = Key::new("held");

#[test]
fn a_value_that_goes_with_the_last_handle_of_a_scope_finds_the_one_before_and_may_enter_others() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let value = RunOnDrop::new(move || {
        let nested = named("nested").scope(current);
        log.lock().unwrap().extend([current(), nested]);
    });
    named("outer").scope(|| {
        let handle = Mutex::new(Some(Context::background().with_value(&HELD, value)));
        let ctx = handle.lock().unwrap().clone().unwrap();
        let entered = ctx.scoped(poll_fn(|_| {
            // From here on the scope alone holds the context.
            handle.lock().unwrap().take();
            assert!(Context::current().unwrap().value(&HELD).is_some());
            Poll::Ready(())
        }));
        drop(ctx);
        assert!(poll_once(Box::pin(entered).as_mut()).is_ready());
        assert_eq!(current(), inside("outer"));
    });
    assert_eq!(*seen.lock().unwrap(), [inside("outer"), inside("nested")]);
}

#[test]
fn scopes_nest_a_hundred_thousand_deep() {
    fn deeper(ctx: &Context, left: u32) {
        if left == 0 {
            assert_eq!(current(), inside("deep"));
            return;
        }
        ctx.scope(|| deeper(ctx, left - 1));
        assert!(Context::current().unwrap().ptr_eq(ctx));
    }
    within_stack(HANG_LIMIT, 512 << 20, || {
        let ctx = named("deep");
        named("outer").scope(|| {
            ctx.scope(|| deeper(&ctx, 100_000));
            assert_eq!(current(), inside("outer"));
        });
        assert_eq!(current(), "");
    });
}

#[test]
fn scoped_futures_nest_a_hundred_thousand_deep() {
    within_stack(HANG_LIMIT, 512 << 20, || {
        let ctx = named("deep");
        let mut future: Pin<Box<dyn Future<Output = String>>> = Box::pin(async { current() });
        for _ in 0..100_000 {
            future = Box::pin(ctx.scoped(future));
        }
        assert_eq!(poll_once(future.as_mut()), Poll::Ready(inside("deep")));
        drop(future);
        assert_eq!(current(), "");
    });
}

#[test]
fn a_thread_that_is_ending_may_ask_and_enter_without_harm() {
    thread_local! {
        static LAST: RefCell<Option<RunOnDrop>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        LAST.with(|last| {
            *last.borrow_mut() = Some(RunOnDrop::new(move || {
                let entered = named("late").scope(|| 7);
                sender.send((entered, current())).unwrap();
            }));
        });
        // First used after the other one, so that it is gone before.
        named("early").scope(current)
    });
    assert_eq!(thread.join().unwrap(), inside("early"));
    assert_eq!(receiver.recv_timeout(Duration::from_secs(60)).unwrap(), (7, String::new()));
}
