"""What networks get wrong: confused digits, sureness against truth, fooled and spoiled digits."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from torch import Tensor

from mnistconv.figures.style import (
    BLUE,
    CLOSE,
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    ORANGE,
    SIGNED,
    SOFT_INK,
    WIDTH,
)
from mnistconv.records.intervals import wilson

LINES = ("-", "--", "-.", ":")


def confusions(counts: ArrayLike) -> Figure:
    """How often each digit was read as each other one: a square for each, the larger with a number.

    `counts` is `[10, 10]`, rows what was written, columns what was read; the diagonal stays empty.
    A square's area grows with its count; from a tenth of the largest on it has a number.
    """
    counts = np.array(counts)
    np.fill_diagonal(counts, 0)
    figure, axes = plt.subplots(figsize=(5.6, 5.4))
    written, read = counts.nonzero()
    shares = counts[written, read] / max(counts.max(), 1)
    axes.scatter(read, written, s=760 * shares, marker="s", color=BLUE, alpha=0.35, linewidth=0)
    for row, column in np.argwhere((counts > 0) & (10 * counts >= counts.max())):
        axes.text(column, row, counts[row, column], ha="center", va="center", fontsize=9.5)
    axes.plot([-0.5, 9.5], [-0.5, 9.5], color=FAINT, linewidth=1, zorder=0)
    axes.set(xticks=range(10), yticks=range(10), xlim=(-0.6, 9.6), ylim=(9.6, -0.6))
    axes.set(xlabel="read as", ylabel="written", aspect="equal")
    axes.set_xticks(np.arange(0.5, 9), minor=True)
    axes.set_yticks(np.arange(0.5, 9), minor=True)
    axes.grid(which="minor", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    return figure


def reliability(networks: dict[str, dict[str, list[tuple[float, int, int]]]]) -> Figure:
    """Share of errors against the share that the network expects, with Wilson's 95 % intervals.

    `networks` maps a title to a panel: a name ("as trained") to bins (expected share of errors,
    wrong, of how many), at most two names. On the diagonal a network errs as often as it says;
    above it, more often. Both axes are logarithmic: where a bin has no error there is no dot, only
    the interval, down to the edge.
    """
    figure, places = plt.subplots(1, len(networks), figsize=(WIDTH, 3.3), sharey=True)
    low, high = 1e-6, 2
    for axes, (title, series) in zip(np.atleast_1d(places), networks.items(), strict=True):
        axes.plot([low, high], [low, high], color=SOFT_INK, linewidth=1, zorder=1)
        for number, (name, bins) in enumerate(series.items()):
            colour, marker = (BLUE, ORANGE)[number], MARKERS[number]
            for expected, wrong, of in bins:
                right = wilson(of - wrong, of)
                ends = [max(1 - right[1], low), 1 - right[0]]
                axes.plot([expected] * 2, ends, color=colour, linewidth=1.3, zorder=2)
            dots = [(expected, wrong / of) for expected, wrong, of in bins if wrong]
            axes.scatter(*zip(*dots, strict=True), s=26, color=colour, marker=marker, zorder=3,
                         label=name)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        axes.set_xticks([1e-4, 1e-2, 1], ["0.01 %", "1 %", "100 %"])
        axes.set_yticks([1e-6, 1e-4, 1e-2, 1], ["0.0001 %", "0.01 %", "1 %", "100 %"])
        axes.minorticks_off()
        axes.set_title(title, fontsize=11)
    first = np.atleast_1d(places)[0]
    first.set_ylabel("wrong")
    first.legend(loc="upper left", fontsize=10, handletextpad=0.2, borderaxespad=0)
    figure.supxlabel("expected to be wrong: 1 − sureness", fontsize=11, color=INK)
    return figure


def spoiled(images: Tensor, titles: list[str], columns: int = 3) -> Figure:
    """Pictures `[n, 28, 28]` with pixels from 0 to 1, all on one scale, each under its title.

    `titles` may be fewer than the pictures: then only the first ones have one. Pixels below 0 are
    changes: where a picture has some it is coloured, red below zero.
    """
    count = -(-len(images) // columns)
    side = min(1.5, WIDTH / columns)
    figure, grid = plt.subplots(
        count,
        columns,
        squeeze=False,
        figsize=(side * columns, side * count + 0.25 * -(-len(titles) // columns)),
    )
    for number, (place, image) in enumerate(zip(grid.flat, images, strict=False)):
        if image.min() < 0:
            reach = image.abs().max()
            place.imshow(image, cmap=SIGNED, vmin=-reach, vmax=reach)
        else:
            place.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        if number < len(titles):
            place.set_title(titles[number], fontsize=10, fontweight="normal", linespacing=CLOSE)
    for place in grid.flat:
        place.set(xticks=[], yticks=[], frame_on=False)
        if place.images:
            place.add_patch(Rectangle((-0.5, -0.5), 28, 28, fill=False, color=FAINT, clip_on=False))
    return figure


def accuracy_by_size(sizes: list[float], networks: dict[str, dict[str, list[float]]]) -> Figure:
    """Accuracy by the size of a change of the pixels: a panel a network, a line a kind of change.

    `networks` maps a title to kinds, and each kind to one accuracy, 0 to 1, a size.
    """
    figure, places = plt.subplots(1, len(networks), figsize=(WIDTH, 3.0), sharey=True)
    places = np.atleast_1d(places)
    for axes, (title, kinds) in zip(places, networks.items(), strict=True):
        for number, (kind, accuracy) in enumerate(kinds.items()):
            axes.plot(
                sizes, 100 * np.asarray(accuracy), color=COLOURS[number], label=kind,
                linestyle=LINES[number],
            )  # fmt: skip
        axes.set(ylim=(0, 102), title=title)
    places[0].set_ylabel("read right (%)")
    figure.supxlabel("largest change of a pixel, ε", fontsize=11, color=INK)
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=10)
    return figure
