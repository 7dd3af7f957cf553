//! What Go's `context` promises, restated against purview.
//!
//! The tests are in `tests/`, and `README.md` maps each of Go's tests to ours. This library holds what they share:
//! parents written by a user ([`Custom`], [`Opaque`], [`Detached`]), what "pending" and "done" mean ([`assert_live`],
//! [`assert_done`]), a counter of callback runs ([`Hits`]), seeded randomness ([`Dice`]) and a limit on hanging ([`settles`]).
//!
//! Some of Go's tests are about calls that panic. Here those calls do not compile, which is shown below; each refused
//! line stands beside a twin that compiles, so that it is known to be refused for its own sake.
//!
//! # No context comes from a nil parent (`TestInvalidDerivedFail`)
//!
//! ```
//! use purview::Context;
//! let parent: Option<Context> = Some(Context::background());
//! let (_ctx, _cancel) = parent.unwrap().with_cancel();
//! ```
//!
//! ```compile_fail,E0599
//! use purview::Context;
//! let parent: Option<Context> = None;
//! let (_ctx, _cancel) = parent.with_cancel();
//! ```
//!
//! # A key is a `static`, never nil, never a value to compare (`TestWithValueChecksKey`)
//!
//! ```
//! use purview::{Context, Key};
//! static USER: Key<u32> = Key::new("user");
//! let _ctx = Context::background().with_value(&USER, 7);
//! ```
//!
//! A key that lives on the stack is refused:
//!
//! ```compile_fail,E0597
//! use purview::{Context, Key};
//! let user: Key<u32> = Key::new("user");
//! let _ctx = Context::background().with_value(&user, 7);
//! ```
//!
//! So is a `const`, which has no identity of its own:
//!
//! ```compile_fail,E0716
//! use purview::{Context, Key};
//! const USER: Key<u32> = Key::new("user");
//! let _ctx = Context::background().with_value(&USER, 7);
//! ```
//!
//! So is anything that is not a key:
//!
//! ```compile_fail,E0308
//! use purview::Context;
//! let _ctx = Context::background().with_value(&"user", 7);
//! ```
//!
//! # A value can be read by any thread
//!
//! ```
//! use purview::{Context, Key};
//! use std::sync::Arc;
//! static SHARED: Key<Arc<u32>> = Key::new("shared");
//! let _ctx = Context::background().with_value(&SHARED, Arc::new(7));
//! ```
//!
//! ```compile_fail,E0277
//! use purview::{Context, Key};
//! use std::rc::Rc;
//! static SHARED: Key<Rc<u32>> = Key::new("shared");
//! let _ctx = Context::background().with_value(&SHARED, Rc::new(7));
//! ```

#![forbid(unsafe_code)]

mod check;
mod custom;
mod dice;
mod hits;
mod opaque;
mod settle;

pub use check::{CANCELED, DEADLINE_EXCEEDED, VERY_LONG, assert_done, assert_live};
pub use custom::{Custom, Detached};
pub use dice::Dice;
pub use hits::Hits;
pub use opaque::Opaque;
pub use settle::settles;
