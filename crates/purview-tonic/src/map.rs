//! The table between the end of a context and a gRPC status, both ways.

use purview::{CancelerDropped, Context, Error, Reason};
use purview_tower::Shutdown;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Status};

/// A cause may be long; a header block that is too large would lose the status with it.
const MAX_MESSAGE: usize = 1024;

/// The status of a call whose context ended with `error`.
///
/// | the context | code | message |
/// |---|---|---|
/// | its deadline passed | `DEADLINE_EXCEEDED` (4) | the text of the error, with the cause if one was given |
/// | canceled with [`Shutdown`](purview_tower::Shutdown) as cause | `UNAVAILABLE` (14) | the text of the cause |
/// | canceled with any other cause | `CANCELLED` (1) | the text of the cause |
/// | canceled by a dropped canceler, or without a cause | `CANCELLED` (1) | `context canceled` |
///
/// A message is cut after 1,024 bytes. Where a canceler was dropped is not told to the peer: it names files of ours. The error
/// is the [`source`](std::error::Error::source) of the status, so that [`StatusExt::context_error`] gives it back in this process.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_tonic::to_status;
/// use tonic::{Code, Status};
///
/// async fn work(ctx: &Context) -> Result<u32, Status> {
///     ctx.run(async { 3 }).await.map_err(to_status)
/// }
///
/// # futures::executor::block_on(async {
/// let (ctx, canceler) = Context::background().with_cancel();
/// assert_eq!(work(&ctx).await.unwrap(), 3);
/// canceler.cancel_with("enough");
/// let status = work(&ctx).await.unwrap_err();
/// assert_eq!((status.code(), status.message()), (Code::Cancelled, "enough"));
/// # });
/// ```
pub fn to_status(error: Error) -> Status {
    let cause = error.cause();
    let (code, message) = match error.reason() {
        Reason::DeadlineExceeded => (Code::DeadlineExceeded, format!("{error:#}")),
        Reason::Canceled if cause.is::<Shutdown>() => (Code::Unavailable, cause.to_string()),
        Reason::Canceled if cause.is::<CancelerDropped>() => (Code::Cancelled, error.to_string()),
        Reason::Canceled => (Code::Cancelled, cause.to_string()),
    };
    let mut status = Status::new(code, shortened(message));
    status.set_source(Arc::new(error));
    status
}

fn shortened(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE).rev().find(|&at| message.is_char_boundary(at)).unwrap_or(0);
        message.truncate(end);
    }
    message
}

