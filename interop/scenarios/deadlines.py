"""A deadline in each direction: the time that a caller gives ends the work, and the caller is told 4, never 1."""

import time

import grpcio_peer
import node_peer
import protocol
from demo import CATALOG, LATE, STORE, busy, catalog_over, services
from harness import milliseconds, scenario, wait_for
from raw import Raw, RawServer

LONG = {"query": "a", "work_ms": 5000}


@scenario("grpcio client: a deadline of 200 ms")
def grpcio_client(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        result = client.call("Search", LONG, timeout=0.2)
        see.client(str(result))
        see.check(result.code == "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        see.check(result.took < 2, "the answer long before the work would end")
        counted.ended(1, *LATE, "client_gone")
        stored.ended(1, *LATE, "client_gone")
        client.close()


@scenario("grpc-js client: a deadline of 200 ms")
def grpc_js_client(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        client = node_peer.grpc_js_client()
        answer = client.ask(address=ours.catalog, service=CATALOG, method="Search", request=LONG, timeout_ms=200)
        see.client(node_peer.said(answer))
        see.check(answer["code"] == "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        counted.ended(1, *LATE, "client_gone")
        stored.ended(1, *LATE, "client_gone")
        client.stop()


@scenario("connect-node client over gRPC: a deadline of 200 ms")
def connect_client(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        client = node_peer.connect_client()
        answer = client.ask(address=ours.catalog, protocol="grpc", service=CATALOG, method="Search", request=LONG, timeout_ms=200)
        see.client(node_peer.said(answer))
        see.check(answer["code"] == "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        # It resets with INTERNAL_ERROR at its deadline.
        counted.ended(1, *LATE, "client_gone")
        stored.ended(1, *LATE, "client_gone")
        client.stop()


@scenario("grpcio client: timeout=0.2, 200 times")
def two_hundred(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see):
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        stub, request = client.stub("Search"), protocol.request(CATALOG, "Search", **LONG)
        began, codes = time.monotonic(), {}
        for _ in range(10):
            for call in [stub.future(request, timeout=0.2) for _ in range(20)]:
                codes[call.code().name] = codes.get(call.code().name, 0) + 1
        see.client(f"{codes} in {time.monotonic() - began:.1f} s")
        see.check(codes == {"DEADLINE_EXCEEDED": 200}, "DEADLINE_EXCEEDED 200 times of 200")
        counted.ended(200, *LATE, "client_gone")
        client.close()


@scenario("grpcio server: the deadline of our caller reaches it")
def grpcio_server(see):
    foreign = grpcio_peer.Server(STORE, busy)
    with catalog_over(foreign.address) as ours, ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        result = client.call("Search", LONG, timeout=0.3)
        see.client(str(result))
        see.check(result.code == "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        arrived = wait_for(lambda: foreign.arrived and foreign.arrived[0].ended_as and foreign.arrived[0], "an end of the call")
        see.server(f"store (grpcio): {arrived}")
        see.check(0 < arrived.left <= 0.3, "what was left of 300 ms")
        see.check(arrived.ended_as == "canceled", "the handler to be told")
        counted.ended(1, *LATE, "client_gone")
        client.close()
    foreign.stop()


@scenario("grpc-js server: the deadline of our caller reaches it")
def grpc_js_server(see):
    foreign = node_peer.grpc_js_server(STORE, "work_ms")
    with catalog_over(foreign.first["address"]) as ours, ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        result = client.call("Search", LONG, timeout=0.3)
        see.client(str(result))
        see.check(result.code == "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        began = wait_for(lambda: next((e for e in foreign.events if e["event"] == "began"), None), "the call")
        ended = wait_for(lambda: next((e for e in foreign.events if e["event"] in ("cancelled", "finished")), None), "an end of it")
        see.server(f"store (grpc-js): {began['left']:.0f} ms left, {ended['event']} after {ended['ms']:.0f} ms")
        see.check(0 < began["left"] <= 300, "what was left of 300 ms")
        see.check(ended["event"] == "cancelled", "the handler to be told")
        counted.ended(1, *LATE, "client_gone")
        client.close()
    foreign.stop()


@scenario("raw HTTP/2 server: what our client writes for a deadline, and what at its end")
def raw_server(see):
    foreign = RawServer()
    with catalog_over(foreign.address) as ours, ours.counted("catalog", see):
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        result = client.call("Search", LONG, timeout=0.3)
        see.client(str(result))
        stream = wait_for(lambda: next((s for s in foreign.streams if s.reset is not None), None), "a reset")
        see.server(f"store (raw): grpc-timeout {stream.header('grpc-timeout')}, {stream}")
        see.check(result.code == "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        see.check(stream.reset == 8, "RST_STREAM with CANCEL")
        text = stream.header("grpc-timeout")
        see.check(text[-1] in "munS" and 2 <= len(text) <= 9, "the finest unit that fits eight digits")
        client.close()
    foreign.stop()


@scenario("raw HTTP/2 client: a deadline before any message has come")
def silent_client(see):
    ours = services()
    with ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        began = time.monotonic()
        stream = connection.open(protocol.path(CATALOG, "Search"), [("grpc-timeout", "200m")])
        answer = connection.answer(stream)
        see.client(f"a head and silence: {answer} after {milliseconds(answer.at - began)}")
        see.check(answer.status == 4, "status 4")
        counted.exactly(deadline=1)
        connection.close()


@scenario("raw HTTP/2 client: the status of a deadline is trailers-only, and not early")
def never_early(see):
    ours = services()
    with ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        took = []
        for _ in range(10):
            began = time.monotonic()
            stream = connection.open(protocol.path(CATALOG, "Search"), [("grpc-timeout", "50m")])
            connection.message(stream, protocol.request(CATALOG, "Search", **LONG), end=True)
            answer = connection.answer(stream)
            took.append((answer.at - began) * 1000)
            see.check(answer.status == 4 and answer.trailers_only, "trailers-only status 4")
        see.client(f"grpc-timeout 50m: {answer}; after {min(took):.1f} to {max(took):.1f} ms")
        see.check(min(took) >= 50, "none before its time")
        counted.ended(10, *LATE)
        connection.close()
