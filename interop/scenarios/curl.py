"""curl over HTTP/1 and HTTP/2 against the gateway: its own limit, our headers, and what both sides make of them."""

from curl import Curl
from demo import LATE, services
from harness import scenario

VERSIONS = [("HTTP/1.1", "--http1.1"), ("HTTP/2", "--http2-prior-knowledge")]


def search(ours, *options, work_ms=5000):
    return Curl(f"http://{ours.http}/search?q=a&work_ms={work_ms}", *options)


@scenario("curl, HTTP/1.1 and HTTP/2: its --max-time is a disconnect")
def max_time(see):
    ours = services()
    for name, version in VERSIONS:
        with ours.counted("gateway", see) as counted, ours.counted("store", see) as stored:
            result = search(ours, version, "--max-time", "0.3")
            see.client(f"{name}, {result}")
            see.check(result.exit == 28 and result.status == 0, "no answer, and exit code 28")
            counted.exactly(client_gone=1)
            stored.exactly(client_gone=1)


@scenario("curl, HTTP/1.1 and HTTP/2: each header that gives a time ends it with 504")
def headers(see):
    ours = services()
    for name, version in VERSIONS:
        with ours.counted("gateway", see) as counted:
            given = ["x-request-timeout-ms: 200", "grpc-timeout: 200m", "connect-timeout-ms: 200", "request-timeout: 1", "prefer: wait=1"]
            for header in given:
                result = search(ours, version, "-H", header)
                see.client(f"{name}, {result}")
                see.check(result.exit == 0 and result.status == 504, "504, and exit code 0")
                see.check(result.took < 3, "the answer at the deadline")
            counted.ended(len(given), *LATE)


@scenario("curl, HTTP/1.1 and HTTP/2: of several times the least holds")
def least(see):
    ours = services()
    for name, version in VERSIONS:
        result = search(ours, version, "-H", "x-request-timeout-ms: 20000", "-H", "grpc-timeout: 200m", "-H", "connect-timeout-ms: 9000")
        see.client(f"{name}, {result}")
        see.check(result.status == 504 and result.took < 3, "504 after 200 ms")
    see.server(f"gateway: {ours.counts('gateway')['live']} live")


@scenario("curl, HTTP/1.1 and HTTP/2: malformed and endless times")
def malformed(see):
    ours = services()
    for name, version in VERSIONS:
        with ours.counted("gateway", see):
            for text in ["abc", "-5", "1.5", "200ms", "9" * 100]:
                result = search(ours, version, "-H", f"x-request-timeout-ms: {text}", work_ms=50)
                see.client(f"{name}, {text[:12]}: {result.status} '{result.body.strip()[:70]}'")
                see.check(result.status == 400, "400")
            for text in ["1", "2147483647"]:
                result = search(ours, version, "-H", f"x-request-timeout-ms: {text}", work_ms=50)
                see.client(f"{name}, {result}")
                see.check(result.status == (504 if text == "1" else 200), "504 for a millisecond, 200 for 24.8 days")


@scenario("curl, HTTP/1.1 and HTTP/2: in time, and HEAD")
def in_time(see):
    ours = services()
    for name, version in VERSIONS:
        with ours.counted("gateway", see) as counted:
            result = search(ours, version, "-H", "x-request-timeout-ms: 5000", work_ms=50)
            see.client(f"{name}, {result}")
            see.check(result.status == 200, "200")
            result = search(ours, version, "--head", work_ms=50)
            see.client(f"{name}, {result.options}: {result.status}, exit code {result.exit}")
            see.check(result.status == 200, "200")
            counted.exactly(finished=2)


@scenario("curl, HTTP/1.1 and HTTP/2: a stream whose time is up is seen to be cut")
def cut(see):
    ours = services()
    # Exit code 18 is a transfer that ended too early, 92 a stream of HTTP/2 that did not end well.
    for (name, version), code in zip(VERSIONS, (18, 92), strict=True):
        with ours.counted("gateway", see) as counted, ours.counted("store", see) as stored:
            result = Curl(f"http://{ours.http}/watch?q=a&work_ms=5000", version, "-H", "x-request-timeout-ms: 400")
            see.client(f"{name}: {result.status}, {len(result.body.splitlines())} lines, exit code {result.exit} after {result.took:.1f} s")
            see.check(result.status == 200 and result.exit == code, f"200 and some lines, then exit code {code}")
            counted.ended(1, *LATE)
            stored.ended(1, *LATE, "client_gone")
