"""What luck does to a comparison: pairs of single runs, intervals, tests, numbers of seeds."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mnistconv.figures.style import (
    BLUE,
    CLOSE,
    COLOURS,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SOFT_INK,
    WIDTH,
)

LINES = ("-", "--", "-.", ":")


def lottery(gains: dict[str, ArrayLike], claimed: dict[str, float]) -> Figure:
    """What every pair of single runs would report as gained, in points; a row of dots a step.

    `gains` maps a step to one number a pair, `claimed` some steps to what was published. The dots
    of a row are sorted, lowest at the bottom. A step without pairs is named as not yet run.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.75 * len(gains)))
    for row, (step, values) in enumerate(gains.items()):
        values = np.sort(values)
        if not len(values):
            axes.text(0.02, -row, "not yet run", color=SOFT_INK, va="center")
        heights = -row + np.linspace(-0.3, 0.3, len(values))
        for is_shown, face in ((values > 0, BLUE), (values <= 0, "none")):
            axes.plot(
                values[is_shown], heights[is_shown], "o", markersize=3.7, color=BLUE,
                markerfacecolor=face, markeredgewidth=0.8, zorder=2, rasterized=True,
            )  # fmt: skip
        if step in claimed:
            axes.scatter(claimed[step], -row, marker="s", s=42, color=ORANGE, zorder=3)
    axes.scatter([], [], s=14, color=BLUE, label="one pair of runs")
    axes.scatter([], [], s=14, facecolor="none", edgecolor=BLUE, label="nothing gained, or lost")
    axes.scatter([], [], marker="s", s=42, color=ORANGE, label="the article's pair")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, fontsize=10)
    _rows(axes, list(gains), "points of accuracy gained by the second of two runs")
    axes.axvline(0, color=SOFT_INK, linewidth=1, zorder=1)
    return figure


def _rows(axes: Axes, names: list[str], quantity: str) -> None:
    """One row a name, from top to bottom."""
    axes.set_yticks(-np.arange(len(names)), names, fontsize=10, linespacing=CLOSE)
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(-len(names) + 0.4, 0.6), xlabel=quantity)
    axes.spines["left"].set_visible(False)


