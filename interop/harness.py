"""Scenarios, what they saw, and processes that end with them: what every scenario is made of."""

import collections
import pathlib
import queue
import subprocess
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SCENARIOS = []
# A machine with two busy cores is late, not wrong: what has no bound of its own gets this one.
LIMIT = 15.0


class Failed(Exception):
    """A scenario saw something else than it expects."""


class Seen:
    """What a scenario saw: on the client's side, on the server's side, and whether it is as expected."""

    def __init__(self):
        self.lines = []

    def client(self, text):
        self.lines.append(("client", text))

    def server(self, text):
        self.lines.append(("server", text))

    def check(self, holds, expected):
        if not holds:
            raise Failed(f"expected {expected}")


Scenario = collections.namedtuple("Scenario", "name run")


def scenario(name):
    """Registers a function of one `Seen` under a name, which says what is done and by whom."""

    def register(run):
        SCENARIOS.append(Scenario(name, run))
        return run

    return register


def play(one):
    """Runs a scenario and prints its block. Tells whether it passed."""
    seen, started, wrong = Seen(), time.monotonic(), None
    try:
        one.run(seen)
    except Failed as failed:
        wrong = str(failed)
    except Exception:  # A broken scenario is a failed one, and the next one still runs.
        wrong = traceback.format_exc().strip()
    print(f"\n{one.name}")
    for side, text in seen.lines:
        print(f"  {side:7} {text}")
    verdict = f"FAILED  {wrong}" if wrong else "passed"
    print(f"  {verdict}  ({time.monotonic() - started:.1f} s)", flush=True)
    return wrong is None


def wait_for(look, what, limit=LIMIT):
    """Calls `look` until it gives something true, and returns that. Fails after `limit` seconds, saying what was waited for."""
    end = time.monotonic() + limit
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"{what() if callable(what) else what} within {limit:g} s")
        time.sleep(0.01)


class Process:
    """A child process whose lines are read as they come, each with the time of its arrival. It ends with `stop`."""

    RUNNING = []

    def __init__(self, arguments, cwd=ROOT, env=None):
        self.child = subprocess.Popen(
            arguments, cwd=cwd, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.lines = queue.Queue()
        self.complaints = collections.deque(maxlen=50)
        self.readers = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_complaints, daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        Process.RUNNING.append(self)

    def _read_lines(self):
        for line in self.child.stdout:
            self.lines.put((time.monotonic(), line.rstrip("\n")))
        self.lines.put((time.monotonic(), None))

    def _read_complaints(self):
        for line in self.child.stderr:
            self.complaints.append(line.rstrip("\n"))

    def line(self, limit=LIMIT):
        """The next line and when it came."""
        try:
            at, line = self.lines.get(timeout=limit)
        except queue.Empty:
            raise Failed(f"a line of {self.child.args} within {limit:g} s; stderr: {list(self.complaints)}") from None
        if line is None:
            raise Failed(f"{self.child.args} to go on; it ended with {self.child.wait()}: {list(self.complaints)}")
        return at, line

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def stop(self):
        """Asks the process to end, and makes it end after a while. Returns its exit code."""
        if self in Process.RUNNING:
            Process.RUNNING.remove(self)
        self.child.terminate()
        try:
            return self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait(5)


def stop_all():
    for process in list(Process.RUNNING):
        process.stop()


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms"
