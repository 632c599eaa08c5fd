"""Figures as a page holds them: the theme's colours, ids of their own, the book's type."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from book import REPOSITORY
from drawings import VARIABLES, to_page
from matplotlib import colors
from matplotlib.font_manager import findfont

from mnistconv import figures
from mnistconv.figures import style

CSS = (REPOSITORY / "site" / "_static" / "book.css").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def drawn_in_the_books_style():
    with plt.rc_context():
        figures.use_style()
        yield
    plt.close("all")


def svg(figure, tmp_path) -> str:
    figure.savefig(tmp_path / "figure.svg")
    return (tmp_path / "figure.svg").read_text(encoding="utf-8")


@pytest.fixture
def kernels(tmp_path):
    image, kernels = torch.rand(28, 28), {"edge": torch.tensor([[1.0, -1.0]]).repeat(2, 1)}
    return svg(figures.kernels_on_a_digit(image, kernels), tmp_path)


def block(theme: str) -> str:
    """What book.css says of the book's variables in a theme."""
    blocks = re.findall(rf'html\[data-theme="{theme}"\] {{(.*?)}}', CSS, re.S)
    return "".join(found for found in blocks if "--" in found)


def variable(name: str, theme: str) -> str:
    value = re.search(rf"--{name}: ([^;]+);", block(theme))[1]
    inner = re.fullmatch(r"var\(--([\w-]+)\)", value)
    return variable(inner[1], theme) if inner else value


def luminance(colour: str) -> float:
    channels = np.array(colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_drawing_says_what_it_shows_and_nothing_of_how_it_was_made(kernels):
    drawing = to_page(kernels, "figure-1-", 'A "digit" & its edges')
    assert drawing.startswith("<svg ")
    assert 'role="img" aria-label="A &quot;digit&quot; &amp; its edges"' in drawing
    assert not re.search("metadata|<style|<!--|xmlns|xlink", drawing)


def test_two_drawings_on_a_page_share_no_id_and_refer_to_their_own(kernels):
    ids = []
    for prefix in ("figure-1-", "figure-2-"):
        drawing = to_page(kernels, prefix, "")
        own = set(re.findall(r' id="([^"]+)"', drawing))
        pointed = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', drawing))
        assert own
        assert {one or other for one, other in pointed} == own
        ids.append(own)
    assert not ids[0] & ids[1]


def test_every_colour_of_a_drawing_is_one_that_the_theme_can_change(tmp_path):
    for figure in (figures.activations(), figures.best_of(3, 5, 10), figures.scoreboard_dots()):
        drawing = to_page(svg(figure, tmp_path), "", "")
        used = set(re.findall(r"#[0-9a-f]{6}\b", drawing))
        assert used <= VARIABLES.keys()
        assert not re.search(r"(?<!, )#[0-9a-f]{6}\b", drawing), "a colour outside var()"


def test_points_lie_where_they_lay(kernels):
    def numbers(text):
        return [
            float(n) for d in re.findall(r' d="([^"]+)"', text) for n in re.findall(r"[\d.]+", d)
        ]

    before, after = numbers(kernels), numbers(to_page(kernels, "", ""))
    np.testing.assert_allclose(after, before, atol=0.006)


@pytest.mark.parametrize("name", ["ink", "soft-ink", "blue", "orange", "green", "red", "purple"])
def test_what_is_written_in_a_figure_can_be_read_in_the_dark_and_in_the_light(name):
    light = {value.split(",")[0]: colour for colour, value in VARIABLES.items()}
    assert contrast(light[f"var(--figure-{name}"], style.PAPER) >= 4.5
    dark_page = variable("figure-paper", "dark")
    assert contrast(variable(f"figure-{name}", "dark"), dark_page) >= 4.5


def hue(colour: str) -> float:
    return 360 * colors.rgb_to_hsv(colors.to_rgb(colour))[0]


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_one_hue_for_each_sign_in_figures_explorer_and_on_the_page_to_draw(sign):
    drawn = style.BLUE if sign == "positive" else style.RED
    assert variable(f"book-{sign}", "light") == drawn.lower()
    explorer = (REPOSITORY / "site" / "_static" / "explorer" / "explorer.css").read_text("utf-8")
    others = re.findall(rf"--{sign}(?:-text)?: (#\w{{6}})", explorer)
    assert len(others) == 4
    for colour in (variable(f"book-{sign}", "dark"), *others):
        assert abs(hue(colour) - hue(drawn)) < 6
    draw = (REPOSITORY / "site" / "_static" / "draw" / "draw.css").read_text(encoding="utf-8")
    assert f"--draw-{sign}: var(--book-{sign})" in draw
    end = style.SIGNED(1.0 if sign == "positive" else 0.0)
    assert colors.to_hex(end) == drawn.lower()


def test_the_dark_sign_of_a_picture_is_that_of_the_page():
    """book.css turns pictures by invert(1) hue-rotate(180deg): what becomes of the two colours."""
    rule = 'html[data-theme="dark"] svg.figure image { filter: invert(1) hue-rotate(180deg); }'
    assert rule in CSS
    grey = np.array([0.213, 0.715, 0.072])
    turned = 2 * np.ones((3, 1)) @ grey[None] - np.eye(3)  # a half turn of the hues
    for drawn, sign in ((style.BLUE, "positive"), (style.RED, "negative")):
        shown = np.clip(turned @ (1 - np.array(colors.to_rgb(drawn))), 0, 1)
        assert abs(hue(shown) - hue(variable(f"book-{sign}", "dark"))) < 6


def test_figures_are_lettered_in_the_books_type():
    fonts = REPOSITORY / "mnistconv" / "figures" / "fonts"
    assert findfont("Source Sans 3") == str(fonts / "SourceSans3-Regular.ttf")
    assert findfont("Source Sans 3:bold") == str(fonts / "SourceSans3-Bold.ttf")
    assert (fonts / "LICENSE.txt").exists()
