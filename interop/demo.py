"""Our side: the demo's processes, each started by itself, and what they say of their contexts."""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import sqlite3
import tempfile
import urllib.request

from harness import ROOT, Failed, Process, wait_for

PROGRAM = os.environ.get("PURVIEW_DEMO", str(ROOT / "target" / "release" / "purview-demo"))
CATALOG, STORE = "purview.demo.v1.Catalog", "purview.demo.v1.Store"
ENDS = ("finished", "deadline", "client_gone", "shutdown", "panicked", "refused")
# How a request ends whose time is up: by the layer, or by its handler, which may hear of it from below a moment before.
LATE = ("deadline", "finished")
_NUMBERS = itertools.count(1)
# What the harness asks of loopback goes through no proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def busy(request):
    """How long a foreign store works on a request, in seconds."""
    return getattr(request, "work_ms", 0) / 1000


def unique(word):
    return f"{word}-{os.getpid()}-{next(_NUMBERS)}"


class Services:
    """Processes of ours by role. `gateway` calls `catalog` calls `store`; what is not ours is not in here."""

    def __init__(self):
        self.processes, self.addresses = {}, {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="purview-interop-"))

    def start(self, role, following=None):
        """Starts one that calls the address `following`, and returns its own."""
        arguments = [PROGRAM, "process", role] + ([] if following is None else ["--next", following])
        # The store makes its database in here, where we find it.
        process = Process(arguments, env={**os.environ, "TMPDIR": str(self.folder)})
        _, line = process.line()
        word, address = line.split()
        if word != "listening":
            raise Failed(f"{role} to say where it listens, not {line!r}")
        self.processes[role], self.addresses[role] = process, address
        return address

    @property
    def http(self):
        return self.addresses["gateway"]

    @property
    def catalog(self):
        return self.addresses["catalog"]

    @property
    def store(self):
        return self.addresses["store"]

    def counts(self, role):
        with _OPENER.open(f"http://{self.addresses[role]}/debug/contexts", timeout=10) as answer:
            return json.load(answer)

    def working(self, role, count):
        """Waits until that many requests are live there."""
        wait_for(lambda: self.counts(role)["live"] == count, f"{count} live requests in {role}")

    def at_rest(self):
        for role in self.processes:
            self.working(role, 0)

    def counted(self, role, see):
        return Counted(self, role, see)

    def memory(self, role):
        """Resident memory in KiB, and threads."""
        status = pathlib.Path(f"/proc/{self.processes[role].child.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["VmRSS"].split()[0]), int(fields["Threads"])

    def rows(self, title):
        """How many rows with that title SQLite has, asked behind the store's back."""
        (file,) = self.folder.glob("**/catalog.sqlite")
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
        try:
            return database.execute("select count(*) from items where title = ?", (title,)).fetchone()[0]
        finally:
            database.close()

    def finish(self):
        """Ends all by ending their input, and returns what each wrote down of the requests that had a number."""
        works = {}
        for role in ("gateway", "catalog", "store"):
            process = self.processes.pop(role, None)
            if process is not None:
                process.child.stdin.close()
                works[role] = json.loads(process.line(limit=40)[1])
                code = process.child.wait(10)
                process.stop()
                if code != 0:
                    raise Failed(f"{role} to end well, not with {code}: {list(process.complaints)}")
        shutil.rmtree(self.folder, ignore_errors=True)
        return works


    def abandon(self):
        """Ends all, whatever they do."""
        for process in self.processes.values():
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Counted:
    """What a process counted while the block ran. It checks at the end that nothing is live any more."""

    def __init__(self, services, role, see):
        self.services, self.role, self.see = services, role, see

    def __enter__(self):
        self.before = self.services.counts(self.role)
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            wait_for(lambda: self.services.counts(self.role)["live"] == 0, f"no live context in {self.role}")
        # Whatever failed in the block is what counts, and not that a process of ours is gone.
        with contextlib.suppress(OSError if kind else ()):
            self.see.server(f"{self.role}: {self.told()}")

    def now(self):
        now = self.services.counts(self.role)
        return {end: now.get(end, 0) - self.before.get(end, 0) for end in ENDS}

    def told(self):
        grown = [f"{count} {end.replace('_', ' ')}" for end, count in self.now().items() if count]
        return ", ".join(grown) + f", {self.services.counts(self.role)['live']} live"

    def wait(self, holds, what):
        wait_for(lambda: holds(self.now()), lambda: f"{self.role} to count {what}, counted {self.now()}")

    def exactly(self, **ends):
        """Waits until it counted this many of these, and checks that it counted nothing else."""
        self.wait(lambda now: all(now[end] >= count for end, count in ends.items()), ends)
        now = self.now()
        expected = {end: ends.get(end, 0) for end in ENDS}
        if now != expected:
            raise Failed(f"{self.role} to count {expected}, not {now}")

    def at_least(self, **ends):
        self.wait(lambda now: all(now[end] >= count for end, count in ends.items()), f"at least {ends}")

    def ended(self, total, *ways):
        """Waits until this many ended in one of these ways: for races that either side may win."""
        self.wait(lambda now: sum(now[way] for way in ways) >= total, f"{total} of {ways}")
        now = self.now()
        if sum(now.values()) != total:
            raise Failed(f"{self.role} to count {total} of {ways} and nothing else, not {now}")


_SHARED = None


def services():
    """All three, started once for all scenarios that leave them as they were."""
    global _SHARED
    if _SHARED is None:
        _SHARED = fresh()
    return _SHARED


def fresh():
    """All three, just started."""
    ours = Services()
    ours.start("gateway", ours.start("catalog", ours.start("store")))
    return ours


@contextlib.contextmanager
def _while_used(ours):
    try:
        yield ours
    except BaseException:
        ours.abandon()
        raise
    ours.finish()


def catalog_over(store):
    """Our catalog, that calls a foreign store, for as long as the block runs."""
    ours = Services()
    ours.start("catalog", store)
    return _while_used(ours)


def gateway_and_catalog_over(store):
    """Our gateway and catalog, the latter of which calls a foreign store, for as long as the block runs."""
    ours = Services()
    ours.start("gateway", ours.start("catalog", store))
    return _while_used(ours)


def forget_shared():
    """A scenario failed: whatever it left behind shall not be seen by the next one."""
    global _SHARED
    if _SHARED is not None:
        _SHARED.abandon()
        _SHARED = None


def finish_shared():
    if _SHARED is not None:
        _SHARED.finish()
