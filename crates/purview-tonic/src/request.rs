//! From a request to its context, and from a context to a request.

use crate::fallible::{self, Fallible};
use crate::messages::Messages;
use futures_core::Stream;
use purview::{BoxError, Context};
use tonic::{Request, Streaming};

/// The context of a [`tonic::Request`].
///
/// # Examples
///
/// ```
/// use purview_tonic::RequestExt;
/// use tonic::{Request, Response, Status};
///
/// async fn search(request: Request<String>) -> Result<Response<usize>, Status> {
///     let ctx = request.context();
///     ctx.check().map_err(purview_tonic::to_status)?;
///     Ok(Response::new(request.into_inner().len()))
/// }
/// # futures::executor::block_on(async { assert!(search(Request::new("a".to_owned())).await.is_ok()) });
/// ```
pub trait RequestExt: Sized {
    /// In a handler: the context that the server layer began for the call. Where there is none, the
    /// [current one](Context::current), else [`Context::background`]: a handler called by a test needs no layer.
    ///
    /// # Examples
    ///
    /// See [`RequestExt`].
    fn context(&self) -> Context;

    /// For a client: the call is to be made under `ctx`. The client layer finds it in the extensions.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_tonic::RequestExt;
    /// use tonic::Request;
    ///
    /// let (ctx, _canceler) = Context::background().with_cancel();
    /// let request = Request::new("message").with_context(&ctx);
    /// assert!(request.context().ptr_eq(&ctx));
    /// ```
    fn with_context(self, ctx: &Context) -> Self;
}

impl<T> RequestExt for Request<T> {
    fn context(&self) -> Context {
        context_of(self.extensions())
    }

    fn with_context(mut self, ctx: &Context) -> Self {
        self.extensions_mut().insert(ctx.clone());
        self
    }
}

/// The context that was put there, else the current one, else the root.
pub(crate) fn context_of(extensions: &http::Extensions) -> Context {
    extensions.get().cloned().or_else(Context::current).unwrap_or_default()
}

/// What gRPC adds to a [`Context`].
///
/// # Examples
///
/// See its methods.
pub trait ContextExt {
    /// A request that is made under this context. Metadata can be added to it as to any.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_tonic::{ContextExt, RequestExt};
    /// use std::time::Duration;
    ///
    /// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(2));
    /// let request = ctx.request("message"); // client.search(ctx.request(..)).await?
    /// assert!(request.context().ptr_eq(&ctx));
    /// ```
    fn request<T>(&self, message: T) -> Request<T>;

    /// A request of a stream that may fail: at its first error the call is canceled with the error as cause, and the peer is told
    /// by a reset. It goes through a [`ClientLayer`](crate::ClientLayer).
    ///
    /// A client's stream of plain messages can only end when there is trouble, and then the peer takes it for finished. So
    /// this is what to pass a request stream on with.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_tonic::{ContextExt, RequestExt};
    /// use tonic::{Request, Response, Status, Streaming};
    /// # struct StoreClient;
    /// # impl StoreClient {
    /// #     async fn import<S>(&mut self, _: Request<S>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
    /// # }
    ///
    /// async fn import(store: &mut StoreClient, request: Request<Streaming<String>>) -> Result<Response<()>, Status> {
    ///     let ctx = request.context();
    ///     store.import(ctx.try_request(request.into_inner())).await
    /// }
    /// # let decoder = tonic::codec::Codec::decoder(&mut tonic_prost::ProstCodec::<String, String>::default());
    /// # let none = Streaming::new_request(decoder, tonic::body::Body::empty(), None, None);
    /// # futures::executor::block_on(import(&mut StoreClient, Request::new(none))).unwrap();
    /// ```
    fn try_request<S, T, E>(&self, stream: S) -> Request<Fallible<S>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Into<BoxError>;

    /// The messages of a stream, and the status of this context as the last one if it ends first.
    ///
    /// # Examples
    ///
    /// See [`Messages`].
    fn messages<T>(&self, stream: Streaming<T>) -> Messages<T>;
}

impl ContextExt for Context {
    fn request<T>(&self, message: T) -> Request<T> {
        Request::new(message).with_context(self)
    }

    fn try_request<S, T, E>(&self, stream: S) -> Request<Fallible<S>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Into<BoxError>,
    {
        fallible::request(self, stream)
    }

    fn messages<T>(&self, stream: Streaming<T>) -> Messages<T> {
        Messages::new(self, stream)
    }
}
