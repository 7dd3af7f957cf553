"""Deadlines of a day and of a month, in both directions. Node's timers hold 24.8 days: beyond, they fire at once."""

import grpcio_peer
import node_peer
import protocol
from demo import CATALOG, STORE, busy, catalog_over, services
from harness import scenario, wait_for
from raw import Raw, RawServer

DAY, MONTH = 86_400, 31 * 86_400
QUICK = {"query": "a", "work_ms": 100}
MOST_SECONDS = (2**31 - 1) / 1000


def unit_seconds(text):
    return int(text[:-1]) * {"H": 3600, "M": 60, "S": 1, "m": 1e-3, "u": 1e-6, "n": 1e-9}[text[-1]]


@scenario("grpcio, grpc-js and connect-node clients: a day and a month")
def clients(see):
    ours = services()
    with ours.counted("catalog", see) as counted:
        client = grpcio_peer.Client(ours.catalog, CATALOG)
        js, connect = node_peer.grpc_js_client(), node_peer.connect_client()
        for name, seconds in [("a day", DAY), ("a month", MONTH)]:
            result = client.call("Search", QUICK, timeout=seconds)
            see.client(f"grpcio, {name}: {result}")
            see.check(result.code == "OK", "OK")
            answer = js.ask(address=ours.catalog, service=CATALOG, method="Search", request=QUICK, timeout_ms=seconds * 1000)
            see.client(f"grpc-js, {name}: {node_peer.said(answer)}")
            see.check(answer["code"] == "OK", "OK")
        # A month is more than Node's timers hold, and connect-node aborts at once by itself.
        ask = dict(address=ours.catalog, protocol="grpc", service=CATALOG, method="Search", request=QUICK)
        answer = connect.ask(timeout_ms=DAY * 1000, **ask)
        see.client(f"connect-node, a day: {node_peer.said(answer)}")
        see.check(answer["code"] == "OK", "OK")
        # Nine digits, which no grpc-timeout may have: gRPC's own servers disagree on it, and ours refuses it.
        answer = connect.ask(timeout_ms=7 * DAY * 1000, **ask)
        see.client(f"connect-node, a week, sent as {7 * DAY * 1000}m: {node_peer.said(answer)}")
        see.check(answer["code"] == "INTERNAL", "INTERNAL")
        answer = connect.ask(timeout_ms=MONTH * 1000, **ask)
        see.client(f"connect-node, a month, by its own timer: {node_peer.said(answer)}")
        counted.at_least(finished=5, refused=1)
        client.close()
        js.stop()
        connect.stop()


@scenario("grpcio, grpc-js and raw servers: a day and a month, through ours")
def servers(see):
    grpcio, js, raw = grpcio_peer.Server(STORE, busy), node_peer.grpc_js_server(STORE, "work_ms"), RawServer()
    for name, seconds in [("a day", DAY), ("a month", MONTH)]:
        for peer, address in [("grpcio", grpcio.address), ("grpc-js", js.first["address"])]:
            with catalog_over(address) as ours, ours.counted("catalog", see) as counted:
                client = grpcio_peer.Client(ours.catalog, CATALOG)
                result = client.call("Search", QUICK, timeout=seconds)
                see.client(f"{name}, {peer} behind ours: {result}")
                see.check(result.code == "OK", "OK")
                counted.exactly(finished=1)
                client.close()
    for name, seconds in [("a day", DAY), ("a month", MONTH)]:
        with catalog_over(raw.address) as ours, ours.counted("catalog", see):
            connection = Raw(ours.catalog)
            before = len(raw.streams)
            stream = connection.open(protocol.path(CATALOG, "Search"), [("grpc-timeout", f"{seconds}S")])
            connection.message(stream, protocol.request(CATALOG, "Search", **QUICK), end=True)
            text = wait_for(lambda: raw.streams[before:], "the call to the store")[0].header("grpc-timeout")
            connection.reset(stream, 8)
            see.client(f"{name} as grpc-timeout {seconds}S")
            see.server(f"store (raw): grpc-timeout {text}, which is {unit_seconds(text) / DAY:.3f} days")
            see.check(0 < unit_seconds(text) <= MOST_SECONDS, "at most 2^31-1 ms")
            see.check(unit_seconds(text) <= seconds, "no more than was given")
            connection.close()
    for arrived in grpcio.arrived:
        see.server(f"store (grpcio): {arrived}")
    for event in js.events:
        if event["event"] == "began":
            see.server(f"store (grpc-js): {event['left']:.0f} ms left")
        see.check(event["event"] != "cancelled", "no call to be canceled")
    grpcio.stop()
    js.stop()
    raw.stop()