/// What the code of a status says about the context of the call.
///
/// A peer's `UNAVAILABLE` may be a shutdown there, or a connection that was lost: it says nothing about this call's time.
fn reason(code: Code) -> Option<Reason> {
    match code {
        Code::Cancelled => Some(Reason::Canceled),
        Code::DeadlineExceeded => Some(Reason::DeadlineExceeded),
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

/// Asks a [`Status`] whether the call was late or canceled.
///
/// # Examples
///
/// ```
/// use purview::Reason;
/// use purview_tonic::StatusExt;
/// use tonic::Status;
///
/// let status = Status::deadline_exceeded("the store is slow");
/// assert_eq!(status.reason(), Some(Reason::DeadlineExceeded));
/// assert_eq!(Status::not_found("no such book").reason(), None);
/// ```
pub trait StatusExt {
    /// What the code says about the time of the call.
    ///
    /// | code | reason |
    /// |---|---|
    /// | `DEADLINE_EXCEEDED` (4) | [`Reason::DeadlineExceeded`] |
    /// | `CANCELLED` (1) | [`Reason::Canceled`] |
    /// | every other; a peer's `UNAVAILABLE` (14) may be a shutdown there, or a connection that was lost | none |
    ///
    /// # Examples
    ///
    /// See [`StatusExt`].
    fn reason(&self) -> Option<Reason>;

    /// The same as an error of a context: the very one that the status was made from, if it was made in this process; else
    /// one whose cause is the status. `None` where [`reason`](Self::reason) is.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_tonic::StatusExt;
    /// use tonic::Status;
    ///
    /// let status = Status::deadline_exceeded("the store is slow");
    /// let error = status.context_error().unwrap();
    /// assert!(error.is_deadline_exceeded());
    /// let cause = error.cause().downcast_ref::<Status>().unwrap();
    /// assert_eq!(cause.message(), "the store is slow");
    /// ```
    fn context_error(&self) -> Option<Error>;
}

impl StatusExt for Status {
    fn reason(&self) -> Option<Reason> {
        reason(self.code())
    }

    fn context_error(&self) -> Option<Error> {
        let reason = self.reason()?;
        match find_source::<Error>(self) {
            Some(error) if error.reason() == reason => Some(error.clone()),
            _ => Some(error_of(reason, self.clone())),
        }
    }
}

/// An error with that reason, and the status as its cause. Only a context can make one.
fn error_of(reason: Reason, status: Status) -> Error {
    let root = Context::background();
    let ctx = match reason {
        Reason::DeadlineExceeded => root.derive().timeout(Duration::ZERO).cause(status).build(),
        Reason::Canceled => {
            let (ctx, canceler) = root.with_cancel();
            canceler.cancel_with(status);
            ctx
        }
    };
    ctx.error().unwrap_or_else(|| unreachable!("it was made to be done"))
}

/// The first `E` among an error and its sources.
pub(crate) fn find_source<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE, StatusExt, reason, to_status};
    use purview::{Context, Error, Reason};
    use purview_tower::{ClientGone, Shutdown};
    use std::error::Error as _;
    use std::time::Duration;
    use tonic::{Code, Status};

    fn canceled_with(cause: impl Into<purview::BoxError>) -> Status {
        let (ctx, canceler) = Context::background().with_cancel();
        canceler.cancel_with(cause);
        to_status(ctx.error().unwrap())
    }

    fn row(status: &Status) -> (Code, &str) {
        (status.code(), status.message())
    }

    #[test]
    fn a_deadline_that_passed_is_deadline_exceeded() {
        let ctx = Context::background().derive().timeout(Duration::ZERO).build();
        assert_eq!(
            row(&to_status(ctx.error().unwrap())),
            (Code::DeadlineExceeded, "context deadline exceeded")
        );
    }

    #[test]
    fn a_deadline_with_a_cause_tells_it() {
        let ctx = Context::background().derive().timeout(Duration::ZERO).cause("lunch").build();
        assert_eq!(
            row(&to_status(ctx.error().unwrap())),
            (Code::DeadlineExceeded, "context deadline exceeded: lunch")
        );
    }

    #[test]
    fn a_shutdown_is_unavailable() {
        assert_eq!(canceled_with(Shutdown).code(), Code::Unavailable);
    }

    #[test]
    fn a_client_that_left_is_cancelled() {
        assert_eq!(canceled_with(ClientGone).code(), Code::Cancelled);
    }

    #[test]
    fn any_other_cause_is_cancelled_with_its_text() {
        assert_eq!(row(&canceled_with("enough")), (Code::Cancelled, "enough"));
    }

    #[test]
    fn no_cause_is_cancelled_with_the_reason() {
        let (ctx, canceler) = Context::background().with_cancel();
        canceler.cancel();
        assert_eq!(row(&to_status(ctx.error().unwrap())), (Code::Cancelled, "context canceled"));
    }

    #[test]
    fn a_dropped_canceler_does_not_tell_the_peer_where_it_was_made() {
        let (ctx, canceler) = Context::background().with_cancel();
        drop(canceler);
        assert_eq!(row(&to_status(ctx.error().unwrap())), (Code::Cancelled, "context canceled"));
    }

    #[test]
    fn a_long_cause_is_cut_between_characters() {
        let status = canceled_with("é".repeat(MAX_MESSAGE) + "x");
        assert_eq!(status.message().len(), MAX_MESSAGE);
        let status = canceled_with("x".to_owned() + &"é".repeat(MAX_MESSAGE));
        assert_eq!(status.message().len(), MAX_MESSAGE - 1);
    }

    #[test]
    fn the_error_comes_back_from_the_status() {
        let (ctx, canceler) = Context::background().with_cancel();
        canceler.cancel_with("enough");
        let error = ctx.error().unwrap();
        assert_eq!(to_status(error.clone()).context_error(), Some(error));
    }

    #[test]
    fn each_code_says_late_canceled_or_neither() {
        let rows = [
            (Code::Ok, None),
            (Code::Cancelled, Some(Reason::Canceled)),
            (Code::Unknown, None),
            (Code::InvalidArgument, None),
            (Code::DeadlineExceeded, Some(Reason::DeadlineExceeded)),
            (Code::NotFound, None),
            (Code::AlreadyExists, None),
            (Code::PermissionDenied, None),
            (Code::ResourceExhausted, None),
            (Code::FailedPrecondition, None),
            (Code::Aborted, None),
            (Code::OutOfRange, None),
            (Code::Unimplemented, None),
            (Code::Internal, None),
            (Code::Unavailable, None),
            (Code::DataLoss, None),
            (Code::Unauthenticated, None),
        ];
        for (code, expected) in rows {
            assert_eq!(reason(code), expected, "{code:?}");
        }
    }

    #[test]
    fn an_error_made_from_a_peers_status_keeps_it_as_its_source() {
        for (status, reason) in [
            (Status::cancelled("there"), Reason::Canceled),
            (Status::deadline_exceeded("there"), Reason::DeadlineExceeded),
        ] {
            let error: Error = status.context_error().unwrap();
            assert_eq!(error.reason(), reason);
            let source = error.source().unwrap().downcast_ref::<Status>().unwrap();
            assert_eq!(row(source), (status.code(), "there"));
        }
    }
}
