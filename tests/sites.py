"""Building the site, serving it, Node for its scripts, and a browser to look at it with."""

import collections
import functools
import gzip
import http.server
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import tools
from book import REPOSITORY
from bs4 import BeautifulSoup

ANSWER = REPOSITORY / "tests" / "site" / "answer.js"
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
    """Run the strict build of `make book` into `folder`: the finished process."""
    options = ["-n", "-W", "--keep-going", "-q", "-b", "html"]
    places = ["-c", book.parent / "site", "-d", folder.parent / "doctrees", book, folder]
    command = [sys.executable, "-m", "sphinx", *options, *places]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class Compressing(Quiet):
    """Serves as sites are served on the web: text compressed, connections kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data, kind = path.read_bytes(), self.guess_type(path)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if path.suffix not in (".woff2", ".png"):
            data = gzip.compress(data, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def served(folder: Path, handling=Quiet):
    """The address at which `folder` is served meanwhile."""
    handler = functools.partial(handling, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Node:
    """One Node process that holds the site's scripts; call it with JavaScript, see answer.js."""

    def __init__(self, data: Path):
        command = [tools.node(), ANSWER, REPOSITORY / "site" / "_static", data]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __call__(self, code: str, given=None):
        """What `code`, the body of a function, returns; `given` is at hand in it."""
        self.process.stdin.write(json.dumps({"code": code, "given": given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        self.process.communicate(timeout=10)


class Visit:
    """A look at one page, with everything that the browser complained about."""

    def __init__(self, browser, width: int, theme: str, motion: str):
        self.complaints, self.requests = [], []
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            reduced_motion=motion,
            has_touch=width < 600,
        )
        self.page = context.new_page()
        self.page.on("console", self.note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda r: self.complaints.append(f"failed: {r.url}"))
        self.page.on("response", self.note_response)

    def open(self, url: str) -> None:
        self.complaints.clear()
        self.requests.clear()
        self.page.goto(url, wait_until="load")
        self.page.evaluate("window.MathJax?.startup?.promise")

    def leave(self) -> None:
        """Leave the page, and nothing behind that the next one could notice."""
        self.page.unroute_all()
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.page.emulate_media(
            media="null"
        )  # what a test has looked at on paper is a screen again
        self.page.mouse.up()
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")

    def note_message(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def note_response(self, response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")

    def violations(self, of: str = "html") -> list[str]:
        """What axe-core finds against WCAG 2.2 AA in the element `of`; skip without axe-core."""
        self.page.add_script_tag(path=tools.axe())
        levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found = self.page.evaluate("([of, runOnly]) => axe.run(of, {runOnly})", [of, levels])
        return [
            f"{v['id']}: {n['html'][:200]} {n['failureSummary'][:300]}"
            for v in found["violations"]
            for n in v["nodes"]
        ]


class Windows:
    """The windows of a browser: opened when they are first wanted, then used again."""

    def __init__(self, browser):
        self.browser, self.free = browser, collections.defaultdict(list)

    @contextmanager
    def visits(self):
        """A function that opens an address in a window of its own, as long as the block lasts."""
        taken = []

        def visit(url: str, width=1280, theme="light", motion="reduce") -> Visit:
            kind = width, theme, motion
            free = self.free[kind]
            taken.append((kind, free.pop() if free else Visit(self.browser, *kind)))
            taken[-1][1].open(url)
            return taken[-1][1]

        yield visit
        for kind, window in taken:
            window.leave()
            self.free[kind].append(window)


@functools.cache
def soup(site: Path, page: str) -> BeautifulSoup:
    """A page of the site, parsed once: look at it, change nothing."""
    return BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
