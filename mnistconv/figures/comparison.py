"""Comparisons: a digit and its shifts, dropout's masks, runs beside runs, and how sure one is."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats
from torch import Tensor

from mnistconv.data import SHIFTS
from mnistconv.experiments import Experiment, get_experiment, on_board
from mnistconv.figures.style import (
    BLUE,
    CLOSE,
    COLOURS,
    FAINT,
    GREEN,
    MARKERS,
    ORANGE,
    PAPER,
    PURPLE,
    SIGNED,
    SOFT_INK,
    WIDTH,
)
from mnistconv.records.answers import recorded_answers
from mnistconv.records.intervals import wilson
from mnistconv.records.record import TEST_IMAGES
from mnistconv.records.scores import measured
from mnistconv.records.store import load_records

MOST_MISREAD = 2_100  # at the left edge of the scoreboard's axis; what lies beyond is written there


def shifts(image: Tensor) -> Figure:
    """A digit, its four one-pixel shifts, and below each what the shift changed.

    `image` is uint8 `[28, 28]`. Changes: blue where ink was added, red where it went.
    """
    figure, grid = plt.subplots(2, 5, figsize=(WIDTH, 3.2))
    for k, shift in enumerate(SHIFTS):
        moved = shift(image)
        name = "original" if k == 0 else shift.__name__.removeprefix("shift_")
        grid[0, k].imshow(moved, cmap="gray_r")
        grid[0, k].set_title(name, fontsize=11)
        change = moved.int() - image.int()
        grid[1, k].imshow(change, cmap=SIGNED, vmin=-255, vmax=255)
    for place in grid.flat:
        _picture_frame(place)
    grid[0, 0].set_ylabel("picture", fontsize=11)
    grid[1, 0].set_ylabel("change", fontsize=11)
    return figure


def grey_line(right: Tensor, wrong: Tensor) -> Figure:
    """Two normalised pictures of a shifted digit, side by side on one grey scale.

    `right` was shifted, then normalised; `wrong` normalised, then shifted. Both float `[28, 28]`.
    """
    figure, places = plt.subplots(1, 2, figsize=(5.4, 2.7))
    titles = ("shift, then normalise", "normalise, then shift")
    for place, image, title in zip(places, (right, wrong), titles, strict=True):
        shown = place.imshow(image, cmap="gray_r", vmin=right.min(), vmax=right.max())
        place.set_title(title, fontsize=11)
        _picture_frame(place)
    places[1].annotate(
        "a grey line", (0.5, 2), (6.5, 2), color=ORANGE, fontsize=10, va="center",
        arrowprops={"arrowstyle": "->", "color": ORANGE},
    )  # fmt: skip
    figure.colorbar(shown, ax=places, label="pixel value", shrink=0.85)
    return figure


def _picture_frame(place: Axes) -> None:
    place.set(xticks=[], yticks=[])
    for spine in place.spines.values():
        spine.set(visible=True, color=FAINT)


def misread_by_distance(misread: dict[str, list[float]]) -> Figure:
    """Misread digits (log scale) by how far the test digits were moved, one line a network.

    `misread` maps a label to the counts of 10,000 at 0, 1, 2, ... pixels.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    for number, (label, counts) in enumerate(misread.items()):
        colour = COLOURS[number % 5]
        line = ("-", "--", "-.", ":")[number % 4]
        axes.semilogy(counts, marker=MARKERS[number % 5], linestyle=line, color=colour)
        axes.annotate(
            label, (len(counts) - 1, counts[-1]), (8, 0), textcoords="offset points",
            color=colour, va="center",
        )  # fmt: skip
    longest = max(len(counts) for counts in misread.values())
    axes.set(xlim=(-0.15, longest - 0.1), xticks=range(longest))
    axes.set(xlabel="pixels moved", ylabel="misread of 10,000")
    _plain_counts(axes.yaxis, (50, 100, 200, 500, 1000, 2000, 5000, 10000))
    return figure


def _plain_counts(axis, counts) -> None:
    """Ticks at round counts within the axis' limits, written as plain numbers."""
    low, high = sorted(axis.get_view_interval())
    inside = [count for count in counts if low <= count <= high]
    axis.set_ticks(inside, [f"{count:,}" for count in inside])
    axis.set_ticks([], minor=True)


