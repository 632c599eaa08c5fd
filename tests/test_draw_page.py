"""The page "Draw a digit" in a real browser: drawn on, pointed at, broken on purpose."""

import base64
import itertools
import json
import re
import shutil

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from handwriting import DRAWN
from onpage import network_on_page
from processes import wait_for

from mnistconv.data import to_input
from mnistconv.export import SHOWN
from mnistconv.records import load_records

pytestmark = pytest.mark.slow

DROPOUT = SHOWN[-1]


@pytest.fixture
def at(visit, address):
    """Open the page in the situation `state`, ready to use."""

    def open_page(state: str = "", **options):
        seen = visit(f"{address}draw.html#{state}", **options)
        wait_for_answer(seen)
        return seen

    return open_page


def wait_for_answer(seen) -> None:
    seen.page.wait_for_function("document.getElementById('draw-time').dataset.all")


def sentence(seen) -> str:
    return seen.page.locator("#draw-sentence").text_content()


def reads(seen, digit: int | str) -> bool:
    """Whether the page says that the network reads `digit`."""
    return sentence(seen).startswith(f"It reads a{'n' if int(digit) == 8 else ''} {digit} (")


def answer_of(seen, name: str) -> str:
    """What stands beside the name of a network."""
    return seen.page.locator(f".draw-reads[data-network='{name}']").text_content()


def next_frame(seen) -> None:
    """Wait until the page has painted: the panel lets go of a press in a timeout of its own."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(r))"
    seen.page.evaluate(f"new Promise(r => setTimeout(() => {frames}))")


def draw(seen, strokes) -> None:
    board = seen.page.locator("#draw-board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    mouse = seen.page.mouse
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=6)
        mouse.up()
    next_frame(seen)


def fingers_on_board(seen, place="#draw-board"):
    """A function that puts fingers on the board, or moves or lifts them: touch(kind, *places)."""
    board = seen.page.locator(place)
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    session = seen.page.context.new_cdp_session(seen.page)

    def touch(kind, *places):
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(places)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return touch


def value_of(text: str) -> float:
    """The number that a text shows; "2.3 · 10−6" is how the page writes 2.3e-6."""
    return float(text.replace(" · 10", "e").replace("−", "-").replace(",", ""))


def outlast(seen, milliseconds: int) -> None:
    """Wait until the page's own timers of that length have ended: those set earlier end earlier."""
    seen.page.evaluate(f"new Promise((r) => setTimeout(r, {milliseconds}))")


def message(seen) -> str:
    return seen.page.locator("#draw-message").text_content()


def dark_pixels(seen) -> int:
    context = "document.getElementById('draw-board').getContext('2d')"
    data = f"{context}.getImageData(0, 0, 336, 336).data"
    return seen.page.evaluate(f"{data}.filter((v, i) => i % 4 === 0 && v < 128).length")


def logits(seen) -> list[str]:
    return seen.page.locator(".draw-logit").all_text_contents()


def numbers_in(text: str) -> list[float]:
    return [value_of(t) for t in re.findall(r"−?\d+(?:\.\d+)?", text.replace("− ", "−"))]


def take_suggestion(seen, link: str) -> None:
    """Go on in the tour until it offers a link to the situation `link`, and follow it."""
    place = seen.page.locator(f"#draw-tour a[href*='{link}']").first
    for _ in range(6):
        if place.is_visible():
            break
        seen.page.locator("#draw-next").click()
    place.click()


def choose_network(seen, name: str) -> None:
    """Wait until it answers: the browser checks what is clicked, the page only what answers."""
    seen.page.locator(f"input[value='{name}']").click()
    next_frame(seen)
    seen.page.wait_for_selector(f"input[value='{name}']:checked")
    next_frame(seen)


# Answers


@pytest.mark.parametrize("name", SHOWN)
def test_the_browser_computes_what_pytorch_does(at, mnist, name):
    seen = at()
    code = """async (name) => {
      const m = mnistconv, got = {};
      for (const name of ["receiveList", "receiveNetwork", "receiveDigits"]) {
        m[name] = (...all) => { got[name] = all; };
      }
      for (const file of ["networks", name, "digits"]) {
        await new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = `_static/draw/${file}.js`;
          Object.assign(script, { onload: resolve, onerror: reject });
          document.head.append(script);
        });
      }
      const description = got.receiveList[0].find((network) => network.name === name);
      const network = m.makeNetwork(description, m.readWeights(...got.receiveNetwork));
      const packed = new Blob([m.bytesOf(got.receiveDigits[1])]).stream();
      const unpacked = packed.pipeThrough(new DecompressionStream("gzip"));
      const pixels = new Uint8Array(await new Response(unpacked).arrayBuffer());
      const answers = [];
      for (let start = 0; start < 78_400; start += 784) {
        const picture = Float32Array.from(pixels.subarray(start, start + 784), (v) => v / 255);
        answers.push(...m.forward(network, picture).out.values);
      }
      return [got.receiveDigits[0].numbers, answers];
    }"""
    numbers, logits = seen.page.evaluate(code, name)
    _, (images, _) = mnist
    with torch.no_grad():
        expected = network_on_page(name)(to_input(images[numbers[:100]])).numpy()
    ours = np.array(logits).reshape(100, 10)
    assert np.abs(ours - expected).max() < 1e-4
    assert (ours.argmax(1) == expected.argmax(1)).all()


@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("digit", DRAWN)
def test_a_drawn_digit_is_recognised(at, digit, selected):
    """Selected text that spans the board would be dragged, and take the pointer from the stroke."""
    seen = at()
    if selected:
        seen.page.keyboard.press("Control+a")
    assert (seen.page.evaluate("getSelection().toString().length") > 1000) == selected
    draw(seen, DRAWN[digit])
    assert reads(seen, digit)
    assert seen.complaints == []


