//! When a response is at its end: what the servers of HTTP do with its body.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::Body;

/// What the request says about the end of its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    kind: Kind,
    /// HTTP/1 stops asking a body once the length that was announced is delivered; HTTP/2 and 3 ask on, for trailers.
    stops_at_length: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Ordinary,
    Head,
    Connect,
}

/// Who ends a request that has its response, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    /// Nobody will ask for the body.
    AtOnce,
    /// The connection goes on in another protocol.
    HandedOver,
    /// The body, or its length if that is set.
    Body { left: Option<u64> },
}

impl Exchange {
    pub(super) fn of<Q>(request: &Request<Q>) -> Self {
        let kind = match *request.method() {
            Method::HEAD => Kind::Head,
            Method::CONNECT => Kind::Connect,
            _ => Kind::Ordinary,
        };
        Self { kind, stops_at_length: request.version() <= Version::HTTP_11 }
    }

    pub(super) fn ending<B: Body>(self, response: &Response<B>) -> Ending {
        let (status, body) = (response.status(), response.body());
        if status == StatusCode::SWITCHING_PROTOCOLS || self.kind == Kind::Connect && status.is_success() {
            return Ending::HandedOver;
        }
        let bodiless = self.withholds(status) || body.is_end_stream();
        let left = self.stops_at_length.then(|| announced(response.headers(), body)).flatten();
        if bodiless || left == Some(0) { Ending::AtOnce } else { Ending::Body { left } }
    }

    /// Whether HTTP allows no body in such a response.
    pub(super) fn withholds(self, status: StatusCode) -> bool {
        self.kind == Kind::Head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

/// The length that the response announces: by its header, or by its body, from which servers make that header.
fn announced(headers: &HeaderMap, body: &impl Body) -> Option<u64> {
    let header = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    header.or_else(|| body.size_hint().exact())
}
