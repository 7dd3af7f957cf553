//! Shutdown in two stages: first no more is begun, then what still runs is stopped.

use crate::cause::Shutdown;
use purview::{CancelHandle, Context, Key};
use std::time::Duration;

static DRAINING: Key<Context> = Key::new("draining");

/// A root for a server, and its end in two stages.
///
/// 1. *Draining*: the root says so to whoever asks ([`draining`]), and nothing is stopped. Health checks turn red, long polls
///    and streams come to a good end, the listener takes no more connections.
/// 2. *Shut down*: the root, and with it every request, is canceled with the cause [`Shutdown`]. Requests that still run are
///    answered so.
///
/// Clones are the same server. Dropping them ends nothing.
///
/// # Examples
///
/// ```
/// use purview::{Context, ManualClock};
/// use purview_tower::{Shutdown, Stages, draining};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let stages = Stages::new(&Context::root(&clock));
/// let (request, _canceler) = stages.context().with_cancel(); // the server layer does this
///
/// stages.shutdown_after(Duration::from_secs(10));
/// assert!(draining(&request));
/// assert!(!request.is_done());
/// clock.advance(Duration::from_secs(10));
/// assert!(request.cause().unwrap().is::<Shutdown>());
/// ```
#[derive(Clone, Debug)]
pub struct Stages {
    parent: Context,
    root: Context,
    drain: CancelHandle,
    stop: CancelHandle,
}

impl Stages {
    /// A root for a server below `parent`. If that is canceled, so is the root; the cause is then the parent's.
    ///
    /// # Examples
    ///
    /// See [`Stages`].
    pub fn new(parent: &Context) -> Self {
        let (draining, drain) = parent.with_cancel();
        let (root, stop) = parent.derive().value(&DRAINING, draining).cancelable();
        let stages = Self { parent: parent.clone(), root, drain: drain.handle(), stop: stop.handle() };
        drain.detach();
        stop.detach();
        stages
    }

    /// The root, for [`ServerLayer::new`](crate::ServerLayer::new). What the server does by itself derives from it too, and stops with it.
    ///
    /// # Examples
    ///
    /// See [`Stages`].
    pub fn context(&self) -> &Context {
        &self.root
    }

    /// Begins the first stage: who asks is told, and nothing is stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_tower::{Stages, draining};
    ///
    /// let stages = Stages::new(&Context::background());
    /// assert!(!draining(stages.context()));
    /// stages.drain();
    /// assert!(draining(stages.context()));
    /// assert!(!stages.context().is_done());
    /// ```
    pub fn drain(&self) {
        self.drain.cancel_with(Shutdown);
    }

    /// Begins the second stage, and the first if that was left out: everything below the root is canceled. It does not
    /// wait: [`drained`](purview::Context::drained) of the root does.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_tower::Stages;
    ///
    /// let stages = Stages::new(&Context::background());
    /// stages.shutdown();
    /// assert!(stages.context().is_done());
    /// ```
    pub fn shutdown(&self) {
        self.drain();
        self.stop.cancel_with(Shutdown);
    }

    /// Begins the first stage, and the second one after `grace`, by the clock of the root. Called again it can only make
    /// that earlier. It does not block; the second stage comes also if every `Stages` is dropped meanwhile.
    ///
    /// # Examples
    ///
    /// See [`Stages`].
    pub fn shutdown_after(&self, grace: Duration) {
        self.drain();
        // Beside the root and not below it, so that the root is drained when its requests are gone.
        let (timer, ends_too) = self.parent.derive().timeout(grace).cancelable();
        let (stop, kept) = (self.stop.clone(), timer.clone());
        // A callback does not keep its context: this one is kept by what it moves in, until the timer ends.
        timer.after_func_inline(move || {
            stop.cancel_with(Shutdown);
            drop(kept);
        });
        // Where the root ends before the grace, nothing of it stays below the parent.
        self.root.after_func_inline(move || drop(ends_too));
    }
}

/// Whether the server that `ctx` belongs to is draining: true from the first stage of its shutdown on. False where the root is
/// not that of a [`Stages`].
///
/// # Examples
///
/// See [`Stages`].
pub fn draining(ctx: &Context) -> bool {
    ctx.value(&DRAINING).is_some_and(Context::is_done)
}

/// The first stage as a context, to wait for: it is done when the server begins to drain. `None` where the root is not that of a
/// [`Stages`].
///
/// # Examples
///
/// A stream that comes to a good end when the server drains.
///
/// ```
/// use purview::Context;
/// use purview_tower::{Stages, draining_context};
///
/// # futures::executor::block_on(async {
/// async fn next_event(_ctx: &Context) -> u32 {
///     std::future::pending().await
/// }
/// let stages = Stages::new(&Context::background());
/// let ctx = stages.context().named("request");
/// let drain = draining_context(&ctx).unwrap();
///
/// stages.drain();
/// assert!(drain.run(next_event(&ctx)).await.is_err()); // draining: say goodbye
/// assert!(!ctx.is_done());
/// # });
/// ```
pub fn draining_context(ctx: &Context) -> Option<Context> {
    ctx.value(&DRAINING).cloned()
}
