//! Redirects: what is sent where the response points to.

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION,
    TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use reqwest::{Request, Response, Url};

/// A request as it can be sent again.
pub(crate) struct Again {
    request: Request,
    /// Its body was a stream, which is gone.
    lost_body: bool,
}

impl Again {
    pub(crate) fn of(request: &Request) -> Self {
        if let Some(request) = request.try_clone() {
            return Self { request, lost_body: false };
        }
        let mut bodiless = Request::new(request.method().clone(), request.url().clone());
        bodiless.headers_mut().clone_from(request.headers());
        *bodiless.timeout_mut() = request.timeout().copied();
        *bodiless.version_mut() = request.version();
        Self { request: bodiless, lost_body: true }
    }

    /// What to send after `response` ([RFC 9110, 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)). `None` where it is no
    /// redirect, or not one that can be followed: then it is the answer.
    pub(crate) fn after(self, response: &Response) -> Option<Request> {
        let Self { mut request, lost_body } = self;
        let becomes_get = match response.status() {
            // Of POST alone: another method that became GET would look done, and would not be.
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *request.method() == Method::POST,
            StatusCode::SEE_OTHER => true,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
            _ => return None,
        };
        if lost_body && !becomes_get {
            return None;
        }
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        let next =
            request.url().join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        if becomes_get {
            *request.body_mut() = None;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                request.headers_mut().remove(name);
            }
            if !matches!(*request.method(), Method::GET | Method::HEAD) {
                *request.method_mut() = Method::GET;
            }
        }
        if origin(&next) != origin(request.url()) {
            // What the policy lets go there is written anew; by hand it was written for the first origin.
            request.headers_mut().remove("baggage");
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE] {
                request.headers_mut().remove(name);
            }
        }
        *request.url_mut() = next;
        Some(request)
    }
}

fn origin(url: &Url) -> (&str, Option<&str>, Option<u16>) {
    (url.scheme(), url.host_str(), url.port_or_known_default())
}
