"""A raw HTTP/2 client: whatever headers, frames and reset codes a scenario wants, also wrong ones."""

import socket
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from harness import LIMIT, Failed


class Raw:
    """One connection over cleartext HTTP/2. Events are kept with the time of their arrival."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.authority = address
        self.socket = socket.create_connection((host, int(port)), timeout=LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = h2.config.H2Configuration(
            header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.events = []
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def open(self, path, headers=(), end=False, method="POST", grpc=True):
        """Sends the head of a request, and returns the number of its stream."""
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":path", path), (":authority", self.authority)]
        if grpc:
            head += [("te", "trailers"), ("content-type", "application/grpc")]
        self.h2.send_headers(stream, head + list(headers), end_stream=end)
        self.flush()
        return stream

    def message(self, stream, message, end=False):
        """Sends one gRPC message, framed."""
        payload = message.SerializeToString()
        self.bytes(stream, b"\0" + len(payload).to_bytes(4, "big") + payload, end)

    def bytes(self, stream, payload, end=False):
        self.h2.send_data(stream, payload, end_stream=end)
        self.flush()

    def end(self, stream):
        self.h2.end_stream(stream)
        self.flush()

    def reset(self, stream, code):
        self.h2.reset_stream(stream, code)
        self.flush()

    def close(self):
        self.socket.close()

    def read(self, limit):
        """Reads for at most `limit` seconds; false when the time is up or the connection is at its end."""
        self.socket.settimeout(max(limit, 0.001))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, BlockingIOError):
            return False
        if not data:
            return False
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.events.append((time.monotonic(), event))
        self.flush()
        return True

    def answer(self, stream, limit=LIMIT):
        """Reads until the stream ended either way, and tells what came of it."""
        end = time.monotonic() + limit
        while True:
            answer = Answer(stream, self.events)
            if answer.over:
                return answer
            if not self.read(end - time.monotonic()):
                raise Failed(f"an end of stream {stream} within {limit:g} s, came: {answer}")

    def silent(self, seconds):
        """Reads for that long, and tells whether nothing came but settings and the like."""
        before, end = len(self.events), time.monotonic() + seconds
        while time.monotonic() < end and self.read(end - time.monotonic()):
            pass
        quiet = (h2.events.RemoteSettingsChanged, h2.events.SettingsAcknowledged, h2.events.WindowUpdated, h2.events.PingReceived)
        return all(isinstance(event, quiet) for _, event in self.events[before:])


class Answer:
    """What came back on a stream: its head, how many bytes, its trailers, and how it ended."""

    def __init__(self, stream, events):
        self.head, self.trailers, self.reset, self.ended, self.at, self.body = {}, {}, None, False, None, b""
        for at, event in events:
            if isinstance(event, h2.events.ConnectionTerminated):
                self.reset, self.at = f"GOAWAY {event.error_code}", at
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                self.head = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, h2.events.TrailersReceived):
                self.trailers = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, h2.events.DataReceived):
                self.body += event.data
            elif isinstance(event, h2.events.StreamReset):
                self.reset, self.at = int(event.error_code), at
            elif isinstance(event, h2.events.StreamEnded):
                self.ended, self.at = True, at

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def status(self):
        """gRPC's status, from trailers or, where there was nothing but trailers, from the head."""
        found = self.trailers.get("grpc-status", self.head.get("grpc-status"))
        return None if found is None else int(found)

    @property
    def trailers_only(self):
        return "grpc-status" in self.head

    def __str__(self):
        said = [f"HTTP {self.head.get(':status', 'nothing')}"]
        if self.body:
            said.append(f"{len(self.body)} bytes")
        if self.status is not None:
            where = "trailers-only" if self.trailers_only else "trailers"
            text = (self.trailers or self.head).get("grpc-message", "")
            said.append(f"{where} grpc-status {self.status}" + (f" '{text}'" if text else ""))
        if self.reset is not None:
            said.append(f"RST {self.reset}")
        return ", ".join(said)


class RawServer:
    """A server that accepts every stream, answers nothing, and keeps what it was sent: frames by stream, in their order."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.streams = []
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # Stopped.
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        protocol = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, validate_inbound_headers=False))
        protocol.initiate_connection()
        connection.sendall(protocol.data_to_send())
        streams = {}
        try:
            while data := connection.recv(65536):
                for event in protocol.receive_data(data):
                    self._note(protocol, streams, event)
                connection.sendall(protocol.data_to_send())
        except OSError:
            pass  # Gone in the middle: as good an end as any.
        for stream in streams.values():
            stream.note("connection closed")

    def _note(self, protocol, streams, event):
        stream = streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            streams[event.stream_id] = Received(event.headers)
            self.streams.append(streams[event.stream_id])
        elif stream is None:
            return
        elif isinstance(event, h2.events.DataReceived):
            protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            stream.note(f"DATA {len(event.data)}")
        elif isinstance(event, h2.events.StreamEnded):
            stream.note("END_STREAM")
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = int(event.error_code)
            stream.note(f"RST {stream.reset}")

    def stop(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


class Received:
    """One stream as a raw server saw it: its headers, and what came after them, with seconds since."""

    def __init__(self, headers):
        self.began = time.monotonic()
        text = lambda value: value.decode() if isinstance(value, bytes) else value  # noqa: E731
        self.headers = [(text(name), text(value)) for name, value in headers]
        self.frames, self.reset = [], None

    def note(self, what):
        self.frames.append((time.monotonic() - self.began, what))

    def header(self, name):
        found = [value for key, value in self.headers if key == name]
        return found[0] if found else None

    def __str__(self):
        return ", ".join(f"{what} at {at * 1000:.0f} ms" for at, what in self.frames)
