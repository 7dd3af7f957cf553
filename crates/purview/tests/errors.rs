//! What `?` carries: Go's texts, the reason, the cause as source.

mod common;

use std::error::Error as _;
use std::io;

use common::{SECOND, child};
use purview::{Context, Error, Reason};
use purview_test::manual_root;

fn canceled(cause: Option<&'static str>) -> Error {
    let (ctx, cancel) = Context::background().with_cancel();
    match cause {
        Some(cause) => cancel.cancel_with(cause),
        None => cancel.cancel(),
    }
    ctx.check().unwrap_err()
}

fn late(cause: Option<&'static str>) -> Error {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = match cause {
        Some(cause) => root.with_timeout_cause(SECOND, cause),
        None => root.with_timeout(SECOND),
    };
    clock.advance(SECOND);
    ctx.check().unwrap_err()
}

#[test]
fn the_texts_are_those_of_go() {
    assert_eq!(Reason::Canceled.to_string(), "context canceled");
    assert_eq!(Reason::DeadlineExceeded.to_string(), "context deadline exceeded");
    for cause in [None, Some("why")] {
        assert_eq!(canceled(cause).to_string(), "context canceled");
        assert_eq!(late(cause).to_string(), "context deadline exceeded");
    }
}

#[test]
fn the_kinds_are_told_apart() {
    let (canceled, late) = (canceled(None), late(None));
    assert_eq!((canceled.reason(), late.reason()), (Reason::Canceled, Reason::DeadlineExceeded));
    assert!(canceled.is_canceled() && !canceled.is_deadline_exceeded());
    assert!(late.is_deadline_exceeded() && !late.is_canceled());
}

#[test]
fn the_source_is_the_cause_when_one_was_given_and_nothing_otherwise() {
    for (error, text) in [(canceled(Some("user left")), "user left"), (late(Some("too slow")), "too slow")] {
        assert_eq!(error.source().unwrap().to_string(), text);
        assert_eq!(error.cause().to_string(), text);
    }
    for error in [canceled(None), late(None)] {
        assert!(error.source().is_none(), "the reason would only say the same again");
        assert_eq!(error.cause().downcast_ref::<Reason>(), Some(&error.reason()));
    }
}

#[test]
fn causes_keep_their_type() {
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel_with(io::Error::new(io::ErrorKind::BrokenPipe, "client gone"));
    let below = child(&ctx);
    let cause = below.cause().unwrap();
    assert!(cause.is::<io::Error>() && !cause.is::<Reason>());
    assert_eq!(cause.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(cause.as_error().to_string(), "client gone");
    assert!(cause.ptr_eq(ctx.error().unwrap().cause()));
}

#[test]
fn the_question_mark_carries_it_into_boxed_and_io_errors() {
    fn boxed(ctx: &Context) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(ctx.check()?)
    }
    fn io(ctx: &Context) -> io::Result<()> {
        Ok(ctx.check()?)
    }
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(SECOND);
    assert!(boxed(&ctx).is_ok() && io(&ctx).is_ok());
    clock.advance(SECOND);
    assert!(boxed(&ctx).unwrap_err().downcast_ref::<Error>().unwrap().is_deadline_exceeded());
    let error = io(&ctx).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.get_ref().unwrap().downcast_ref::<Error>().is_some(), "nothing is lost on the way");
    let canceled = io::Error::from(canceled(Some("why")));
    assert_ne!(canceled.kind(), io::ErrorKind::TimedOut);
    // `read_to_end` and the like try again on an interruption, so a cancellation must not look like one.
    assert_ne!(canceled.kind(), io::ErrorKind::Interrupted);
}

#[test]
fn all_reads_agree_and_never_change() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_timeout(SECOND);
    assert!(ctx.err().is_none() && ctx.cause().is_none() && ctx.error().is_none());
    assert!(ctx.check().is_ok() && ctx.check_exact().is_ok());
    cancel.cancel_with("why");
    for _ in 0..2 {
        assert!(ctx.is_done());
        assert_eq!(ctx.err(), Some(Reason::Canceled));
        for error in [
            ctx.error().unwrap(),
            ctx.check().unwrap_err(),
            ctx.check_exact().unwrap_err(),
            ctx.done().wait(),
        ] {
            assert_eq!((error.reason(), &*error.cause().to_string()), (Reason::Canceled, "why"));
            assert!(error.cause().ptr_eq(&ctx.cause().unwrap()));
        }
        clock.advance(SECOND);
    }
}