def accuracy_by_steps(*names: str) -> Figure:
    """Test accuracy of recorded runs by gradient steps, not epochs: the mean of their seeds.

    A run without a record is named in the figure as not yet run.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    means = {}
    for number, name in enumerate(names):
        curves = [record.test_accuracy for record in load_records(name)]
        if curves:
            means[name] = 100 * np.mean(curves, axis=0)
        else:
            axes.text(0.98, 0.05 + 0.1 * number, f"{name}: not yet run", ha="right",
                      color=COLOURS[number % 5], transform=axes.transAxes)  # fmt: skip
    best_end = max((mean[-1] for mean in means.values()), default=0)
    for name, mean in means.items():
        number = names.index(name)
        colour, line = COLOURS[number % 5], ("-", "--", "-.")[number % 3]
        recipe = get_experiment(name).recipe
        steps = np.arange(1, len(mean) + 1) * recipe.steps / recipe.epochs / 1000
        axes.plot(steps, mean, color=colour, linestyle=line)
        side = "bottom" if mean[-1] == best_end else "top"
        axes.annotate(name, (steps[-1], mean[-1]), (4, 0), textcoords="offset points",
                      color=colour, va=side)  # fmt: skip
    top = max((mean.max() for mean in means.values()), default=99.5)
    axes.set(xlim=(0, None), ylim=(top - 0.9, top + 0.1))
    axes.set(xlabel="gradient steps (thousands)", ylabel="test accuracy (%)")
    return figure


# Dropout


def dropout_masks(seed: int = 1) -> Figure:
    """One small network three times: all units, as in eval mode, then two random halves of it.

    Units that a mask has dropped are hollow; their connections are gone for that picture.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = (6, 8, 8, 4)
    figure, places = plt.subplots(1, 3, figsize=(WIDTH, 2.9))
    titles = ("eval: every unit", "training, one picture", "training, the next picture")
    for place, title in zip(places, titles, strict=True):
        keep = [torch.ones(n, dtype=bool) for n in layers]
        if title.startswith("training"):
            keep[:3] = [torch.rand(n, generator=generator) < 0.5 for n in layers[:3]]
        _draw_units(place, keep)
        place.set_title(title, fontsize=11)
    return figure


def _draw_units(axes: Axes, keep: list[Tensor]) -> None:
    """Layers as columns of units; `keep` holds for each layer which units work, bool `[n]`."""
    heights = [np.linspace(-1, 1, len(units)) * len(units) / 8 for units in keep]
    for x in range(len(keep) - 1):
        for a, left in enumerate(heights[x]):
            for b, right in enumerate(heights[x + 1]):
                if keep[x][a] and keep[x + 1][b]:
                    axes.plot([x, x + 1], [left, right], color=SOFT_INK, linewidth=0.5, zorder=1)
    for x, (units, ys) in enumerate(zip(keep, heights, strict=True)):
        last = x == len(keep) - 1
        for works, y in zip(units, ys, strict=True):
            colour = GREEN if last else BLUE
            face, edge = (colour, colour) if works else (PAPER, SOFT_INK)
            axes.scatter(x, y, s=70, color=face, edgecolor=edge, linewidth=1, zorder=2)
    axes.set(xlim=(-0.3, len(keep) - 0.7), ylim=(-1.2, 1.2))
    axes.axis("off")


# Runs beside runs


