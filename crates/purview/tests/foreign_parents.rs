//! A user's own type as a parent, and a future as one.

mod common;

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use common::{HOUR, SECOND, child, survives};
use purview::{Context, Foreign, ForeignNotify, Key, KeyRef, Reason};
use purview_test::{
    DropCounter, Gate, HANG_LIMIT, PanicOnDrop, PanickingCause, Probe, RunOnDrop, assert_drained, poll_once,
    task, within,
};

static USER: Key<String> = Key::new("user");
static OTHER: Key<u32> = Key::new("other");

/// A source of cancellation that knows nothing of purview but the trait.
#[derive(Clone, Default)]
struct Shutdown {
    registered: Arc<Mutex<Vec<ForeignNotify>>>,
    registrations: DropCounter,
    deadline: Option<Instant>,
    user: Option<String>,
    over: bool,
}

impl Shutdown {
    fn notify(&self, cause: &str) -> Vec<bool> {
        let all = self.registered.lock().unwrap().clone();
        all.iter().map(|notify| notify.cancel(Reason::Canceled, cause)).collect()
    }
}

impl Foreign for Shutdown {
    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        if self.over {
            notify.cancel(Reason::Canceled, "over already");
        }
        self.registered.lock().unwrap().push(notify);
        Box::new(self.registrations.probe())
    }

    fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
        if key.is(&USER) { Some(self.user.as_ref()?) } else { None }
    }
}

#[test]
fn a_foreign_parent_ends_what_is_below_it_with_its_reason_and_cause() {
    let shutdown = Shutdown::default();
    let ctx = Context::from_foreign(shutdown.clone());
    let below = child(&ctx).named("below");
    let mut waiting = task(below.done());
    assert!(waiting.poll().is_pending());
    let notify = shutdown.registered.lock().unwrap()[0].clone();
    assert!(notify.is_wanted());
    assert!(notify.cancel(Reason::DeadlineExceeded, "foreign"));
    assert!(!notify.cancel(Reason::Canceled, "again"));
    assert!(waiting.is_woken());
    assert_eq!(below.err(), Some(Reason::DeadlineExceeded));
    assert_eq!(below.cause().unwrap().to_string(), "foreign");
}

#[test]
fn a_foreign_parent_is_registered_with_once_however_many_children_it_has() {
    let shutdown = Shutdown::default();
    let ctx = Context::from_foreign(shutdown.clone());
    let all = (0..1000).map(|_| child(&ctx)).collect::<Vec<_>>();
    assert_eq!(shutdown.registered.lock().unwrap().len(), 1);
    assert_eq!(shutdown.notify("one call"), [true]);
    assert!(all.iter().all(Context::is_done));
}

#[test]
fn a_foreign_parent_that_is_over_is_done_at_birth() {
    let ctx = Context::from_foreign(Shutdown { over: true, ..Shutdown::default() });
    assert_eq!(ctx.cause().unwrap().to_string(), "over already");
    assert!(child(&ctx).is_done());
}

#[test]
fn a_foreign_parent_gives_deadline_and_values() {
    let at = Context::background().clock().now() + HOUR;
    let ctx = Context::from_foreign(Shutdown {
        deadline: Some(at),
        user: Some("ann".into()),
        ..Shutdown::default()
    });
    let below = child(&ctx).with_value(&OTHER, 3);
    assert_eq!(below.deadline(), Some(at));
    assert_eq!(below.value(&USER).map(String::as_str), Some("ann"));
    assert_eq!(below.value(&OTHER), Some(&3));
    let (near, _cancel) = below.with_timeout(SECOND);
    assert!(near.deadline().unwrap() < at);
    let shadowed = below.with_value(&USER, "bob".into());
    assert_eq!(shadowed.value(&USER).unwrap(), "bob");
    assert!(child(&ctx).value(&OTHER).is_none());
}

#[test]
fn the_registration_goes_with_the_last_context_below() {
    let shutdown = Shutdown::default();
    let ctx = Context::from_foreign(shutdown.clone());
    let below = child(&ctx);
    drop(ctx);
    assert_eq!(shutdown.registrations.live(), 1);
    drop(below);
    shutdown.registrations.assert_gone();
    assert_eq!(shutdown.notify("too late"), [false], "a notice after the end is harmless");
    assert!(!shutdown.registered.lock().unwrap()[0].is_wanted());
}

#[test]
fn a_notice_does_not_keep_the_context_alive() {
    static PROBE: Key<Probe> = Key::new("probe");
    let probes = DropCounter::new();
    let shutdown = Shutdown::default();
    drop(Context::from_foreign(shutdown.clone()).with_value(&PROBE, probes.probe()));
    assert_eq!(shutdown.registered.lock().unwrap().len(), 1);
    probes.assert_gone();
}

