//! What a protocol says when a request ends without its handler's answer: one table for each protocol.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use purview::{BoxError, Error};
use purview_propagate::Refused;

/// Why the layer answers in the handler's place. There is nothing to say to a client that is gone, so that is not among them.
///
/// It is exhaustive on purpose: the table of a protocol names every row.
///
/// # Examples
///
/// See [`Answer`].
#[derive(Clone, Copy, Debug)]
pub enum Why<'a> {
    /// The time was up: before the handler was called, before the head of the response, or in its body.
    Late(&'a Error),
    /// The request was canceled from above: the server shuts down.
    Shutdown(&'a Error),
    /// The headers are such that the policy refuses the request. Too little time is not among these reasons: that is
    /// [`Late`](Self::Late).
    Refused(&'a Refused),
}

/// How a body ends that is cut off after the head of its response was sent.
///
/// # Examples
///
/// ```
/// use purview_tower::Cut;
///
/// let mut trailers = http::HeaderMap::new();
/// trailers.insert("grpc-status", http::HeaderValue::from_static("4"));
/// assert!(matches!(Cut::Trailers(trailers), Cut::Trailers(_)));
/// ```
#[derive(Debug)]
pub enum Cut {
    /// A good end with these trailers: for protocols that say there how it went. Over HTTP/1 without chunks nobody sees them.
    Trailers(HeaderMap),
    /// A broken end: HTTP/1 closes the connection before the last chunk, so that the client sees that something is missing;
    /// HTTP/2 resets the stream. With hyper the code of that reset is the one of the first `h2::Error` among the error and its
    /// sources, and else `INTERNAL_ERROR`.
    Error(BoxError),
}

/// What a protocol says when a request ends without its handler's answer. [`HttpAnswer`] is the one for plain HTTP.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http::{Response, StatusCode};
/// use purview::Context;
/// use purview_tower::{Answer, Cut, HttpAnswer, ServerLayer, Why};
///
/// /// Timeouts as the clients of this service know them.
/// struct Ours;
///
/// impl Answer for Ours {
///     fn answer(&self, why: &Why<'_>) -> Response<Bytes> {
///         let mut response = Response::new(Bytes::new());
///         *response.status_mut() = match why {
///             Why::Late(_) => StatusCode::REQUEST_TIMEOUT,
///             Why::Shutdown(_) => StatusCode::SERVICE_UNAVAILABLE,
///             Why::Refused(_) => StatusCode::BAD_REQUEST,
///         };
///         response
///     }
///     fn cut(&self, why: &Why<'_>) -> Cut {
///         HttpAnswer::new().cut(why)
///     }
/// }
///
/// let layer = ServerLayer::new(&Context::background()).answer(Ours);
/// ```
pub trait Answer: Send + Sync + 'static {
    /// The whole response, when no head was sent yet.
    fn answer(&self, why: &Why<'_>) -> Response<Bytes>;

    /// The end of a body that is cut off here. `why` is never [`Why::Refused`]: a refused request has no body.
    fn cut(&self, why: &Why<'_>) -> Cut;
}

/// The answers of plain HTTP: 504 when the time is up, 503 when the server shuts down, 400 for refused headers, each with a
/// short text; and an error in a body that is cut off, so that the client sees that something is missing.
///
/// Not 408: that says that the *request* did not arrive in time, and clients may send it again blindly (RFC 9110, 15.5.9).
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use purview::Context;
/// use purview_tower::{HttpAnswer, ServerLayer};
///
/// let answer = HttpAnswer::new().late(StatusCode::from_u16(498).unwrap());
/// let layer = ServerLayer::new(&Context::background()).answer(answer);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswer {
    late: StatusCode,
    shutdown: StatusCode,
    refused: StatusCode,
}

impl HttpAnswer {
    /// The answers as above.
    ///
    /// # Examples
    ///
    /// See [`HttpAnswer`].
    pub fn new() -> Self {
        Self {
            late: StatusCode::GATEWAY_TIMEOUT,
            shutdown: StatusCode::SERVICE_UNAVAILABLE,
            refused: StatusCode::BAD_REQUEST,
        }
    }

    /// Another status for when the time is up.
    ///
    /// # Examples
    ///
    /// See [`HttpAnswer`].
    pub fn late(mut self, status: StatusCode) -> Self {
        self.late = status;
        self
    }

    /// Another status for when the server shuts down.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::StatusCode;
    /// let answer = purview_tower::HttpAnswer::new().shutdown(StatusCode::BAD_GATEWAY);
    /// ```
    pub fn shutdown(mut self, status: StatusCode) -> Self {
        self.shutdown = status;
        self
    }

    /// Another status for refused headers.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::StatusCode;
    /// let answer = purview_tower::HttpAnswer::new().refused(StatusCode::FORBIDDEN);
    /// ```
    pub fn refused(mut self, status: StatusCode) -> Self {
        self.refused = status;
        self
    }

    fn status(self, why: &Why<'_>) -> StatusCode {
        match why {
            Why::Late(_) => self.late,
            Why::Shutdown(_) => self.shutdown,
            Why::Refused(_) => self.refused,
        }
    }
}

impl Default for HttpAnswer {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer for HttpAnswer {
    fn answer(&self, why: &Why<'_>) -> Response<Bytes> {
        // Causes are for us: only what the client itself sent is said back to it.
        let text = match why {
            Why::Late(_) => Bytes::from_static(b"the time for this request is up\n"),
            Why::Shutdown(_) => Bytes::from_static(b"the server is shutting down\n"),
            Why::Refused(refused) => Bytes::from(format!("{refused}\n")),
        };
        let mut response = Response::new(text);
        *response.status_mut() = self.status(why);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }

    fn cut(&self, why: &Why<'_>) -> Cut {
        match why {
            Why::Late(error) | Why::Shutdown(error) => Cut::Error((*error).clone().into()),
            Why::Refused(refused) => Cut::Error(refused.to_string().into()),
        }
    }
}
