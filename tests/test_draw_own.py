"""The page's section "Your own test set": its counting in Node, its writing in a browser."""

import json

import numpy as np
import pytest
from scipy import stats
from test_draw_page import (
    DRAWN,
    fingers_on_board,
    message,
    next_frame,
    reads,
    wait_for_answer,
)

from mnistconv.export import SHOWN
from mnistconv.records.intervals import wilson

slow = pytest.mark.slow
KEY = "mnistconv-own-test-set"


# Counting, without a browser


def test_the_interval_is_the_books(node):
    code = "return given.map(([right, n]) => m.wilson(right, n));"
    counts = [(right, n) for n in range(1, 41) for right in range(n + 1)]
    expected = [wilson(right, n) for right, n in counts]
    assert np.abs(np.array(node(code, counts)) - expected).max() < 1e-9


def test_chances_are_scipys(node):
    cases = [(k, n, p) for n in (1, 7, 20, 40) for k in range(n + 1) for p in (0.0083, 0.3, 0.5)]
    found = node("return given.map((one) => m.tailChance(...one));", cases)
    assert np.allclose(found, [stats.binom.sf(k - 1, n, p) for k, n, p in cases], atol=1e-12)
    pairs = [(a, b) for a in range(21) for b in range(21 - a)]
    found = node("return given.map((one) => m.mcnemar(...one));", pairs)
    expected = [stats.binomtest(a, a + b).pvalue if a + b else 1 for a, b in pairs]
    assert np.allclose(found, expected, atol=1e-12)


def test_answers_are_counted_and_compared(node):
    random = np.random.default_rng(0)
    asked = [*range(10), *range(10)]
    first, second = ([int(d) for d in random.integers(0, 10, 20)] for _ in range(2))
    first[:8] = asked[:8]
    written = [i for i in range(20) if i not in (3, 15)]
    for read in (first, second):
        read[3] = read[15] = None
    code = """
    const [asked, first, second] = given;
    return [m.countRight(asked, first), m.confusionOf(asked, first),
      m.compareAnswers(asked, first, second), m.misreadOf(asked, first)];
    """
    count, matrix, compared, misread = node(code, [asked, first, second])
    a, f, s = (np.array([values[i] for i in written]) for values in (asked, first, second))
    assert count == {"right": int((f == a).sum()), "n": 18}
    assert np.array_equal(matrix, np.histogram2d(a, f, bins=np.arange(11))[0])
    assert compared == {
        "differ": int((f != s).sum()),
        "onlyFirst": int(((f == a) & (s != a)).sum()),
        "onlySecond": int(((f != a) & (s == a)).sum()),
    }
    assert misread == [i for i in written if first[i] != asked[i]]


def test_every_digit_is_asked_for_twice_in_an_order_that_chance_gives(node):
    code = "return [1, 2].map((seed) => m.newSet(m.randomNumbers(seed)).asked);"
    first, second = node(code)
    assert first != second
    for asked in (first, second):
        assert sorted(asked[:10]) == sorted(asked[10:]) == list(range(10)) != asked[:10]


def test_digits_are_handed_in_skipped_and_taken_back_and_a_closed_set_stays_as_it_is(node):
    code = """
    const store = m.makeStore({ ...m.freshState(), ...m.freshOwn() });
    const sheet = m.sheetOf(store), seen = [];
    const see = (fields) => {
      if (fields) store.change(fields(store.state));
      const { own, ownNote } = store.state;
      seen.push([own.at, m.countWritten(own), ownNote !== ""]);
    };
    see(m.handIn);
    sheet.change(m.beginStroke(sheet.state, [3, 3]));
    sheet.change(m.continueStroke(sheet.state, [9, 9]));
    see(m.handIn);
    see(m.skip);
    see(m.goBack);
    see(m.goBack);
    sheet.change(m.undo(sheet.state));
    see();
    sheet.change(m.beginStroke(sheet.state, [3, 3]));
    see(m.closeSet);
    sheet.change(m.beginStroke(sheet.state, [3, 3]));
    see(m.handIn);
    return [seen, store.state.strokes];
    """
    seen, main = node(code)
    assert main is None, "the main board is another"
    assert seen == [
        [0, 0, True], [1, 1, False], [2, 1, False], [1, 1, False], [0, 1, False], [0, 0, False],
        [0, 1, False], [0, 1, False],
    ]  # fmt: skip


