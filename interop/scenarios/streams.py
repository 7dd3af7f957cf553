"""Streams that are cut in the middle: what was not finished counts for nothing, and what it held is let go."""

import time

import grpcio_peer
import node_peer
import protocol
from demo import CATALOG, LATE, STORE, busy, catalog_over, services, unique
from harness import milliseconds, scenario, wait_for
from raw import Raw, RawServer

LONG = {"query": "a", "work_ms": 5000}


def upload(connection, title, count):
    """Opens an upload and sends items of it, but not its end."""
    stream = connection.open(protocol.path(CATALOG, "Import"))
    for _ in range(count):
        connection.message(stream, protocol.request(CATALOG, "Import", title=title))
    return stream


@scenario("raw HTTP/2 client: an upload that ends is stored")
def whole_upload(see):
    ours, title = services(), unique("whole")
    with ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        stream = upload(connection, title, 3)
        connection.message(stream, protocol.request(CATALOG, "Import", title=title, last=True), end=True)
        answer = connection.answer(stream)
        see.client(f"four items and the end: {answer}")
        see.check(answer.status == 0, "status 0")
        see.server(f"store: {ours.rows(title)} rows of it in SQLite")
        see.check(ours.rows(title) == 4, "all four rows")
        counted.exactly(finished=1)
        connection.close()


@scenario("raw HTTP/2 client: an upload cut by RST_STREAM leaves nothing")
def reset_upload(see):
    ours, title = services(), unique("reset")
    with ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        for code in (0, 2, 8):
            stream = upload(connection, title, 3)
            ours.working("catalog", 1)
            connection.reset(stream, code)
            ours.working("catalog", 0)
        see.client("three items, then RST_STREAM with 0, with 2 and with 8")
        counted.exactly(client_gone=3)
        nothing_stored(see, ours, title)
        connection.close()


@scenario("raw HTTP/2 client: an upload cut by a lost connection leaves nothing")
def lost_upload(see):
    ours, title = services(), unique("lost")
    with ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        upload(connection, title, 3)
        ours.working("catalog", 1)
        connection.close()
        see.client("three items, then FIN")
        counted.exactly(client_gone=1)
        nothing_stored(see, ours, title)


@scenario("raw HTTP/2 client: an upload that stalls ends with its deadline and leaves nothing")
def stalled_upload(see):
    ours, title = services(), unique("stalled")
    with ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        stream = connection.open(protocol.path(CATALOG, "Import"), [("grpc-timeout", "200m")])
        connection.message(stream, protocol.request(CATALOG, "Import", title=title))
        began = time.monotonic()
        answer = connection.answer(stream)
        see.client(f"one item and silence: {answer} after {milliseconds(answer.at - began)}")
        see.check(answer.status == 4, "status 4")
        counted.ended(1, *LATE)
        nothing_stored(see, ours, title)
        connection.close()


def nothing_stored(see, ours, title):
    # Whoever wrongly stores it does so within a moment.
    time.sleep(0.1)
    rows = ours.rows(title)
    see.server(f"store: {rows} rows of it in SQLite")
    see.check(rows == 0, "no row of a cut upload")


@scenario("raw HTTP/2 client: an upload that ends before its last item is refused")
def half_upload(see):
    ours, title = services(), unique("half")
    with ours.counted("catalog", see):
        connection = Raw(ours.catalog)
        stream = upload(connection, title, 3)
        connection.end(stream)
        answer = connection.answer(stream)
        see.client(f"three items and END_STREAM, as Node's HTTP/2 sends it before RST_STREAM: {answer}")
        see.check(answer.status not in (0, None), "a status that is not 0")
        nothing_stored(see, ours, title)
        connection.close()


def cut_upload(see, peer, ask):
    ours, title = services(), unique("cut")
    with ours.counted("catalog", see):
        answer = ask(peer, ours.catalog, [{"title": title}] * 3)
        see.client(f"three items, then canceled: {node_peer.said(answer)}")
        see.check(answer["code"] == "CANCELLED", "CANCELLED")
        nothing_stored(see, ours, title)
    peer.stop()


@scenario("grpc-js client: a canceled upload leaves nothing")
def grpc_js_upload(see):
    cut_upload(
        see,
        node_peer.grpc_js_client(),
        lambda peer, address, items: peer.ask(address=address, service=CATALOG, method="Import", requests=items, cancel_ms=100),
    )


