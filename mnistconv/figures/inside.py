"""What a trained network has learned: its filters, what excites them, what it needs."""

import matplotlib.pyplot as plt
import numpy as np
import torch.nn.functional as F
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from torch import Tensor

from mnistconv.figures.style import (
    BLUE,
    COLOURS,
    FAINT,
    GREEN,
    INK,
    MARKERS,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SIGNED,
    SOFT_INK,
    WIDTH,
)

LINES = ("-", "--", "-.", ":")
CORNERS = {"fontsize": 9, "fontweight": "normal", "pad": 1}


def filters_before_and_after(before: Tensor, after: Tensor, image: Tensor) -> Figure:
    """Twenty kernels as they were drawn, as they are after training, and their maps of a digit.

    Kernels `[20, 5, 5]`, `image` `[28, 28]`; those that changed least come first. All kernels
    share one scale of colours, each map has its own; blue above 0, red below.
    """
    alike = F.cosine_similarity(before.flatten(1), after.flatten(1))
    order = alike.argsort(descending=True).tolist()
    maps = F.conv2d(image[None, None], after[:, None])[0]
    limit = max(before.abs().max(), after.abs().max())
    figure, grid = plt.subplots(6, 10, figsize=(WIDTH, 5.1))
    for place, number in enumerate(order):
        block, column = divmod(place, 10)
        shown = ((before, limit), (after, limit), (maps, maps[number].abs().max()))
        for row, (values, most) in enumerate(shown):
            axes = grid[3 * block + row, column]
            axes.imshow(values[number], cmap=SIGNED, vmin=-most, vmax=most)
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(visible=True, color=FAINT)
        grid[3 * block, column].set_title(f"{number}: {alike[number]:.2f}", **CORNERS)
    for row, name in enumerate(("before", "after", "its map") * 2):
        grid[row, 0].set_ylabel(name, fontsize=10)
    return figure


def wanted(rows: dict[str, tuple[Tensor, list[int], Tensor]]) -> Figure:
    """For each map: the windows that excite it most, their digits, and the mean of many.

    `rows` maps a name to (windows `[k, s, s]`, the label of each, the mean window `[s, s]`).
    """
    count = 1 + max(len(windows) for windows, _, _ in rows.values())
    figure, grid = plt.subplots(len(rows), count, figsize=(WIDTH, 0.92 * len(rows)), squeeze=False)
    for line, (name, (windows, labels, mean)) in zip(grid, rows.items(), strict=True):
        for axes, window, label in zip(line, windows, labels, strict=False):
            axes.imshow(window, cmap="gray_r", vmin=0, vmax=1)
            axes.set_title(label, **CORNERS)
        line[-1].imshow(mean, cmap="gray_r", vmin=0, vmax=1)
        line[0].set_ylabel(name, fontsize=10)
        for axes in line:
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(visible=True, color=FAINT)
    grid[0, -1].set_title("mean", **CORNERS)
    return figure


def looked_at(images: Tensor, maps: dict[str, Tensor], titles: list[str]) -> Figure:
    """Digits in columns, below each what different methods name: blue above 0, red below.

    `images` `[n, 28, 28]`, each of `maps` `[n, 28, 28]`, on a scale of its own for each picture.
    """
    figure, grid = plt.subplots(
        1 + len(maps), len(images), figsize=(WIDTH, 1.42 * (1 + len(maps))), squeeze=False
    )
    for column, (image, title) in enumerate(zip(images, titles, strict=True)):
        grid[0, column].imshow(image, cmap="gray_r")
        grid[0, column].set_title(title, fontsize=11, fontweight="normal")
    for line, (name, values) in zip(grid[1:], maps.items(), strict=True):
        for axes, image, one in zip(line, images, values, strict=True):
            limit = one.abs().max()
            axes.imshow(one, cmap=SIGNED, vmin=-limit, vmax=limit)
            axes.contour(image, [0.5], colors=[SOFT_INK], linewidths=0.7)
        line[0].set_ylabel(name, fontsize=10)
    grid[0, 0].set_ylabel("picture", fontsize=10)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=FAINT)
    return figure


