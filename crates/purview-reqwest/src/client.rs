//! The client: header, stop, body, and redirects.

use crate::error::Error;
use crate::redirect::Again;
use purview::Context;
use purview_propagate::{Policy, inject_to};
use purview_tower::ClientBody;
use reqwest::{Body, Request, RequestBuilder, Response, ResponseBuilderExt, Url};

/// How many redirects are followed at first; as many as reqwest does.
const REDIRECTS: usize = 10;

/// A [`reqwest::Client`] whose calls stop with their context, and tell the other side what is left of its time.
///
/// It follows redirects itself, since reqwest would send the headers of the first request along: for each hop, what is left is
/// read anew, and the policy decides anew what goes to that destination. Headers with credentials, and
/// baggage that was written by hand, do not go to another origin.
///
/// Clones share the pool of connections.
///
/// # Examples
///
/// See the [crate].
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    policy: Policy,
    redirects: usize,
}

impl Client {
    /// A client as `builder` says, but for redirects. It begins with [`Policy::untrusted`]: what is left goes along, values do
    /// not.
    ///
    /// # Errors
    ///
    /// As [`reqwest::ClientBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// let client = purview_reqwest::Client::new(reqwest::Client::builder()).unwrap();
    /// ```
    pub fn new(builder: reqwest::ClientBuilder) -> Result<Self, reqwest::Error> {
        let inner = builder.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { inner, policy: Policy::untrusted(), redirects: REDIRECTS })
    }

    /// What to send, and to whom.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let inside = Policy::trusted().destinations(["svc.cluster.local"])?;
    /// let client = purview_reqwest::Client::new(reqwest::Client::builder())?.policy(inside);
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many redirects to follow, 10 at first. With 0 a redirect is an error; the response of one that cannot be followed is
    /// given as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// let client = purview_reqwest::Client::new(reqwest::Client::builder()).unwrap().redirects(3);
    /// ```
    #[must_use]
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// The client inside, to build requests with. What it sends by itself has no context.
    ///
    /// # Examples
    ///
    /// See the [crate].
    pub fn inner(&self) -> &reqwest::Client {
        &self.inner
    }

    /// Builds the request and sends it, as [`execute`](Self::execute).
    ///
    /// # Errors
    ///
    /// As `execute`, and what is wrong with the request.
    ///
    /// # Examples
    ///
    /// See the [crate].
    pub async fn send(&self, ctx: &Context, request: RequestBuilder) -> Result<Response, Error> {
        self.execute(ctx, request.build()?).await
    }

    /// Sends a request with what is left of the time of `ctx`, follows redirects, and gives the response, whose body stops with
    /// `ctx` as well; so does a body of the request that is still being sent when the response has come. If response and end of the context are there both, the end wins.
    ///
    /// # Errors
    ///
    /// The context is done, also before anything is sent; the call fails; there are too many redirects.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, or the response, ends the call as the context does.
    ///
    /// # Examples
    ///
    /// See the [crate].
    pub async fn execute(&self, ctx: &Context, mut request: Request) -> Result<Response, Error> {
        for _ in 0..=self.redirects {
            let destination = authority(request.url());
            inject_to(ctx, request.headers_mut(), &self.policy, &destination)?;
            let again = Again::of(&request);
            if let Some(body) = request.body_mut().take() {
                *request.body_mut() = Some(within_upload(ctx, body));
            }
            let response = ctx.run(self.inner.execute(request)).await??;
            match again.after(&response) {
                Some(next) => request = next,
                None => return Ok(within(ctx, response)),
            }
        }
        Err(Error::TooManyRedirects(self.redirects))
    }
}

/// Host and port, without what may stand before them. A URL does not keep a port that is its scheme's own; a destination of the policy
/// may have it all the same.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The same body; one that is a stream stops with its context. Else it would go on when the response has come and was dropped, over HTTP/2
/// for as long as it has something.
fn within_upload(ctx: &Context, body: Body) -> Body {
    if body.as_bytes().is_some() { body } else { Body::wrap(ClientBody::within(ctx, body)) }
}

/// The same response, with a body that stops with its context.
fn within(ctx: &Context, response: Response) -> Response {
    let url = response.url().clone();
    let (parts, body) = http::Response::<Body>::from(response).into_parts();
    let builder = http::Response::builder().status(parts.status).version(parts.version).url(url);
    let Ok(mut response) = builder.body(Body::wrap(ClientBody::within(ctx, body))) else {
        unreachable!("its parts are those of a response")
    };
    *response.headers_mut() = parts.headers;
    response.extensions_mut().extend(parts.extensions);
    response.into()
}

#[cfg(test)]
mod tests {
    use super::authority;
    use purview_propagate::Policy;
    use reqwest::Url;

    #[test]
    fn a_destination_with_the_port_of_the_scheme_is_met_by_a_url_that_leaves_it_out() {
        let policy = Policy::untrusted().destinations(["example.com:443", "[::1]:80"]).unwrap();
        for (url, meets) in [
            ("https://example.com/", true),
            ("https://user:secret@api.example.com:443/", true),
            ("https://example.com:8443/", false),
            ("http://example.com/", false),
            ("http://[::1]/", true),
        ] {
            assert_eq!(policy.sends_values_to(&authority(&Url::parse(url).unwrap())), meets, "{url}");
        }
    }
}
