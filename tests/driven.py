"""A window of a browser with a hand in it: what is the same for every protocol that drives one."""

import itertools
import json
import math

CONTROL = "\ue009"
STEP = 10  # pixels: so far apart are the places that the mouse visits


class Driven:
    """What a reader does. A browser adds `run`, `perform`, `open` and `close`."""

    def run(self, code: str) -> str | None:
        """What the body of an async function returns."""
        raise NotImplementedError

    def perform(self, actions: dict) -> None:
        """Do what one input device does, as WebDriver writes it."""
        raise NotImplementedError

    def evaluate(self, expression: str):
        """The value of a JavaScript expression, of a promise what it gives."""
        return json.loads(self.run(f"return JSON.stringify(await ({expression}))") or "null")

    def wait_for(self, condition: str) -> None:
        check = f"const t = setInterval(() => {condition} && (clearInterval(t), done()), 30)"
        self.evaluate(f"new Promise((done) => {{ {check} }})")

    def next_frame(self) -> None:
        """Wait until the page has painted."""
        frames = "requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        self.evaluate(f"new Promise((done) => {frames})")

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height of an element, in pixels; it is scrolled into view."""
        place = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{place}.scrollIntoView({{ block: 'center', behavior: 'instant' }})")
        sides = "({ x, y, width, height }) => [x, y, width, height]"
        return self.evaluate(f"({sides})({place}.getBoundingClientRect())")

    def press(self, *keys: str) -> None:
        """Press the keys one after another, then let them go."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self.perform({"type": "key", "id": "keys", "actions": down + up})

    def click(self, selector: str) -> None:
        x, y, width, height = self.box(selector)
        self.drag([[(x + width / 2, y + height / 2)]])

    def drag(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Draw strokes of points in pixels with the mouse."""
        actions = []
        for stroke in strokes:
            actions += [move(*stroke[0]), {"type": "pointerDown", "button": 0}]
            for start, end in itertools.pairwise(stroke):
                steps = max(1, math.ceil(math.dist(start, end) / STEP))
                actions += [move(*between(start, end, k / steps)) for k in range(1, steps + 1)]
            actions.append({"type": "pointerUp", "button": 0})
        mouse = {"pointerType": "mouse"}
        self.perform({"type": "pointer", "id": "mouse", "parameters": mouse, "actions": actions})


def between(start, end, share: float) -> tuple[float, float]:
    return tuple(a + (b - a) * share for a, b in zip(start, end, strict=True))


def move(x: float, y: float) -> dict:
    return {"type": "pointerMove", "x": round(x), "y": round(y)}