def test_a_small_digit_in_the_corner_needs_the_centring(at):
    """The three of the list above at a third of its size: prepared it is read, else not."""
    small = [[(0.02 + x / 3, 0.02 + y / 3) for x, y in stroke] for stroke in DRAWN[3]]
    seen = at()
    draw(seen, small)
    assert reads(seen, 3)
    seen.page.locator("#draw-centre").uncheck()
    next_frame(seen)
    assert not reads(seen, 3)


def test_an_empty_board_is_called_empty(at):
    seen = at()
    seen.page.locator("#draw-clear").click()
    next_frame(seen)
    assert sentence(seen).startswith("Nothing is drawn.")
    assert "NaN" not in seen.page.locator("#draw").text_content()


def test_a_full_board_and_a_dot_give_answers(at):
    seen = at()
    rows = [[(0, y / 10), (1, y / 10)] for y in range(11)]
    seen.page.locator("#draw-pen").fill("6")
    draw(seen, rows)
    assert sentence(seen).startswith("It reads a")
    seen.page.locator("#draw-clear").click()
    draw(seen, [[(0.5, 0.5)]])
    assert sentence(seen).startswith("It reads a")
    assert "NaN" not in seen.page.locator("#draw").text_content()


def test_clear_undo_and_the_width_of_the_pen(at):
    seen = at()
    seen.page.locator("#draw-clear").click()
    draw(seen, DRAWN[4])
    four = sentence(seen)
    draw(seen, [[(0.1, 0.1), (0.9, 0.9)]])
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    assert sentence(seen) == four
    seen.page.locator("#draw-clear").click()
    draw(seen, [[(0.2, 0.5), (0.8, 0.5)]])
    thin = dark_pixels(seen)
    seen.page.locator("#draw-clear").click()
    seen.page.locator("#draw-pen").fill("5")
    draw(seen, [[(0.2, 0.5), (0.8, 0.5)]])
    assert dark_pixels(seen) > 1.5 * thin


def test_a_one_is_drawn_and_heard_by_keyboard_alone(at):
    seen = at()
    board = seen.page.locator("#draw-board")
    board.focus()
    for _ in range(16):
        board.press("ArrowUp")
    spoken = seen.page.locator("#draw-spoken")
    assert spoken.text_content() == "Pen up, 14 right, 6 down."
    board.press("Space")
    assert spoken.text_content() == "Pen down, 14 right, 6 down."
    for _ in range(32):
        board.press("ArrowDown")
    board.press("Space")
    next_frame(seen)
    assert reads(seen, 1)


def test_a_seven_is_drawn_by_finger(at):
    seen = at(width=390)
    touch = fingers_on_board(seen)
    before = seen.page.evaluate("scrollY")
    (stroke,) = DRAWN[7]
    touch("touchStart", stroke[0])
    for start, end in itertools.pairwise(stroke):
        for part in np.linspace(0, 1, 6)[1:]:
            touch("touchMove", tuple(np.array(start) * (1 - part) + np.array(end) * part))
    touch("touchEnd")
    next_frame(seen)
    assert reads(seen, 7)
    assert seen.page.evaluate("scrollY") == before, "the finger scrolled the page"


# Test digits, networks, disturbances


def test_test_digits_come_from_three_heaps(at):
    seen = at()
    source = seen.page.locator("#draw-source")
    for button in ("any", "doubtful", "wrong"):
        before = source.text_content()
        seen.page.locator(f"#draw-{button}").click()
        seen.page.wait_for_function(
            "text => document.getElementById('draw-source').textContent !== text", arg=before
        )
        text = source.text_content()
        number, label = re.match(r"Test digit ([\d,]+), labelled (\d)\.", text).groups()
        record = load_records("relu")[0]
        answer = record.predictions[int(number.replace(",", ""))]
        next_frame(seen)
        assert reads(seen, answer)
        assert ("Northcutt" in text) or button != "doubtful"
        assert button != "wrong" or answer != label


@pytest.mark.parametrize("name", SHOWN)
def test_every_network_is_loaded_when_it_is_chosen_and_not_before(at, name):
    seen = at()
    file = f"/draw/{name}.js"
    if name != "relu":
        assert not any(url.endswith(file) for url in seen.requests)
        choose_network(seen, name)
    assert sum(url.endswith(file) for url in seen.requests) == 1
    facts = seen.page.locator(f".draw-facts tr:has-text('{name}:')")
    accuracy = load_records(name)[0].final_accuracy
    assert f"{accuracy:.2%}".replace("%", " %") in facts.text_content()
    assert seen.complaints == []


def test_sliders_move_what_the_network_gets(at):
    seen = at("net=relu&digit=0")

    def pixels() -> np.ndarray:
        """The red of the 28 x 28 pixels, each shown as 8 x 8."""
        context = "document.getElementById('draw-input').getContext('2d')"
        data = seen.page.evaluate(f"[...{context}.getImageData(0, 0, 224, 224).data]")
        return np.array(data).reshape(224, 224, 4)[4::8, 4::8, 0]

    before = pixels()
    seen.page.locator("#draw-dx").fill("3")
    next_frame(seen)
    after = pixels()
    assert np.array_equal(after[:, 3:], before[:, :-3])
    assert (after[:, :3] == 255).all()
    seen.page.locator("#draw-straight").click()
    next_frame(seen)
    assert np.array_equal(pixels(), before)


def test_answers_flicker_in_train_mode_alone(at):
    seen = at(f"net={DROPOUT}&digit=18", motion="no-preference")

    def differ(times=8) -> int:
        found = set()
        for _ in range(times):
            seen.page.wait_for_timeout(350)
            found.add(tuple(logits(seen)))
        return len(found)

    assert differ(3) == 1
    seen.page.locator("#draw-train").check()
    assert differ() > 3
    assert "The last" in seen.page.locator("#draw-tally").text_content()
    seen.page.locator("#draw-train").uncheck()
    next_frame(seen)
    assert differ(3) == 1


