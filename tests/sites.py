"""Building the site, serving it, and a browser to look at it with."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from book import REPOSITORY

AXE = REPOSITORY / "tests" / "site" / "node_modules" / "axe-core" / "axe.min.js"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def build(folder: Path, book: Path = REPOSITORY / "notebooks", environment: dict | None = None):
    """Run the strict build of `make book` into `folder`: the finished process and its seconds."""
    start = time.perf_counter()
    command = ["-n", "-W", "--keep-going", "-q", "-b", "html", "-d", folder.parent / "doctrees"]
    finished = subprocess.run(
        [sys.executable, "-m", "sphinx", *command, book, folder],
        env=environment,
        capture_output=True,
        text=True,
    )
    return finished, time.perf_counter() - start


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served(folder: Path):
    """The address at which `folder` is served meanwhile."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def system_browser() -> str:
    """The path of an installed Chromium, or skip with a line that says how to get one."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    found = found or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no browser: on Debian and Ubuntu, `apt-get install chromium` brings one")
    return found
