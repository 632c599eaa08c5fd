"""What goes on during training: the plateau, activations and their slopes, gradients by layer."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from mnistconv.figures.style import (
    BLUE,
    CLOSE,
    COLOURS,
    GREEN,
    INK,
    MARKERS,
    ORANGE,
    PAPER,
    SOFT_INK,
    WIDTH,
)


def plateau(curves: dict[str, list[float]], every: int, epoch: int = 6_000) -> Figure:
    """Mean training loss by step, label -> a value for each `every` steps; ln 10 is a guess."""
    longest = every * max(map(len, curves.values()))
    figure, axes = plt.subplots(figsize=(WIDTH, 3))
    axes.axhline(math.log(10), color=SOFT_INK, linestyle="--", linewidth=1.3)
    guess = {"xytext": (0, 4), "textcoords": "offset points", "color": SOFT_INK, "ha": "right"}
    axes.annotate("a guess: ln 10 = 2.303", (longest, math.log(10)), **guess)
    for number, (label, losses) in enumerate(curves.items()):
        steps = every * np.arange(1, len(losses) + 1)
        line = ("-", "--", "-.", ":")[number % 4]
        axes.plot(steps, losses, color=COLOURS[number % 5], linestyle=line, label=label)
    if len(curves) > 1:
        axes.legend(loc="center right")
    if longest > epoch:
        axes.axvline(epoch, color=INK, linewidth=0.8)
        axes.annotate(
            "end of epoch 1", (epoch, 0.1), (4, 0), textcoords="offset points", fontsize=10
        )
    axes.set(xlabel="step", ylabel="training loss", ylim=(0, 2.6), xlim=(0, longest))
    return figure


def overfitting(watched: dict[str, dict[str, list[float]]]) -> Figure:
    """Loss and misread share while networks learn: label -> what `mnistconv.watching.watch` found.

    Dashed with open marks: the digits that a network trains on; solid: digits that it never saw.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for number, (label, found) in enumerate(watched.items()):
        style = {"color": COLOURS[number], "marker": MARKERS[number], "markersize": 5}
        own = style | {"linestyle": "--", "linewidth": 1.2, "markerfacecolor": PAPER}
        for axes, what, times in ((left, "loss", 1), (right, "wrong", 100)):
            axes.plot(found["steps"], times * np.array(found[what]), **own)
            unseen = times * np.array(found[f"unseen_{what}"])
            axes.plot(found["steps"], unseen, **style, label=label)
    left.set(title="loss", xlabel="step", ylim=(0, None))
    right.set(title="misread (%)", xlabel="step", ylim=(0, None))
    solid_and_dashed = "solid: unseen digits; dashed: its own"
    figure.legend(
        *left.get_legend_handles_labels(), title=solid_and_dashed, ncols=len(watched),
        loc="outside upper center", fontsize=10, title_fontsize=9.5,
    )  # fmt: skip
    return figure


def activations() -> Figure:
    """Sigmoid and ReLU, and their slopes, over z from -6 to 6."""
    z = torch.linspace(-6, 6, 401)
    sigmoid = z.sigmoid()
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    left.plot(z, sigmoid, color=BLUE)
    left.plot(z, z.relu(), color=ORANGE, linestyle="--")
    right.plot(z, sigmoid * (1 - sigmoid), color=BLUE)
    right.plot(z, (z > 0).float(), color=ORANGE, linestyle="--")
    left.annotate("sigmoid", (-5.5, 0.2), color=BLUE)
    left.annotate("ReLU", (1.6, 3.2), color=ORANGE, ha="right")
    right.annotate("never above 1/4", (-5.8, 0.27), color=BLUE)
    right.annotate("1 above zero,\n0 below", (1.0, 0.78), color=ORANGE, linespacing=CLOSE)
    left.set(title="activation", xlabel="z", ylim=(-0.3, 4))
    right.set(title="its slope", xlabel="z", ylim=(-0.05, 1.1))
    return figure


def gradient_sizes(sizes: dict[str, dict[str, float]]) -> Figure:
    """Mean absolute gradient of each layer's weights: label -> layer -> size, logarithmic axis."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.9))
    for number, (label, by_layer) in enumerate(sizes.items()):
        style = {
            "color": COLOURS[number],
            "marker": MARKERS[number],
            "linestyle": ("-", "--", "-.")[number],
        }
        axes.plot(list(by_layer), list(by_layer.values()), **style)
        first, second = list(by_layer.values())[:2]
        rises = second > first  # then there is room below the line, else above
        axes.annotate(
            label, (0, first), (8, -4 if rises else 4), textcoords="offset points",
            color=COLOURS[number], va="top" if rises else "bottom",
        )  # fmt: skip
    axes.set(yscale="log", ylabel="mean |gradient|")
    axes.margins(y=0.12)
    axes.grid(axis="y")
    return figure


def noisy_state(curves: dict[str, list[float]], every: int) -> Figure:
    """Test accuracy in percent, measured each `every` steps: label -> fractions."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3))
    for number, (label, curve) in enumerate(curves.items()):
        steps = every * np.arange(1, len(curve) + 1)
        colour, marker = (BLUE, ORANGE, GREEN)[number], MARKERS[number]
        axes.plot(steps, 100 * np.array(curve), color=colour, marker=marker, markersize=4)
        axes.annotate(
            label, (steps[-1], 100 * curve[-1]), (-4, 9), textcoords="offset points",
            color=colour, ha="right",
        )  # fmt: skip
    axes.set(xlabel="step", ylabel="test accuracy (%)")
    axes.margins(y=0.18)
    return figure