def test_a_set_comes_back_from_its_text(node):
    code = """
    const set = m.newSet(), random = m.randomNumbers(1);
    const point = () => [28 * random(), 28 * random()].map(m.roundToGrid);
    const stroke = (points) => ({ width: 2.4, points });
    set.written[3] = [stroke([point(), point()]), stroke([point()])];
    const all = { ...set, at: 4, isClosed: true };
    return [JSON.stringify(all), JSON.stringify(m.readSet(m.writeSet(all)))];
    """
    written, back = map(json.loads, node(code))
    assert written == back


SET = {
    "kind": "Draw a digit: own test set", "version": 1, "asked": [7], "at": 1, "isClosed": False,
    "written": [[{"width": 2.4, "points": [[3, 4]]}]],
}  # fmt: skip
BROKEN = {
    "": "it is no JSON",
    json.dumps(SET)[:-9]: "it is no JSON",
    "null": "it is no test set",
    "[1]": "it is no test set",
    '{"cells": []}': "it is no test set",
    json.dumps(SET | {"version": 2}): "later version",
    json.dumps(SET | {"asked": []}): "1 to 40 digits",
    json.dumps(SET | {"asked": [10]}): "1 to 40 digits",
    json.dumps(SET | {"asked": "7"}): "1 to 40 digits",
    json.dumps(SET | {"asked": [7] * 41}): "1 to 40 digits",
    json.dumps(SET | {"written": []}): "damaged",
    json.dumps(SET | {"written": [[{"width": 2.4, "points": [[3, 99]]}]]}): "damaged",
    json.dumps(SET | {"written": [[{"width": 2.4, "points": []}]]}): "damaged",
    json.dumps(SET | {"written": [[{"width": 2.4, "points": [["3", 4]]}]]}): "damaged",
    json.dumps(SET | {"written": [[{"width": 999, "points": [[3, 4]]}]]}): "damaged",
    json.dumps(SET | {"written": [[None]]}): "damaged",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_set_is_refused_with_a_reason(node, text):
    code = "try { return m.readSet(given); } catch (problem) { return problem.message; }"
    assert BROKEN[text] in node(code, text)
    assert node(code, json.dumps(SET))["asked"] == [7]


def test_a_digit_that_is_inspected_is_answered_as_counted_and_undo_brings_all_back(node):
    code = """
    const before = { ...m.freshState(), strokes: null, digit: 4, dx: 3, noise: 0.2, train: true };
    const strokes = [{ width: 2.4, points: [[3, 3], [9, 20]] }];
    const store = m.makeStore(before);
    store.change(m.inspect(store.state, strokes));
    const picture = m.pictureOf(m.drawStrokes(store.state.strokes), store.state);
    const same = m.pictureOfStrokes(strokes, true).every((v, i) => v === picture[i]);
    const { train } = store.state;
    store.change(m.undo(store.state));
    return [same, train, JSON.stringify(store.state) === JSON.stringify(before)];
    """
    assert node(code) == [True, False, True]


@pytest.mark.parametrize(
    ("right", "said"),
    [(20, "84.6 % of such sets would be read without an error"), (19, "at least 1 of 20"),
     (5, "at least 15 of 20 would be misread in < 0.1 %")],
)  # fmt: skip
def test_the_count_stands_beside_mnist(node, right, said):
    text = node("return m.besideMnist({ right: given, n: 20 }, 0.9917);", right)
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    assert "99.17 %" in text and said in text
    if right == 19:
        assert f"in {100 * stats.binom.sf(0, 20, 0.0083):.1f} % of" in text
    code = 'return m.verdictOf("relu", "centred", { right: 18, n: 20 });'
    verdict = node(code).replace("\N{NO-BREAK SPACE}", " ")
    assert verdict.endswith("18 of your 20 digits, scaled and centred: 95 % interval 70 to 97 %.")


# In a browser


@pytest.fixture
def at(visit, address):
    """The page, ready to use, with the board of the set in view."""

    def open_page(url=f"{address}draw.html", **options):
        seen = visit(url, **options)
        # The test before may have left its set: the browser keeps it.
        seen.page.evaluate("localStorage.clear()")
        seen.page.reload()
        seen.complaints.clear()  # what the reload cut off has failed
        wait_for_answer(seen)
        return seen

    return open_page


def text_of(seen, name: str) -> str:
    text = seen.page.locator(f"#draw-own-{name}").text_content()
    return text.replace("\N{NO-BREAK SPACE}", " ")


def press(seen, name: str) -> None:
    seen.page.locator(f"#draw-own-{name}").click()
    next_frame(seen)


def on_main_board(seen) -> str:
    return seen.page.evaluate("document.getElementById('draw-board').toDataURL()")


def asked(seen) -> int:
    return int(text_of(seen, "ask")[-1])


def write(seen, digit: int) -> None:
    """Draw on the board of the set, at four fifths of its size."""
    board = seen.page.locator("#draw-own-board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    for stroke in DRAWN[digit]:
        places = [
            (box["x"] + (0.1 + 0.8 * x) * box["width"], box["y"] + (0.1 + 0.8 * y) * box["height"])
            for x, y in stroke
        ]
        seen.page.mouse.move(*places[0])
        seen.page.mouse.down()
        for place in places[1:]:
            seen.page.mouse.move(*place, steps=5)
        seen.page.mouse.up()
    next_frame(seen)


def write_some(seen, count: int, instead=None) -> list[int]:
    """Write and hand in `count` digits, `instead[digit]` where it is given. What was asked."""
    order = []
    for _ in range(count):
        order.append(asked(seen))
        write(seen, (instead or {}).get(order[-1], order[-1]))
        press(seen, "next")
    return order


def count(seen) -> None:
    press(seen, "count")
    seen.page.wait_for_function(
        "!document.querySelector('#draw-own-verdict').textContent.includes('…')"
        " && !document.getElementById('draw-own-count').disabled",
        timeout=60_000,
    )


def drawings(seen) -> int:
    """How many the strip shows."""
    inks = """() => [...document.querySelectorAll("#draw-own-slots canvas")].filter((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((v, i) => i % 4 === 0 && v < 128);
    }).length"""
    return seen.page.evaluate(inks)


@slow
def test_twenty_digits_are_written_counted_and_looked_at(at):
    seen = at()
    before = on_main_board(seen)
    order = write_some(seen, 20, instead={7: 1})
    assert sorted(order) == sorted([*range(10), *range(10)])
    assert text_of(seen, "ask") == "That was the last one"
    assert seen.page.locator("#draw-own-result").is_hidden()
    assert on_main_board(seen) == before, "the main board keeps its drawing"
    assert not any(url.endswith("two-conv.js") for url in seen.requests)

    count(seen)
    assert text_of(seen, "verdict").startswith("relu reads 18 of your 20 digits")
    assert text_of(seen, "verdict").endswith("95 % interval 70 to 97 %.")
    for name in SHOWN:
        cells = seen.page.locator(f"#draw-own-rows tr[data-network='{name}'] b")
        assert [t.split()[1:] for t in cells.all_text_contents()[:2]] == [["of", "20"]] * 2
    cells = seen.page.locator("#draw-own-matrix tr").nth(7).locator("td").all_text_contents()
    assert cells == ["", "2", *[""] * 8]
    misread = seen.page.locator(".draw-own-digit")
    assert misread.all_text_contents() == ["asked 7, read 1"] * 2
    assert seen.page.locator("#draw-own-desk").is_hidden(), "a counted set is closed"

    misread.first.click()
    next_frame(seen)
    assert reads(seen, 1)
    assert on_main_board(seen) != before
    press(seen, "return")
    assert seen.page.evaluate("document.activeElement.className") == "draw-own-digit"
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    assert on_main_board(seen) == before
    assert seen.page.locator("#draw-own-return").is_hidden()

    seen.page.locator("#draw-own-rows tr[data-network='simple'] [data-way='asWritten']").click()
    seen.page.wait_for_selector("input[value='simple']:checked")
    next_frame(seen)
    assert "simple reads" in text_of(seen, "verdict")
    assert "as written" in text_of(seen, "verdict")
    assert not seen.page.locator("#draw-centre").is_checked()
    assert seen.complaints == []
    host = seen.page.evaluate("location.origin")
    assert all(url.startswith((host, "blob:", "data:")) for url in seen.requests)


@slow
def test_a_half_written_set_survives_a_reload_and_is_deleted_and_brought_back(at):
    seen = at()
    order = write_some(seen, 2)
    write(seen, asked(seen))
    seen.page.reload()
    wait_for_answer(seen)
    next_frame(seen)
    assert text_of(seen, "step") == "3 of 20"
    press(seen, "next")
    assert drawings(seen) == 3
    press(seen, "back")
    press(seen, "back")
    assert asked(seen) == order[1]
    kept = f"localStorage.getItem('{KEY}')"
    assert seen.page.evaluate(kept)
    press(seen, "delete")
    assert drawings(seen) == 0
    seen.page.wait_for_function(f"{kept} === null")
    press(seen, "restore")
    assert asked(seen) == order[1]
    seen.page.wait_for_function(f"{kept} !== null")


@slow
def test_where_storage_is_blocked_the_page_says_so_and_works(windows, address):
    page = windows.browser.new_page()
    page.add_init_script(
        "Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('no'); } });"
    )
    page.goto(f"{address}draw.html")
    page.wait_for_function("document.getElementById('draw-time').dataset.all")
    assert "keep nothing" in page.locator("#draw-own-kept").text_content()
    page.locator("#draw-own-board").click()
    page.locator("#draw-own-next").click()
    page.wait_for_function("document.getElementById('draw-own-step').textContent === '2 of 20'")
    page.close()


@slow
def test_a_set_is_saved_and_loaded_and_another_file_loses_nothing(at, tmp_path):
    seen = at()
    write_some(seen, 2)
    with seen.page.expect_download() as download:
        seen.page.locator("#draw-own-save").click()
    file = tmp_path / "mine.json"
    download.value.save_as(file)
    found = json.loads(file.read_text())
    assert sum(map(bool, found["written"])) == 2
    for name, content, said in [
        ("foreign.json", b'{"cells": []}', "it is no test set of this page"),
        ("half.json", file.read_bytes()[:-40], "it is no JSON"),
        ("huge.json", b" " * 4_100_000, "it has 4 MB"),
        ("picture.json", bytes(range(256)), "it is no JSON"),
    ]:
        (tmp_path / name).write_bytes(content)
        seen.page.locator("#draw-own-load").set_input_files(tmp_path / name)
        seen.page.wait_for_selector(f"#draw-own-note:has-text('{said}')")
        assert drawings(seen) == 2
    press(seen, "delete")
    assert drawings(seen) == 0
    seen.page.locator("#draw-own-load").set_input_files(file)
    seen.page.wait_for_selector("#draw-own-note:has-text('2 digits loaded')")
    next_frame(seen)
    assert drawings(seen) == 2
    assert text_of(seen, "step") == "3 of 20"


@slow
def test_a_network_that_is_missing_is_named_asked_again_and_loses_nothing(at):
    seen = at()
    seen.page.route("**/two-conv.js", lambda route: route.abort())
    write_some(seen, 1)
    count(seen)
    row = seen.page.locator("#draw-own-rows tr[data-network='two-conv']")
    assert row.locator("b").first.text_content() == "not loaded"
    assert "The network two-conv could not be loaded" in message(seen)
    assert text_of(seen, "verdict").startswith("relu reads 1 of your 1")
    assert text_of(seen, "count") == "Try again"
    seen.page.unroute("**/two-conv.js")
    count(seen)
    next_frame(seen)
    assert row.locator("b").first.text_content() == "1 of 1"
    assert seen.page.locator("#draw-own-count").is_hidden()


@slow
def test_it_is_written_by_keyboard_alone_and_spoken(at):
    seen = at()
    board = seen.page.locator("#draw-own-board")
    spoken = seen.page.locator("#draw-spoken")
    board.focus()
    board.press("Enter")
    assert spoken.text_content().startswith("Nothing is written yet")
    board.press("Space")
    for _ in range(8):
        board.press("ArrowDown")
    board.press("Space")
    board.press("Enter")
    next_frame(seen)
    assert spoken.text_content() == f"{text_of(seen, 'ask')}."
    assert drawings(seen) == 1
    press(seen, "back")
    board.press("Control+z")
    press(seen, "skip")
    assert drawings(seen) == 0


@slow
def test_a_digit_is_written_by_finger(at):
    seen = at(width=390)
    touch = fingers_on_board(seen, "#draw-own-board")
    before = seen.page.evaluate("scrollY")
    touch("touchStart", (0.3, 0.2))
    for part in np.linspace(0, 1, 8):
        touch("touchMove", (0.3 + 0.3 * part, 0.2 + 0.6 * part))
    touch("touchEnd")
    assert seen.page.evaluate("scrollY") == before, "the finger scrolled the page"
    press(seen, "next")
    assert drawings(seen) == 1


@slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_writing_and_counting_are_accessible_and_fit(at, width, theme):
    seen = at(width=width, theme=theme)
    write_some(seen, 1, instead={digit: (digit + 3) % 10 for digit in range(10)})
    assert seen.violations("#draw-own") == []
    count(seen)
    assert seen.violations("#draw-own") == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    tables = "[...document.querySelectorAll('#draw-own table')]"
    fits = f"{tables}.every((t) => t.getBoundingClientRect().right <= innerWidth)"
    assert seen.page.evaluate(fits)
    assert seen.complaints == []
