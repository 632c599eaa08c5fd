"""What the site asks before it shows: a form in a "Predict" box, and a veil over its answer.

A chapter's file in `predictions/` says which of its predictions can be checked, and how the right
answer is computed from what the cells below printed, or from the records. All others wait for the
reader's own words. The notebooks know nothing of this: there stand question, cell, answer.
"""

import hashlib
import importlib.util
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

FOLDER = Path(__file__).parent / "predictions"
PREDICT = re.compile(r"^\*\*Predict\.\*\*[ \n](.+?)(?=\n\n|\Z)", re.M | re.S)
HEADING = re.compile(r"^#+ ", re.M)
NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?")
QUESTION = re.compile(
    r"^\*\*Question (?P<number>\d+)\.\*\* (?P<text>.*?)\n\n"
    r"(?P<options>(?:- \*\*\w\*\* [^\n]*\n)*)\n?"
    r"<details><summary>Answer</summary>\n\n"
    r"\*\*(?P<right>[^*]+)\*\*\. (?P<why>.*?)\n\n"
    r"(?P<reasons>(?:- \*\*\w\*\* [^\n]*\n)*)\n?"
    r"</details>$",
    re.M | re.S,
)
LETTER = re.compile(r"^- \*\*(\w)\*\* (.*)$", re.M)


# What the cells printed --------------------------------------------------------------------------


def to_number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


@dataclass(frozen=True)
class Seen:
    """What the code cells print, as text, from a prediction to the next one or the next heading."""

    text: str

    def number(self, pattern: str) -> float:
        """The number in the one group of `pattern` where it is first found, `.` within a line.

        Raises LookupError where there is none.
        """
        found = re.search(pattern, self.text, re.M)
        if not found:
            raise LookupError(f"no output matches {pattern!r}")
        return to_number(found[1])

    def numbers(self, pattern: str = r"(?s:.*)") -> list[float]:
        """All numbers in what `pattern` matches first, in their order. Raises LookupError."""
        found = re.search(pattern, self.text, re.M)
        if not found:
            raise LookupError(f"no output matches {pattern!r}")
        return [to_number(number) for number in NUMBER.findall(found[0])]


def text_of(cell) -> str:
    """What a cell's outputs say in words, tables included; a stream may come in pieces."""
    texts = []
    for output in cell.get("outputs", []):
        shown = output.get("data", {}).get("text/plain", "")
        texts.append(output.get("text") or f"{shown}\n")
    return "".join(texts)


@dataclass
class Prediction:
    """A question of a chapter, and the code cells that answer it."""

    text: str
    cells: list = field(default_factory=list)

    @property
    def seen(self) -> Seen:
        return Seen("\n".join(text_of(cell) for cell in self.cells))

    @property
    def key(self) -> str:
        """What the browser keeps the reader's answer under, until the question changes."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]


def predictions_of(notebook) -> list[Prediction]:
    """The predictions of a notebook, in order, each with its cells."""
    found, current = [], None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if current:
                current.cells.append(cell)
            continue
        if HEADING.search(cell.source):
            current = None
        for match in PREDICT.finditer(cell.source):
            current = Prediction(" ".join(match[1].split()))
            found.append(current)
    return found


# What can be checked -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A number, or the range `(lowest, highest)` that came out; both ends count as right.

    `decimals` of it are shown. A guess is right when it does not differ in what is shown, or when
    it lies at most the share `within` beside it.
    """

    answer: Callable[[Seen], float | tuple[float, float]]
    unit: str = ""
    decimals: int = 0
    within: float = 0.0

    def computed(self, seen: Seen) -> dict:
        answer = self.answer(seen)
        low, high = answer if isinstance(answer, tuple) else (answer, answer)
        if not (math.isfinite(low) and low <= high):
            raise ValueError(f"no number came out: {answer}")
        ends = dict.fromkeys(f"{end:,.{self.decimals}f}" for end in (low, high))
        slack = max(0.5 * 10**-self.decimals, self.within * abs(high))
        shown = " to ".join(ends).replace("-", "−")
        unit = f" {self.unit}" if self.unit else ""
        return {"low": low - slack, "high": high + slack, "shown": shown + unit}

    def form(self, key: str) -> str:
        unit = f" {escape(self.unit)}" if self.unit else ""
        return (
            f'<label>Your guess: <input type="text" inputmode="decimal" autocomplete="off" '
            f'name="{key}" size="9">{unit}</label>'
        )


@dataclass(frozen=True)
class Choice:
    """One of several options: `answer` returns the right one, word for word."""

    options: Sequence[str]
    answer: Callable[[Seen], str]

    def computed(self, seen: Seen) -> dict:
        right = self.answer(seen)
        if right not in self.options or len(set(self.options)) < len(self.options):
            raise ValueError(f"{right!r} is not one of {self.options}")
        return {"right": right, "shown": right}

    def form(self, key: str) -> str:
        return "".join(
            f'<label><input type="radio" name="{key}" value="{escape(option)}"> '
            f"{escape(option)}</label>"
            for option in self.options
        )


@dataclass(frozen=True)
class MoreOrLess(Choice):
    """A choice of directions. `answer` returns one of the three words."""

    options: Sequence[str] = ("more", "about as much", "less")
    answer: Callable[[Seen], str] = None


@dataclass(frozen=True)
class Order:
    """An order of `items`, first to last: `answer` returns them as they should stand."""

    items: Sequence[str]
    answer: Callable[[Seen], Sequence[str]]

    def computed(self, seen: Seen) -> dict:
        order = list(self.answer(seen))
        if any(", " in item for item in self.items):
            raise ValueError("an item of an order must not hold a comma")
        if sorted(order) != sorted(self.items):
            raise ValueError(f"{order} is no order of {self.items}")
        return {"order": order, "shown": ", ".join(order)}

    def form(self, key: str) -> str:
        return '<span class="predict-hint">Press them in order, first to last:</span>' + "".join(
            f'<button type="button" class="predict-item" value="{escape(item)}">'
            f"{escape(item)}</button>"
            for item in self.items
        )