def test_without_motion_train_mode_answers_when_it_is_asked(at):
    seen = at(f"net={DROPOUT}&digit=18&train=1")
    first = logits(seen)
    seen.page.wait_for_timeout(900)
    assert logits(seen) == first
    seen.page.locator("#draw-again").click()
    next_frame(seen)
    assert logits(seen) != first


def test_a_map_is_switched_off_and_on(at):
    seen = at("net=relu&digit=0&unit=pool1.3.5.5")
    whole = logits(seen)
    seen.page.get_by_role("button", name="Switch map 3 off").click()
    seen.page.wait_for_selector("#draw-why:has-text('switched off')")
    assert logits(seen) != whole
    seen.page.wait_for_function("location.hash.includes('off=conv1.3')")
    seen.page.get_by_role("button", name="Switch all maps on").click()
    next_frame(seen)
    assert logits(seen) == whole


# Why


@pytest.mark.parametrize("name", SHOWN)
def test_the_numbers_of_a_unit_that_is_pointed_at_add_up(at, name):
    """50 random units of each network, under the mouse: what the panel shows gives its result."""
    seen = at(f"net={name}&digit=3")
    random = np.random.default_rng(0)
    canvases = seen.page.locator("#draw-layers canvas")
    shown = set()
    for _ in range(50):
        canvas = canvases.nth(int(random.integers(canvases.count())))
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        title = seen.page.locator("#draw-why h3").all_text_contents()
        x, y = random.random(2) * [box["width"], box["height"]]
        seen.page.mouse.move(box["x"] + x, box["y"] + y)
        next_frame(seen)
        if seen.page.locator("#draw-why h3").all_text_contents() == title:
            continue  # between two tiles
        panel = seen.page.locator("#draw-why")
        layer = panel.locator("h3").text_content().split(",")[0]
        check_panel(panel)
        shown.add(layer)
    assert len(shown) >= canvases.count() - 1
    assert seen.complaints == []


def check_panel(panel) -> None:
    """Whether what the panel says adds up, within the rounding of its numbers to three decimals."""
    totals = panel.locator(".draw-total").all_text_contents()
    tables = {}
    for table in panel.locator(".draw-square").all():
        name = table.locator("caption").text_content().split(" ")[0]
        tables[name] = [value_of(t) for t in table.locator("td").all_text_contents()]
    if "Kernel" in tables:
        products = tables["Products"]
        for x, w, product in zip(tables["Window"], tables["Kernel"], products, strict=True):
            assert x * w == pytest.approx(product, abs=0.0005 * (abs(x) + abs(w) + 2))
        assert numbers_in(totals[0].removeprefix("Sum of the 25 products"))[0] == pytest.approx(
            sum(products), abs=0.014
        )
        text = re.sub(r"^(All \d+ sums|With the bias): ", "", totals[1])
        total, bias, value = numbers_in(text.replace("+ ", ""))
        assert total + bias == pytest.approx(value, abs=0.002)
        channels = [value_of(t) for t in panel.locator(".draw-channels button").all_text_contents()]
        if channels:
            assert sum(channels) == pytest.approx(total, abs=0.005 * len(channels) + 0.001)
        else:
            assert total == pytest.approx(sum(products), abs=0.014)
    elif "Four" in tables:
        assert max(tables["Four"]) == numbers_in(totals[0])[0]
        check_activation(totals[1], max(tables["Four"]))
    else:
        cells = panel.locator(".draw-list tbody tr td:last-child").all_text_contents()
        before = numbers_in(totals[0])[0]
        assert sum(map(value_of, cells)) == pytest.approx(before, abs=0.006)
        check_activation(totals[1], before)


def check_activation(text: str, before: float) -> None:
    value = value_of(text.rsplit("= ", 1)[1])
    if text.startswith("ReLU"):
        assert value == max(0, before)
    else:
        assert value == pytest.approx(1 / (1 + np.exp(-before)), abs=0.001)


def test_a_probability_is_worked_out(at):
    seen = at("net=simple&digit=0")
    seen.page.get_by_role("button", name="Why this probability of 7?").click()
    next_frame(seen)
    panel = seen.page.locator("#draw-why")
    cells = [value_of(t) for t in panel.locator("tbody th, tbody td").all_text_contents()]
    rows = np.array(cells).reshape(10, 4)
    _, logits, powers, probabilities = rows.T
    assert np.allclose(powers, np.exp(logits - logits.max()), atol=0.001)
    assert np.allclose(probabilities, powers / powers.sum(), atol=0.001)
    shown = seen.page.locator("#draw-bars tr").nth(7).locator(".draw-probability").text_content()
    assert numbers_in(shown)[0] == pytest.approx(100 * probabilities[7], abs=0.1)


def test_units_are_reached_by_keyboard(at):
    seen = at("net=relu&digit=0")
    canvas = seen.page.locator("canvas[data-layer='conv1']")
    seen.page.keyboard.press("Tab")
    canvas.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        canvas.press(key)
    next_frame(seen)
    title = seen.page.locator("#draw-why h3")
    assert title.text_content() == "conv1, map 0, row 2, column 1"
    value = seen.page.locator("#draw-why b").text_content()
    spoken = seen.page.locator("#draw-spoken").text_content()
    assert spoken == f"conv1, map 0, row 2, column 1: {value}"
    for _ in range(23):
        canvas.press("ArrowRight")
    next_frame(seen)
    assert title.text_content() == "conv1, map 1, row 2, column 0"
    canvas.press("x")
    next_frame(seen)
    assert seen.page.get_by_role("button", name="Switch map 1 on again").is_visible()


def test_a_click_holds_the_unit(at):
    seen = at("net=relu&digit=0")
    canvas = seen.page.locator("canvas[data-layer='pool1']")
    title = seen.page.locator("#draw-why h3")
    canvas.click(position={"x": 20, "y": 20})
    next_frame(seen)
    held = title.text_content()
    canvas.hover(position={"x": 150, "y": 20})
    next_frame(seen)
    assert title.text_content() == held


