"""Firefox without a window, driven over WebDriver BiDi: it answers JSON on a web socket."""

import itertools
import json
import re
import subprocess
import tempfile

import tools
import websocket
from driven import Driven


class Firefox(Driven):
    """One window of a Firefox with a profile of its own. Close it after use."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = [tools.firefox(), "--headless", "--no-remote", "--remote-debugging-port", "0"]
        self.process = subprocess.Popen(
            [*command, "--profile", self.profile.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        address = next(
            filter(None, (re.search(r"BiDi.* (ws:\S+)", x) for x in self.process.stderr))
        )
        self.socket = websocket.create_connection(
            f"{address[1]}/session", suppress_origin=True, timeout=60
        )
        self.numbers = itertools.count(1)
        self.ask("session.new", capabilities={})
        self.window = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        size = {"width": 1280, "height": 900}
        self.ask("browsingContext.setViewport", context=self.window, viewport=size)

    def ask(self, method: str, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, url: str) -> None:
        """Load the page anew, even where only what follows the # is another; its scripts have run.

        Whoever needs more of it waits for that: `complete`, for the last picture and typeface, was
        once never answered.
        """
        for address in ("about:blank", url):
            there = {"context": self.window, "url": address}
            self.ask("browsingContext.navigate", **there, wait="interactive")

    def run(self, code: str) -> str | None:
        expression = f"(async () => {{ {code} }})()"
        target = {"context": self.window}
        found = self.ask("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert found["type"] == "success", found
        return found["result"].get("value")

    def perform(self, actions: dict) -> None:
        self.ask("input.performActions", context=self.window, actions=[actions])

    def close(self) -> None:
        self.ask("browser.close")
        self.socket.close()
        self.process.communicate(timeout=20)
        self.profile.cleanup()
