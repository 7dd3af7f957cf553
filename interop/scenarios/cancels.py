"""A cancellation in each direction: whoever waits leaves, and everything below stops, down to SQLite."""

import statistics
import time

import grpcio_peer
import node_peer
import protocol
from demo import CATALOG, STORE, busy, catalog_over, fresh, services
from harness import milliseconds, scenario, wait_for
from raw import Raw, RawServer
from scenarios.disconnects import connected

LONG = {"query": "a", "work_ms": 5000}


@scenario("grpcio client: canceled after 100 ms")
def grpcio_client(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        result = client.call("Search", LONG, cancel_after=0.1)
        see.client(str(result))
        see.check(result.code == "CANCELLED", "CANCELLED")
        counted.exactly(client_gone=1)
        stored.exactly(client_gone=1)
        client.close()


@scenario("grpc-js client: canceled after 100 ms")
def grpc_js_client(see):
    ours = services()
    client = node_peer.connected(node_peer.grpc_js_client(), ours.catalog, CATALOG)
    ours.at_rest()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        answer = client.ask(address=ours.catalog, service=CATALOG, method="Search", request=LONG, cancel_ms=100)
        see.client(node_peer.said(answer))
        see.check(answer["code"] == "CANCELLED", "CANCELLED")
        counted.exactly(client_gone=1)
        stored.exactly(client_gone=1)
        client.stop()


@scenario("connect-node client over gRPC: aborted after 100 ms")
def connect_client(see):
    ours = services()
    client = node_peer.connected(node_peer.connect_client(), ours.catalog, CATALOG, protocol="grpc")
    ours.at_rest()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        answer = client.ask(address=ours.catalog, protocol="grpc", service=CATALOG, method="Search", request=LONG, cancel_ms=100)
        see.client(node_peer.said(answer))
        see.check(answer["code"] == "CANCELLED", "CANCELLED")
        counted.exactly(client_gone=1)
        stored.exactly(client_gone=1)
        client.stop()


@scenario("grpcio server: the cancellation of our caller reaches it")
def grpcio_server(see):
    foreign = grpcio_peer.Server(STORE, busy)
    with catalog_over(foreign.address) as ours, ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        began = time.monotonic()
        result = client.call("Search", LONG, cancel_after=0.1)
        see.client(str(result))
        arrived = wait_for(lambda: foreign.arrived and foreign.arrived[0].ended_as and foreign.arrived[0], "an end of the call")
        see.server(f"store (grpcio): {arrived}, {milliseconds(arrived.ended_at - began - result.took)} after the client had left")
        see.check(arrived.ended_as == "canceled", "the handler to be told")
        counted.exactly(client_gone=1)
        client.close()
    foreign.stop()


@scenario("grpc-js server: the cancellation of our caller reaches it")
def grpc_js_server(see):
    foreign = node_peer.grpc_js_server(STORE, "work_ms")
    with catalog_over(foreign.first["address"]) as ours, ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        result = client.call("Search", LONG, cancel_after=0.1)
        see.client(str(result))
        ended = wait_for(lambda: next((e for e in foreign.events if e["event"] in ("cancelled", "finished")), None), "an end of it")
        see.server(f"store (grpc-js): {ended['event']} after {ended['ms']:.0f} ms")
        see.check(ended["event"] == "cancelled" and ended["ms"] < 2000, "the handler to be told")
        counted.exactly(client_gone=1)
        client.close()
    foreign.stop()


@scenario("raw HTTP/2 server: what our client sends when its caller has left")
def raw_server(see):
    foreign = RawServer()
    with catalog_over(foreign.address) as ours, ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        see.client(str(client.call("Search", LONG, cancel_after=0.1)))
        stream = wait_for(lambda: next((s for s in foreign.streams if s.reset is not None), None), "a reset")
        see.server(f"store (raw): {stream}")
        see.check(stream.reset == 8, "RST_STREAM with CANCEL")
        counted.exactly(client_gone=1)
        client.close()
    foreign.stop()


@scenario("raw HTTP/2 client: RST_STREAM with each code is a cancellation")
def each_code(see):
    ours = services()
    names = (
        "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR "
        "REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
    ).split()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        connection = Raw(ours.catalog)
        for code, _ in enumerate(names):
            stream = connection.open(protocol.path(CATALOG, "Search"))
            connection.message(stream, protocol.request(CATALOG, "Search", **LONG), end=True)
            ours.working("store", 1)
            connection.reset(stream, code)
            ours.working("store", 0)
        see.client(f"RST_STREAM {' '.join(names)}, one after the other on one connection")
        counted.exactly(client_gone=len(names))
        stored.exactly(client_gone=len(names))
        connection.close()


@scenario("raw HTTP/2 client: a lost connection cancels all that came over it")
def lost_connection(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        connection = Raw(ours.catalog)
        for _ in range(5):
            stream = connection.open(protocol.path(CATALOG, "Search"))
            connection.message(stream, protocol.request(CATALOG, "Search", **LONG), end=True)
        ours.working("store", 5)
        connection.close()
        see.client("five searches on one connection, then FIN")
        counted.exactly(client_gone=5)
        stored.exactly(client_gone=5)


@scenario("raw HTTP/2 client: a half-close and silence is no cancellation")
def half_close(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        connection = Raw(ours.catalog)
        stream = connection.open(protocol.path(CATALOG, "Search"))
        connection.message(stream, protocol.request(CATALOG, "Search", query="a", work_ms=300), end=True)
        quiet = connection.silent(0.2)
        answer = connection.answer(stream)
        see.client(f"END_STREAM, silence: {'nothing' if quiet else 'something'} for 200 ms, then {answer}")
        see.check(quiet and answer.status == 0 and answer.body, "an answer in full")
        counted.exactly(finished=1)
        stored.exactly(finished=1)
        connection.close()


@scenario("a cancel at 100 ms reaches SQLite, three processes away")
def reaches_sqlite(see):
    ours = fresh()
    left = {}
    for number in range(1, 21):
        with connected(ours) as connection:
            connection.sendall(f"GET /search?q=a&work_ms=5000&id={number} HTTP/1.1\r\nhost: gateway\r\n\r\n".encode())
            ours.working("store", 1)
            time.sleep(0.1)
            # The demo's processes count from the wall clock as well.
            left[number] = time.time()
        ours.working("store", 0)
    works = ours.finish()
    for role in ("gateway", "catalog", "store"):
        late = sorted((work["ended"] / 1e6 - left[work["id"]]) * 1000 for work in works[role])
        see.server(f"{role}: {len(late)} pieces of work, ended {late[0]:.1f} to {late[-1]:.1f} ms after the client left, median {statistics.median(late):.1f}")
        see.check(len(late) == len(left), "every request to be written down")
        see.check(statistics.median(late) < 50, "the end within 50 ms")
    see.client(f"{len(left)} searches of 5 s over HTTP/1, each left by FIN after 100 ms")
    ends = {work["end"] for work in works["store"]}
    see.server(f"store: {ends}")


@scenario("grpcio client: our server shuts down under it")
def shutdown(see):
    ours = fresh()
    client = grpcio_peer.Client(ours.catalog, CATALOG)
    call = client.stub("Search").future(protocol.request(CATALOG, "Search", request_id=1, **LONG))
    ours.working("store", 1)
    began = time.monotonic()
    works = ours.finish()
    result = grpcio_peer.Result(call.code(), call.details(), time.monotonic() - began, call)
    see.client(f"{result.code} '{result.details}'")
    for role in ("catalog", "store"):
        see.server(f"{role}: the search ended with {works[role][0]['end']!r}")
    see.check(result.code == "UNAVAILABLE", "UNAVAILABLE: it may be sent elsewhere")
    see.check("shutting down" in works["catalog"][0]["end"], "its cause to be the shutdown")
    client.close()