def load(name: str) -> dict:
    """What chapter `name`'s file in `predictions/` says: beginning of a question -> how to ask.

    Empty where there is no file.
    """
    path = FOLDER / f"{name}.py"
    if not path.exists():
        return {}
    spec = importlib.util.spec_from_file_location(f"predictions_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PREDICTIONS


def asked(name: str, notebook) -> list[tuple[Prediction, object | None, dict | None]]:
    """Each prediction of a chapter, how it is asked and its computed answer; None for open ones.

    Raises ExtensionError, naming the question, where the file in `predictions/` fits no question,
    or two, or where an answer cannot be computed.
    """
    predictions, known = predictions_of(notebook), load(name)
    for start in known:
        fitting = [p for p in predictions if p.text.startswith(start)]
        if len(fitting) != 1:
            raise ExtensionError(
                f"site/predictions/{name}.py: {len(fitting)} questions begin with {start!r}, "
                "not one."
            )
    found = []
    for prediction in predictions:
        start = next((start for start in known if prediction.text.startswith(start)), None)
        how = known.get(start)
        try:
            found.append((prediction, how, how and how.computed(prediction.seen)))
        except (LookupError, ValueError, TypeError, ArithmeticError) as error:
            raise ExtensionError(
                f"site/predictions/{name}.py: no answer to {start!r}: {error}."
            ) from error
    return found


# The page ----------------------------------------------------------------------------------------

RUN = """\
<div class="predict-run" data-key="{key}">
<button type="button" class="predict-button">Run</button>
<button type="button" class="predict-again" hidden>Cover again</button>
<ul class="predict-said" role="status"></ul>
</div>"""

SWITCH = """\
<div class="predict-switch">
<label><input type="checkbox" checked> Cover each answer until I have predicted</label>
<button type="button">Forget my answers (kept in this browser alone)</button>
</div>"""

# The first script of a chapter: what is covered must be so before anything is painted.
COVER_FIRST = """\
{
  const { classList } = document.documentElement;
  classList.add("scripted", "predicting");
  try {
    if (localStorage.getItem("predict") === "open") classList.remove("predicting");
  } catch { /* nothing is kept: the answers are covered */ }
}"""


def form_of(prediction: Prediction, how, answer: dict | None) -> str:
    """The form of a "Predict" box; where `how` is None there is nothing to fill in."""
    if how is None:
        return ""
    kind, data = type(how).__name__.lower(), escape(json.dumps(answer, ensure_ascii=False))
    return (
        f'<form class="predict-form" data-key="{prediction.key}" data-kind="{kind}" '
        f'data-answer="{data}">{how.form(prediction.key)}'
        '<span class="predict-hint" role="status"></span></form>'
    )


def raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def is_box(node) -> bool:
    return isinstance(node, nodes.admonition) and "predict" in node["classes"]


def after_box(box: nodes.admonition) -> list:
    """What follows a box: up to the next one, or to the next heading."""
    siblings = box.parent.children[box.parent.index(box) + 1 :]
    ends = (i for i, node in enumerate(siblings) if is_box(node) or isinstance(node, nodes.section))
    return siblings[: next(ends, len(siblings))]


def output_of(node) -> nodes.container | None:
    """What a code cell printed or drew, if `node` is one and it did."""
    if not isinstance(node, nodes.container) or "cell" not in node["classes"]:
        return None
    return next((part for part in node if "cell_output" in part.get("classes", [])), None)


def cover(box: nodes.admonition, key: str) -> None:
    """Cover what follows a box, from the first output on; without any output, all that follows."""
    following = after_box(box)
    place = next((i for i, node in enumerate(following) if output_of(node)), None)
    run = raw(RUN.format(key=key))
    if place is None:
        box.parent.insert(box.parent.index(box) + 1, run)
        covered = following
    else:
        output = output_of(following[place])
        output["classes"].append("veil")
        following[place].insert(following[place].index(output), run)
        covered = following[place + 1 :]
    if covered:
        parent, start = box.parent, box.parent.index(covered[0])
        for node in covered:
            parent.remove(node)
        parent.insert(start, nodes.container("", *covered, classes=["veil"]))


def put_in(app, doctree) -> None:
    """Forms into the boxes of a chapter, veils over their answers, the switch before the first."""
    found = forms.get(app.env.docname)
    boxes = [node for node in doctree.findall(nodes.admonition) if is_box(node)]
    if not found or not boxes:
        return
    for box, (prediction, how, answer) in zip(boxes, found, strict=True):
        box += raw(form_of(prediction, how, answer))
    for box, (prediction, _, _) in zip(boxes, found, strict=True):
        # Of two boxes in a row, the second one's button runs what answers both.
        if after_box(box):
            cover(box, prediction.key)
    first = doctree.next_node(nodes.section)
    bullet_list = first.next_node(nodes.bullet_list)
    bullet_list.parent.insert(bullet_list.parent.index(bullet_list) + 1, raw(SWITCH))


# For each chapter that was read, what `asked` found.
forms: dict[str, list] = {}


def wrap_questions(text: str) -> str:
    """Mark the questions for the script that asks them; without it they stay as they are."""
    return QUESTION.sub(
        lambda found: (
            f'<div class="question" data-right="{escape(found["right"])}">\n\n{found[0]}\n\n</div>'
        ),
        text,
    )


def setup(app) -> dict:
    app.connect("doctree-read", put_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
