"""Firefox without a window, driven over WebDriver BiDi: it answers JSON on a web socket."""

import itertools
import json
import re
import subprocess
import tempfile

import tools
import websocket

CONTROL = "\ue009"


class Firefox:
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
        """Load the page anew, even where only what follows the # is another."""
        for address in ("about:blank", url):
            self.ask("browsingContext.navigate", context=self.window, url=address, wait="complete")

    def evaluate(self, expression: str):
        """The value of a JavaScript expression, of a promise what it gives."""
        code = f"(async () => JSON.stringify(await ({expression})))()"
        target = {"context": self.window}
        found = self.ask("script.evaluate", expression=code, target=target, awaitPromise=True)
        assert found["type"] == "success", found
        return json.loads(found["result"].get("value", "null"))

    def wait_for(self, condition: str) -> None:
        check = f"const t = setInterval(() => {condition} && (clearInterval(t), done()), 30)"
        self.evaluate(f"new Promise((done) => {{ {check} }})")

    def press(self, *keys: str) -> None:
        """Press the keys one after another, then let them go."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self.perform({"type": "key", "id": "keys", "actions": down + up})

    def drag(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Draw strokes of points in pixels with the mouse, each piece in four steps."""
        actions = []
        for stroke in strokes:
            actions += [move(*stroke[0]), {"type": "pointerDown", "button": 0}]
            for (x, y), (to_x, to_y) in itertools.pairwise(stroke):
                actions += [
                    move(x + (to_x - x) * k / 4, y + (to_y - y) * k / 4) for k in range(1, 5)
                ]
            actions.append({"type": "pointerUp", "button": 0})
        mouse = {"pointerType": "mouse"}
        self.perform({"type": "pointer", "id": "mouse", "parameters": mouse, "actions": actions})

    def perform(self, actions: dict) -> None:
        self.ask("input.performActions", context=self.window, actions=[actions])

    def close(self) -> None:
        self.ask("browser.close")
        self.socket.close()
        self.process.communicate(timeout=20)
        self.profile.cleanup()


def move(x: float, y: float) -> dict:
    return {"type": "pointerMove", "x": round(x), "y": round(y)}
