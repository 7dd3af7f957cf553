"""What a client may write into grpc-timeout, also what none should: what our server makes of it."""

from demo import CATALOG, LATE, services
from harness import milliseconds, scenario
from raw import Raw

import protocol
import time

# Text, and what comes back for a search of 400 ms: 0 where there is time for it, 4 where there is not, 13 where it is refused.
GOOD = [
    ("200m", 4),
    ("200000u", 4),
    ("99999999n", 4),
    ("0n", 4),
    ("0S", 4),
    ("1n", 4),
    ("1S", 0),
    ("00000009S", 0),
    ("1M", 0),
    ("1H", 0),
    ("596H", 0),
    ("597H", 0),
    ("27000H", 0),
    ("99999999H", 0),
]
BAD = [
    "",
    "5",
    "S",
    "100X",
    "100s",
    "1e2m",
    "-5m",
    "+5m",
    "1.5S",
    "100 m",
    "000000100m",
    "123456789m",
    "12345678901234m",
    "99999999999999999999999999m",
    "0x10m",
    "\u0664m",
    "5m,6m",
    "9" * 4000 + "m",
]


def search(connection, headers, work_ms=400):
    stream = connection.open(protocol.path(CATALOG, "Search"), headers)
    connection.message(stream, protocol.request(CATALOG, "Search", query="a", work_ms=work_ms), end=True)
    began = time.monotonic()
    answer = connection.answer(stream)
    return answer, answer.at - began


def short(text):
    return repr(text if len(text) < 40 else f"{text[:10]}... ({len(text)} characters)")


@scenario("raw HTTP/2: every form of grpc-timeout that is one")
def good(see):
    ours = services()
    connection = Raw(ours.catalog)
    with ours.counted("catalog", see) as counted:
        for text, expected in GOOD:
            answer, took = search(connection, [("grpc-timeout", text)])
            see.client(f"{short(text)}: {answer} after {milliseconds(took)}")
            see.check(answer.status == expected, f"status {expected} for {text!r}")
        counted.ended(len(GOOD), *LATE)
    connection.close()


@scenario("raw HTTP/2: malformed grpc-timeout is refused")
def bad(see):
    ours = services()
    connection = Raw(ours.catalog)
    with ours.counted("catalog", see) as counted:
        for text in BAD:
            answer, took = search(connection, [("grpc-timeout", text.encode())])
            see.client(f"{short(text)}: {answer} after {milliseconds(took)}")
            see.check(answer.status == 13 and answer.trailers_only, f"trailers-only status 13 for {text!r}")
            see.check(took < 0.4, "no work for it")
        answer, _ = search(connection, [])
        see.client(f"none at all: {answer}")
        see.check(answer.status == 0, "the connection to serve the next request")
        counted.exactly(finished=1, refused=len(BAD))
    connection.close()


@scenario("raw HTTP/2: two grpc-timeout headers")
def twice(see):
    ours = services()
    connection = Raw(ours.catalog)
    with ours.counted("catalog", see):
        for first, second in [("100m", "10S"), ("10S", "100m")]:
            answer, took = search(connection, [("grpc-timeout", first), ("grpc-timeout", second)])
            see.client(f"{first!r} then {second!r}: {answer} after {milliseconds(took)}")
            see.check(answer.status in (4, 13), "the smaller to hold, or both to be refused, and never the larger to win")
        answer, _ = search(connection, [("grpc-timeout", "10S"), ("grpc-timeout", "nonsense")])
        see.client(f"'10S' then 'nonsense': {answer}")
        see.check(answer.status == 13, "status 13: one of them is malformed")
    connection.close()