# The address


def test_a_situation_can_be_linked_to(at, visit):
    seen = at()
    seen.page.locator("#draw-clear").click()
    draw(seen, DRAWN[5])
    seen.page.locator("#draw-angle").fill("-20")
    seen.page.locator("canvas[data-layer='pool2']").click(position={"x": 60, "y": 60})
    seen.page.wait_for_function("/angle=-20.*unit=pool2/.test(location.hash)")
    other = visit(seen.page.url)
    wait_for_answer(other)
    assert logits(other) == logits(seen)
    title = "#draw-why h3"
    assert other.page.locator(title).text_content() == seen.page.locator(title).text_content()


@pytest.mark.parametrize(
    "state",
    ["net=gpt&digit=77777&dx=NaN&ink=!!&unit=conv9.1.1.1", "%E0%A4%A", "unit=dropout1.0.0.0"],
)
def test_nonsense_in_the_address_shows_a_working_page(at, state):
    seen = at(state)
    next_frame(seen)
    assert reads(seen, 3), "the example"
    assert seen.complaints == []


# Files that are missing or damaged


@pytest.fixture
def broken(site, visit, tmp_path):
    """A copy of the site's folder with one file of the page spoilt, opened there."""

    def open_broken(file: str, spoil, state: str = ""):
        copy = tmp_path / "html"
        shutil.copytree(site, copy, ignore=shutil.ignore_patterns("*.onnx", "_images"))
        path = copy / "_static" / "draw" / file
        spoil(path)
        return visit(f"{(copy / 'draw.html').as_uri()}#{state}")

    return open_broken


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shorten(path):
    """Still JavaScript, but the base64 text is one block short."""
    text = path.read_text(encoding="utf-8")
    end = text.rindex('"')
    path.write_text(text[: end - 4] + text[end:], encoding="utf-8")


def fill_with_nan(path):
    script = path.read_text(encoding="utf-8")
    start, end = script.rindex(',"') + 2, script.rindex('"')
    data = np.frombuffer(base64.b64decode(script[start:end]), dtype="<f2").copy()
    data[7] = np.nan
    path.write_text(script[:start] + base64.b64encode(data.tobytes()).decode() + script[end:])


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), truncate, shorten, fill_with_nan])
def test_a_network_that_cannot_be_loaded_is_named_and_the_rest_works(broken, spoil):
    seen = broken("simple.js", spoil)
    wait_for_answer(seen)
    seen.page.locator("input[value='simple']").click()
    seen.page.locator("#draw-message").wait_for(state="visible")
    assert "The network simple could not be loaded" in message(seen)
    next_frame(seen)
    assert seen.page.locator("input[value='relu']").is_checked()
    choose_network(seen, "two-conv")
    assert reads(seen, 3)
    seen.page.locator("input[value='simple']").click()
    next_frame(seen)
    seen.page.wait_for_selector(".draw-reads[data-network='simple']:text-is('')", state="attached")
    assert seen.page.locator("input[value='two-conv']").is_checked(), "the one in use stays"


def leave_relu_out(path):
    """As on a site that was built before this network had its record."""
    text = path.read_text(encoding="utf-8")
    networks = [n for n in json.loads(text[text.index("[") : -3]) if n["name"] != "relu"]
    path.write_text(f"mnistconv.receiveList({json.dumps(networks)});", encoding="utf-8")
    page = path.parents[2] / "draw.html"
    html = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    html.select_one(".draw-card:has([value='relu'])").decompose()
    page.write_text(str(html), encoding="utf-8")


def test_a_site_without_the_first_network_shows_another(broken):
    seen = broken("networks.js", leave_relu_out)
    wait_for_answer(seen)
    assert seen.page.locator("input").count() > 3
    assert seen.page.locator("input[value='relu']").count() == 0
    assert seen.page.locator("input[value='simple']").is_checked()
    assert reads(seen, 3)
    assert seen.complaints == []


def test_when_the_first_network_is_missing_the_next_answers(broken):
    seen = broken("relu.js", lambda path: path.unlink())
    wait_for_answer(seen)
    assert "The network relu could not be loaded" in message(seen)
    assert seen.page.locator("input[value='simple']").is_checked()
    assert reads(seen, 3)


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_text("")])
def test_without_a_list_the_page_says_so_and_still_draws(broken, spoil):
    seen = broken("networks.js", spoil)
    seen.page.locator("#draw-message").wait_for(state="visible")
    assert "The list of networks could not be" in message(seen)
    draw(seen, DRAWN[1])
    assert dark_pixels(seen) > 0
    assert seen.page.locator("#draw-dx").input_value() == "0"


def test_a_linked_digit_without_the_digits_is_named(broken):
    seen = broken("digits.js", lambda path: path.unlink(), "net=relu&digit=4")
    seen.page.locator("#draw-message").wait_for(state="visible")
    wait_for_answer(seen)
    next_frame(seen)
    assert "The test digits could not be loaded" in message(seen)
    assert reads(seen, 3)


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), truncate])
def test_missing_digits_are_named_and_drawing_works(broken, spoil):
    seen = broken("digits.js", spoil)
    wait_for_answer(seen)
    seen.page.locator("#draw-any").click()
    seen.page.locator("#draw-message").wait_for(state="visible")
    assert "The test digits could not be loaded" in message(seen)
    draw(seen, DRAWN[0])
    assert reads(seen, 0)


def test_the_page_works_from_a_folder(visit, site):
    seen = visit((site / "draw.html").as_uri())
    wait_for_answer(seen)
    draw(seen, DRAWN[2])
    assert reads(seen, 2)
    seen.page.locator("#draw-any").click()
    seen.page.wait_for_function(
        "document.getElementById('draw-source').textContent.includes('Test digit')"
    )
    assert seen.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in seen.requests)


# Size


