"""From a foreign caller through two of ours to a foreign server: time shrinks on the way, the end arrives, values cross."""

import time

import grpcio_peer
import node_peer
from curl import Curl
from demo import STORE, busy, gateway_and_catalog_over
from harness import milliseconds, scenario, wait_for


class GrpcioStore:
    name = "grpcio"

    def __init__(self):
        self.peer = grpcio_peer.Server(STORE, busy)
        self.address = self.peer.address
        self.stop = self.peer.stop

    def arrived(self):
        """What was left of the call's time in milliseconds, its metadata, how it ended, and when."""
        call = wait_for(lambda: self.peer.arrived and self.peer.arrived[0].ended_as and self.peer.arrived[0], "an end of the call")
        return call.left and call.left * 1000, call.metadata, call.ended_as, call.ended_at


class GrpcJsStore:
    name = "grpc-js"

    def __init__(self):
        self.peer = node_peer.grpc_js_server(STORE, "work_ms")
        self.address = self.peer.first["address"]
        self.stop = self.peer.stop

    def arrived(self):
        over = {"cancelled": "canceled", "finished": "finished"}
        ended = wait_for(lambda: next((e for e in self.peer.events if e["event"] in over), None), "an end of the call")
        began = next(e for e in self.peer.events if e["event"] == "began")
        return began["left"], began["metadata"], over[ended["event"]], ended["at"]


def chain(see, kind, curl_options, leaves_after):
    store = kind()
    with gateway_and_catalog_over(store.address) as ours, ours.counted("gateway", see), ours.counted("catalog", see):
        began = time.monotonic()
        result = Curl(f"http://{ours.http}/search?q=a&work_ms=5000", *curl_options)
        see.client(f"curl: {result}")
        left, metadata, ended, at = store.arrived()
        budget = "no deadline" if left is None else f"{left:.0f} ms left"
        see.server(f"store ({store.name}): {budget}, {ended} {milliseconds(at - began)} after curl began")
        see.check(ended == "canceled", "the far end to be told")
        see.check(at - began < leaves_after + 1.5, "the end to arrive at once")
    store.stop()
    return result, left, metadata


def deadline(see, kind):
    result, left, _ = chain(see, kind, ["-H", "x-request-timeout-ms: 400"], 0.4)
    see.check(result.status == 504, "504")
    see.check(0 < left < 400, "less than 400 ms at the far end")


def cancel(see, kind):
    result, left, _ = chain(see, kind, ["--max-time", "0.3"], 0.3)
    see.check(left is None, "no deadline where none was given")
    see.check(result.exit == 28, "curl's exit code for its own limit")


@scenario("curl -> ours -> ours -> grpcio: a deadline")
def grpcio_deadline(see):
    deadline(see, GrpcioStore)


@scenario("curl -> ours -> ours -> grpc-js: a deadline")
def grpc_js_deadline(see):
    deadline(see, GrpcJsStore)


@scenario("curl -> ours -> ours -> grpcio: curl leaves")
def grpcio_cancel(see):
    cancel(see, GrpcioStore)


@scenario("curl -> ours -> ours -> grpc-js: curl leaves")
def grpc_js_cancel(see):
    cancel(see, GrpcJsStore)


@scenario("curl -> ours -> ours -> foreign: a value crosses, what was not opted in does not")
def values(see):
    for kind in (GrpcioStore, GrpcJsStore):
        _, _, metadata = chain(
            see,
            kind,
            ["-H", "x-request-timeout-ms: 400", "-H", "baggage: tenant=acme,password=secret", "-H", "x-mine: 1"],
            0.4,
        )
        see.server(f"store: baggage {metadata.get('baggage')!r}")
        see.check("tenant=acme" in metadata.get("baggage", ""), "the tenant to arrive")
        see.check("secret" not in str(metadata) and "x-mine" not in metadata, "nothing else of the untrusted caller's")