def deletion_curves(panels: dict[str, dict[str, ArrayLike]], counts: ArrayLike) -> Figure:
    """Share of digits still read right, in percent, by pixels changed: a line an order.

    `panels` maps what is done to the pixels to its curves, name -> one share for each of `counts`.
    Order and names are the same in all panels; they share one legend.
    """
    figure, places = plt.subplots(1, len(panels), figsize=(WIDTH, 3.7), sharey=True, squeeze=False)
    for axes, (name, curves) in zip(places[0], panels.items(), strict=True):
        for number, (order, shares) in enumerate(curves.items()):
            axes.plot(
                counts, shares, label=order, linewidth=1.8, markersize=4,
                color=(SOFT_INK, *COLOURS)[number % 6], linestyle=LINES[number % 4],
                marker=("", *MARKERS)[number % 6],
            )  # fmt: skip
        axes.set_title(name, fontsize=11)
        axes.set(xlabel="pixels", ylim=(0, 102), xlim=(0, max(counts)))
    places[0, 0].set_ylabel("read right (%)")
    figure.legend(*places[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  fontsize=10)  # fmt: skip
    return figure


def lost_digits(panels: dict[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """What each map's absence costs: digits lost above the line, digits gained below it.

    `panels` maps a layer to (lost, gained), a number of digits for each map; the dearest map,
    by lost less gained, comes first, and its number stands below.
    """
    figure, places = plt.subplots(len(panels), 1, figsize=(WIDTH, 2.1 * len(panels)), squeeze=False)
    for axes, (name, (lost, gained)) in zip(places[:, 0], panels.items(), strict=True):
        lost, gained = np.asarray(lost), np.asarray(gained)
        order = np.argsort(gained - lost, kind="stable")
        at = np.arange(len(order))
        axes.bar(at, lost[order], color=ORANGE, label="lost")
        axes.bar(at, -gained[order], color=BLUE, hatch="///", edgecolor=PAPER, label="gained")
        axes.plot(at, (lost - gained)[order], "o", color=INK, markersize=3, label="net")
        axes.axhline(0, color=SOFT_INK, linewidth=1)
        axes.set_xticks(at, order, fontsize=7 if len(order) > 25 else 9)
        axes.tick_params(axis="x", length=0)
        axes.set(ylabel="digits", xlim=(-0.7, len(order) - 0.3))
        axes.set_title(name, fontsize=11)
    places[0, 0].legend(ncols=3, fontsize=10)
    return figure


def two_together(single: ArrayLike, joint: dict[tuple[int, int], int]) -> Figure:
    """What two maps cost together, against the sum of what each costs alone: a dot a pair.

    `single` has a number of digits for each map, `joint` maps a pair of maps to theirs. The pair
    farthest above the line of equal costs is named.
    """
    figure, axes = plt.subplots(figsize=(4.6, 3.6))
    sums = np.array([single[a] + single[b] for a, b in joint])
    costs = np.array(list(joint.values()))
    axes.scatter(sums, costs, s=26, color=BLUE, alpha=0.8)
    most = 1.06 * max(sums.max(), costs.max())
    axes.plot([0, most], [0, most], color=SOFT_INK, linewidth=1, linestyle=":")
    farthest = int(np.argmax(costs - sums))
    a, b = list(joint)[farthest]
    axes.annotate(
        f"{a} and {b}", (sums[farthest], costs[farthest]), (7, 0), textcoords="offset points",
        va="center", fontsize=10,
    )  # fmt: skip
    axes.set(xlabel="sum of the two alone (digits)", ylabel="together (digits)")
    axes.set(xlim=(0, most), ylim=(0, most))
    return figure


def plane(points: Tensor, labels: Tensor, wrong: Tensor) -> Figure:
    """Digits in a plane `[n, 2]`: a colour a digit, its name at its mean, misread ones crossed.

    `labels` int64 `[n]`, `wrong` bool `[n]`. Colours alone would not do: ten are too many.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 4.6))
    ten = (BLUE, ORANGE, GREEN, RED, PURPLE) * 2
    for digit in range(10):
        here = points[(labels == digit) & ~wrong]
        axes.plot(
            here[:, 0], here[:, 1], "os"[digit // 5], color=ten[digit], markersize=3, alpha=0.45,
            markeredgewidth=0, rasterized=True,
        )  # fmt: skip
    axes.plot(points[wrong, 0], points[wrong, 1], "x", color=INK, markersize=6, label="misread")
    for digit in range(10):
        x, y = points[labels == digit].mean(dim=0).tolist()
        axes.annotate(
            digit, (x, y), ha="center", va="center", fontsize=15, fontweight="bold", color=INK,
            bbox={"boxstyle": "circle,pad=0.15", "facecolor": PAPER, "edgecolor": ten[digit]},
        )  # fmt: skip
    axes.set(xlabel="first direction", ylabel="second direction", xticks=[], yticks=[])
    axes.legend(loc="best")
    return figure