def test_the_first_load_adds_less_than_470_kilobytes(at, site, capsys):
    seen = at()
    files = [
        url.split("/_static/draw/")[1].split("?")[0] for url in seen.requests if "/draw/" in url
    ]
    size = sum((site / "_static" / "draw" / file).stat().st_size for file in files)
    size += (site / "draw.html").stat().st_size
    with capsys.disabled():
        print(f"\nfirst load of the page adds {size / 1e3:.0f} kB in {len(files)} files")
    assert "relu.js" in files
    assert size < 470e3


def test_the_first_answer_waits_for_no_typeface_of_code(at):
    """What is written in it stands far below the board, and has it when the reader comes there."""
    seen = at()
    assert [url for url in seen.requests if "inconsolata" in url] == []
    with seen.page.expect_request("**/inconsolata*"):
        seen.page.locator("#what-happens-here code").last.scroll_into_view_if_needed()


# What a hostile or an ordinary reader does


def test_pointing_works_from_the_first_moment(at):
    seen = at()
    seen.page.locator("canvas[data-layer='conv1']").hover(position={"x": 100, "y": 20})
    next_frame(seen)
    assert seen.page.locator("#draw-why h3").text_content().startswith("conv1")


def test_a_held_unit_is_let_go(at):
    seen = at("net=relu&digit=0&unit=pool1.3.5.5")
    canvas = seen.page.locator("canvas[data-layer='conv2']")
    canvas.hover(position={"x": 100, "y": 20})
    next_frame(seen)
    title = seen.page.locator("#draw-why h3")
    assert title.text_content().startswith("pool1")
    seen.page.get_by_role("button", name="Let go").click()
    canvas.hover(position={"x": 130, "y": 20})
    next_frame(seen)
    assert title.text_content().startswith("conv2")


def test_the_buttons_of_the_panel_move_the_unit(at):
    seen = at("net=relu&digit=0&unit=pool1.3.5.5")
    for name in ("right", "down"):
        seen.page.get_by_role("button", name=f"one unit {name}").click()
    seen.page.wait_for_selector("#draw-why h3:has-text('pool1, map 3, row 6, column 6')")
    assert seen.page.locator("#draw-why h3").count() == 1
    seen.page.wait_for_function("location.hash.includes('unit=pool1.3.6.6')")
    assert seen.complaints == []


def test_two_clicks_before_the_next_picture_are_two_steps(at):
    seen = at("net=relu&digit=0&unit=pool1.3.5.5")
    seen.page.evaluate("""() => {
        for (const name of ["right", "down"]) {
            document.querySelector(`#draw-why [aria-label$="one unit ${name}"]`).click();
        }
    }""")
    seen.page.wait_for_selector("#draw-why h3:has-text('pool1, map 3, row 6, column 6')")


def hold(page, file: str):
    """Let the page wait for one of its files: a function that lets the file arrive."""
    held = []
    page.route(f"**/draw/{file}*", lambda route: held.append(route))

    def release() -> None:
        # The page may not have asked yet; Playwright hears of it while it waits for an answer.
        assert wait_for(lambda: page.evaluate("true") and held, 30)
        with page.expect_event("requestfinished", lambda request: file in request.url):
            held.pop().continue_()

    return release


def test_the_last_choice_wins_over_a_slow_older_one(at):
    seen = at()
    release = hold(seen.page, f"{DROPOUT}.js")
    seen.page.locator(f"input[value='{DROPOUT}']").click()
    next_frame(seen)
    assert answer_of(seen, DROPOUT) == "loading …"
    choose_network(seen, "simple")
    release()
    next_frame(seen)
    assert seen.page.locator("input[value='simple']").is_checked()
    assert seen.page.locator("canvas[data-layer='conv2']").count() == 0
    assert answer_of(seen, DROPOUT) == ""


def test_until_a_network_is_here_the_one_that_answers_is_shown_as_chosen(at):
    seen = at("net=relu&digit=947")
    before = logits(seen)
    release = hold(seen.page, "simple.js")
    seen.page.locator("input[value='simple']").click()
    next_frame(seen)
    assert seen.page.locator("input[value='relu']").is_checked()
    assert logits(seen) == before
    assert answer_of(seen, "simple") == "loading …"
    seen.page.locator("input[value='relu']").click()
    next_frame(seen)
    assert answer_of(seen, "simple") == "", "choosing the old one again cancels"
    release()
    next_frame(seen)
    assert seen.page.locator("input[value='relu']").is_checked()
    choose_network(seen, "simple")
    assert logits(seen) != before
    assert seen.page.locator("canvas[data-layer='conv2']").count() == 0


def test_nothing_that_changes_while_a_network_loads_is_lost(at):
    """Strokes, sliders, switches and units: all that they do meanwhile is there when it answers."""
    seen = at()
    release = hold(seen.page, "simple.js")
    seen.page.locator("input[value='simple']").click()
    seen.page.locator("#draw-clear").click()
    draw(seen, DRAWN[7])
    ink = dark_pixels(seen)
    seen.page.locator("#draw-dx").fill("2")
    seen.page.locator("#draw-centre").uncheck()
    seen.page.get_by_role("button", name="Why this logit of 3?").click()
    next_frame(seen)
    assert seen.page.locator("input[value='relu']").is_checked()
    release()
    seen.page.wait_for_selector("input[value='simple']:checked")
    next_frame(seen)
    assert dark_pixels(seen) == ink
    assert seen.page.locator("#draw-dx").input_value() == "2"
    assert not seen.page.locator("#draw-centre").is_checked()
    assert seen.page.locator("#draw-why h3").text_content() == "Logit of 3"
    seen.page.wait_for_function("/net=simple&ink=.*centre=0&dx=2.*unit=out.3/.test(location.hash)")


