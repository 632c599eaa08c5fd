"""Softmax and the losses, drawn."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from mnistconv.figures.style import BLUE, COLOURS, INK, MARKERS, ORANGE, WIDTH


def normalisations(outputs: Tensor) -> Figure:
    """Raw outputs `[k]`, divided by their sum, and after softmax: three groups of bars."""
    groups = {
        "raw outputs": outputs,
        "divided by their sum": outputs / outputs.sum(),
        "softmax": outputs.softmax(0),
    }
    figure, places = plt.subplots(1, 3, figsize=(WIDTH, 2.5), sharey=True)
    for axes, (title, values) in zip(places, groups.items(), strict=True):
        bars = axes.bar(range(len(values)), values, color=COLOURS[: len(values)], width=0.7)
        axes.bar_label(bars, [f"{value:.3f}" for value in values], padding=2, fontsize=10)
        axes.set_title(title)
        axes.set_xticks(range(len(values)), [f"class {k}" for k in range(len(values))])
        axes.set_ylim(0, 1.02)
    return figure


def softmax_by_scale(outputs: Tensor, largest: float = 10.0) -> Figure:
    """Softmax of `scale · outputs` as the scale grows; dashed: outputs divided by their sum."""
    scale = torch.linspace(0, largest, 200)
    shares = (scale[:, None] * outputs).softmax(1)
    linear = outputs / outputs.sum()
    figure, axes = plt.subplots(figsize=(WIDTH, 3))
    for k, colour in zip(range(len(outputs)), COLOURS, strict=False):
        axes.plot(scale, shares[:, k], color=colour)
        axes.axhline(linear[k], color=colour, linestyle="--", linewidth=1)
        place = (largest * 1.01, shares[-1, k] + 0.06 * (k == 1))
        axes.annotate(
            f"output {outputs[k]:g}", place, color=colour, va="center", annotation_clip=False
        )
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.annotate("scale 1", (1.1, 0.95), color=INK, fontsize=10)
    axes.set(xlabel="scale", ylabel="probability", xlim=(0, largest), ylim=(0, 1.02))
    return figure


def loss_curves() -> Figure:
    """-ln p and (p - 1)² over the probability p of the right class, and their slopes in p."""
    p = np.linspace(0.008, 1, 400)
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    for axes, log, square, title in (
        (left, -np.log(p), (p - 1) ** 2, "loss"),
        (right, -1 / p, 2 * (p - 1), "slope by p"),
    ):
        axes.plot(p, log, color=BLUE)
        axes.plot(p, square, color=ORANGE, linestyle="--")
        axes.set(title=title, xlabel="p of the right class")
    left.annotate("−ln p", (0.16, 2.0), color=BLUE)
    left.annotate("(p − 1)²", (0.08, 0.1), color=ORANGE)
    right.set_ylim(-30, 3)
    right.annotate("−1/p", (0.11, -16), color=BLUE)
    right.annotate("2(p − 1)", (0.3, 0.8), color=ORANGE)
    return figure


def slopes_by_logit() -> Figure:
    """What training feels: the slopes of both losses by the logit z, over p = sigmoid(z)."""
    p = np.linspace(0, 1, 300)
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    axes.plot(p, p - 1, color=BLUE)
    axes.plot(p, 2 * (p - 1) * p * (1 - p), color=ORANGE, linestyle="--")
    axes.annotate("log loss: p − 1", (0.42, -0.8), color=BLUE)
    axes.annotate("squared error: 2(p − 1)·p(1 − p)", (0.2, -0.12), color=ORANGE)
    axes.annotate("sure and wrong", (0.0, 0.06), fontsize=10)
    axes.annotate("sure and right", (1.0, 0.06), fontsize=10, ha="right")
    axes.set(xlabel="p of the right class", ylabel="slope by z", ylim=(-1.05, 0.15))
    return figure


def descents(curves: dict[str, list[float]]) -> Figure:
    """Probability of the right class by step, one curve for each loss: label -> `[steps]`."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    for (label, curve), colour, line in zip(curves.items(), COLOURS, ("-", "--"), strict=False):
        axes.plot(curve, color=colour, linestyle=line)
        step = int(np.argmin(np.abs(np.array(curve) - 0.5)))
        axes.annotate(label, (step, curve[step]), (10, 0), color=colour, textcoords="offset points")
    axes.set(xlabel="step", ylabel="p of the right class", ylim=(0, 1.05))
    return figure


def gradient_bars(probabilities: Tensor, target: int) -> Figure:
    """Probabilities `[k]`, the wanted ones, and the gradient of the loss by each logit."""
    onehot = torch.nn.functional.one_hot(torch.tensor(target), len(probabilities))
    parts = {
        "softmax p": probabilities,
        "wanted y": onehot,
        "gradient p - y": probabilities - onehot,
    }
    figure, places = plt.subplots(1, 3, figsize=(WIDTH, 2.4), sharey=True)
    for axes, (title, values) in zip(places, parts.items(), strict=True):
        bars = axes.bar(range(len(values)), values, color=COLOURS[: len(values)], width=0.7)
        axes.bar_label(bars, [f"{value:+.4f}" for value in values], padding=2, fontsize=10)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_title(title)
        axes.set_xticks(range(len(values)), [f"class {k}" for k in range(len(values))])
        axes.set_ylim(-0.75, 1.2)
    return figure


def race_by_rate(rates: Sequence[float], needed: dict[str, list[int | None]], limit: int) -> Figure:
    """Steps needed over the learning rate, both logarithmic: label -> one number for each rate.

    None, for a rate at which `limit` steps did not suffice, is marked at the upper edge.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3))
    for number, (label, steps) in enumerate(needed.items()):
        arrived = [(rate, n) for rate, n in zip(rates, steps, strict=True) if n is not None]
        never = [rate for rate, n in zip(rates, steps, strict=True) if n is None]
        colour = COLOURS[number]
        axes.plot(*zip(*arrived, strict=True), color=colour, marker=MARKERS[number])
        axes.plot(never, [limit] * len(never), "x", color=colour, markersize=8)
        middle = arrived[len(arrived) // 2]
        axes.annotate(label, middle, (8, 6), color=colour, textcoords="offset points")
    axes.annotate(f"×: not within {limit:,} steps", (0.65, 0.84), xycoords="axes fraction")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="steps needed")
    return figure
