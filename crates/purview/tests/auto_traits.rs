//! A static table: which type is Send, Sync, Unpin and `UnwindSafe`, and how large a context is.

use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use purview::{
    AfterFunc, CancelHandle, Canceler, CancelerDropped, Cause, Clock, Context, Derive, Done, Drained, Error,
    Finished, ForeignNotify, Key, ManualClock, Reason, Run, Scoped, Sleep, WaitsForItself,
};

/// Whether a type has a trait, as a constant: the inherent constant is taken if its bound holds, else that of the trait.
macro_rules! is {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "not taken by the types that have the trait")]
        trait Otherwise {
            const IS: bool = false;
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        impl<T: ?Sized + $($bound)+> Probe<T> {
            #[allow(dead_code, reason = "not taken by the types that lack the trait")]
            const IS: bool = true;
        }
        <Probe<$type>>::IS
    }};
}

macro_rules! table {
    ($($type:ty => $send:literal $sync:literal $unpin:literal $unwind:literal $ref_unwind:literal,)+) => {
        [$((
            stringify!($type),
            [is!($type: Send), is!($type: Sync), is!($type: Unpin), is!($type: UnwindSafe), is!($type: RefUnwindSafe)],
            [$send, $sync, $unpin, $unwind, $ref_unwind],
        ),)+]
    };
}

#[test]
fn every_public_type_has_the_auto_traits_of_the_table() {
    let table = table![
        //                        Send Sync Unpin UnwindSafe RefUnwindSafe
        Context                => true true true true true,
        Option<Context>        => true true true true true,
        Canceler               => true true true true true,
        CancelHandle           => true true true true true,
        CancelerDropped        => true true true true true,
        Cause                  => true true true true true,
        Error                  => true true true true true,
        Reason                 => true true true true true,
        AfterFunc              => true true true true true,
        WaitsForItself         => true true true true true,
        Clock                  => true true true true true,
        ManualClock            => true true true true true,
        Key<String>            => true true true true true,
        ForeignNotify          => true true true true true,
    ];
    let wrong = table.iter().filter(|(_, found, wanted)| found != wanted).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, found and wanted: {wrong:#?}");
}

#[test]
fn every_future_can_be_sent_and_run_follows_what_it_runs() {
    assert!(is!(Done<'static>: Send) && is!(Done<'static>: Sync));
    assert!(is!(Drained<'static>: Send) && is!(Drained<'static>: Sync));
    assert!(is!(Finished: Send) && is!(Sleep: Send));
    assert!(is!(Derive<'static, ()>: Send));
    assert!(is!(Run<std::future::Ready<u8>>: Send));
    assert!(!is!(Run<std::future::Ready<Rc<u8>>>: Send), "what it runs cannot be sent");
    assert!(is!(Scoped<std::future::Ready<u8>>: Send) && is!(Scoped<std::future::Ready<u8>>: Sync));
    assert!(is!(Scoped<std::future::Ready<u8>>: Unpin) && !is!(Scoped<PhantomPinned>: Unpin));
    assert!(!is!(Scoped<std::future::Ready<Rc<u8>>>: Send), "what it polls cannot be sent");
    // They stand in the lists of their context while they wait, and so must stay where they are.
    assert!(!is!(Done<'static>: Unpin) && !is!(Drained<'static>: Unpin));
    assert!(!is!(Run<PhantomPinned>: Unpin) && !is!(Run<std::future::Ready<u8>>: Unpin));
}

#[test]
fn errors_are_errors_and_a_cause_is_not_one() {
    assert!(is!(Error: std::error::Error) && is!(Reason: std::error::Error));
    assert!(is!(CancelerDropped: std::error::Error) && is!(WaitsForItself: std::error::Error));
    assert!(!is!(Cause: std::error::Error), "so that it can be made into any boxed error, as anyhow's");
    assert!(is!(Cause: Into<Box<dyn std::error::Error + Send + Sync>>));
    assert!(is!(Error: Clone) && is!(Cause: Clone) && is!(CancelHandle: Clone) && is!(Context: Clone));
    assert!(!is!(Canceler: Clone), "it cancels when dropped");
    assert!(is!(Reason: Copy));
}

#[test]
fn a_context_is_one_pointer_wide_and_so_is_none_of_it() {
    assert_eq!(size_of::<Context>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Context>>(), size_of::<usize>());
}
