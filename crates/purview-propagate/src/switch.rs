//! The kill switch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Turns propagation off and on again while the program runs, for all policies that share it.
///
/// Where it is off inbound, nothing that a caller sent is obeyed: requests get the cap and the default of the policy, as if
/// no header had come. Where it is off outbound, nothing is written, and stale headers are still taken away. What has begun
/// goes on as it began.
///
/// Clones are the same switch. It is one relaxed atomic load to those who look: a change is seen soon, not at once.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_propagate::{Policy, Switch, inject};
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let switch = Switch::new();
/// let policy = Policy::untrusted().switched_by(&switch);
/// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(2));
///
/// let mut message = HashMap::<String, String>::new();
/// switch.set_outbound(false);
/// inject(&ctx, &mut message, &policy).unwrap();
/// assert!(message.is_empty());
///
/// switch.set_outbound(true);
/// inject(&ctx, &mut message, &policy).unwrap();
/// assert_eq!(message.len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct Switch(Arc<Off>);

#[derive(Default)]
struct Off {
    inbound: AtomicBool,
    outbound: AtomicBool,
}

impl Switch {
    /// A switch that is on in both directions.
    ///
    /// # Examples
    ///
    /// See [`Switch`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns reading off (`false`) or on.
    ///
    /// # Examples
    ///
    /// ```
    /// let switch = purview_propagate::Switch::new();
    /// switch.set_inbound(false);
    /// assert!(!switch.is_inbound() && switch.is_outbound());
    /// ```
    pub fn set_inbound(&self, on: bool) {
        self.0.inbound.store(!on, Ordering::Relaxed);
    }

    /// Turns writing off (`false`) or on.
    ///
    /// # Examples
    ///
    /// See [`Switch`].
    pub fn set_outbound(&self, on: bool) {
        self.0.outbound.store(!on, Ordering::Relaxed);
    }

    /// Whether reading is on.
    ///
    /// # Examples
    ///
    /// See [`set_inbound`](Self::set_inbound).
    pub fn is_inbound(&self) -> bool {
        !self.0.inbound.load(Ordering::Relaxed)
    }

    /// Whether writing is on.
    ///
    /// # Examples
    ///
    /// See [`set_inbound`](Self::set_inbound).
    pub fn is_outbound(&self) -> bool {
        !self.0.outbound.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("inbound", &self.is_inbound())
            .field("outbound", &self.is_outbound())
            .finish()
    }
}
