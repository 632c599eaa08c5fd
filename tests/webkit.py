"""WebKitGTK on a screen that nobody sees, driven over WebDriver: it answers JSON over HTTP."""

import http.client
import json
import os
import socket
import subprocess
from contextlib import ExitStack, closing, contextmanager

import tools
from driven import Driven
from processes import wait_for

WIDTH, HEIGHT = 1280, 900
SECONDS = 60  # the longest wait for an answer


class WebKit(Driven):
    """One window of the browser that WebKitGTK's driver starts. Close it after use."""

    def __init__(self):
        driver, xvfb = tools.webkit()
        self.port, self.session = free_port(), ""
        with ExitStack() as opened:
            display = opened.enter_context(screen(xvfb))
            command = [driver, "--host=127.0.0.1", f"--port={self.port}"]
            environment = os.environ | {"DISPLAY": display, "GDK_BACKEND": "x11"}
            opened.enter_context(started(command, stdout=subprocess.DEVNULL, env=environment))
            assert wait_for(self.is_ready, SECONDS), "WebKitWebDriver does not answer"
            session = self.ask("POST", "", capabilities={})["sessionId"]
            self.session = f"/{session}"
            opened.callback(self.ask, "DELETE", "")
            self.ask("POST", "/timeouts", script=1000 * SECONDS)
            self.ask("POST", "/window/rect", width=WIDTH, height=HEIGHT)
            self.close = opened.pop_all().close

    def is_ready(self) -> bool:
        with closing(socket.socket()) as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, method: str, command: str, **parameters):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, SECONDS)) as connection:
            path = f"/session{self.session}{command}"
            connection.request(method, path, json.dumps(parameters) if method == "POST" else None)
            answer = connection.getresponse()
            value = json.load(answer)["value"]
            assert answer.status == 200, value
            return value

    def open(self, url: str) -> None:
        """Load the page anew, even where only what follows the # is another."""
        for address in ("about:blank", url):
            self.ask("POST", "/url", url=address)

    def run(self, code: str) -> str | None:
        finish = "const finish = arguments[0];"
        tell = "then((value) => finish({ value }), (error) => finish({ error: String(error) }))"
        script = f"{finish} (async () => {{ {code} }})().{tell}"
        found = self.ask("POST", "/execute/async", script=script, args=[])
        assert "error" not in found, found
        return found.get("value")

    def perform(self, actions: dict) -> None:
        self.ask("POST", "/actions", actions=[actions])


@contextmanager
def started(command: list[str], **options):
    """A process that lives as long as the block."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


@contextmanager
def screen(xvfb: str):
    """The name of a screen that is nowhere to be seen, and that no other process has."""
    size = f"{WIDTH}x{HEIGHT}x24"
    command = [xvfb, "-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp"]
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        yield f":{process.stdout.readline().strip()}"


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]
