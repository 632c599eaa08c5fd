"""What a trained network has learned: its filters, what excites them, what it needs."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from torch import Tensor

from mnistconv.figures.style import (
    BLUE,
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    ORANGE,
    SIGNED,
    SOFT_INK,
    WIDTH,
)

LINES = ("-", "--", "-.", ":")


def _row(axes: Axes, pictures: Tensor, cmap: str | Colormap, least: float, labels=()) -> None:
    """Pictures `[n, h, w]` with values up to 1 beside one another, each under its label."""
    side = pictures.shape[-1] + 1
    spaced = F.pad(pictures, (0, 1), value=math.nan)  # a column of paper behind each
    beside = torch.cat(list(spaced), dim=1)[:, :-1].numpy()
    axes.imshow(beside, cmap=cmap, vmin=least, vmax=1)
    for number, label in enumerate(labels):
        middle = number * side + side / 2 - 1
        axes.text(middle, -0.8, label, ha="center", va="bottom", fontsize=11)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _own_scale(pictures: Tensor) -> Tensor:
    """Each of `[n, h, w]` divided by its largest absolute value."""
    return pictures / pictures.abs().amax(dim=(1, 2), keepdim=True)


def filters_before_and_after(before: Tensor, after: Tensor, image: Tensor) -> Figure:
    """Twenty kernels as they were drawn, as they are after training, and their maps of a digit.

    Kernels `[20, 5, 5]`, `image` `[28, 28]`; those that changed least come first, under their
    number and the cosine of the two. A kernel as drawn stands above the trained one, its map beside
    them. All kernels share one scale of colours, each map has its own; blue above 0, red below.
    """
    alike = F.cosine_similarity(before.flatten(1), after.flatten(1))
    maps = _own_scale(F.conv2d(image[None, None], after[:, None])[0])
    limit = torch.cat([before, after]).abs().max()
    figure, grid = plt.subplots(4, 5, figsize=(6, 4.2))
    for axes, number in zip(grid.flat, alike.argsort(descending=True).tolist(), strict=True):
        tiles = {
            (0, 1, 1.1, 2.1): before[number] / limit,
            (0, 1, 0, 1): after[number] / limit,
            (1.1, 3.2, 0, 2.1): maps[number],
        }
        for extent, tile in tiles.items():
            axes.imshow(tile.numpy(), cmap=SIGNED, vmin=-1, vmax=1, extent=extent)
        axes.set(xlim=(0, 3.2), ylim=(0, 2.1), xticks=[], yticks=[])
        axes.set_title(f"{number}: {alike[number]:.2f}", fontsize=11, fontweight="normal", pad=3)
        axes.spines[:].set_visible(False)
    return figure


def wanted(rows: dict[str, tuple[Tensor, list[int], Tensor]]) -> Figure:
    """For each map: the windows that excite it most, under their digits, and the mean of many.

    `rows` maps a name to (windows `[k, s, s]` in [0, 1], the label of each, the mean `[s, s]`).
    """
    figure, lines = plt.subplots(len(rows), 1, figsize=(WIDTH, 0.95 * len(rows)), squeeze=False)
    for axes, (name, (windows, labels, mean)) in zip(lines[:, 0], rows.items(), strict=True):
        _row(axes, torch.cat([windows, mean[None]]), "gray_r", 0, [*labels, "mean"])
        side = mean.shape[-1]
        for number in range(len(windows) + 1):
            corner = (number * (side + 1) - 0.5, -0.5)
            axes.add_patch(Rectangle(corner, side, side, fill=False, color=FAINT, clip_on=False))
        axes.set_ylabel(name, fontsize=10)
    return figure


def looked_at(images: Tensor, maps: dict[str, Tensor]) -> Figure:
    """Digits beside one another, below each what different methods name: blue above 0, red below.

    `images` `[n, 28, 28]` in [0, 1]; each of `maps` `[n, 28, 28]`, every picture on its own scale.
    """
    height = WIDTH / len(images) * (1 + len(maps))
    figure, rows = plt.subplots(1 + len(maps), 1, figsize=(WIDTH, height))
    _row(rows[0], images, "gray_r", 0)
    for axes, values in zip(rows[1:], maps.values(), strict=True):
        _row(axes, _own_scale(values), SIGNED, -1)
    for axes, name in zip(rows, ("picture", *maps), strict=True):
        axes.set_ylabel(name, fontsize=10)
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
                color=(SOFT_INK, *COLOURS, INK)[number % 7], linestyle=LINES[number % 4],
                marker=("", *MARKERS, "*")[number % 7], clip_on=False,
            )  # fmt: skip
        axes.set(xlabel=f"pixels {name}", ylim=(0, 102), xlim=(0, max(counts)))
    places[0, 0].set_ylabel("read right (%)")
    figure.legend(*places[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  fontsize=10)  # fmt: skip
    return figure


def lost_digits(panels: dict[str, tuple[ArrayLike, ArrayLike]], named: int = 20) -> Figure:
    """What each map's absence costs: digits lost above the line, digits gained below it.

    `panels` maps a layer to (lost, gained), a number of digits for each map. The costliest map, by
    lost less gained, comes first; the first `named` have their numbers below. One scale for all.
    """
    figure, places = plt.subplots(
        len(panels), 1, figsize=(WIDTH, 2.1 * len(panels)), squeeze=False, sharey=True
    )
    for axes, (name, (lost, gained)) in zip(places[:, 0], panels.items(), strict=True):
        lost, gained = np.asarray(lost), np.asarray(gained)
        order = np.argsort(gained - lost, kind="stable")
        at = np.arange(len(order))
        edges = np.stack([at - 0.4, at + 0.4], axis=1).ravel()  # a bar, a gap, a bar, ...
        for digits, colour, label in ((lost, ORANGE, "lost"), (-gained, BLUE, "gained")):
            bars = np.stack([digits[order], 0 * digits], axis=1).ravel()[:-1]
            axes.stairs(bars, edges, fill=True, color=colour, label=label)
        axes.axhline(0, color=SOFT_INK, linewidth=1)
        axes.set_xticks(at[:named], order[:named], fontsize=9)
        axes.tick_params(axis="x", length=0)
        axes.set(ylabel="digits", xlim=(-0.7, len(order) - 0.3))
        axes.set_title(name, fontsize=11)
    places[0, 0].legend(ncols=2, fontsize=10)
    return figure


def plane(points: Tensor, labels: Tensor, wrong: Tensor) -> Figure:
    """Digits in a plane `[n, 2]`, each drawn as the figure that was written, misread ones ringed.

    `labels` int64 `[n]`, `wrong` bool `[n]`. Colours only help the eye: five serve ten digits.
    """
    figure, axes = plt.subplots(figsize=(5.4, 4.2))
    for digit in range(10):
        here = labels == digit
        axes.scatter(points[here, 0], points[here, 1], s=30, color=COLOURS[digit % 5],
                     marker=f"${digit}$", linewidths=0)  # fmt: skip
    axes.scatter(points[wrong, 0], points[wrong, 1], s=90, facecolor="none", edgecolor=INK,
                 linewidths=1, label="misread")  # fmt: skip
    axes.set(xlabel="first direction", ylabel="second direction", xticks=[], yticks=[])
    axes.legend(loc="best")
    return figure
