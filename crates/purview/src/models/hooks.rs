//! Callbacks against cancellation and stop.

use super::sync::Arc;
use super::sync::atomic::{AtomicUsize, Ordering};
use super::thread;
use super::{model, root, sound};
use crate::{Context, Foreign, ForeignNotify, Reason};
use std::any::Any;

#[test]
fn a_callback_runs_once_or_is_stopped_once() {
    model(3, || {
        let (ctx, canceler) = root();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let callback = ctx.after_func_inline(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let canceling = thread::spawn(move || canceler.cancel());
        let stopped = callback.stop();
        canceling.join().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), usize::from(!stopped));
        assert!(!callback.stop());
        sound(&ctx);
    });
}

#[test]
fn a_callback_registered_during_a_cancel_runs() {
    model(3, || {
        let (ctx, canceler) = root();
        let canceling = thread::spawn(move || canceler.cancel());
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let callback = ctx.after_func_inline(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        canceling.join().unwrap();
        callback.wait().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        sound(&ctx);
    });
}

#[test]
fn stop_and_wait_returns_after_the_callback() {
    model(3, || {
        let (ctx, canceler) = root();
        let over = Arc::new(AtomicUsize::new(0));
        let counted = over.clone();
        let callback = ctx.after_func_inline(move || {
            counted.store(1, Ordering::SeqCst);
        });
        let canceling = thread::spawn(move || canceler.cancel());
        let prevented = callback.stop_and_wait().unwrap();
        assert_eq!(over.load(Ordering::SeqCst), usize::from(!prevented));
        canceling.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn a_callback_left_behind_is_dropped_with_its_context_or_run() {
    model(3, || {
        let (ctx, canceler) = root();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        ctx.after_func_inline(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let canceling = thread::spawn(move || canceler.cancel());
        drop(ctx);
        canceling.join().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 1, "a canceler that is used runs what is registered");
    });
}

struct Parent(std::sync::Arc<std::sync::Mutex<Option<ForeignNotify>>>);

impl Foreign for Parent {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        *self.0.lock().unwrap() = Some(notify);
        Box::new(())
    }
}

#[test]
fn a_foreign_parent_notifies_while_its_context_is_dropped() {
    model(3, || {
        let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
        let ctx = Context::from_foreign(Parent(kept.clone()));
        let notify: ForeignNotify = kept.lock().unwrap().take().unwrap();
        let notifier = thread::spawn(move || notify.cancel(Reason::Canceled, "gone"));
        drop(ctx);
        notifier.join().unwrap();
    });
}

#[test]
fn a_foreign_parent_notifies_while_a_child_is_derived() {
    model(3, || {
        let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
        let ctx = Context::from_foreign(Parent(kept.clone()));
        let notify: ForeignNotify = kept.lock().unwrap().take().unwrap();
        let notifier = thread::spawn(move || notify.cancel(Reason::DeadlineExceeded, "late"));
        let (child, _child) = ctx.with_cancel();
        assert!(notifier.join().unwrap());
        assert_eq!(child.err(), Some(Reason::DeadlineExceeded));
    });
}

/// Notes when it is dropped while its own notifier is asked something.
struct Registration {
    asking: std::sync::Arc<std::sync::atomic::AtomicBool>,
    asker: thread::ThreadId,
    /// Set then; a panic in here would be caught, as that of any foreign drop.
    ended_inside: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let inside =
            self.asking.load(std::sync::atomic::Ordering::SeqCst) && thread::current().id() == self.asker;
        self.ended_inside.fetch_or(inside, std::sync::atomic::Ordering::SeqCst);
    }
}

struct Asked {
    kept: std::sync::Arc<std::sync::Mutex<Option<ForeignNotify>>>,
    registration: std::sync::Mutex<Option<Registration>>,
}

impl Foreign for Asked {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        *self.kept.lock().unwrap() = Some(notify);
        Box::new(self.registration.lock().unwrap().take())
    }
}

#[test]
fn asking_whether_a_context_is_wanted_never_ends_it() {
    model(3, || {
        let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
        let asking = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let ended_inside = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let asker = thread::current().id();
        let registration = Registration { asking: asking.clone(), asker, ended_inside: ended_inside.clone() };
        let registration = std::sync::Mutex::new(Some(registration));
        let ctx = Context::from_foreign(Asked { kept: kept.clone(), registration });
        let notify: ForeignNotify = kept.lock().unwrap().take().unwrap();
        let dropper = thread::spawn(move || drop(ctx));
        asking.store(true, std::sync::atomic::Ordering::SeqCst);
        let _ = notify.is_wanted();
        asking.store(false, std::sync::atomic::Ordering::SeqCst);
        dropper.join().unwrap();
        let ended_inside = ended_inside.load(std::sync::atomic::Ordering::SeqCst);
        assert!(!ended_inside, "the context ended inside of a mere question");
    });
}

/// Notifies from another thread while it is still registering.
struct Hasty(std::sync::Arc<std::sync::Mutex<Option<thread::JoinHandle<bool>>>>);

impl Foreign for Hasty {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        *self.0.lock().unwrap() = Some(thread::spawn(move || notify.cancel(Reason::Canceled, "at once")));
        Box::new(())
    }
}

#[test]
fn a_foreign_parent_notifies_while_it_registers() {
    model(3, || {
        let notifier = std::sync::Arc::new(std::sync::Mutex::new(None));
        let ctx = Context::from_foreign(Hasty(notifier.clone()));
        let (child, _child) = ctx.with_cancel();
        let notifier = notifier.lock().unwrap().take().unwrap();
        assert!(notifier.join().unwrap());
        assert_eq!(child.cause().unwrap().to_string(), "at once");
        sound(&ctx);
    });
}

#[cfg(loom)]
#[test]
fn a_callback_in_a_thread_of_its_own_runs_once_or_is_stopped_and_over_after_that() {
    model(2, || {
        let (ctx, canceler) = root();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let callback = ctx.after_func(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let canceling = thread::spawn(move || canceler.cancel());
        let stopped = callback.stop_and_wait().unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), usize::from(!stopped));
        canceling.join().unwrap();
        sound(&ctx);
    });
}
