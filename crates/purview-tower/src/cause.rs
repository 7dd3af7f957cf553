//! Why the context of a request ended, as types.

use purview::Cause;
use std::error::Error;
use std::fmt;
use std::sync::LazyLock;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use purview_tower::", stringify!($name), ";")]
        ///
        /// let (ctx, canceler) = purview::Context::background().with_cancel();
        #[doc = concat!("canceler.cancel_with(", stringify!($name), ");")]
        #[doc = concat!("assert!(ctx.cause().unwrap().is::<", stringify!($name), ">());")]
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }

        impl Error for $name {}
    )*};
}

causes! {
    /// The cause of a request that went well: its response was handed over to its end. Whoever still holds the context sees it
    /// done, as Go's handlers do.
    Finished = "the request is finished";

    /// The cause of a request whose client went away: the server dropped the handler or the body before its end.
    ClientGone = "the client is gone";

    /// The cause of a request that the server ended, because it shuts down.
    Shutdown = "the server is shutting down";

    /// The cause of a request whose handler, or body, panicked.
    HandlerPanicked = "the handler panicked";
}

// Made once, so that the end of a request allocates nothing.
pub(crate) static FINISHED: LazyLock<Cause> = LazyLock::new(|| Cause::new(Finished));
pub(crate) static CLIENT_GONE: LazyLock<Cause> = LazyLock::new(|| Cause::new(ClientGone));
pub(crate) static HANDLER_PANICKED: LazyLock<Cause> = LazyLock::new(|| Cause::new(HandlerPanicked));
