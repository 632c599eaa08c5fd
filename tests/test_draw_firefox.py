"""The page "Draw a digit" in Firefox: twenty digits by mouse, half of them over selected text."""

import pytest
from firefox import CONTROL, Firefox
from test_draw_page import DRAWN

pytestmark = pytest.mark.slow

BOARD = """(() => {
  const board = document.getElementById("draw-board");
  board.scrollIntoView({ block: "center" });
  board.focus();
  const { x, y, width, height } = board.getBoundingClientRect();
  return [x, y, width, height];
})()"""
NEXT_FRAME = "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))"


@pytest.fixture(scope="module")
def firefox():
    window = Firefox()
    yield window
    window.close()


@pytest.mark.parametrize("selected", [False, True])
def test_every_digit_is_recognised(firefox, address, selected):
    sentences = {}
    for digit, strokes in DRAWN.items():
        firefox.open(f"{address}draw.html")
        firefox.wait_for("document.getElementById('draw-time').dataset.all")
        x, y, width, height = firefox.evaluate(BOARD)
        if selected:
            firefox.press(CONTROL, "a")
        assert (firefox.evaluate("getSelection().toString().length") > 0) == selected
        firefox.drag([[(x + a * width, y + b * height) for a, b in s] for s in strokes])
        firefox.evaluate(NEXT_FRAME)
        sentences[digit] = firefox.evaluate("document.getElementById('draw-sentence').textContent")
    expected = {digit: f"It reads a{'n' * (digit == 8)} {digit} (" for digit in DRAWN}
    assert {digit: text[: len(expected[digit])] for digit, text in sentences.items()} == expected