def test_a_second_finger_does_not_draw(at):
    seen = at(width=390)
    seen.page.locator("#draw-clear").click()
    touch = fingers_on_board(seen)
    touch("touchStart", (0.5, 0.2))
    touch("touchMove", (0.5, 0.5))
    next_frame(seen)
    before = dark_pixels(seen)
    touch("touchStart", (0.5, 0.5), (0.9, 0.9))
    for x in (0.8, 0.7, 0.6):
        touch("touchMove", (0.5, 0.5), (x, 0.9))
    next_frame(seen)
    assert dark_pixels(seen) == before
    touch("touchEnd")


def test_a_digit_that_arrives_during_a_stroke_harms_nothing(at):
    seen = at()
    release = hold(seen.page, "digits.js")
    seen.page.locator("#draw-any").click()
    box = seen.page.locator("#draw-board").bounding_box()
    seen.page.mouse.move(box["x"] + 100, box["y"] + 100)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 150, box["y"] + 150, steps=8)
    release()
    next_frame(seen)
    seen.page.mouse.move(box["x"] + 200, box["y"] + 150, steps=8)
    seen.page.mouse.up()
    seen.page.wait_for_selector("#draw-source:has-text('Test digit')")
    assert seen.complaints == []


def test_a_stroke_that_leaves_the_board_does_not_run_along_its_edge(at):
    seen = at()
    seen.page.locator("#draw-clear").click()
    draw(seen, [[(0.5, 0.5), (1.2, 0.5), (1.2, 0.9), (0.5, 0.9)]])
    context = "document.getElementById('draw-board').getContext('2d')"
    # The right edge between the two places where the stroke crossed it.
    edge = seen.page.evaluate(f"[...{context}.getImageData(330, 200, 1, 60).data]")
    assert min(edge[::4]) > 128


def test_undo_brings_back_what_was_cleared_or_replaced_also_by_key_and_after_a_reload(at):
    seen = at()
    draw(seen, DRAWN[4])
    four = logits(seen)
    seen.page.locator("#draw-clear").click()
    next_frame(seen)
    assert logits(seen) != four
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    assert logits(seen) == four
    seen.page.locator("#draw-any").click()
    seen.page.wait_for_selector("#draw-source:has-text('Test digit')")
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    assert logits(seen) == four

    seen.page.locator("#draw-clear").click()
    draw(seen, DRAWN[4][:1])
    first = dark_pixels(seen)
    draw(seen, DRAWN[4][1:])
    both = dark_pixels(seen)
    assert both > first
    seen.page.keyboard.press("Control+z")
    next_frame(seen)
    assert dark_pixels(seen) == first
    draw(seen, DRAWN[4][1:])
    outlast(seen, 400)  # the address follows
    seen.page.reload()
    wait_for_answer(seen)
    assert dark_pixels(seen) == both
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    assert dark_pixels(seen) == first


def test_after_a_reload_the_example_is_still_an_example(at):
    seen = at()
    seen.page.locator("canvas[data-layer='conv1']").click(position={"x": 100, "y": 20})
    seen.page.wait_for_function("location.hash.includes('unit=conv1')")
    seen.page.reload()
    wait_for_answer(seen)
    draw(seen, DRAWN[7])
    assert reads(seen, 7)


def test_a_unit_that_the_next_network_lacks_is_let_go(at):
    seen = at("net=relu&digit=0&unit=conv2.3.4.4&off=conv1.3")
    choose_network(seen, "simple")
    panel = seen.page.locator("#draw-why")
    assert "conv2" not in panel.text_content()
    assert seen.page.locator("#draw-all-on").is_hidden(), "maps of another network stay on"
    seen.page.locator("canvas[data-layer='conv1']").hover(position={"x": 100, "y": 20})
    next_frame(seen)
    assert panel.locator("h3").text_content().startswith("conv1")


def test_pointing_does_not_ask_again(at):
    seen = at(f"net={DROPOUT}&digit=582&train=1")
    first = logits(seen)
    for x in (20, 90, 150):
        seen.page.locator("canvas[data-layer='conv1']").hover(position={"x": x, "y": 20})
        next_frame(seen)
    assert logits(seen) == first


def test_the_tally_counts_one_situation(at):
    seen = at(f"net={DROPOUT}&digit=582&train=1")
    for _ in range(5):
        seen.page.locator("#draw-again").click()
        next_frame(seen)
    tally = seen.page.locator("#draw-tally")
    assert numbers_in(tally.text_content())[0] >= 5
    seen.page.locator("#draw-dx").fill("1")
    next_frame(seen)
    assert numbers_in(tally.text_content())[0] == 1


def test_a_moved_four_is_read_by_the_network_that_was_trained_on_moved_digits(at):
    """What the first of the page's suggestions shows."""
    for name, is_read in (("relu", False), (DROPOUT, True)):
        seen = at(f"net={name}&digit=4&dx=-4")
        next_frame(seen)
        assert reads(seen, 4) == is_read


def test_a_link_changes_the_situation_and_without_a_unit_clears_the_panel(at):
    seen = at()
    take_suggestion(seen, "digit=947")
    seen.page.wait_for_selector("#draw-source:has-text('947')")
    next_frame(seen)
    assert seen.page.locator("#draw-why").text_content().startswith("Point at a square")
    assert reads(seen, 9)


def test_a_linked_unit_waits_for_its_network(at):
    seen = at("net=simple&digit=4")
    release = hold(seen.page, "relu.js")
    seen.page.evaluate("location.hash = 'net=relu&digit=0&unit=pool2.5.1.1'")
    next_frame(seen)
    release()
    seen.page.wait_for_selector("#draw-why h3:has-text('pool2, map 5')")
    assert seen.page.locator("input[value='relu']").is_checked()
    assert seen.page.locator("#draw-source").text_content().startswith("Test digit 0,")


