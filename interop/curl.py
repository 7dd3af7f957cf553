"""curl as a client, in a process of its own."""

import subprocess
import time

from harness import LIMIT


class Curl:
    """One run of curl, to its end."""

    def __init__(self, url, *options):
        shown = "%{http_code} %{http_version} %{time_total}"
        arguments = ["curl", "--silent", "--noproxy", "*", "--max-time", str(LIMIT), *options]
        began = time.monotonic()
        done = subprocess.run([*arguments, "--write-out", f"\n{shown}", url], capture_output=True, text=True, timeout=2 * LIMIT)
        self.took = time.monotonic() - began
        self.exit = done.returncode
        self.body, _, last = done.stdout.rpartition("\n")
        status, self.version, _ = last.split()
        self.status = int(status)
        self.options = " ".join(options)

    def __str__(self):
        said = self.body.strip().splitlines()
        head = f"{self.options}: " if self.options else ""
        answer = f"HTTP/{self.version} {self.status}" if self.status else "no answer"
        text = f" '{said[0][:60]}'" if said else ""
        return f"{head}{answer}{text}, exit code {self.exit}, {self.took * 1000:.0f} ms"