@scenario("connect-node client over gRPC: an aborted upload leaves nothing")
def connect_upload(see):
    cut_upload(
        see,
        node_peer.connect_client(),
        lambda peer, address, items: peer.ask(
            address=address, protocol="grpc", service=CATALOG, method="Import", requests=items, cancel_ms=100
        ),
    )


@scenario("grpcio client: a canceled upload leaves nothing")
def grpcio_upload(see):
    ours, title = services(), unique("grpcio")
    with ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        calls = []

        def items():
            for _ in range(3):
                yield protocol.request(CATALOG, "Import", title=title)
            ours.working("catalog", 1)
            calls[0].cancel()

        calls.append(client.stub("Import").future(items()))
        code = wait_for(lambda: calls[0].done() and calls[0].code(), "an end of the call").name
        see.client(f"three items, then canceled: {code}")
        see.check(code == "CANCELLED", "CANCELLED")
        counted.exactly(client_gone=1)
        nothing_stored(see, ours, title)
        client.close()


@scenario("raw HTTP/2 server: what our client sends of an upload whose caller has left")
def our_upload(see):
    foreign = RawServer()
    with catalog_over(foreign.address) as ours, ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        stream = upload(connection, "a", 2)
        connection.message(stream, protocol.request(CATALOG, "Import", title="a", last=True), end=True)
        wait_for(lambda: foreign.streams, "the call to the store")
        connection.reset(stream, 8)
        see.client("three items and the end, then RST_STREAM while the store is at it")
        wait_for(lambda: foreign.streams[0].reset is not None, "a reset")
        see.server(f"store (raw): {foreign.streams[0]}")
        see.check(foreign.streams[0].reset == 8, "RST_STREAM with CANCEL")
        counted.exactly(client_gone=1)
        connection.close()
    foreign.stop()


@scenario("raw HTTP/2 client: a stream of answers whose time is up ends with trailers")
def watched_too_long(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        connection = Raw(ours.catalog)
        began = time.monotonic()
        stream = connection.open(protocol.path(CATALOG, "Watch"), [("grpc-timeout", "300m")])
        connection.message(stream, protocol.request(CATALOG, "Watch", **LONG), end=True)
        answer = connection.answer(stream)
        see.client(f"{answer} after {milliseconds(answer.at - began)}")
        see.check(answer.body and answer.trailers.get("grpc-status") == "4", "some events, then trailers with status 4")
        see.check(0.3 <= answer.at - began < 2, "the end at the deadline, not before it")
        counted.ended(1, *LATE)
        stored.ended(1, *LATE, "client_gone")
        connection.close()


@scenario("grpcio, grpc-js and connect-node clients: leaving a stream of answers stops it")
def watched_and_left(see):
    ours = services()
    others = [
        ("grpc-js", node_peer.connected(node_peer.grpc_js_client(), ours.catalog, CATALOG), {}),
        ("connect-node", node_peer.connected(node_peer.connect_client(), ours.catalog, CATALOG, protocol="grpc"), {"protocol": "grpc"}),
    ]
    ours.at_rest()
    with ours.counted("catalog", see) as counted, ours.counted("store", see) as stored:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        events = client.stub("Watch")(protocol.request(CATALOG, "Watch", **LONG))
        first = next(events)
        events.cancel()
        see.client(f"grpcio: canceled after the first event, which had read {first.rows} rows")
        client.close()
        for name, peer, more in others:
            answer = peer.ask(address=ours.catalog, service=CATALOG, method="Watch", request=LONG, cancel_ms=300, **more)
            see.client(f"{name}: {len(answer['got'])} events, then {node_peer.said(answer)}")
            see.check(answer["code"] == "CANCELLED" and answer["got"], "events, then CANCELLED")
            peer.stop()
        counted.exactly(client_gone=3)
        stored.exactly(client_gone=3)


@scenario("grpcio server: it dies in the middle of a stream, and our caller is told")
def server_dies(see):
    foreign = grpcio_peer.Server(STORE, busy)
    with catalog_over(foreign.address) as ours, ours.counted("catalog", see) as counted:
        connection = Raw(ours.catalog)
        stream = connection.open(protocol.path(CATALOG, "Watch"), [("grpc-timeout", "10S")])
        connection.message(stream, protocol.request(CATALOG, "Watch", **LONG), end=True)
        wait_for(lambda: foreign.arrived, "the call to the store")
        foreign.stop()
        answer = connection.answer(stream)
        see.client(f"{answer}")
        see.server(f"store (grpcio): {foreign.arrived[0]}")
        see.check(answer.status not in (0, None), "a status that is not 0")
        counted.exactly(finished=1)
        connection.close()
