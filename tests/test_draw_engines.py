"""Firefox and WebKitGTK: twenty digits by mouse, read as by Chromium; what else readers do."""

import base64
import io
import json
import math

import pytest
from driven import CONTROL
from firefox import Firefox
from handwriting import DRAWN, HANDS, drawing
from photos import KINDS, photo
from PIL import Image
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
LOAD_A_PHOTO = """(text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], "page.jpg", { type: "image/jpeg" }));
  const chosen = document.querySelectorAll("#draw-photo input[type='file']")[1];
  chosen.files = given.files;
  chosen.dispatchEvent(new Event("change", { bubbles: true }));
}"""
ENTER, UP, DOWN = "\ue006", "\ue013", "\ue015"
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
    window.evaluate("globalThis.ended = 0")
    draw_on(window, "#draw-board", strokes)
    window.wait_for(f"ended >= {len(strokes)}")
    window.next_frame()


def draw_on(window, board: str, strokes) -> None:
    x, y, width, height = window.box(board)
    window.drag([[(x + a * width, y + b * height) for a, b in stroke] for stroke in strokes])


def text(window, selector: str) -> str:
    return window.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


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


def test_a_board_is_there_again_after_a_reload_and_by_key(window, address):
    open_page(window, address)
    window.click("#draw-clear")
    draw(window, DRAWN[7])
    before = answer(window)["logits"]
    window.evaluate(ADDRESS_FOLLOWS)
    window.open(window.evaluate("location.href"))
    window.wait_for("document.getElementById('draw-time').dataset.all")
    assert answer(window)["logits"] == before
    window.click("#draw-clear")
    window.evaluate("document.getElementById('draw-board').focus()")
    for key in [*[UP] * 16, " ", *[DOWN] * 32, " "]:
        window.press(key)
    window.next_frame()
    assert text(window, "#draw-sentence").startswith("It reads a 1 (")
    window.wait_for("document.getElementById('draw-spoken').textContent.startsWith('It reads')")


def test_ten_digits_of_an_own_set_are_counted(window, address):
    open_page(window, address)
    window.evaluate("document.getElementById('draw-own-delete').click()")
    window.next_frame()
    for _ in range(10):
        digit = int(text(window, "#draw-own-ask").split()[-1])
        draw_on(window, "#draw-own-board", DRAWN[digit])
        window.click("#draw-own-next")
        window.next_frame()
    window.click("#draw-own-count")
    window.wait_for("document.getElementById('draw-own-count').hidden")
    assert text(window, "#draw-own-verdict").startswith("relu reads 10 of your 10 digits")
    names = "[...document.querySelectorAll('#draw-own-rows button b')].map((b) => b.textContent)"
    assert len(window.evaluate(names)) == 8
    assert "–" not in window.evaluate(names)
    window.evaluate("document.getElementById('draw-own-delete').click()")


def test_a_photo_is_read_and_its_digits_go_to_the_board(window, address):
    open_page(window, address)
    written = [3, 1, 4, 1, 5, 9, 2, 6]
    file = io.BytesIO()
    Image.fromarray(photo(KINDS["shadow"], written, 1, per_row=4)).save(file, "JPEG")
    window.evaluate(f"void ({LOAD_A_PHOTO})('{base64.b64encode(file.getvalue()).decode()}')")
    window.wait_for("document.getElementById('draw-photo').dataset.done")
    read = text(window, "#draw-photo-reads tr[data-network='relu'] td").split()
    assert [int(digit) for digit in read] == written
    window.click("#draw-photo-digits button:nth-of-type(3)")
    window.next_frame()
    assert text(window, "#draw-sentence").startswith("It reads a 4 (")


def test_a_step_of_the_paths_is_worked_out_and_a_way_leads_back(window, address):
    window.open(f"{address}draw.html#net=relu&digit=18")
    window.wait_for("document.getElementById('draw-time').dataset.all")
    window.box("#draw-versus")
    window.wait_for("document.getElementById('draw-versus-odds').textContent")
    step = text(window, "#draw-versus-table button span:not(.visually-hidden)")
    window.click("#draw-versus-table button")
    window.next_frame()
    assert text(window, "#draw-why h3") == f"fc1, {step}"
    window.click("#draw-return")
    window.next_frame()
    assert window.evaluate("document.activeElement.closest('#draw-versus-table') !== null")


def test_the_board_of_the_front_page_answers(window, address):
    window.open(f"{address}index.html")
    window.box("#front-board")
    says = "document.getElementById('front-sentence').textContent.startsWith('It reads a {}')"
    window.wait_for(says.format(3))
    window.click("#front-clear")
    draw_on(window, "#front-board", DRAWN[5])
    window.wait_for(says.format(5))


def test_a_guess_is_typed_and_run_by_key_and_covered_by_mouse(window, address):
    window.open(f"{address}02_softmax.html")
    opened = """[...document.querySelectorAll(".veil.open")].length"""
    assert window.evaluate(opened) == 0
    window.evaluate("document.querySelector('.predict-form input').focus()")
    for key in ("1", ENTER):
        window.press(key)
    window.next_frame()
    assert window.evaluate(opened) > 0
    said = "[...document.querySelectorAll('.predict-run.done')].map((run) => run.textContent)"
    (only,) = window.evaluate(said)
    assert "You said 1; it was " in only
    window.click(".predict-run.done .predict-again")
    window.next_frame()
    assert window.evaluate(opened) == 0
    window.evaluate("localStorage.clear()")
