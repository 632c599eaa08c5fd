"""How long an epoch takes, and what it teaches: a bar and some dots for each way to train."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from mnistconv.figures.style import BLUE, CLOSE, INK, ORANGE, SOFT_INK, WIDTH


def shrinking_bars(seconds: dict[str, float], accuracy: dict[str, list[float]]) -> Figure:
    """A bar a way to train, its length the `seconds`; beside it the `accuracy` of each run, 0 to 1.

    Both map titles to values, from the first way to the last; dots below 96.5 % stand at the edge.
    """
    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, width_ratios=(3, 2), figsize=(WIDTH, 0.9 + 0.32 * len(seconds))
    )
    rows = -np.arange(len(seconds))
    left.barh(rows, seconds.values(), height=0.62, color=BLUE)
    for row, value in zip(rows, seconds.values(), strict=True):
        left.text(value, row, f" {value:.1f}", va="center", fontsize=10, color=INK)
    left.set_yticks(rows, seconds, fontsize=10, linespacing=CLOSE)
    left.tick_params(axis="y", length=0)
    left.set(xlabel="processor seconds", xlim=(0, 1.12 * max(seconds.values())))
    lowest = 96.5
    for row, title in zip(rows, seconds, strict=True):
        percent = 100 * np.array(accuracy[title])
        right.plot(
            np.maximum(percent, lowest), row + np.zeros(len(percent)), "o", markersize=5,
            color=ORANGE, markerfacecolor="none", clip_on=False,
        )  # fmt: skip
        if percent.max() < lowest:
            right.text(lowest, row, f"   {percent.mean():.1f}", va="center", fontsize=10)
    right.tick_params(axis="y", length=0)
    right.axvline(99, color=SOFT_INK, linewidth=1, linestyle=":")
    right.set(xlabel="accuracy, percent", xlim=(lowest, 99.5))
    return figure
