"""grpc-js and connect-node, each in a process of its own that takes commands as lines of JSON."""

import itertools
import json
import threading

import protocol
from harness import HERE, LIMIT, Failed, Process, wait_for

CODES = dict(
    enumerate(
        "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED "
        "FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED".split()
    )
)


class Node:
    """A Node peer. What it says by itself is in `events`; what it answers to a command is returned by `ask`."""

    def __init__(self, script, *arguments):
        self.process = Process(["node", str(HERE / "node" / script), *map(str, arguments)])
        self.numbers = itertools.count(1)
        self.answers, self.events = {}, []
        _, first = self.process.line()
        self.first = json.loads(first)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while True:
                at, line = self.process.line(limit=3600)
                said = json.loads(line)
                said["at"] = at
                if "id" in said:
                    self.answers[said["id"]] = said
                else:
                    self.events.append(said)
        except Failed:
            pass  # The process has ended.

    def begin(self, **command):
        number = next(self.numbers)
        self.process.say(json.dumps({"id": number, **command}))
        return number

    def answer(self, number, limit=LIMIT):
        answer = wait_for(lambda: self.answers.pop(number, None), "an answer of the Node peer", limit)
        if "broken" in answer:
            raise Failed(f"the Node peer to work: {answer['broken']}")
        if "code" in answer:
            answer["code"] = CODES[answer["code"]]
        return answer

    def ask(self, limit=LIMIT, **command):
        return self.answer(self.begin(**command), limit)

    def stop(self):
        self.process.stop()


def grpc_js_client():
    return Node("grpc_client.mjs", protocol.FOLDER)


def grpc_js_server(service, busy_field):
    """A grpc-js server; `first["address"]` is where it listens."""
    return Node("grpc_server.mjs", protocol.FOLDER, service, busy_field)


def connect_client():
    return Node("connect_client.mjs", protocol.DESCRIPTORS)


def connected(peer, address, service, **more):
    """A client that has its connection to that address already: an early abort then finds a call that has been sent."""
    request = {"query": "a", "work_ms": 1}
    answer = peer.ask(address=address, service=service, method="Search", request=request, **more)
    if answer["code"] != "OK":
        raise Failed(f"a first search to go well: {said(answer)}")
    return peer


def said(answer):
    """An answer, for people."""
    details = answer.get("details")
    return f"{answer['code']} after {answer['ms']:.0f} ms" + (f" '{details}'" if details else "")