#[test]
fn a_notice_that_races_with_the_last_drop_is_harmless() {
    within(HANG_LIMIT, || {
        for _ in 0..2000 {
            let shutdown = Shutdown::default();
            let ctx = child(&Context::from_foreign(shutdown.clone()));
            let notice = thread::spawn({
                let shutdown = shutdown.clone();
                move || shutdown.notify("race")
            });
            drop(ctx);
            notice.join().unwrap();
            shutdown.registrations.assert_gone();
        }
    });
}

/// A parent whose registration cancels, panics or re-enters as it is dropped.
struct Hostile(Mutex<Option<Box<dyn Any + Send + Sync>>>, Mutex<Option<ForeignNotify>>);

impl Foreign for Hostile {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        *self.1.lock().unwrap() = Some(notify);
        self.0.lock().unwrap().take().unwrap()
    }
}

#[test]
fn a_registration_that_misbehaves_as_it_is_dropped_harms_no_one() {
    within(HANG_LIMIT, || {
        let (other, cancel) = Context::background().with_cancel();
        let inner = child(&other);
        let guard = RunOnDrop::new(move || {
            cancel.cancel();
            drop(child(&inner));
        });
        drop(child(&Context::from_foreign(Hostile(Mutex::new(Some(Box::new(guard))), Mutex::default()))));
        assert!(other.is_done());
        assert_drained(&other);
        let hostile = Hostile(Mutex::new(Some(Box::new(PanicOnDrop))), Mutex::default());
        let ctx = child(&Context::from_foreign(hostile));
        survives(|| drop(ctx));
    });
}

#[test]
fn a_future_as_parent_ends_what_is_below_when_it_completes() {
    within(HANG_LIMIT, || {
        let (signal, raise) = Context::background().with_cancel();
        let ctx = Context::from_future({
            let signal = signal.clone();
            async move {
                signal.done().await;
                "signal"
            }
        });
        let below = child(&ctx);
        assert!(!below.is_done());
        raise.cancel();
        assert_eq!(below.done().wait().cause().to_string(), "signal");
        assert_eq!(ctx.err(), Some(Reason::Canceled));
    });
}

#[test]
fn a_future_that_is_ready_or_fails_oddly_is_taken_as_it_is() {
    within(HANG_LIMIT, || {
        let ready = Context::from_future(std::future::ready("at once"));
        assert_eq!(ready.done().wait().cause().to_string(), "at once");
        let hostile = Context::from_future(std::future::ready(PanickingCause));
        assert!(hostile.done().wait().cause().is::<PanickingCause>());
        let never = Context::from_future(std::future::pending::<&str>());
        assert!(poll_once(never.done()).is_pending());
    });
}

#[test]
fn a_future_is_dropped_with_the_last_context_below_it() {
    let probes = DropCounter::new();
    let probe = probes.probe();
    let ctx = Context::from_future(async move {
        std::future::pending::<()>().await;
        drop(probe);
        "never"
    });
    let below = child(&ctx);
    drop(ctx);
    assert!(!below.is_done());
    drop(below);
    probes.wait_until_gone();
}

#[test]
fn a_foreign_parent_that_gives_two_accounts_of_its_end_is_believed_once() {
    let shutdown = Shutdown::default();
    let ctx = child(&Context::from_foreign(shutdown.clone()));
    assert_eq!(shutdown.notify("first"), [true]);
    assert_eq!(shutdown.notify("second"), [false]);
    assert_eq!(ctx.done().wait().cause().to_string(), "first");
    assert_eq!(ctx.err(), Some(Reason::Canceled));
}

/// A parent that does not come back from being registered with until it may.
struct Blocking {
    asked: Gate,
    release: Gate,
}

impl Foreign for Blocking {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        self.asked.open();
        self.release.wait();
        Box::new(notify)
    }
}

#[test]
fn a_foreign_parent_that_blocks_as_it_is_registered_with_holds_up_only_who_asked() {
    let (asked, release) = (Gate::new(), Gate::new());
    let blocking = Blocking { asked: asked.clone(), release: release.clone() };
    let blocked = thread::spawn(move || Context::from_foreign(blocking));
    asked.wait();
    within(HANG_LIMIT, || {
        let shutdown = Shutdown::default();
        let ctx = Context::from_foreign(shutdown.clone());
        let below = child(&ctx);
        assert_eq!(shutdown.notify("meanwhile"), [true]);
        assert!(below.is_done());
    });
    assert!(!blocked.is_finished());
    release.open();
    let ctx = within(HANG_LIMIT, move || blocked.join().unwrap());
    assert!(!ctx.is_done());
}

#[test]
fn a_foreign_parent_that_leaks_its_registration_keeps_no_context() {
    let shutdown = Shutdown::default();
    let ctx = Context::from_foreign(shutdown.clone());
    let leaked = std::mem::ManuallyDrop::new(shutdown.registered.lock().unwrap()[0].clone());
    assert!(leaked.is_wanted());
    drop(ctx);
    assert!(!leaked.is_wanted() && !leaked.cancel(Reason::Canceled, "too late"));
}