def test_drawing_goes_on_while_a_network_loads(at):
    seen = at()
    release = hold(seen.page, "simple.js")
    seen.page.locator("input[value='simple']").click()
    draw(seen, [DRAWN[7][0][:3]])
    box = seen.page.locator("#draw-board").bounding_box()
    seen.page.mouse.down()
    release()
    seen.page.wait_for_selector("canvas[data-layer='conv2']", state="detached")
    before = dark_pixels(seen)
    seen.page.mouse.move(box["x"] + 40, box["y"] + 300, steps=8)
    seen.page.mouse.up()
    next_frame(seen)
    assert dark_pixels(seen) > before
    assert seen.page.locator("input[value='simple']").is_checked()


def test_a_logit_far_from_the_panel_brings_it_into_view(at):
    seen = at("net=relu&digit=0")
    seen.page.get_by_role("button", name="Why this logit of 3?").click()
    next_frame(seen)
    assert seen.page.locator("#draw-why h3").text_content() == "Logit of 3"
    assert seen.page.locator("#draw-panel").bounding_box()["y"] < 850


def test_a_suggestion_brings_its_situation_into_view(at):
    seen = at()
    for link, place in (("digit=947", "#draw-board"), ("unit=probabilities.6", "#draw-panel")):
        take_suggestion(seen, link)
        seen.page.wait_for_function(
            "place => Math.abs(document.querySelector(place).getBoundingClientRect().y) < 700",
            arg=place,
        )
        assert link in seen.page.url


# The page on one screen


def in_view(seen, place: str, height: int) -> bool:
    box = seen.page.locator(place).bounding_box()
    return box["y"] >= 0 and box["y"] + box["height"] <= height


def set_height(seen, width: int, height: int) -> None:
    seen.page.set_viewport_size({"width": width, "height": height})
    seen.page.evaluate("scrollTo(0, 0)")
    next_frame(seen)


@pytest.mark.parametrize("name", SHOWN)
def test_the_network_is_in_view_on_a_laptop_and_the_answer_at_the_board_on_a_phone(at, name):
    seen = at(f"net={name}&digit=0")
    set_height(seen, 1280, 720)
    layers = [f"canvas[data-layer='{n}']" for n in ("conv1", "pool1", "conv2", "pool2")]
    layers = layers[: 2 if name == "simple" else 4]
    for place in ["#draw-board", "#draw-input", *layers, "#draw-bars", "#draw-networks"]:
        assert in_view(seen, place, 720), place
    places = ["#draw-board", "#draw-input", "canvas[data-layer='pool1']", "#draw-bars"]
    lefts = [seen.page.locator(place).bounding_box()["x"] for place in places]
    assert lefts == sorted(lefts), "from left to right"

    seen = at(f"net={name}&digit=0", width=390)
    set_height(seen, 390, 844)
    boxes = {
        n: seen.page.locator(f"#draw-{n}").bounding_box() for n in ("board", "sentence", "bars")
    }
    board = boxes["board"]
    assert board["width"] > 250
    assert boxes["sentence"]["y"] + boxes["sentence"]["height"] <= board["y"]
    assert boxes["bars"]["x"] > board["x"] + board["width"]
    assert boxes["bars"]["y"] < board["y"] + 30
    assert all(in_view(seen, f"#draw-{n}", 844) for n in [*boxes, "networks"])


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
@pytest.mark.parametrize("state", ["", f"net={DROPOUT}&digit=582"])
def test_hardly_anything_moves_while_the_page_loads(windows, address, capsys, state, width, height):
    page = windows.browser.new_page(viewport={"width": width, "height": height})
    page.add_init_script("""
      globalThis.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    """)
    page.goto(f"{address}draw.html#{state}")
    page.wait_for_function("document.getElementById('draw-time').dataset.all")
    page.wait_for_timeout(500)
    shift = page.evaluate("shift")
    page.close()
    with capsys.disabled():
        print(f"\nlayout shift of the page at {width} x {height}: {shift:.3f}")
    assert shift < 0.05


def test_layers_that_are_off_screen_are_not_painted(at):
    seen = at("net=relu&digit=0")
    pixels = """() => {
      const canvas = document.querySelector("canvas[data-layer='pool1']");
      return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.join();
    }"""
    seen.page.wait_for_function(f"/[1-9]/.test(({pixels})())")  # painted for the first time
    before, first = seen.page.evaluate(pixels), logits(seen)
    seen.page.evaluate("document.getElementById('draw').style.paddingTop = '4000px'")
    seen.page.evaluate("""() => new Promise((out) => {
      const tell = ([{ isIntersecting }]) => isIntersecting || out(); // after the page's own
      const watcher = new IntersectionObserver(tell, { rootMargin: "100px" });
      watcher.observe(document.querySelector("canvas[data-layer='pool1']"));
    })""")
    seen.page.evaluate("""() => {
      const slider = document.getElementById("draw-dx");
      slider.value = 4;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }""")
    assert wait_for(lambda: logits(seen) != first, 5)
    next_frame(seen)
    assert seen.page.evaluate(pixels) == before
    seen.page.evaluate("document.getElementById('draw').style.paddingTop = ''")
    assert wait_for(lambda: seen.page.evaluate(pixels) != before, 5)


def test_the_bars_and_each_layer_are_one_stop_for_tab(at):
    seen = at("net=relu&digit=0")
    stops = ".draw-desk :is(button, canvas, [tabindex]):not([tabindex='-1'])"
    assert seen.page.locator(f"#draw-bars {stops.split(' ', 1)[1]}").count() == 1
    assert seen.page.locator(f"#draw-layers {stops.split(' ', 1)[1]}").count() == 5
    first = seen.page.get_by_role("button", name="Why this logit of 0?")
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        seen.page.keyboard.press(key)
    focused = seen.page.evaluate("document.activeElement.dataset.question")
    assert focused == "Why this probability of 2?"
    seen.page.keyboard.press("Enter")
    next_frame(seen)
    assert seen.page.locator("#draw-why h3").text_content() == "Probability of 2"


