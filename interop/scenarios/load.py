"""Many callers, most of whom leave at some random moment: afterwards nothing is left of them."""

import asyncio
import random
import time

import grpcio_peer
import protocol
from demo import CATALOG, fresh, services
from harness import scenario, wait_for
from raw import Raw

ROLES = ("gateway", "catalog", "store")
REQUESTS = 2000
FIRST_WAVES, WAVES = 4, 3
# Same aborts at every run: what differs is the scheduling.
SEED = 20


async def over_http(address, dice):
    """A search over HTTP/1 that is given up after a random time."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        path = f"/search?q=a&work_ms={dice.randrange(1, 200)}"
        limit = dice.choice(["", "x-request-timeout-ms: 100\r\n", "x-request-timeout-ms: 5000\r\n"])
        writer.write(f"GET {path} HTTP/1.1\r\nhost: gateway\r\n{limit}connection: close\r\n\r\n".encode())
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), dice.uniform(0.001, 1.0))
        return f"HTTP {answer.split()[1].decode()}" if answer else "closed"
    except (TimeoutError, asyncio.TimeoutError):
        return "hung up"
    except OSError:
        return "closed"
    finally:
        writer.close()


async def all_over_http(address, count, dice):
    return await asyncio.gather(*(over_http(address, random.Random(dice.random())) for _ in range(count)))


def over_grpc(client, count, dice):
    """Searches through grpcio at once, each given up after a random time or with a random deadline."""
    stub, calls = client.stub("Search"), []
    for _ in range(count):
        request = protocol.request(CATALOG, "Search", query="a", work_ms=dice.randrange(1, 200))
        calls.append(stub.future(request, timeout=dice.choice([None, 0.1, 0.5, 5])))
    order = list(calls)
    dice.shuffle(order)
    for call in order[: count // 2]:
        time.sleep(dice.uniform(0, 0.002))
        call.cancel()
    return [call.code().name for call in calls]


def wave(ours, client, dice):
    answers = {}
    with_http = asyncio.run(all_over_http(ours.http, REQUESTS // 2, dice))
    for answer in with_http + over_grpc(client, REQUESTS // 2, dice):
        answers[answer] = answers.get(answer, 0) + 1
    return answers


def rest(ours):
    """Waits until nothing of any request is left, and gives what each process then holds."""

    def at_rest():
        counts = [ours.counts(role) for role in ROLES]
        return all(count["live"] == 0 and count["contexts"] == 0 and count["timers"] == 0 for count in counts) and counts

    counts = wait_for(at_rest, "no live context, nothing derived, no timer in any process", 30)
    return {role: (*ours.memory(role), count["tasks"]) for role, count in zip(ROLES, counts, strict=True)}


@scenario("2,000 requests with random aborts: nothing is left of them")
def aborts(see):
    ours, dice = fresh(), random.Random(SEED)
    client = grpcio_peer.Client(ours.catalog, CATALOG)
    # The first waves fill pools and caches, and the allocator's arenas.
    for _ in range(FIRST_WAVES):
        wave(ours, client, dice)
        before = rest(ours)
    for number in range(1, WAVES + 1):
        began = time.monotonic()
        answers = wave(ours, client, dice)
        see.client(f"wave {number}: {dict(sorted(answers.items()))} in {time.monotonic() - began:.1f} s")
        after = rest(ours)
    client.close()
    for role in ROLES:
        counts = ours.counts(role)
        (kib, threads, tasks), (kib_then, threads_then, tasks_then) = after[role], before[role]
        see.server(
            f"{role}: {counts}; memory {kib_then} -> {kib} KiB, threads {threads_then} -> {threads}, tasks {tasks_then} -> {tasks}"
        )
        see.check(kib < kib_then * 1.15 + 2048, f"memory of {role} not to grow")
        see.check(threads <= threads_then + 8, f"threads of {role} not to grow")
        # Connections have tasks; requests have none left.
        see.check(tasks <= tasks_then + 8, f"tasks of {role} not to grow")
    ours.finish()


@scenario("raw HTTP/2 client: 1,000 searches that are reset as soon as they are sent")
def rapid_reset(see):
    ours = services()
    with ours.counted("catalog", see) as counted, ours.counted("store", see):
        connection = Raw(ours.catalog)
        request = protocol.request(CATALOG, "Search", query="a", work_ms=5000)
        for _ in range(1000):
            stream = connection.open(protocol.path(CATALOG, "Search"))
            connection.message(stream, request, end=True)
            connection.reset(stream, 8)
        stream = connection.open(protocol.path(CATALOG, "Search"))
        connection.message(stream, protocol.request(CATALOG, "Search", query="a", work_ms=1), end=True)
        answer = connection.answer(stream)
        see.client(f"then one that is not: {answer}")
        see.check(answer.status == 0, "the connection to serve it")
        counted.wait(lambda now: now["finished"] >= 1, "the last one")
        # A stream that is reset before it was looked at never becomes a request.
        now = counted.now()
        see.check(now["finished"] == 1 and now["client_gone"] == sum(now.values()) - 1, "all others to be gone")
        connection.close()
