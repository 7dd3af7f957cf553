//! Peers that see, and send, single frames.

use super::{Note, limit};
use bytes::{BufMut, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream, client, server};
use http::{HeaderMap, Request, Response};
use prost::Message as _;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};

/// One message, framed as gRPC has it.
pub(crate) fn framed(note: &Note) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(note.encoded_len()).unwrap());
    note.encode(&mut bytes).unwrap();
    bytes.freeze()
}

/// A client's connection.
pub(crate) struct Peer(client::SendRequest<Bytes>);

/// A call that was begun.
pub(crate) struct Called {
    pub(crate) answer: client::ResponseFuture,
    pub(crate) body: SendStream<Bytes>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) head: HeaderMap,
    pub(crate) data: usize,
    /// None when there were none; the reset that came instead is the error.
    pub(crate) trailers: Result<Option<HeaderMap>, Reason>,
}

impl Peer {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let socket = limit(TcpStream::connect(addr)).await.unwrap();
        let (send, connection) = limit(client::handshake(socket)).await.unwrap();
        tokio::spawn(connection);
        Self(send)
    }

    /// Sends the head of a call.
    pub(crate) async fn begin(&mut self, path: &str, headers: &[(&str, &[u8])]) -> Called {
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("te", "trailers")
            .header("content-type", "application/grpc");
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let mut send = limit(self.0.clone().ready()).await.unwrap();
        let (answer, body) = send.send_request(request.body(()).unwrap(), false).unwrap();
        Called { answer, body }
    }

    /// Sends a call of one message.
    pub(crate) async fn call(&mut self, path: &str, headers: &[(&str, &[u8])], note: &Note) -> Called {
        let mut called = self.begin(path, headers).await;
        // The answer may have come already.
        drop(called.body.send_data(framed(note), true));
        called
    }
}

impl Called {
    pub(crate) fn send(&mut self, note: &Note) {
        self.body.send_data(framed(note), false).unwrap();
    }

    pub(crate) fn reset(&mut self, reason: Reason) {
        self.body.send_reset(reason);
    }

    /// Reads to the end. An answer that never had a head is `Err`.
    pub(crate) async fn end(self) -> Result<Answered, Reason> {
        let response = limit(self.answer).await.map_err(|error| error.reason().unwrap())?;
        let (head, body) = response.into_parts();
        let (data, trailers) = rest(body).await;
        Ok(Answered { head: head.headers, data, trailers })
    }
}

/// The bytes of the data that is left, and the trailers.
pub(crate) async fn rest(mut body: RecvStream) -> (usize, Result<Option<HeaderMap>, Reason>) {
    let mut data = 0;
    while let Some(chunk) = limit(body.data()).await {
        match chunk {
            Ok(chunk) => {
                data += chunk.len();
                let _ = body.flow_control().release_capacity(chunk.len());
            }
            Err(error) => return (data, Err(error.reason().unwrap())),
        }
    }
    (data, limit(body.trailers()).await.map_err(|error| error.reason().unwrap()))
}

impl Answered {
    /// Code and message, wherever they are; panics where they are not in exactly one place.
    pub(crate) fn status(&self) -> (&str, &str) {
        let trailers = self.trailers.as_ref().expect("reset").as_ref();
        let at_head = self.head.contains_key("grpc-status");
        let place = match trailers {
            Some(trailers) if !at_head => trailers,
            None if at_head => &self.head,
            _ => panic!("{self:?}"),
        };
        let text = |name| place.get(name).map_or("", |value: &http::HeaderValue| value.to_str().unwrap());
        (text("grpc-status"), text("grpc-message"))
    }

    pub(crate) fn is_trailers_only(&self) -> bool {
        self.head.contains_key("grpc-status") && self.data == 0 && matches!(self.trailers, Ok(None))
    }
}

/// A server's listener.
pub(crate) struct Listener(TcpListener);

/// A client's connection as its server sees it.
pub(crate) struct Accepted(server::Connection<TcpStream, Bytes>);

/// A call as its server sees it.
pub(crate) struct Incoming {
    pub(crate) head: HeaderMap,
    pub(crate) body: RecvStream,
    pub(crate) answer: server::SendResponse<Bytes>,
}

impl Listener {
    pub(crate) async fn bind() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        (Self(listener), addr)
    }

    pub(crate) async fn accept(&self) -> Accepted {
        let (socket, _) = limit(self.0.accept()).await.unwrap();
        Accepted(limit(server::handshake(socket)).await.unwrap())
    }

    /// Whether nobody has connected so far.
    pub(crate) fn is_untouched(&self) -> bool {
        use futures::FutureExt as _;
        self.0.accept().now_or_never().is_none()
    }
}

impl Accepted {
    /// The next call; nothing more happens on the connection until [`goodbye`](Self::goodbye).
    pub(crate) async fn call(&mut self) -> Incoming {
        let (request, answer) = limit(self.0.accept()).await.unwrap().unwrap();
        let (parts, body) = request.into_parts();
        Incoming { head: parts.headers, body, answer }
    }

    /// The next call; the connection then goes on in the background.
    pub(crate) async fn one_call(mut self) -> Incoming {
        let call = self.call().await;
        tokio::spawn(async move { while self.0.accept().await.is_some() {} });
        call
    }

    /// Closes the connection, and says why.
    pub(crate) async fn goodbye(mut self, reason: Reason) {
        self.0.abrupt_shutdown(reason);
        limit(async { while self.0.accept().await.is_some() {} }).await;
    }
}

impl Incoming {
    /// Answers with a head of these headers, and leaves the stream open.
    pub(crate) fn head(&mut self, headers: &[(&str, &str)], end: bool) -> SendStream<Bytes> {
        let mut response = Response::builder().header("content-type", "application/grpc");
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        self.answer.send_response(response.body(()).unwrap(), end).unwrap()
    }

    /// The code with which the client resets the call; before the head. After it, [`reset`].
    pub(crate) async fn reset(&mut self) -> Reason {
        limit(std::future::poll_fn(|cx| self.answer.poll_reset(cx))).await.unwrap()
    }

    /// Everything that the client sends: how many bytes, and whether it ended regularly.
    pub(crate) async fn read(&mut self) -> (usize, Result<(), Reason>) {
        let mut bytes = 0;
        while let Some(chunk) = limit(self.body.data()).await {
            match chunk {
                Ok(chunk) => {
                    bytes += chunk.len();
                    let _ = self.body.flow_control().release_capacity(chunk.len());
                }
                Err(error) => return (bytes, Err(error.reason().unwrap())),
            }
        }
        (bytes, Ok(()))
    }
}

/// The code with which the peer resets the stream.
pub(crate) async fn reset(stream: &mut SendStream<Bytes>) -> Reason {
    limit(std::future::poll_fn(|cx| stream.poll_reset(cx))).await.unwrap()
}
