"""The pictures that stand for the book: the front page's, and the card of a link to it."""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn

from mnistconv.figures.style import BLUE, CLOSE, INK, ORANGE, PAPER, SOFT_INK

LIGHT = {"ground": "#EEF1F2", "ink": BLUE, "text": SOFT_INK, "answer": ORANGE}
DARK = {"ground": "#1E242B", "ink": "#7CC4F4", "text": "#A8B3BD", "answer": "#FFB454"}
SIDE = 1.9  # inches: the height of the digit and of the maps
GAP = 0.42  # inches between two of them


@torch.no_grad()
def reading(image: Tensor, net: nn.Module, dark: bool = False) -> Figure:
    """A digit on its way through a trained network, from pixels to an answer.

    `image` is float `[28, 28]` in [0, 1], `net` a `ConvNetTwoConvLayersReLU`. From left to right:
    the digit, the 20 maps of the first convolution after pooling, the 40 of the second, and the
    probabilities of the ten digits. On no background, in colours for a light page or a dark one.
    """
    colours = DARK if dark else LIGHT
    first = F.relu(F.max_pool2d(net.conv1(image[None, None]), 2))
    second = F.relu(F.max_pool2d(net.conv2(first), 2))
    probabilities = net(image[None, None])[0].softmax(0)

    widths = [SIDE, SIDE * 5 / 4, SIDE * 8 / 5, SIDE * 0.8]
    total = sum(widths) + 3 * GAP
    lefts = [sum(widths[:k]) + k * GAP for k in range(4)]
    figure = plt.figure(figsize=(total, SIDE), facecolor="none", layout="none")
    places = [
        figure.add_axes((left / total, 0, width / total, 1))
        for left, width in zip(lefts, widths, strict=True)
    ]
    _maps(places[0], image[None], 1, colours)
    _maps(places[1], first[0], 5, colours)
    _maps(places[2], second[0], 8, colours)
    _answer(places[3], probabilities, colours)
    for left in lefts[1:]:
        middle = (left - GAP / 2) / total
        figure.text(middle, 0.5, "→", ha="center", va="center", fontsize=15, color=colours["text"])
    return figure


def _maps(axes: Axes, maps: Tensor, columns: int, colours: dict[str, str]) -> None:
    """Maps `[n, side, side]` as a grid with gaps, each scaled to its largest value."""
    n, side, _ = maps.shape
    gap = 0 if n == 1 else max(1, round(side / 6))
    rows = n // columns
    grid = torch.full((rows * (side + gap) - gap, columns * (side + gap) - gap), torch.nan)
    for k, values in enumerate(maps):
        top, left = (place * (side + gap) for place in divmod(k, columns))
        grid[top : top + side, left : left + side] = values / values.max().clamp(min=1e-6)
    scale = LinearSegmentedColormap.from_list("maps", [colours["ground"], colours["ink"]])
    axes.imshow(grid, cmap=scale, vmin=0, vmax=1, aspect="auto")
    axes.axis("off")


def _answer(axes: Axes, probabilities: Tensor, colours: dict[str, str]) -> None:
    """Ten bars `[10]`, the longest in another colour."""
    best = int(probabilities.argmax())
    axes.barh(range(10), torch.ones(10), color=colours["ground"], height=0.72)
    bars = axes.barh(range(10), probabilities, color=colours["ink"], height=0.72)
    bars[best].set_color(colours["answer"])
    for digit in range(10):
        colour = colours["answer" if digit == best else "text"]
        weight = "bold" if digit == best else "normal"
        axes.text(-0.06, digit, digit, ha="right", va="center", color=colour,
                  fontsize=13, fontweight=weight)  # fmt: skip
    axes.set(xlim=(-0.2, 1), ylim=(9.5, -0.5))
    axes.axis("off")


def social_card(images: Tensor) -> Figure:
    """The picture that stands for the book where a link to it is shown: 1200 × 630 pixels.

    `images` are at least 30 digits `[n, 28, 28]`.
    """
    figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER, layout="none")
    for place, image in enumerate(images[:30]):
        row, column = divmod(place, 6)
        cell = figure.add_axes((0.55 + 0.072 * column, 0.80 - 0.18 * row, 0.07, 0.14))
        cell.imshow(image, cmap="gray_r")
        cell.axis("off")
    title = "Reading digits\nwith convolutional\nnetworks"
    bold = {"fontsize": 44, "fontweight": "bold", "linespacing": CLOSE}
    figure.text(0.05, 0.6, title, color=INK, va="center", **bold)
    figure.text(0.05, 0.26, "predict, run, explain", fontsize=29, color=BLUE)
    figure.text(0.05, 0.15, "every published figure beside our own", fontsize=23, color=SOFT_INK)
    return figure