def test_one_live_region_speaks_when_the_page_has_come_to_rest(at):
    seen = at()
    assert seen.page.locator("#draw [aria-live], #draw [role='status']").count() == 1
    seen.page.wait_for_function("document.getElementById('draw-spoken').textContent")
    heard = """() => {
      globalThis.heard = [];
      const place = document.getElementById("draw-spoken");
      new MutationObserver(() => heard.push(place.textContent)).observe(place, { childList: true });
    }"""
    seen.page.evaluate(heard)
    draw(seen, DRAWN[8])
    outlast(seen, 700)
    assert seen.page.evaluate("heard") == [sentence(seen)]


def says(seen, part: str) -> None:
    seen.page.wait_for_function(
        "part => document.getElementById('draw-spoken').textContent.includes(part)", arg=part
    )


def test_an_answer_is_said_also_when_the_pen_is_lifted_before_it(at):
    """What is said at once puts an answer off that waits for rest; it does not take its place."""
    seen = at()
    says(seen, "It reads a 3 (")
    seen.page.locator("#draw-clear").click()
    board = seen.page.locator("#draw-board")
    board.focus()
    for key in ["ArrowUp"] * 16 + ["Space"] + ["ArrowDown"] * 32:
        board.press(key)
    next_frame(seen)
    board.press("Space")
    assert seen.page.locator("#draw-spoken").text_content().startswith("Pen up")
    says(seen, "It reads a 1 (")
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    seen.page.locator("#draw-next").click()
    says(seen, "2 of 6: A four, moved by four pixels.")
    says(seen, "Nothing is drawn.")


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("layer", ["conv1", "pool1", "fc1"])
def test_every_unit_is_large_enough_for_a_finger(at, name, layer):
    """In the lens a square is at least 24 pixels wide, and a tap chooses it."""
    seen = at(f"net={name}&digit=0&unit={layer}.3.0.0", width=390)
    lens = seen.page.locator("#draw-lens")
    lens.scroll_into_view_if_needed()
    box = lens.bounding_box()
    square = box["width"] / 12
    assert square >= 24
    lens.click(position={"x": 2.5 * square, "y": 1.5 * square})
    next_frame(seen)
    title = seen.page.locator("#draw-why h3").text_content()
    columns = 50 if name != DROPOUT else 100
    assert title == (
        f"fc1, unit {columns + 2}" if layer == "fc1" else f"{layer}, map 3, row 1, column 2"
    )


# All networks


def test_all_networks_answer_one_drawing(at):
    """Each as when it alone is chosen; and it is right where the page says that it is."""
    seen = at("net=relu&digit=4")
    assert answer_of(seen, DROPOUT) == ""
    seen.page.locator("#draw-compare").click()
    done = "/^How sure/.test(document.getElementById('draw-progress').textContent)"
    seen.page.wait_for_function(done, timeout=60_000)
    answers = {name: answer_of(seen, name) for name in SHOWN}
    rows = {n: seen.page.locator(f"#draw-ranges tr[data-network='{n}'] td") for n in SHOWN}
    stretches = {name: rows[name].nth(1).text_content() for name in SHOWN}
    assert seen.page.locator("#draw-curves path.draw-curve").count() == 4
    seen.page.locator("#draw-compare").click()
    for name in SHOWN:
        choose_network(seen, name)
        assert answers[name] == answer_of(seen, name)
        low, high = (int(value_of(t)) for t in stretches[name].replace(" px", "").split(" to "))
        for dx, is_read in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
            if abs(dx) <= 10:
                seen.page.locator("#draw-dx").fill(str(dx))
                next_frame(seen)
                assert reads(seen, 4) == is_read
        seen.page.locator("#draw-straight").click()
    wide = [value_of(stretches[name].split(" px")[0]) for name in ("relu", DROPOUT)]
    assert wide[1] < wide[0], "shifted training digits widen the stretch"

    choose_network(seen, "relu")
    seen.page.locator("#draw-compare").click()
    seen.page.locator("#draw-by").select_option("noise")
    seen.page.locator("#draw-right").select_option("9")
    done = "document.getElementById('draw-progress').textContent.endsWith('of the 9.')"
    seen.page.wait_for_function(done, timeout=60_000)
    cells = seen.page.locator("#draw-ranges td:last-child").all_text_contents()
    assert cells == ["misread"] * 4
    assert "60" in seen.page.locator("#draw-curves").text_content().replace("0.6", "60")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "state",
    [
        "net=relu&digit=0&unit=conv2.3.4.4&off=conv2.3",
        "net=simple&digit=247&unit=probabilities.6.0.0",
        f"net={DROPOUT}&digit=582&train=1&unit=fc1.3.0.0",
    ],
)
def test_every_state_is_accessible(at, state, width, theme):
    seen = at(state, width=width, theme=theme)
    next_frame(seen)
    assert seen.violations() == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert seen.complaints == []


def test_a_link_followed_while_the_address_is_about_to_change_is_not_lost(at):
    """For each of many moments at which the address may be written, after a change of the state."""
    seen = at("net=relu&digit=0")
    seen.page.evaluate("""async () => {
      const pause = (time) => new Promise((done) => setTimeout(done, time));
      for (let time = 385; time <= 415; time += 3) {
        const digit = time % 2 ? "digit=4" : "digit=18"; // to another address each time
        document.getElementById("draw-clear").click();
        await pause(time);
        location.hash = `net=relu&${digit}`;
        await pause(60);
        if (!location.hash.includes(digit)) throw new Error(`lost after ${time} ms`);
        await pause(500);
      }
    }""")
    assert seen.complaints == []


def test_the_network_of_the_address_is_fetched_and_no_other(at):
    for name in ("two-conv", "relu"):
        seen = at(f"net={name}&digit=0")
        fetched = {url.rsplit("/", 1)[-1].split("?")[0] for url in seen.requests}
        assert f"{name}.js" in fetched
        assert not {"relu.js", "two-conv.js", "simple.js"} & fetched - {f"{name}.js"}
