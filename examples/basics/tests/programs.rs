//! What each program comes to, on a clock that moves by hand: no test sleeps for a deadline.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use purview::{Context, ManualClock};
use purview_examples::{
    adding_slowly, after_func, deadline, generator, merge, nested, private_key, request, told,
};

const MS: Duration = Duration::from_millis(1);

/// Runs `program` in a thread while this one moves the clock. A step is (at least so many timers, the next of them after so
/// many milliseconds): when the program has come to wait for just that, the clock goes there.
fn play<T: Send>(program: impl FnOnce(&Context) -> T + Send, steps: &[(usize, u64)]) -> T {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    let start = clock.now();
    thread::scope(|scope| {
        let program = scope.spawn(move || program(&root));
        for &(timers, after) in steps {
            let at = start + Duration::from_millis(after);
            until(
                || clock.armed() >= timers && clock.next_deadline() == Some(at),
                || {
                    let next = clock.next_deadline().map(|next| next.duration_since(start));
                    format!(
                        "{timers} timers, the next after {after} ms; there are {}, {next:?}",
                        clock.armed()
                    )
                },
            );
            clock.advance_to(at);
        }
        until(|| program.is_finished(), || format!("the end; {} timers are left", clock.armed()));
        program.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Waits for another thread to get there. The process ends if it does not in ten seconds: a thread that hangs cannot be
/// joined, so a panic would hang too.
fn until(mut reached: impl FnMut() -> bool, what: impl FnOnce() -> String) {
    let clock = purview::Clock::system();
    let end = clock.now() + Duration::from_secs(10);
    while !reached() {
        if clock.now() > end {
            // Past the capture of the test's output, which an abort would lose.
            let _ = writeln!(std::io::stderr(), "never reached: {}", what());
            std::process::abort();
        }
        thread::yield_now();
    }
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

#[test]
fn adding_slowly_has_enough_time() {
    let within = |root: &Context| adding_slowly::within(root, adding_slowly::ENOUGH);
    let within_async = |root: &Context| block_on(adding_slowly::within_async(root, adding_slowly::ENOUGH));
    for sum in [play(within, &[(2, 100), (2, 200)]), play(within_async, &[(2, 100), (2, 200)])] {
        assert_eq!(sum.map_err(|error| told(&error)), Ok(3));
    }
}

#[test]
fn adding_slowly_is_late() {
    let within = |root: &Context| adding_slowly::within(root, adding_slowly::TOO_SHORT);
    let within_async = |root: &Context| block_on(adding_slowly::within_async(root, adding_slowly::TOO_SHORT));
    // The second increment would end after the deadline, so it arms nothing of its own.
    for sum in [play(within, &[(2, 100), (1, 150)]), play(within_async, &[(2, 100), (1, 150)])] {
        let error = sum.expect_err("too little time");
        assert!(error.is_deadline_exceeded());
        assert_eq!(error.to_string(), "context deadline exceeded");
    }
}

#[test]
fn adding_slowly_is_canceled_half_way() {
    for sum in [
        play(adding_slowly::canceled_half_way, &[(1, 100)]),
        play(adding_slowly::canceled_half_way_async, &[(1, 100)]),
    ] {
        let error = sum.expect_err("canceled");
        assert!(error.is_canceled());
        assert_eq!(error.cause().to_string(), "2 is all that is wanted");
    }
}

#[test]
fn the_generator_stops_and_leaks_nothing() {
    let root = Context::background();
    let wanted = generator::Report {
        seen: vec![1, 2, 3, 4, 5],
        stopped: "context canceled: five are enough".to_owned(),
        drained: true,
        left: 0,
    };
    assert_eq!(generator::first_five(&root).expect("no panic"), wanted);
    assert_eq!(tokio().block_on(generator::first_five_async(&root)).expect("no panic"), wanted);
}

#[test]
fn a_deadline_ends_a_wait() {
    let outcomes = [
        (play(deadline::with_deadline, &[(1, 50)]), "context deadline exceeded"),
        (play(|root| block_on(deadline::with_deadline_async(root)), &[(1, 50)]), "context deadline exceeded"),
        (play(deadline::with_timeout, &[(1, 50)]), "nobody waits longer than 50 ms"),
        (
            play(|root| block_on(deadline::with_timeout_async(root)), &[(1, 50)]),
            "nobody waits longer than 50 ms",
        ),
    ];
    for (outcome, cause) in outcomes {
        let error = outcome.expect_err("late");
        assert!(error.is_deadline_exceeded());
        assert_eq!(error.cause().to_string(), cause);
    }
}

#[test]
fn a_private_key_finds_its_own_value_only() {
    let root = Context::background();
    assert_eq!(private_key::look_up(&root), (None, None));
    let ctx = private_key::identity::with_user(&root, "ada");
    assert_eq!(private_key::look_up(&ctx), (Some("ada"), None));
    assert_eq!(private_key::look_up(&ctx.named("deeper")), (Some("ada"), None));
}

#[test]
fn nested_work_is_stopped_by_whoever_is_first() {
    use nested::{OPERATOR, Outcome, Plan, TIMEOUT};
    let late = 1000 * MS;
    for (plan, step, wanted) in [
        // The timers: the timeout, the operator's sleep, and the worker's if it is shorter than the timeout.
        (Plan { work: 40 * MS, cancel: late }, (3, 40), Outcome { stopped: None, after: 40 * MS }),
        (Plan { work: late, cancel: late }, (2, 150), Outcome { stopped: Some(TIMEOUT), after: 150 * MS }),
        (Plan { work: late, cancel: 30 * MS }, (2, 30), Outcome { stopped: Some(OPERATOR), after: 30 * MS }),
    ] {
        assert_eq!(play(|root| nested::round(root, plan), &[step]), wanted, "threads, {plan:?}");
        assert_eq!(
            play(|root| block_on(nested::round_async(root, plan)), &[step]),
            wanted,
            "async, {plan:?}"
        );
    }
}

#[test]
fn a_request_is_answered_in_time() {
    let handle = |root: &Context| request::handle(root, request::ENOUGH);
    let handle_async = |root: &Context| tokio().block_on(request::handle_async(root, request::ENOUGH));
    for answer in [play(handle, &[(3, 100), (2, 120)]), play(handle_async, &[(3, 100), (2, 120)])] {
        assert_eq!((answer.status, answer.body.as_str()), (200, "3 orders of ada, ada may order: true"));
        assert_eq!(answer.let_go, ["database", "rpc"]);
    }
}

#[test]
fn a_request_that_is_late_lets_go_before_the_answer() {
    let handle = |root: &Context| request::handle(root, request::TOO_SHORT);
    let handle_async = |root: &Context| tokio().block_on(request::handle_async(root, request::TOO_SHORT));
    // First the deadline, then the roll-back.
    for answer in [play(handle, &[(1, 50), (1, 70)]), play(handle_async, &[(1, 50), (1, 70)])] {
        assert_eq!((answer.status, answer.body.as_str()), (504, "context deadline exceeded"));
        assert_eq!(answer.let_go, ["database", "rpc"]);
    }
}

#[test]
fn a_request_whose_client_hangs_up_lets_go_before_the_answer() {
    // The request's deadline, both workers and the client; then the roll-back alone.
    for answer in [
        play(request::hung_up, &[(4, 30), (1, 50)]),
        play(|root| tokio().block_on(request::hung_up_async(root)), &[(4, 30), (1, 50)]),
    ] {
        assert_eq!((answer.status, answer.body.as_str()), (499, "context canceled: the client hung up"));
        assert_eq!(answer.let_go, ["database", "rpc"]);
    }
}

#[test]
fn a_merged_context_ends_with_the_first_of_its_sources() {
    let root = Context::background();
    for (ends, cause) in
        [(merge::Ends::Client, "the client went away"), (merge::Ends::Server, "the server shuts down")]
    {
        for outcome in [merge::job(&root, ends), block_on(merge::job_async(&root, ends))] {
            assert_eq!(outcome.client, Some("ada"));
            assert_eq!(outcome.error.cause().to_string(), cause);
        }
    }
    assert_eq!(merge::least_deadline(&root), Some(Duration::from_secs(60)));
}

#[test]
fn after_func_stops_a_blocking_read() {
    let root = Context::background();
    assert_eq!(after_func::polite_peer(&root).expect("a text"), "hello");
    let silent = |root: &Context| after_func::silent_peer(root, 50 * MS);
    let error = play(silent, &[(1, 50)]).expect_err("canceled");
    let error =
        error.get_ref().and_then(|inner| inner.downcast_ref::<purview::Error>()).expect("the context's");
    assert_eq!(error.cause().to_string(), "the peer says nothing");
}
