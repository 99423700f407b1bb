"""The built binaries as child processes, each on free ports of its own."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

START_S = 60
LOG_LINES = 60
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def binary(name, variable):
    """The path of a built binary: what the variable says, else cargo's debug folder."""
    target = os.environ.get("CARGO_TARGET_DIR") or Path.home() / ".cache/fairlead/target"
    path = Path(os.environ.get(variable) or Path(target) / "debug" / name)
    if not path.is_file():
        raise RuntimeError(f"there is no built {name} at {path}: build it, or name one in {variable}")
    return path


def free_port():
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child process with a log file; `is_ready` says whether it serves."""

    def __init__(self, command, log, is_ready, environment=None):
        self.log_file = log
        self.is_ready = is_ready
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, env=environment or {}, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def log(self, start=0):
        """The end of what was logged after the first `start` bytes."""
        lines = self.log_file.read_bytes()[start:].decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])

    def log_size(self):
        return self.log_file.stat().st_size

    def wait_until_ready(self):
        """Returns whether it serves; raises when it takes too long."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.child.poll() is not None:
                return False
            if self.is_ready():
                return True
            time.sleep(0.02)
        raise RuntimeError(f"{self.child.args[0]} is not ready after {START_S} s\n{self.log()}")

    def stop(self):
        self.child.kill()
        self.child.wait()


def answers(url):
    """Whether it answers 200."""
    try:
        with NO_PROXY.open(url, timeout=5) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


def start(launch, tries=3):
    """Starts what `launch` makes; again on other ports where another process was faster."""
    for _ in range(tries):
        process = launch()
        if process.wait_until_ready():
            return process
    raise RuntimeError(f"{process.child.args[0]} ended at its start\n{process.log()}")
