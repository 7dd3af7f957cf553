//! The current context: the one that code is in, for those who are not handed it.

use crate::context::Context;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

crate::sync::local! {
    static CURRENT: Cell<Option<Context>> = Cell::new(None);
}

/// # The current context
impl Context {
    /// The context that this thread is in: that of the innermost [`scope`](Self::scope), or of the innermost
    /// [`scoped`](Self::scoped) future that is being polled. `None` outside of all of them.
    ///
    /// It is for code that cannot be handed a context: a callback of a library, a logger, a signature that somebody else
    /// wrote. All other code takes `ctx` as its first argument, which says what it needs and works in every thread. Nothing
    /// in this crate reads it.
    ///
    /// It does not follow into threads and tasks that are started: hand them a context, or put them into a scope of their
    /// own. While a thread is ending (in destructors of its thread-locals) it may be `None`. It neither blocks nor
    /// allocates.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static USER: Key<&str> = Key::new("user");
    ///
    /// /// Called by a library that knows nothing of contexts.
    /// fn log(line: &str) -> String {
    ///     let ctx = Context::current().unwrap_or_default();
    ///     format!("{}: {line}", ctx.value(&USER).unwrap_or(&"nobody"))
    /// }
    ///
    /// let ctx = Context::background().with_value(&USER, "ada");
    /// assert_eq!(ctx.scope(|| log("hello")), "ada: hello");
    /// assert_eq!(log("hello"), "nobody: hello");
    /// ```
    pub fn current() -> Option<Self> {
        CURRENT
            .try_with(|current| {
                // Taken and put back, so that nothing is borrowed while it is cloned.
                let ctx = current.take();
                let clone = ctx.clone();
                current.set(ctx);
                clone
            })
            .ok()
            .flatten()
    }

    /// Runs `f` with this context as the [current](Self::current) one of this thread. Then the one from before is current
    /// again, also after a panic of `f`.
    ///
    /// It changes nothing else: `f` is run to its end, also if the context is done. A future that `f` returns is polled
    /// outside of it; that is what [`scoped`](Self::scoped) is for.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let ctx = Context::background().named("request");
    /// ctx.scope(|| {
    ///     assert!(Context::current().unwrap().ptr_eq(&ctx));
    ///     Context::todo().scope(|| assert_eq!(Context::current().unwrap().to_string(), "todo"));
    ///     assert!(Context::current().unwrap().ptr_eq(&ctx));
    /// });
    /// assert!(Context::current().is_none());
    /// ```
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let mut slot = Some(self.clone());
        let _entered = Entered::new(&mut slot);
        f()
    }

    /// `future` with this context as the [current](Self::current) one during each of its polls, and while it is dropped.
    ///
    /// It changes nothing else: the future is polled also if the context is done. To stop it then, put
    /// [`run`](Self::run) into it or around it.
    ///
    /// # Cancel safety
    ///
    /// That of `future`.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// # futures::executor::block_on(async {
    /// let ctx = Context::background().named("request");
    /// let name = ctx.scoped(async { Context::current().unwrap().to_string() });
    /// assert_eq!(name.await, "background.named(request)");
    /// assert!(Context::current().is_none());
    /// # });
    /// ```
    pub fn scoped<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped { ctx: Some(self.clone()), future: Some(future) }
    }
}

pin_project! {
    /// A future that is in a context whenever it is polled. Made by [`Context::scoped`].
    ///
    /// # Examples
    ///
    /// See [`Context::scoped`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        ctx: Option<Context>,
        // There until this is dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.ctx);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.ctx);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => unreachable!("it is there until this is dropped"),
        }
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}

/// The context of `slot` is the current one for as long as this lives, and the one from before waits in `slot`. It never
/// leaves the stack frame that made it, so that scopes end in the order in which they nest.
struct Entered<'a> {
    slot: &'a mut Option<Context>,
}

impl<'a> Entered<'a> {
    fn new(slot: &'a mut Option<Context>) -> Self {
        exchange(slot);
        Self { slot }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        exchange(self.slot);
    }
}

/// Nothing is dropped here: both contexts live on, each where the other one was. In a thread that is ending nothing happens.
fn exchange(slot: &mut Option<Context>) {
    let _ = CURRENT.try_with(|current| {
        let outer = current.take();
        current.set(std::mem::replace(slot, outer));
    });
}