def two_kinds_of_luck(rows: dict[str, tuple[float, float, tuple[float, float], float]]) -> Figure:
    """For each run, in points: standard error by digits, sd by seeds, its interval, a prediction.

    The prediction is the standard deviation between seeds that err independently.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.62 * len(rows)))
    for row, (digits, seeds, interval, predicted) in enumerate(rows.values()):
        axes.barh(-row + 0.17, digits, height=0.26, color=FAINT)
        axes.plot(interval, [-row - 0.17] * 2, color=BLUE, linewidth=1.5)
        axes.scatter(seeds, -row - 0.17, s=34, color=BLUE, zorder=3)
        axes.scatter(predicted, -row - 0.17, marker="|", s=150, color=ORANGE, linewidth=2, zorder=4)
    axes.barh(0, 0, color=FAINT, label="which digits: standard error")
    axes.errorbar([], [], xerr=[], fmt="o", color=BLUE, label="which seed: sd, 95 % interval")
    axes.scatter(
        [], [], marker="|", s=150, color=ORANGE, linewidth=2, label="if errors were independent"
    )
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, fontsize=10)
    _rows(axes, list(rows), "points of accuracy (log scale)")
    axes.set(xscale="log", xlim=(0.01, 1))
    axes.set_xticks([0.01, 0.03, 0.1, 0.3, 1], ["0.01", "0.03", "0.1", "0.3", "1"])
    axes.set_xticks([], minor=True)
    return figure


def by_position(misread: dict[str, ArrayLike]) -> Figure:
    """Share of all misread test digits that lie among the first n, one line a run.

    `misread` maps a run to how often each test digit was misread, float `[10000]`, in MNIST's
    order. Digits that are equally hard everywhere would give the grey diagonal.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    for number, (name, often) in enumerate(misread.items()):
        often = np.asarray(often)
        colour, line = COLOURS[number % 5], LINES[number % 4]
        n = len(often)
        so_far = 100 * often.cumsum() / often.sum()
        shown = slice(None, None, max(n // 80, 1))  # more points are not to be seen
        axes.plot(np.arange(n)[shown], so_far[shown], color=colour, linestyle=line, label=name)
    axes.plot([0, n], [0, 100], color=FAINT, zorder=0)
    axes.axvline(n / 2, color=SOFT_INK, linewidth=1, linestyle=":", zorder=0)
    axes.set(xlim=(0, n), ylim=(0, 100), xlabel="test digits, in MNIST's order")
    axes.set_ylabel("% of all misread digits so far")
    axes.legend(loc="lower right")
    return figure


def intervals(
    rows: dict[str, tuple[float, float, float] | None],
    quantity: str,
    claimed: dict[str, float] | None = None,
) -> Figure:
    """A dot and an interval (middle, low, high) for each row, from top to bottom.

    None: the row says that it has none yet. With `claimed`, gains: a line at 0, and a mark at what
    the article's single runs gave.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.7 + 0.42 * len(rows)))
    for row, (name, values) in enumerate(rows.items()):
        if values is None:
            axes.text(0.99, -row, "no interval yet", color=SOFT_INK, fontsize=10, va="center",
                      ha="right", transform=axes.get_yaxis_transform())  # fmt: skip
        else:
            axes.plot(values[1:], [-row] * 2, color=BLUE, linewidth=5, alpha=0.35)
            axes.scatter(values[0], -row, s=34, color=BLUE, zorder=3)
        if claimed and name in claimed:
            axes.scatter(claimed[name], -row, marker="s", s=36, color=ORANGE, zorder=4)
    _rows(axes, list(rows), quantity)
    if claimed is not None:
        axes.axvline(0, color=SOFT_INK, linewidth=1, zorder=1)
        axes.scatter([], [], s=34, color=BLUE, label="our mean, 95 % interval")
        if claimed:
            axes.scatter([], [], marker="s", s=36, color=ORANGE, label="the article's single runs")
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, fontsize=10)
    return figure


def dealt_differences(differences: ArrayLike, observed: float) -> Figure:
    """How the differences of means spread when results are dealt out to two recipes by chance.

    The observed one is a line; what is as far from 0, on either side, is coloured.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    differences = np.asarray(differences)
    reach = max(np.abs(differences).max(), abs(observed)) * 1.05
    bins = np.linspace(-reach, reach, 42)
    far = np.abs(differences) >= abs(observed) - 1e-9
    axes.hist([differences[~far], differences[far]], bins, stacked=True, color=[FAINT, ORANGE])
    axes.axvline(observed, color=INK, linewidth=1.5)
    axes.annotate(
        f"observed {observed:+.3f}", (observed, axes.get_ylim()[1]), (0, 3),
        textcoords="offset points", ha="center",
    )  # fmt: skip
    axes.set(xlabel="difference of the means (points)", yticks=[])
    axes.spines["left"].set_visible(False)
    return figure


def error_by_seeds(errors: dict[str, tuple[float, float]], most: int = 40) -> Figure:
    """Standard error of the difference of two recipes by seeds a side, and its floor.

    `errors` maps a step to (what one seed a side leaves, what the test digits leave), in points:
    with n seeds the error is the root of the first squared by n plus the second squared.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    n = np.arange(1, most + 1)
    for number, (step, (seeds, digits)) in enumerate(errors.items()):
        colour, line = (BLUE, PURPLE, GREEN)[number % 3], LINES[number % 4]
        error = np.sqrt(seeds**2 / n + digits**2)
        axes.plot(n, error, color=colour, linestyle=line, label=step)
        floor = f"{digits:.3f} by the test digits"
        axes.axhline(digits, color=colour, linewidth=1, linestyle=":", label=floor)
    axes.set(xlabel="seeds a side", ylabel="standard error (points)", xlim=(1, most))
    axes.set_ylim(0, None)
    axes.legend()
    return figure