def scoreboard_dots(board: str = "article") -> Figure:
    """Every run of a board: our seeds, the article, its author's later two sets, Nielsen.

    Misread digits on a log scale, fewer to the right; the grey bar is the 95 % Wilson interval that
    10,000 test images leave around our mean (around the article where we have no record). The mean
    is the scoreboard's, so without seeds that learned nothing; these stand at the left edge.
    """
    rows = list(on_board(board).values())
    figure, axes = plt.subplots(figsize=(WIDTH, 5.2))
    for row, experiment in enumerate(rows):
        _score_row(axes, -row, experiment)
    _score_legend(axes)
    titles = [f"{e.name}\n{e.title}" for e in rows]
    axes.set_yticks(-np.arange(len(titles)), titles, fontsize=9.5, linespacing=CLOSE)
    axes.tick_params(axis="y", length=0)
    axes.set(xscale="log", xlim=(MOST_MISREAD, 21), ylim=(-len(titles) + 0.4, 1.0))
    counts = (1500, 500, 200, 100, 50, 30)
    ticks = [f"{n:,}\n{100 - n / 100:.10g} %" for n in counts]
    axes.set_xticks(counts, ticks, fontsize=10, linespacing=CLOSE)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("misread of 10,000 (log scale), and accuracy")
    axes.grid(axis="x", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def _score_row(axes: Axes, y: float, experiment: Experiment) -> None:
    ours = [100 * record.final_accuracy for record in load_records(experiment.name)]
    mean = measured(experiment)["mean"]
    centre = experiment.article if mean is None else mean
    if centre is not None:
        low, high = wilson(round(centre * 100))
        ends = [TEST_IMAGES * (1 - low), TEST_IMAGES * (1 - high)]
        axes.plot(ends, [y, y], color=FAINT, linewidth=9, solid_capstyle="butt", zorder=1)
    if not ours:
        axes.text(900, y, "not yet run", fontsize=9.5, color=SOFT_INK, va="center", ha="center")
    published = (experiment.article, experiment.rerun, experiment.normalised, experiment.nielsen)
    groups = [*([value] for value in published), ours]
    for values, style in zip(groups, SCORE_STYLES.values(), strict=True):
        known = [value for value in values if value is not None]
        height = y + style["lift"]
        marks = {key: value for key, value in style.items() if key != "lift"}
        axes.scatter([(100 - value) * 100 for value in known], [height] * len(known), **marks)
    _off_the_axis(axes, y, ours)


def _off_the_axis(axes: Axes, y: float, ours: list[float]) -> None:
    """A mark at the left edge for seeds that misread more than the axis holds, with their percents.

    An axis down to 10 % would squeeze all the other rows.
    """
    outside = [value for value in ours if (100 - value) * 100 > MOST_MISREAD]
    if outside:
        axes.scatter(MOST_MISREAD * 0.96, y, marker="<", s=34, color=BLUE, zorder=4)
        percents = ", ".join(f"{value:.2f} %" for value in sorted(outside))
        axes.text(MOST_MISREAD * 0.97, y - 0.2, percents, fontsize=9.5, color=BLUE, va="top")


SCORE_STYLES = {
    "article": {"marker": "s", "s": 42, "color": ORANGE, "lift": 0.16, "zorder": 3},
    "its rerun": {
        "marker": "s", "s": 22, "facecolor": PAPER, "edgecolor": ORANGE, "lift": 0.16, "zorder": 2,
    },
    "normalised": {"marker": "x", "s": 26, "color": ORANGE, "lift": 0.16, "zorder": 2},
    "Nielsen": {"marker": "D", "s": 34, "color": PURPLE, "lift": -0.2, "zorder": 3},
    "our seeds": {"marker": "o", "s": 34, "color": BLUE, "lift": 0.0, "zorder": 4},
}  # fmt: skip


def _score_legend(axes: Axes) -> None:
    for label, style in SCORE_STYLES.items():
        marks = {key: value for key, value in style.items() if key != "lift"}
        axes.scatter([], [], label=label, **marks)
    axes.plot([], [], color=FAINT, linewidth=9, solid_capstyle="butt", label="other digits, 95 %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.42, 1.08), ncols=6, fontsize=9.5,
                handletextpad=0.5, columnspacing=1.2, handlelength=1.2)  # fmt: skip


def disagreement(labels: Tensor, *pairs: tuple[str, str], seed: int = 0) -> Figure:
    """For each pair of runs: test digits that only one misread, or both; McNemar's exact p.

    `labels` are those of the test set, int64 `[10000]`. Compares the runs with that `seed`, which
    the title names; a pair with a missing record says so.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.75 * len(pairs)))
    for row, (first, second) in enumerate(pairs):
        answers = [recorded_answers(name, seed=seed) for name in (first, second)]
        if not all(len(answer) for answer in answers):
            axes.text(0, -row, f"{first} and {second}: not yet run", color=SOFT_INK, va="center")
            continue
        a, b = (answer[0] != labels for answer in answers)
        counts = [int((a & ~b).sum()), int((a & b).sum()), int((~a & b).sum())]
        p = stats.binomtest(counts[0], max(counts[0] + counts[2], 1)).pvalue
        axes.text(1, -row + 0.28, f"p = {p:.2g}", ha="right", transform=axes.get_yaxis_transform())
        left = 0
        words = (f"only {first}", "both", f"only {second}")
        for number, (count, word) in enumerate(zip(counts, words, strict=True)):
            axes.barh(-row, count, left=left, height=0.34, color=(ORANGE, FAINT, BLUE)[number])
            axes.text(
                (0, 0.3, 0.45)[number], -row + 0.28, f"{word}: {count}", fontsize=10.5,
                color=(ORANGE, SOFT_INK, BLUE)[number], transform=axes.get_yaxis_transform(),
            )  # fmt: skip
            left += count
    axes.set(ylim=(-len(pairs) + 0.6, 0.6), xlabel="misread test digits", yticks=[])
    axes.set_title(f"Seed {seed} of each run")
    axes.set_xlim(0, max(axes.get_xlim()[1], 10))
    axes.spines["left"].set_visible(False)
    return figure


def best_of(*runs: int) -> Figure:
    """How one run's result scatters (normal, in standard deviations), and the best of several."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    z = np.linspace(-3.5, 4.5, 801)
    for number, n in enumerate((1, *runs)):
        density = n * stats.norm.pdf(z) * stats.norm.cdf(z) ** (n - 1)
        mean = float((z * density).sum() * (z[1] - z[0]))
        colour, line = COLOURS[number % 5], ("-", "--", "-.", ":")[number % 4]
        axes.plot(z, density, color=colour, linestyle=line)
        side = "left" if n == max(runs) else "right"
        label = "one run" if n == 1 else f"best of {n}: {mean:+.2f} on average"
        axes.annotate(
            label, (z[density.argmax()], density.max()), (0, 4), textcoords="offset points",
            ha=side, color=colour, fontsize=10,
        )  # fmt: skip
    axes.set(xlabel="standard deviations from the mean of all runs", yticks=[])
    axes.set_ylim(0, 1.12 * axes.get_ylim()[1])
    axes.spines["left"].set_visible(False)
    return figure
