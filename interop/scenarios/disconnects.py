"""Callers of the gateway who vanish: where the server can see it, and where it is blind and works on."""

import contextlib
import re
import socket
import struct
import time

from demo import LATE, services
from harness import LIMIT, Failed, milliseconds, scenario
from raw import Raw

SEARCH = "/search?q=a&work_ms={}"
# What a blind server works on: short, since it goes on to its end.
BLIND_MS = 700


def connected(ours):
    host, port = ours.http.split(":")
    connection = socket.create_connection((host, int(port)), timeout=LIMIT)
    return contextlib.closing(connection)


def head(work_ms, *headers):
    lines = [f"GET {SEARCH.format(work_ms)} HTTP/1.1", "host: gateway", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_answer(connection):
    """The status line, and how long it took until the server closed or had sent one answer."""
    began, data = time.monotonic(), b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise Failed(f"an answer before the end of the connection, came {data!r}")
        data += more
    return data.split(b"\r\n", 1)[0].decode(), time.monotonic() - began


def seen_at_once(see, leave, how):
    """Starts a search of five seconds, leaves, and expects the gateway and the store to notice."""
    ours = services()
    with ours.counted("gateway", see) as counted, ours.counted("store", see) as stored:
        with connected(ours) as connection:
            connection.sendall(head(5000))
            ours.working("store", 1)
            began = time.monotonic()
            leave(connection)
            ours.working("store", 0)
            see.client(f"{how}: the store stopped after {milliseconds(time.monotonic() - began)}")
            see.check(time.monotonic() - began < 2, "the store to stop at once")
        counted.exactly(client_gone=1)
        stored.exactly(client_gone=1)


def works_on(see, send, how, leave=socket.socket.close):
    """Starts a search, leaves in a way that the server cannot see, and expects the store to work to its end."""
    ours = services()
    with ours.counted("store", see) as stored:
        with connected(ours) as connection:
            began = time.monotonic()
            send(connection)
            ours.working("store", 1)
            leave(connection)
            stored.exactly(finished=1)
            took = time.monotonic() - began
            see.client(f"{how}: the store worked on for {milliseconds(took)} of {BLIND_MS} ms")
            see.check(took >= BLIND_MS / 1000, "the work to go on to its end: the server is blind here")
        ours.working("gateway", 0)


@scenario("HTTP/1: a client that closes is seen")
def closed(see):
    seen_at_once(see, socket.socket.close, "FIN")


@scenario("HTTP/1: a client that resets is seen")
def reset(see):
    def leave(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    seen_at_once(see, leave, "RST")


@scenario("HTTP/1: a client that closes only its sending side is taken for gone")
def half_closed(see):
    seen_at_once(see, lambda connection: connection.shutdown(socket.SHUT_WR), "half-close")


@scenario("HTTP/1: a client that closes while the answer streams is seen")
def closed_in_body(see):
    ours = services()
    with ours.counted("gateway", see) as counted, ours.counted("store", see) as stored:
        with connected(ours) as connection:
            connection.sendall(head(5000).replace(b"/search", b"/watch"))
            status, took = read_answer(connection)
            began = time.monotonic()
            connection.close()
            ours.working("store", 0)
            see.client(f"{status} after {milliseconds(took)}, FIN: the store stopped after {milliseconds(time.monotonic() - began)}")
            see.check(time.monotonic() - began < 2, "the store to stop at once")
        counted.exactly(client_gone=1)
        stored.exactly(client_gone=1)


@scenario("HTTP/1, blind: a pipelined request hides that the client has left")
def pipelined(see):
    works_on(see, lambda connection: connection.sendall(head(BLIND_MS) + b"GET /d"), "the start of a second request, then FIN")


@scenario("HTTP/1, blind: an unread body hides that the client has left")
def unread_body(see):
    works_on(
        see,
        lambda connection: connection.sendall(head(BLIND_MS, "content-length: 1000000") + b"x" * 1000),
        "1,000 of 1,000,000 bytes of a body that nobody reads, then FIN",
    )


@scenario("HTTP/1, blind: the deadline still ends what a client left behind")
def blind_with_deadline(see):
    ours = services()
    with ours.counted("gateway", see) as counted, ours.counted("store", see) as stored:
        with connected(ours) as connection:
            began = time.monotonic()
            connection.sendall(head(5000, "x-request-timeout-ms: 300") + b"GET /d")
            ours.working("store", 1)
            connection.close()
            stored.ended(1, *LATE, "client_gone")
            counted.ended(1, *LATE)
            took = time.monotonic() - began
            see.client(f"the start of a second request, then FIN: all ended after {milliseconds(took)} of 300 ms")
            see.check(0.3 <= took < 2, "the deadline to end it")


@scenario("HTTP/1: pipelined requests are answered in their order")
def pipelined_whole(see):
    ours = services()
    with ours.counted("gateway", see) as counted:
        with connected(ours) as connection:
            connection.sendall(head(100) + head(5000, "x-request-timeout-ms: 100", "connection: close"))
            data = b""
            while more := connection.recv(65536):
                data += more
            answers = re.findall(r"HTTP/1\.1 (\d+)", data.decode())
            see.client(f"a search of 100 ms and one of 5 s with 100 ms to live: {answers}")
            see.check(answers == ["200", "504"], "200, then 504")
        counted.ended(2, *LATE)


def over_http2(see, leave, how):
    ours = services()
    with ours.counted("gateway", see) as counted, ours.counted("store", see) as stored:
        connection = Raw(ours.http)
        # With an unread body: HTTP/2 sees the end of a stream all the same.
        stream = connection.open(SEARCH.format(5000), [("content-length", "1000000")], method="GET", grpc=False)
        connection.bytes(stream, b"x" * 1000)
        ours.working("store", 1)
        began = time.monotonic()
        leave(connection, stream)
        ours.working("store", 0)
        see.client(f"an unread body, then {how}: the store stopped after {milliseconds(time.monotonic() - began)}")
        see.check(time.monotonic() - began < 2, "the store to stop at once")
        counted.exactly(client_gone=1)
        stored.exactly(client_gone=1)
        connection.close()


@scenario("HTTP/2: a stream that is reset is seen, also with an unread body")
def http2_reset(see):
    over_http2(see, lambda connection, stream: connection.reset(stream, 8), "RST_STREAM")


@scenario("HTTP/2: a lost connection is seen, also with an unread body")
def http2_lost(see):
    over_http2(see, lambda connection, _: connection.close(), "FIN")


@scenario("HTTP/2: GOAWAY is no cancellation")
def http2_goaway(see):
    ours = services()
    with ours.counted("gateway", see) as counted:
        connection = Raw(ours.http)
        connection.open(SEARCH.format(200), method="GET", grpc=False, end=True)
        ours.working("gateway", 1)
        connection.h2.close_connection()
        # The library takes the connection for closed on our side; what still comes is read as bytes.
        connection.flush()
        counted.exactly(finished=1)
        see.client("a search, then GOAWAY with NO_ERROR: it went to its end")
        connection.close()
