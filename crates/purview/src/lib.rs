#![doc = include_str!("docs/guide.md")]
#![deny(unsafe_code)]
#![doc(test(attr(deny(warnings))))]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod after_func;
mod canceler;
#[cfg(feature = "crossbeam-channel")]
mod channel;
mod clock;
mod context;
mod current;
mod derive;
mod display;
mod done;
mod drained;
mod foreign;
mod future_parent;
mod key;
mod raw;
mod reason;
mod run;
mod sleep;
#[cfg(feature = "futures-core")]
mod stream;
mod sync;
mod timer;
mod wait;

#[cfg(all(test, any(loom, shuttle)))]
mod models;

pub use self::after_func::{AfterFunc, Finished, WaitsForItself};
pub use self::canceler::{CancelHandle, Canceler};
#[cfg(feature = "crossbeam-channel")]
pub use self::channel::DoneChannel;
pub use self::clock::{Clock, ManualClock, TimeSource};
pub use self::context::Context;
pub use self::current::Scoped;
pub use self::derive::Derive;
pub use self::done::Done;
pub use self::drained::Drained;
pub use self::foreign::{Foreign, ForeignNotify};
pub use self::key::{Codec, Key, KeyRef};
pub use self::raw::AndValue;
pub use self::reason::{BoxError, CancelerDropped, Cause, Error, Reason};
pub use self::run::{FutureExt, Run};
pub use self::sleep::Sleep;
#[cfg(feature = "futures-core")]
pub use self::stream::{RunStream, StreamExt};

/// What a panic can leave half done is behind our locks, and no foreign code runs under those; what users put into these
/// types is only shared, never changed by us.
mod unwind_safe {
    use super::{
        AfterFunc, CancelHandle, Canceler, Cause, Clock, Context, Error, ForeignNotify, ManualClock,
    };
    use std::panic::{RefUnwindSafe, UnwindSafe};

    macro_rules! unwind_safe {
        ($($type:ty),*) => { $(impl UnwindSafe for $type {} impl RefUnwindSafe for $type {})* };
    }
    unwind_safe!(AfterFunc, CancelHandle, Canceler, Cause, Clock, Context, Error, ForeignNotify, ManualClock);
}

/// The README's example runs with the other ones.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
