"""What the processes of Linux say about themselves, and waiting for it."""

import signal
import sys
import time
from pathlib import Path

import pytest

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads the processes of Linux")


def children(process: int) -> set[int]:
    """The processes that any thread of `process` started, and theirs."""
    try:
        threads = Path(f"/proc/{process}/task").glob("*/children")
        found = {int(word) for path in threads for word in path.read_text().split()}
    except OSError:  # it has just ended
        return set()
    return found.union(*map(children, found))


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def heed_control_c() -> None:
    """Undo what a shell does to programs in the background: they inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
