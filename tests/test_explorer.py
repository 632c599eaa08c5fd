"""The explorer on the page about convolution: its arithmetic in Node, the rest in a browser."""

import json
import re
from decimal import Decimal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from book import NAMES
from scipy import signal
from sites import soup

PAGE = "01_convolution"

# The arithmetic, in Node


@pytest.fixture(scope="module")
def in_node(node):
    """The value of a JavaScript expression, in which `given` is at hand."""
    return lambda expression, given=None: node(f"return {expression};", given)


def random_cases(count: int) -> list[dict]:
    """Inputs and kernels of all shapes, also kernels that do not fit, in hundredths."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(count):
        shapes = rng.integers(1, 10, 2), rng.integers(1, 6, 2)
        arrays = [(rng.integers(-9999, 10000, shape) / 100).tolist() for shape in shapes]
        options = {"stride": int(rng.integers(1, 4)), "padding": int(rng.integers(0, 3))}
        cases.append({"input": arrays[0], "kernel": arrays[1], "options": options})
    return cases


def by_scipy(case: dict, flipped: bool):
    stride, padding = case["options"]["stride"], case["options"]["padding"]
    padded, kernel = np.pad(np.array(case["input"]), padding), np.array(case["kernel"])
    if any(k > n for k, n in zip(kernel.shape, padded.shape, strict=True)):
        return np.zeros((0,))
    function = signal.convolve2d if flipped else signal.correlate2d
    return function(padded, kernel, mode="valid")[::stride, ::stride]


def by_torch(case: dict):
    """Without the flip; None where PyTorch refuses since the kernel does not fit."""
    values, kernel = (torch.tensor(case[name], dtype=torch.float64) for name in ("input", "kernel"))
    try:
        return F.conv2d(values[None, None], kernel[None, None], **case["options"])[0, 0].numpy()
    except RuntimeError as error:
        assert "Kernel size can't be greater than actual input size" in str(error)
        return None


@pytest.mark.parametrize("flipped", [False, True])
def test_it_computes_what_scipy_and_pytorch_compute(in_node, flipped):
    cases = random_cases(400)
    options = f"{{...c.options, flipped: {json.dumps(flipped)}}}"
    ours = in_node(f"given.map((c) => convolution.correlate(c.input, c.kernel, {options}))", cases)
    empty = 0
    for case, result in zip(cases, ours, strict=True):
        result = np.array(result)
        np.testing.assert_allclose(result, by_scipy(case, flipped), rtol=0, atol=1e-8)
        by_framework = by_torch(case)
        if by_framework is None:
            empty += 1
            assert result.size == 0
        elif not flipped:
            np.testing.assert_allclose(result, by_framework, rtol=0, atol=1e-8)
    assert 0 < empty < len(cases) / 2


def test_the_side_of_the_output_is_pytorchs(in_node):
    sizes = [
        (n, k, s, p) for n in range(1, 12) for k in range(1, 7) for s in (1, 2, 3) for p in range(3)
    ]
    ours = in_node("given.map((size) => convolution.outputSide(...size))", sizes)
    for (n, k, s, p), side in zip(sizes, ours, strict=True):
        if k > n + 2 * p:
            assert side == 0
        else:
            layer = torch.nn.Conv2d(1, 1, k, stride=s, padding=p)
            assert side == layer(torch.zeros(1, 1, n, n)).shape[-1]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("7", 7), ("-1", -1), ("−1", -1), (" 2.5 ", 2.5), ("0,25", 0.25), (".5", 0.5), ("3.", 3),
        ("+4", 4), ("99.99", 99.99), ("-0", 0),
        ("", None), (" ", None), ("abc", None), ("1e5", None), ("100", None), ("0.125", None),
        ("--1", None), ("1-", None), (".", None), ("-", None), ("Infinity", None), ("NaN", None),
        ("0x1", None), ("1 2", None), ("<b>1</b>", None),
    ],
)  # fmt: skip
def test_what_a_reader_may_type(in_node, typed, number):
    assert in_node("convolution.parse(given)", typed) == number


def test_numbers_are_shown_without_noise(in_node):
    shown = in_node("given.map(convolution.format)", [0.1 + 0.2, -1.5, -1e-9, 370, 0.0625, -245025])
    assert shown == ["0.3", "−1.5", "0", "370", "0.0625", "−245025"]
    short = in_node("given.map(convolution.formatShort)", [4.5678, -12.34, 123.4, -0.001, 5])
    assert short == ["4.57", "−12.3", "123", "0", "5"]


def test_the_presets_are_what_their_names_say(in_node):
    kernels = in_node(
        "Object.fromEntries(Object.entries(convolution.presets.kernel).map(([name, preset]) =>"
        "[name, [2, 3, 5].map((side) => preset.make(side) ?? null).filter(Boolean)]))"
    )
    total = {"blur": 1, "identity": 1, "sharpen": 1, "first": 100}
    for name, found in kernels.items():
        assert found, name
        for kernel in found:
            assert np.sum(kernel) == pytest.approx(total.get(name, 0)), name
    for upright, level in zip(kernels["upright"], kernels["level"], strict=True):
        assert np.array_equal(np.transpose(upright), level)
    sobel = np.outer([1, 2, 1], [1, 0, -1])
    assert np.array_equal(kernels["sobel"][0], sobel)
    smooth = np.outer([1, 2, 1], [1, 2, 1])
    assert np.array_equal(kernels["sobel"][1], signal.convolve2d(sobel, smooth))


def test_the_five_is_the_first_training_digit(in_node, mnist):
    (images, _), _ = mnist
    blocks = F.avg_pool2d(images[:1, :27, :27].double(), 3)[0]
    expected = (9 * blocks / blocks.max()).round().int().tolist()
    assert in_node("convolution.presets.input.five.make(9)") == expected


# In the browser


class Hands:
    """What a reader does with the explorer, and what it then shows."""

    def __init__(self, seen):
        self.seen, self.page = seen, seen.page

    def choose(self, name: str, key: str, side: int | None = None) -> None:
        self.page.locator(f"[data-preset={name}]").select_option(key)
        if side:
            self.page.locator(f"[data-side={name}]").select_option(str(side))

    def set(self, name: str, value: int) -> None:
        self.page.locator(f"[data-setting={name}][value='{value}']").check()

    def cell(self, name: str, row: int, column: int):
        """The cell at (row, column), from 0 on, of `input`, `kernel` or `output`."""
        return self.page.locator(f"#explorer-{name} [data-row='{row}'][data-column='{column}']")

    def text(self, name: str) -> str:
        return self.page.locator(f"#explorer-{name}").inner_text()

    def output(self) -> list[list[str]]:
        return self.page.evaluate(
            "[...document.querySelectorAll('#explorer-output [role=row]')]"
            ".map((row) => [...row.children].map((cell) => cell.textContent))"
        )

    def selected(self) -> tuple[int, int]:
        cell = self.page.locator("#explorer-output [aria-selected=true]")
        return int(cell.get_attribute("data-row")), int(cell.get_attribute("data-column"))


@pytest.fixture
def hands(visit, address):
    seen = visit(f"{address}{PAGE}.html")
    yield Hands(seen)
    assert seen.complaints == []


def first_example(hands: Hands) -> None:
    hands.choose("input", "counting")
    hands.choose("kernel", "first")


@pytest.mark.slow
def test_its_files_are_loaded_on_its_page_only(site):
    for name in (*NAMES, "index"):
        page = soup(site, name)
        loaded = [t.get("src") or t.get("href") for t in page.select("[src], link[href]")]
        files = [re.sub(r"\?.*", "", file) for file in loaded if "/explorer/" in file]
        names = ("explorer.css", "convolution.js", "explorer.js")
        assert files == [f"_static/explorer/{n}" for n in names if name == PAGE]
    assert all(tag.has_attr("defer") for tag in soup(site, PAGE).select("script[src*='explorer/']"))


@pytest.mark.slow
def test_the_chapters_example_correlated_and_flipped(hands):
    first_example(hands)
    assert hands.output() == [["370", "470"], ["670", "770"]]
    hands.cell("output", 0, 0).click()
    assert hands.text("terms") == "1·10 + 2·20 + 4·30 + 5·40"
    assert hands.text("products") == "= 10 + 40 + 120 + 200 = 370"
    hands.set("flipped", 1)
    assert hands.output() == [["230", "330"], ["530", "630"]]
    assert hands.text("terms") == "1·40 + 2·30 + 4·20 + 5·10"


@pytest.mark.slow
def test_the_keyboard_moves_the_window(hands):
    first_example(hands)
    hands.cell("output", 0, 0).click()
    for key, place in {
        "ArrowRight": (0, 1),
        "ArrowDown": (1, 1),
        "Home": (1, 0),
        "End": (1, 1),
    }.items():
        hands.page.keyboard.press(key)
        assert hands.selected() == place
        assert hands.cell("output", *place).evaluate("cell => cell === document.activeElement")
    hands.page.keyboard.press("ArrowDown")  # the edge
    assert hands.selected() == (1, 1)
    assert "is 770" in hands.text("where")
    assert "rows 2 to 3" in hands.text("where")
    assert hands.page.locator("#explorer-where").get_attribute("aria-live") == "polite"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_the_window_lies_where_the_output_says(visit, address, width):
    hands = Hands(visit(f"{address}{PAGE}.html", width))
    hands.choose("input", "diagonal")
    hands.set("stride", 2)
    hands.set("padding", 1)
    hands.cell("output", 1, 2).hover()
    assert hands.selected() == (1, 2)
    window = corners(hands.page.locator("#explorer-window"))
    upper_left = corners(hands.cell("input", 1 * 2 - 1, 2 * 2 - 1))
    lower_right = corners(hands.cell("input", 1 * 2 + 1, 2 * 2 + 1))
    assert window == pytest.approx(upper_left[:2] + lower_right[2:], abs=1)


def corners(locator) -> list[float]:
    """Left, top, right and bottom in pixels."""
    box = locator.bounding_box()
    return [box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]]


def decimals(text: str) -> list[Decimal]:
    return [
        Decimal(n.replace("−", "-").replace(" ", "")) for n in re.findall(r"(?:− ?)?[\d.]+", text)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["blur", "sobel", "sharpen"])
def test_the_numbers_shown_add_up(hands, kernel):
    """Exactly, in decimals: the products are those of the terms, and the total is their sum."""
    hands.choose("kernel", kernel)
    hands.cell("kernel", 0, 1).fill("-1,37")
    hands.cell("input", 4, 4).fill("12.7")
    hands.set("padding", 1)
    hands.set("flipped", 1)
    output = hands.output()
    assert len(output) == 9
    for row in range(0, 9, 2):
        for column in range(0, 9, 2):
            hands.cell("output", row, column).hover()
            terms = [decimals(term) for term in hands.text("terms").split(" + ")]
            *products, total = decimals(hands.text("products"))
            assert len(products) == 9
            assert products == [value * weight for value, weight in terms]
            assert sum(products) == total
            (shown,) = decimals(output[row][column])  # in at most three digits
            assert abs(shown - total) <= max(Decimal("0.005"), abs(total) / 200)
            assert f" is {hands.text('products').split('= ')[-1]}. " in hands.text("where")


@pytest.mark.slow
def test_nonsense_is_marked_named_and_counts_as_zero(hands):
    first_example(hands)
    cell = hands.cell("input", 0, 1)
    for typed in ("abc", "", "1e9", "<img src=x>"):
        cell.fill(typed)
        assert hands.output() == [["330", "450"], ["670", "770"]]
        assert cell.get_attribute("aria-invalid") == "true"
        problem = hands.text("input-problem")
        assert "Row 1, column 2" in problem
        assert (typed or "is empty") in problem
    cell.fill("2")
    assert hands.output() == [["370", "470"], ["670", "770"]]
    assert cell.get_attribute("aria-invalid") == "false"
    assert hands.text("input-problem") == ""
    assert hands.page.locator("[data-preset=input]").input_value() == ""  # "your own"
    assert "NaN" not in hands.page.locator("#explorer").inner_text()


@pytest.mark.slow
def test_a_kernel_that_does_not_fit_is_said_in_words(hands):
    first_example(hands)
    hands.choose("kernel", "blur", side=5)
    assert hands.output() == []
    assert "does not fit" in hands.text("remark")
    assert hands.page.locator("#explorer-slide").is_disabled()
    assert not hands.page.locator("#explorer-sum").is_visible()
    hands.set("padding", 1)
    assert len(hands.output()) == 1
    assert hands.text("remark") == ""


@pytest.mark.slow
def test_the_formula_holds_todays_numbers(hands):
    for stride, padding, left_over in ((1, 0, 0), (2, 0, 0), (3, 1, 2), (3, 2, 1)):
        hands.set("stride", stride)
        hands.set("padding", padding)
        side = (9 + 2 * padding - 3) // stride + 1
        numbers = hands.page.locator("#explorer-formula b").all_inner_texts()
        assert numbers == [str(n) for n in (9, padding, 3, stride, side)]
        assert len(hands.output()) == side
        assert hands.text("size") == f"Output {side} × {side}"
        assert left_over == (9 + 2 * padding - 3) % stride
        assert {0: "", 1: "last row", 2: "last two rows"}[left_over] in hands.text("remark")
        assert bool(hands.text("remark")) == bool(left_over)


@pytest.mark.slow
def test_arrow_keys_lead_from_cell_to_cell_and_leave_the_text_alone(hands):
    focused = "document.activeElement.getAttribute('aria-label')"
    hands.cell("kernel", 0, 0).focus()
    hands.page.keyboard.press("ArrowDown")
    hands.page.keyboard.press("ArrowRight")
    assert hands.page.evaluate(focused) == "kernel, row 2, column 2"
    hands.page.keyboard.type("12")
    hands.page.keyboard.press("ArrowLeft")  # within the text
    assert hands.page.evaluate(focused) == "kernel, row 2, column 2"
    hands.page.keyboard.press("ArrowUp")
    assert hands.page.evaluate(focused) == "kernel, row 1, column 2"
    hands.page.keyboard.press("Tab")  # one stop for the whole grid
    assert not hands.page.evaluate(focused)
    assert hands.cell("kernel", 1, 1).input_value() == "12"


@pytest.mark.slow
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_window_slides_and_can_be_stopped(visit, address, motion):
    hands = Hands(visit(f"{address}{PAGE}.html", motion=motion))
    first_example(hands)
    glide = hands.page.locator("#explorer-window").evaluate(
        "e => getComputedStyle(e).transitionDuration"
    )
    assert (glide == "0s") == (motion == "reduce")
    button = hands.page.locator("#explorer-slide")
    begun = button.evaluate("""(button) => {
      button.click(); // and look at once: the window moves on by itself
      const cell = document.querySelector("#explorer-output [aria-selected=true]");
      const later = document.querySelectorAll(".explorer-later").length;
      const { ariaLive } = document.getElementById("explorer-where");
      return [cell.dataset.row, cell.dataset.column, button.innerText, later, ariaLive];
    }""")
    assert begun == ["0", "0", "■ Stop", 3, "off"]
    hands.page.wait_for_selector(
        "#explorer-output [data-row='0'][data-column='1'][aria-selected=true]"
    )
    button.click()
    stopped = hands.selected()
    assert "Slide" in button.inner_text()
    hands.page.wait_for_timeout(1000)
    assert hands.selected() == stopped
    button.click()
    hands.page.wait_for_function(
        "document.querySelector('#explorer-slide').innerText.includes('Slide')"
    )
    assert hands.selected() == (1, 1)
    assert hands.page.locator(".explorer-later").count() == 0
    assert hands.seen.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_stays_accessible_and_fits_whatever_is_chosen(visit, address, width, theme):
    """Test_site looks at the page as it opens; this looks at its other faces."""
    seen = visit(f"{address}{PAGE}.html", width, theme)
    hands = Hands(seen)
    hands.choose("input", "counting", side=9)
    hands.choose("kernel", "sobel", side=5)
    hands.set("padding", 2)
    hands.cell("input", 0, 0).fill("-99.99")
    hands.cell("kernel", 0, 1).fill("abc")
    assert seen.violations("#explorer") == []
    hands.choose("input", "counting", side=3)
    hands.set("padding", 0)
    assert hands.output() == []
    assert seen.violations("#explorer") == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.slow
def test_it_works_from_a_folder_without_a_server(visit, site):
    seen = visit((site / f"{PAGE}.html").as_uri())
    hands = Hands(seen)
    first_example(hands)
    assert hands.output() == [["370", "470"], ["670", "770"]]
    assert seen.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in seen.requests)


@pytest.mark.slow
def test_without_javascript_a_line_says_so(site):
    assert "needs JavaScript" in soup(site, PAGE).select_one("#explorer noscript").get_text()
