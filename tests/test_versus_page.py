"""The section "Why 3, and not 5?" of the page "Draw a digit", in a real browser."""

import re

import pytest
import torch
from onpage import network_on_page

from mnistconv import inside
from mnistconv.data import to_input
from mnistconv.export import SHOWN

pytestmark = pytest.mark.slow

DONE = "document.getElementById('draw-versus-odds').textContent"
IS_WAITING = "document.querySelector('.draw-waiting')"


@pytest.fixture
def at(visit, address):
    """Open the page in the situation `state`; `scroll=False` stays at the board."""

    def open_page(state: str, scroll=True, **options):
        seen = visit(f"{address}draw.html#{state}", **options)
        seen.page.wait_for_function("document.getElementById('draw-time').dataset.all")
        if scroll:
            scroll_to_section(seen)
        return seen

    return open_page


def scroll_to_section(seen) -> None:
    seen.page.evaluate("document.getElementById('draw-versus').scrollIntoView()")
    wait_until_done(seen)


def wait_until_done(seen) -> None:
    seen.page.wait_for_function(f"!{IS_WAITING} && {DONE}", timeout=60_000)


def text(seen, name: str) -> str:
    return seen.page.locator(f"#draw-versus-{name}").text_content()


def heading(seen) -> str:
    return seen.page.locator("#draw-title-versus").text_content()


def numbers_in(sentence: str) -> list[float]:
    return [float(t.replace("−", "-")) for t in re.findall(r"−?\d+\.\d{3}", sentence)]


@pytest.mark.parametrize("name", SHOWN)
def test_all_sums_are_right_and_those_of_pytorch(at, mnist, name):
    seen = at(f"net={name}&digit=18&why=3&not=5")
    image, net = to_input(mnist[1][0][18:19])[0], network_on_page(name)
    number = inside.logit_of(3, 5)
    with torch.no_grad():
        logits = net(image[None])[0]
    whole = numbers_in(text(seen, "whole").replace("− −", "− ").replace("(−", "−"))
    assert whole[-1] == pytest.approx((logits[3] - logits[5]).item(), abs=6e-4)
    assert whole[0] == pytest.approx(logits[3].item(), abs=6e-4)
    paths = inside.trace(net, image, number)
    shown, others, bias, *_, total = numbers_in(text(seen, "start"))
    assert shown == pytest.approx(sum(path[0].contribution for path in paths), abs=6e-4)
    assert shown + others + bias == pytest.approx(total, abs=2e-3)
    assert total == whole[-1]
    products, constant, total = numbers_in(text(seen, "products-found"))
    expected = inside.pixel_products(net, image, number)
    assert products == pytest.approx(expected.sum().item(), abs=2e-3)
    assert products + constant == pytest.approx(total, abs=2e-3)
    _, fall, _ = numbers_in(text(seen, "falls-found"))
    falls = inside.occlusion(net, image, number)
    assert fall == pytest.approx(falls.max().item(), abs=6e-4)
    most = seen.page.locator("#draw-versus-falls").get_attribute("aria-label")
    strongest = falls.abs().argmax().item()
    assert f"row {strongest // 28}, column {strongest % 28}" in most
    assert seen.complaints == []


def test_a_step_opens_its_unit_in_the_panel_by_mouse_and_by_keyboard(at):
    seen = at("net=relu&digit=0")
    steps = seen.page.locator("#draw-versus-table button")
    assert steps.count() == 15
    for number, layer in ((0, "fc1"), (4, "pool2"), (14, "conv1")):
        assert steps.nth(number).text_content().startswith(f"{layer}, ")
        place = re.findall(r"\d+", steps.nth(number).locator("span").nth(1).text_content())
        wanted = f"{layer}, unit {place[0]}"
        if layer != "fc1":
            wanted = "{}, map {}, row {}, column {}".format(layer, *place)
        if number == 4:
            steps.nth(number).focus()
            seen.page.keyboard.press("Enter")
        else:
            steps.nth(number).click()
        seen.page.wait_for_function(
            "(title) => document.querySelector('#draw-why h3')?.textContent === title", arg=wanted
        )
        assert seen.page.locator(".draw-held").count() == 1


def test_from_a_unit_of_the_paths_a_way_leads_back(at):
    seen = at("net=relu&digit=0")
    seen.page.set_viewport_size({"width": 1280, "height": 720})
    back = seen.page.get_by_role("button", name="Back to the paths")
    step = seen.page.locator("#draw-versus-table button").nth(7)
    for is_by_key in (False, True):
        assert not back.is_visible()
        step.scroll_into_view_if_needed()
        if is_by_key:
            step.focus()
            seen.page.keyboard.press("Enter")
        else:
            step.click()
        seen.page.wait_for_selector("#draw-return:focus")
        assert on_screen(seen, "#draw-return")
        seen.page.get_by_role("button", name="one unit right").click()
        back.press("Enter")
        seen.page.wait_for_function(
            "element => element === document.activeElement", arg=step.element_handle()
        )
        assert on_screen(seen, "#draw-versus-table .draw-step:focus")


