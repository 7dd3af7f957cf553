"""grpcio as a client and as a server, in this process: both sides are seen by one clock."""

import os
import threading
import time
from concurrent import futures

# The harness starts processes while grpcio's threads run; nothing of grpcio is used in them.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc  # noqa: E402

import protocol  # noqa: E402


class Client:
    """Calls to one address."""

    def __init__(self, address, service):
        # A channel of its own: a shared one would carry what the scenario before did to it.
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.service = service

    def stub(self, name):
        one = protocol.method(self.service, name)
        kind = ("stream" if one.client_streaming else "unary") + "_" + ("stream" if one.server_streaming else "unary")
        return getattr(self.channel, kind)(
            protocol.path(self.service, name),
            request_serializer=protocol.input_of(one).SerializeToString,
            response_deserializer=protocol.output_of(one).FromString,
        )

    def call(self, name, fields=None, timeout=None, cancel_after=None, metadata=None):
        """One unary call to its end. Gives a `Result`."""
        began = time.monotonic()
        call = self.stub(name).future(protocol.request(self.service, name, **(fields or {})), timeout=timeout, metadata=metadata)
        if cancel_after is not None:
            timer = threading.Timer(cancel_after, call.cancel)
            timer.start()
        code = call.code()  # Waits for the end.
        return Result(code, call.details(), time.monotonic() - began, call)

    def close(self):
        self.channel.close()


class Result:
    def __init__(self, code, details, took, call):
        self.code, self.details, self.took, self.call = code.name, details, took, call

    @property
    def response(self):
        return self.call.result()

    def __str__(self):
        return f"{self.code} after {self.took * 1000:.0f} ms" + (f" '{self.details}'" if self.details else "")


class Arrived:
    """What a foreign server saw of one call."""

    def __init__(self, name, request, context):
        self.name, self.request = name, request
        self.at = time.monotonic()
        left = context.time_remaining()
        # Without a deadline grpcio says some hundreds of years.
        self.left = left if left is not None and left < 1e9 else None
        self.metadata = {key: value for key, value in context.invocation_metadata()}
        self.ended_at = None
        self.ended_as = None
        self.messages = 0
        self.over = threading.Event()

    def end(self, how):
        if self.ended_as is None:
            self.ended_at, self.ended_as = time.monotonic(), how
            self.over.set()

    @property
    def lasted(self):
        return None if self.ended_at is None else self.ended_at - self.at

    def __str__(self):
        left = "no deadline" if self.left is None else f"{self.left * 1000:.0f} ms left"
        ended = "goes on" if self.ended_as is None else f"{self.ended_as} after {self.lasted * 1000:.0f} ms"
        return f"{self.name} with {left}, {ended}"


class Server:
    """A grpcio server of one service, whose handlers take `busy(request)` seconds and notice their own end."""

    def __init__(self, service, busy):
        self.arrived, self.busy = [], busy
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=64))
        handlers = {one.name: self._handler(one) for one in protocol.methods(service)}
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def _handler(self, one):
        answer = protocol.output_of(one)

        def begin(request, context):
            arrived = Arrived(one.name, request, context)
            # grpcio calls back at the end of each call; whoever finished before that has already said so.
            if not context.add_callback(lambda: arrived.end("canceled")):
                arrived.end("canceled")
            self.arrived.append(arrived)
            return arrived

        def unary(request, context):
            arrived = begin(request, context)
            if not arrived.over.wait(self.busy(request)):
                arrived.end("finished")
            return answer()

        def streaming(request, context):
            arrived = begin(request, context)
            if not arrived.over.wait(self.busy(request)):
                arrived.end("finished")
            yield answer()

        def uploaded(requests, context):
            arrived = begin(None, context)
            try:
                for _ in requests:
                    arrived.messages += 1
                arrived.end("half-closed")
            except Exception:  # grpcio raises here when the call was canceled.
                arrived.end("canceled")
            return answer()

        kinds = {
            (False, False): (grpc.unary_unary_rpc_method_handler, unary),
            (False, True): (grpc.unary_stream_rpc_method_handler, streaming),
            (True, False): (grpc.stream_unary_rpc_method_handler, uploaded),
        }
        wrap, act = kinds[one.client_streaming, one.server_streaming]
        return wrap(act, request_deserializer=protocol.input_of(one).FromString, response_serializer=answer.SerializeToString)

    def stop(self):
        self.server.stop(0).wait(5)
