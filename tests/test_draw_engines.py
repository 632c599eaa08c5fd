"""The page "Draw a digit" in Firefox and WebKitGTK: twenty digits by mouse, read as by Chromium."""

import base64
import math

import pytest
from driven import CONTROL
from firefox import Firefox
from handwriting import DRAWN, HANDS, drawing
from webkit import WebKit

pytestmark = pytest.mark.slow

TWENTY = [*DRAWN.items(), *((digit, drawing(HANDS["German"], digit)) for digit in range(10))]
COUNT_ENDS = """(() => {
  const board = document.getElementById("draw-board");
  for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => (ended += 1));
})()"""
ANSWER = """({
  sentence: document.getElementById("draw-sentence").textContent,
  logits: [...document.querySelectorAll(".draw-logit span")].map((span) => span.textContent),
  hash: location.hash,
})"""
ADDRESS_FOLLOWS = "new Promise((done) => setTimeout(done, 400))"  # `PAUSE` in place.js


@pytest.fixture(scope="module", params=[Firefox, WebKit], ids=["Firefox", "WebKit"])
def window(request):
    window = request.param()
    yield window
    window.close()


def open_page(window, address: str) -> None:
    window.open(f"{address}draw.html")
    window.wait_for("document.getElementById('draw-time').dataset.all")
    window.evaluate(COUNT_ENDS)


def draw(window, strokes) -> None:
    """Draw with the mouse, and wait until every stroke has ended and is painted."""
    x, y, width, height = window.box("#draw-board")
    window.evaluate("globalThis.ended = 0")
    window.drag([[(x + a * width, y + b * height) for a, b in stroke] for stroke in strokes])
    window.wait_for(f"ended >= {len(strokes)}")
    window.next_frame()


def choose_network(window, name: str) -> None:
    """Wait until it answers: the browser checks what is clicked, the page only what answers."""
    window.click(f"input[value='{name}']")
    window.next_frame()
    window.wait_for(f"document.querySelector(\"input[value='{name}']\").checked")
    window.next_frame()


def answer(window) -> dict:
    return window.evaluate(ANSWER)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "all selected"])
def answers(request, window, address):
    """What the page answers to the twenty digits, drawn with nothing selected, or everything."""
    open_page(window, address)
    found = []
    for _, strokes in TWENTY:
        window.evaluate("document.getElementById('draw-clear').click()")
        window.evaluate("document.getElementById('draw-board').focus()")
        if request.param:
            window.press(CONTROL, "a")
        selected = window.evaluate("getSelection().toString().length")
        assert selected > 1000 if request.param else selected == 0
        draw(window, strokes)
        window.evaluate(ADDRESS_FOLLOWS)
        found.append(answer(window))
    return found


def test_twenty_digits_are_read(answers):
    expected = [f"It reads a{'n' * (digit == 8)} {digit} (" for digit, _ in TWENTY]
    read = [found["sentence"].split("(")[0] + "(" for found in answers]
    assert read == expected


def test_no_stroke_is_cut_short(answers):
    """In the address each stroke begins and ends where the pen did, within a hundredth or so."""
    for (digit, strokes), found in zip(TWENTY, answers, strict=True):
        kept = strokes_in(found["hash"])
        assert len(kept) == len(strokes), digit
        for drawn, stroke in zip(strokes, kept, strict=True):
            assert math.dist(drawn[0], stroke[0]) < 0.015, digit
            assert math.dist(drawn[-1], stroke[-1]) < 0.015, digit


def strokes_in(text: str) -> list[list[tuple[float, float]]]:
    """The strokes in an address, as points in sides of the board."""
    (ink,) = [field[4:] for field in text.lstrip("#").split("&") if field.startswith("ink=")]
    strokes = []
    for part in ink.split("."):
        _, *grid = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        strokes.append([(x / 255, y / 255) for x, y in zip(grid[::2], grid[1::2], strict=True)])
    return strokes


def test_chromium_answers_the_same_to_the_same_strokes(answers, visit, address):
    seen = visit(f"{address}draw.html")
    seen.page.wait_for_function("document.getElementById('draw-time').dataset.all")
    follow = """(hash) => new Promise((done) => {
      const frames = () => requestAnimationFrame(() => requestAnimationFrame(() => done()));
      addEventListener("hashchange", frames, { once: true });
      location.hash = hash;
    })"""
    for found in answers:
        seen.page.evaluate(follow, found["hash"])
        assert seen.page.evaluate(ANSWER) == found


def test_another_network_answers_and_undo_brings_back_what_was_there(window, address):
    open_page(window, address)
    window.evaluate("document.getElementById('draw-clear').click()")
    stem, bar = DRAWN[4]
    draw(window, [stem])
    one_stroke = answer(window)["logits"]
    draw(window, [bar])
    by_relu = answer(window)
    assert by_relu["sentence"].startswith("It reads a 4 (")

    choose_network(window, "simple")
    assert answer(window)["logits"] != by_relu["logits"]
    choose_network(window, "relu")
    assert answer(window)["logits"] == by_relu["logits"]

    window.click("#draw-undo")
    window.next_frame()
    assert answer(window)["logits"] == one_stroke
    draw(window, [bar])
    window.press(CONTROL, "z")
    window.next_frame()
    assert answer(window)["logits"] == one_stroke