def on_screen(seen, selector: str) -> bool:
    box = seen.page.locator(selector).bounding_box()
    return 0 <= box["y"] < seen.page.viewport_size["height"] - box["height"]


def test_the_way_back_goes_when_another_unit_is_chosen(at):
    seen = at("net=relu&digit=0")
    seen.page.locator("#draw-versus-table button").first.click()
    seen.page.get_by_role("button", name="Back to the paths").wait_for()
    seen.page.get_by_role("button", name="Why this logit of 3?").click()
    seen.page.locator("#draw-return").wait_for(state="hidden")


def test_the_reader_asks_and_the_question_stands_in_the_address(at, visit):
    seen = at("net=relu&digit=18")
    assert heading(seen) == "Why 3, and not 5?"
    seen.page.locator("#draw-versus-digit").select_option("8")
    seen.page.locator("#draw-versus-rival").select_option("none")
    seen.page.locator("#draw-title-versus", has_text=re.compile(r"^Why 8\?$")).wait_for()
    wait_until_done(seen)
    assert text(seen, "whole").startswith("Logit of 8 = ")
    assert "against 8" in seen.page.locator(".draw-ends").first.text_content()
    seen.page.wait_for_function("location.hash.endsWith('&why=8&not=none')")
    linked = visit(seen.page.url)
    linked.page.wait_for_function("document.getElementById('draw-time').dataset.all")
    assert heading(linked) == "Why 8?"
    assert linked.page.locator("#draw-versus-rival").input_value() == "none"


def test_a_digit_is_not_its_own_rival(at):
    seen = at("net=relu&digit=18&why=3&not=3", scroll=False)
    assert heading(seen) == "Why 3, and not 5?"
    assert seen.page.locator("#draw-versus-rival").input_value() == ""


def test_nothing_is_computed_before_the_section_is_in_view(at):
    seen = at("net=relu&digit=0", scroll=False)
    seen.page.wait_for_timeout(400)
    assert text(seen, "falls-found") == text(seen, "whole") == ""
    scroll_to_section(seen)
    assert text(seen, "falls-found").startswith("Now ")


def test_a_question_that_was_dropped_does_not_answer(at, mnist):
    seen = at("net=dropout-lr0.005&digit=18&noise=0.1")
    rival = seen.page.locator("#draw-versus-rival")
    rival.select_option("0")
    seen.page.wait_for_function(
        "/row/.test(document.getElementById('draw-versus-falls-found').textContent)"
    )
    rival.select_option("8")
    seen.page.wait_for_function(f"!{DONE}")
    wait_until_done(seen)
    seen.page.locator("#draw-noise").fill("0")
    seen.page.wait_for_function(IS_WAITING)
    wait_until_done(seen)
    image, net = to_input(mnist[1][0][18:19])[0], network_on_page(SHOWN[-1])
    expected = inside.occlusion(net, image, inside.logit_of(3, 8)).max().item()
    assert numbers_in(text(seen, "falls-found"))[1] == pytest.approx(expected, abs=6e-4)
    assert heading(seen) == "Why 3, and not 8?"


def test_in_train_mode_a_sentence_stands_there(at):
    seen = at("net=dropout-lr0.005&digit=18")
    seen.page.locator("#draw-train").check()
    sentence = seen.page.get_by_text("Without train mode the trace stands here.")
    sentence.wait_for()
    assert not seen.page.locator("#draw-versus-falls").is_visible()
    seen.page.locator("#draw-train").uncheck()
    sentence.wait_for(state="hidden")
    scroll_to_section(seen)
    assert seen.page.locator("#draw-versus-falls").is_visible()


def test_on_an_empty_board_no_pixel_counts(at):
    seen = at("net=simple&ink=")
    assert text(seen, "odds") == "Nothing is drawn, so no pixel counts: the biases answer."
    assert numbers_in(text(seen, "products-found"))[0] == 0
    assert "NaN" not in seen.page.locator("#draw-versus").text_content()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_when_the_section_fills(at, width):
    seen = at("net=relu&digit=4", scroll=False, width=width)
    height = "document.getElementById('draw-versus').offsetHeight"
    before = seen.page.evaluate(height)
    scroll_to_section(seen)
    assert seen.page.evaluate(height) == before


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["relu", SHOWN[-1]])
def test_the_section_is_accessible(at, name, width, theme):
    seen = at(f"net={name}&digit=18", width=width, theme=theme)
    assert seen.violations("#draw-versus") == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert seen.complaints == []
